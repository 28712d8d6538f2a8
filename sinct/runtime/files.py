"""Writing files whole or not at all, and reading them to tell them apart."""

import hashlib
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sinct.errors import InputError, OutputError, one_line

if sys.platform != "win32":
    import fcntl

StrPath = str | os.PathLike[str]
"""A path as callers of the library may give it."""


@contextmanager
def replacing(path: Path, *, folder: Path | None = None, new: bool = False) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the context ends without an error.

    The bytes are on the disk before the name changes, so that a crash, a full disk or a kill leaves either the
    old file or the new one, never a part of it.

    Args:
        path: the file to write.
        folder: where the temporary file goes, on the same disk; by default the folder of `path`. A kill leaves the
            temporary file behind, .sinct-*.part, which is removed when `path` is next written (not on Windows).
        new: refuse to replace a file, even one that appears meanwhile.

    Raises:
        OutputError: the folder cannot be written to, the disk is full, or `path` is a device or a pipe.
    """
    try:
        check_regular(path)
        prefix = f".sinct-{zlib.crc32(os.fsencode(path.name)):08x}-"
        _remove_left_behind(folder or path.parent, prefix)
        temporary, descriptor = _temporary(folder or path.parent, prefix)
    except OSError as error:
        raise unwritable(path, error) from None
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        if new:
            _give_name(temporary, path)
        else:
            temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink()
        if descriptor is not None:
            os.close(descriptor)


def _give_name(temporary: Path, path: Path) -> None:
    """Let a file appear whole under a name that no other has.

    Raises:
        OSError: another has it, or the name cannot be given.
    """
    try:
        os.link(temporary, path)
        return
    except FileExistsError:
        raise
    except OSError:  # the file system has no second names for a file; then the name is claimed first
        path.touch(exist_ok=False)
    try:
        temporary.replace(path)
    except OSError:
        path.unlink()
        raise


def _temporary(folder: Path, prefix: str) -> tuple[Path, int | None]:
    """Make a temporary file, and lock it for as long as this process writes it, where the system can.

    Returns:
        Its path, and the descriptor that holds the lock until it is closed; None on Windows, where a file that is open
        cannot get another name.
    """
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".part")
        if sys.platform == "win32":
            os.close(descriptor)
            return Path(name), None
        if _locked(descriptor) is not False and os.fstat(descriptor).st_nlink:
            return Path(name), descriptor
        os.close(descriptor)  # another process took it for one that was left behind


def _remove_left_behind(folder: Path, prefix: str) -> None:
    """Remove temporary files of processes that were killed: those that nobody has locked."""
    if sys.platform == "win32":
        return
    for name in [name for name in os.listdir(folder) if name.startswith(prefix) and name.endswith(".part")]:
        with suppress(OSError):  # it is gone already, or another person's
            descriptor = os.open(folder / name, os.O_RDWR)
            try:
                if _locked(descriptor):
                    (folder / name).unlink()
            finally:
                os.close(descriptor)


def _locked(descriptor: int) -> bool | None:
    """Lock an open file; False if another process has locked it, None where the disk knows no locks."""
    if sys.platform == "win32":
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error for a file that could not be written: why, and what to do, in one line."""
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot write {printable(path)}: {reason}; choose another place or free some space, then repeat"
    )


def file_sha256(path: StrPath) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        InputError: it cannot be read, or is a folder, a device or a pipe, which may never end.
    """
    try:
        if irregular(Path(path)):
            raise InputError(f"{printable(path)} is a pipe or a device; save it as a file first")
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as error:  # a name may hold what no name can
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(
            f"cannot read {printable(path)}: {reason}; check the path and your permissions"
        ) from None


def file_key(name: str) -> str:
    """A name that people gave as part of a file's name, which no other name shares."""
    readable = "".join(c if c.isascii() and c.isalnum() else "-" for c in name).strip("-")[:30]
    return f"{readable}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def irregular(path: Path) -> bool:
    """Whether a path leads to something that is neither a file nor a folder: a device, a pipe or a socket."""
    return path.exists() and not (path.is_file() or path.is_dir())


def check_regular(path: Path) -> None:
    """Refuse to replace what is no file.

    Raises:
        OutputError: `path` is a device, a pipe or a socket, or a link to one.
    """
    if irregular(path):
        raise OutputError(f"{printable(path)} is a device or a pipe, which is not replaced; give a file name")


def shareable(text: str) -> str:
    """The text without the user's home folder, since reports are passed on."""
    return text.replace(str(Path.home()), "~")


def printable(path: StrPath) -> str:
    r"""A path, or a text with paths in it, on one line that any UTF-8 terminal shows.

    Names are bytes: those that are no UTF-8 are shown as \xff, as are all other characters that cannot be printed.
    """
    return "".join(c if c.isprintable() else _escaped(c) for c in os.fspath(path))


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # Python's place for a byte that is no UTF-8
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else ascii(character)[1:-1]


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
