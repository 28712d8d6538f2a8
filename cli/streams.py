"""Standard streams that are fit for use, whatever the shell gave: closed, full, or with few characters."""

import codecs
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

STAND_INS = {"Δ": "d", "²": "2", "³": "3", "½": "1/2", "×": "x", "±": "+-", "…": "...", "≥": ">="}  # noqa: RUF001
"""What is written for characters that a terminal's encoding lacks: ΔE becomes dE."""


def _stand_in(error: UnicodeError) -> tuple[str | bytes, int]:
    """An error handler of codecs: stand-ins where there are some, escapes for all other characters."""
    if isinstance(error, UnicodeEncodeError) and (found := STAND_INS.get(error.object[error.start])):
        return found, error.start + 1
    if isinstance(error, UnicodeEncodeError):
        error.end = error.start + 1
    return codecs.backslashreplace_errors(error)


codecs.register_error("sinct", _stand_in)


class _Heedless(io.TextIOWrapper):
    """A stream for messages; work goes on where they cannot be written."""

    def write(self, text: str, /) -> int:
        """Write what can be written."""
        with suppress(OSError):
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        """Flush what can be flushed."""
        with suppress(OSError):
            super().flush()


@contextmanager
def usable() -> Iterator[None]:
    """Make the standard streams usable while the context lasts.

    Closed ones lead nowhere. Characters that an encoding lacks have stand-ins or are escaped, and so are bytes of names
    that are no UTF-8. A
    standard output that cannot be written, such as a file on a full disk, ends the command with one line and code 1.
    """
    _open_closed()
    with suppress(AttributeError, io.UnsupportedOperation):  # someone else's streams
        sys.stdout.reconfigure(errors="sinct")  # type: ignore[union-attr]
        sys.stderr = _heedless(sys.stderr)
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        raise SystemExit(1) from None  # the reader has seen enough
    except OSError as error:
        _drop_output()
        print(f"error: cannot print: {error.strerror or error}; free some space", file=sys.stderr)
        raise SystemExit(1) from None


def _heedless(stream: TextIO) -> _Heedless:
    return _Heedless(
        stream.detach(),  # type: ignore[attr-defined]
        encoding=stream.encoding,
        errors="sinct",
        line_buffering=True,
    )


def _open_closed() -> None:
    """Let closed streams lead nowhere; otherwise the next file to be opened would take their place."""
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


def _drop_output() -> None:
    """Forget what could not be printed, so that Python does not try again at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
