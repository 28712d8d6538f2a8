"""Pictures and lists that come through a pipe: standard input, or a shell's <(command)."""

import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO

from sinct.errors import InputError
from sinct.runtime.files import printable, unwritable

STANDARD_INPUT = Path("-")


@contextmanager
def stored(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """The paths, with what comes through pipes copied to temporary files, since pictures are read more than once.

    Enter this before signals are caught: a pipe into which nobody writes can only be waited for.

    Raises:
        InputError: a path is a device, or standard input is a terminal or asked for twice.
        OutputError: a copy cannot be written.
    """
    if list(paths).count(STANDARD_INPUT) > 1:
        raise InputError("standard input, -, holds one file; give the others by name")
    with ExitStack() as stack:
        if not any(map(_is_pipe, paths)):
            yield list(paths)
            return
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sinct-")))
        yield [
            _copied(path, folder / f"{number}-{path.name}") if _is_pipe(path) else path
            for number, path in enumerate(paths)
        ]


def _is_pipe(path: Path) -> bool:
    """Whether a path must be copied; refuses devices, which have no end.

    Raises:
        InputError: it is a device or a socket.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return path == STANDARD_INPUT  # or it is missing, as reading it will say
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        raise InputError(f"{printable(path)} is a device or a socket; give a file")
    return stat.S_ISFIFO(mode)


def _copied(path: Path, copy: Path) -> Path:
    if path == STANDARD_INPUT and not path.exists():
        if sys.stdin.isatty():
            raise InputError("nothing comes on standard input; give a file, or send one: ... | sinct ... -")
        return _copy(sys.stdin.buffer, copy)
    try:
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{printable(path)} cannot be read ({error.strerror}); give a file") from None
    with file:
        return _copy(file, copy)


def _copy(file: BinaryIO, copy: Path) -> Path:
    try:
        with copy.open("wb") as target:
            shutil.copyfileobj(file, target)
    except OSError as error:
        raise unwritable(copy, error) from None
    return copy
