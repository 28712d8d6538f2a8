"""Writing files whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sinct.errors import OutputError

StrPath = str | os.PathLike[str]
"""A path as callers of the library may give it."""


@contextmanager
def replacing(path: Path, *, folder: Path | None = None) -> Iterator[Path]:
    """Yield a temporary path that becomes `path` when the context ends without an error.

    The bytes are on the disk before the name changes, so that a crash, a full disk or a kill leaves either the
    old file or the new one, never a part of it.

    Args:
        path: the file to write.
        folder: where the temporary file goes, on the same disk; by default the folder of `path`. A kill leaves the
            temporary file behind.

    Raises:
        OutputError: the folder cannot be written to, the disk is full, or `path` is a device or a pipe.
    """
    try:
        check_regular(path)
        descriptor, name = tempfile.mkstemp(dir=folder or path.parent, prefix=".sinct-", suffix=".part")
        os.close(descriptor)
    except OSError as error:
        raise unwritable(path, error) from None
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())  # mkstemp makes files that only their owner may read
        temporary.replace(path)
    except OSError as error:
        raise unwritable(path, error) from None
    finally:
        with suppress(OSError):
            temporary.unlink()


def unwritable(path: Path, error: OSError) -> OutputError:
    """The error for a file that could not be written: why, and what to do, in one line."""
    reason = error.strerror or str(error)
    return OutputError(
        f"cannot write {printable(path)}: {reason}; choose another place or free some space, then repeat"
    )


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
