"""Output for people, and with --json for programs."""

import json
import math
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from sinct.errors import SinctError

from .wording import as_options

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)


def say(text: str, *, quiet: bool = False) -> None:
    """Print one line of text to a person."""
    if not quiet:
        out.print(as_options(text), highlight=False, markup=False)


def remark(text: str) -> None:
    """Print one line on what is going on to stderr, above a progress bar where there is one."""
    err.print(as_options(text), highlight=False, markup=False)


def warn(text: str, *, quiet: bool = False) -> None:
    """Print one warning to stderr."""
    if not quiet:
        err.print(Text.assemble(("warning: ", "yellow"), as_options(text)))


def fail(text: str, *, as_json: bool = False) -> None:
    """Print one error: JSON on stdout for programs, a line on stderr for people."""
    line = " ".join(as_options(text).split())
    if as_json:
        print(json.dumps({"error": line}))
    else:
        err.print(Text.assemble(("error: ", "bold red"), line))


def plain(text: str) -> Text:
    """Text for a table cell, without Rich's markup, so that brackets stay brackets."""
    return Text(text)


@contextmanager
def errors(*, as_json: bool, quiet: bool) -> Iterator[None]:
    """Print a `SinctError` as one line and exit with code 1; print library warnings as lines."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_args, **_options: warn(str(message), quiet=quiet)
        try:
            yield
        except SinctError as error:
            fail(str(error), as_json=as_json)
            raise typer.Exit(1) from None


def emit(result: Mapping[str, Any]) -> None:
    """Print a result as JSON."""
    print(json.dumps(_translated(result), ensure_ascii=False))


def _translated(value: Any) -> Any:
    """Every text within a result in the words of the command line."""
    if isinstance(value, str):
        return as_options(value)
    if isinstance(value, Mapping):
        return {key: _translated(item) for key, item in value.items()}
    return [_translated(item) for item in value] if isinstance(value, (list, tuple)) else value


def clock(seconds: float) -> str:
    """Format seconds as 1:05 or 2:03:09."""
    minutes, seconds_left = divmod(math.ceil(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds_left:02}" if hours else f"{minutes}:{seconds_left:02}"
