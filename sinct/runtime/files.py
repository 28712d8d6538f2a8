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
        OutputError: the folder cannot be written to, or the disk is full.
    """
    try:
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
    name = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))  # keeps it one line
    return OutputError(f"cannot write {name}: {reason}; choose another place or free some space, then repeat")


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
