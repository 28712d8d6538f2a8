"""`sinct help`: a command's help, and pages of the guide."""

import re
from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Annotated, Any, ClassVar

import typer
from rich.markdown import Heading, Markdown
from rich.text import Text

from . import display

PAGES = {"picture": "guide.md"}
"""Pages of the guide, with their files in `sinct_assets`."""

WIDEST = 100
"""Characters of a line, above which it is tiring to read."""


class _Heading(Heading):
    """A heading at the left, without a frame."""

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        self.text.justify = "left"
        yield Text("")
        yield self.text


class _Page(Markdown):
    elements: ClassVar = {**Markdown.elements, "heading_open": _Heading}


def help_(
    ctx: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND | picture]",
            help="A command, such as `batch retry`; or picture, for what to try when a picture is not good.",
        ),
    ] = None,
) -> None:
    """Show what to try when a picture is not good (`sinct help picture`), or the help of a command."""
    parent = ctx.find_root()
    if words and words[0] in PAGES:
        _show(PAGES[words[0]])
        return
    command, context = parent.command, parent
    for number, word in enumerate(words or []):
        commands = getattr(command, "commands", {})
        if word not in commands:
            above = " ".join(["sinct", *(words or [])[:number]])
            known = ", ".join([*commands, *(PAGES if number == 0 else [])])
            end = f"there are {known}" if known else "it has no further commands"
            display.fail(f"{above} has no command {word}; {end}")
            raise typer.Exit(1)
        command = commands[word]
        context = type(context)(command, info_name=word, parent=context)
    print(command.get_help(context))  # Rich has printed it already and leaves an empty line
    if not words:
        display.say("When a picture is not good: sinct help picture")


def _show(name: str) -> None:
    """Print a page as wide as the terminal, without its pictures, and say where these are."""
    with as_file(files("sinct_assets") / name) as path:
        page, folder = path.read_text(encoding="utf-8"), path.parent
    text = display.able(plain(page), plain(page).encode("ascii", "replace").decode())
    width = min(display.out.width, WIDEST)
    display.out.print(_Page(text, hyperlinks=False), width=width, soft_wrap=False)
    display.out.print()
    display.say(f"The pictures are in {folder}")


def plain(page: str) -> str:
    """A page of Markdown with its pictures, and its links to other parts of the repository, in words."""
    named = re.sub(r"!\[([^\]]*)\]\(([^)]*)\)", r"Picture \2: \1", page)
    named = re.sub(r"\[([^\]]*)\]\(\.\./([^)]*)\)", r"\1, \2", named)
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", named)
