"""Output for people, and with --json for programs."""

import json
import math
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from sinct.errors import SinctError, one_line
from sinct.runtime.files import printable

from .wording import as_options

# Names may hold [brackets] and :colons:, which are no markup.
out = Console(soft_wrap=True, markup=False, emoji=False)
err = Console(stderr=True, soft_wrap=True, markup=False, emoji=False)


def say(text: str, *, quiet: bool = False) -> None:
    """Print one line of text to a person."""
    if not quiet:
        out.print(printable(as_options(text)), highlight=False)


def remark(text: str) -> None:
    """Print one line on what is going on to stderr, above a progress bar where there is one."""
    _tell(Text(printable(as_options(text))))


def warn(text: str, *, quiet: bool = False) -> None:
    """Print one warning to stderr."""
    if not quiet:
        _tell(Text.assemble(("warning: ", "yellow"), printable(as_options(text))))


def fail(text: str, *, as_json: bool = False) -> None:
    """Print one error: JSON on stdout for programs, a line on stderr for people."""
    line = " ".join(as_options(text).split())
    if as_json:
        print(json.dumps({"error": line}))
    else:
        _tell(Text.assemble(("error: ", "bold red"), printable(line)))


def _tell(text: Text) -> None:
    """Print to stderr: on a terminal, in lines that end with a word; elsewhere, one line, however long."""
    err.print(text, highlight=False, soft_wrap=not err.is_terminal)


def plain(text: str) -> Text:
    """Text for a table cell, without Rich's markup, so that brackets stay brackets."""
    return Text(printable(text))


def able(text: str, otherwise: str) -> str:
    """A text, or another one where the terminal's encoding lacks its characters."""
    return text if _encodable(text) else otherwise


def _encodable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


@contextmanager
def errors(*, as_json: bool, quiet: bool) -> Iterator[None]:
    """Print an error that a person can act on as one line and exit with code 1; print library warnings as lines."""
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # sinct's own end nothing, even with -W error
        warnings.showwarning = lambda message, *_args, **_options: warn(str(message), quiet=quiet)
        try:
            yield
        except SinctError as error:
            fail(str(error), as_json=as_json)
        except BrokenPipeError:
            raise
        except OSError as error:  # such as a name that is too long for the disk
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or one_line(error)}; check the path and the disk", as_json=as_json)
        except Warning as warning:
            fail(
                f"a warning was made an error by -W or PYTHONWARNINGS: {one_line(warning)}; leave that out",
                as_json=as_json,
            )
        else:
            return
        raise typer.Exit(1)


def emit(result: Mapping[str, Any]) -> None:
    """Print a result as JSON."""
    text = json.dumps(_translated(result), ensure_ascii=False)
    print(able(text, json.dumps(_translated(result))))


def _translated(value: Any) -> Any:
    """Every text within a result in the words of the command line."""
    if isinstance(value, str):
        return as_options(value)
    if isinstance(value, Mapping):
        return {key: _translated(item) for key, item in value.items()}
    return [_translated(item) for item in value] if isinstance(value, (list, tuple)) else value


def amount(count: float) -> str:
    """Format a number of bytes with the unit that fits it: 12 KB, 3.4 MB, 120 GB."""
    units = ("bytes", "KB", "MB", "GB", "TB")
    step = 0
    while count >= 999.5 and step < len(units) - 1:
        count, step = count / 1000, step + 1
    return f"{count:.1f} {units[step]}" if step and count < 9.95 else f"{count:.0f} {units[step]}"


def clock(seconds: float) -> str:
    """Format seconds as 1:05 or 2:03:09."""
    minutes, seconds_left = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds_left:02}" if hours else f"{minutes}:{seconds_left:02}"
