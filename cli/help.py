"""Help: options in groups, examples at the end, and lines that fit a narrow terminal."""

import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from sinct.errors import did_you_mean

from . import display

Function = TypeVar("Function", bound=Callable[..., Any])

GROUPS = {
    "Input": "painting photo photos match pairs regions photo-regions source target mask shared-model add "
    "labels label-numbers segmenter class reference",
    "Output": "output run-dir resume overwrite bits profile format suffix outputs verify no-report rest undo note only "
    "open",
    "Look": "preset method methods without seed stroke faithful from-scratch strength keep state size set rows "
    "pictures insets",
    "Length": "time steps epochs iterations seeds presets each-photo each-faithful continue pick prune samples",
    "Machine": "device max-memory workers ray retries network weights sha256 weights-dir random-weights single-scale "
    "timing port",
    "Messages": "dry-run json verbose quiet version install-completion show-completion help",
}
"""Options by group. An option is in the same group in all commands that have it."""

GROUP_OF = {f"--{name}": group for group, names in GROUPS.items() for name in names.split()}

NARROW = 60
"""Columns below which help is a list, since a table would cut words."""

NO_CHOICE = re.compile(r"(?:Value error, )?'(.*)' is not one of (.*)\.$", re.DOTALL)
"""Click's message about a value that is none of an option's choices."""

NEEDED = {
    r"Input should be a valid integer.*": "a whole number is needed",
    r"Input should be a valid number.*": "a number is needed",
    r"Input should be greater than or equal to (.*)": r"it must be \1 or more",
    r"Input should be less than or equal to (.*)": r"it must be \1 or less",
}
"""Messages about numbers, and what they are in plain words."""

WORDS = {"<path>": "PATH", "<list[Path]>": "PATH", "<str>": "TEXT", "<list[str]>": "TEXT", "<int range>": "N"}
"""What help calls a value, in place of Typer's names, which are those of Python's types."""

NAMES = ["-h", "--help"]
"""Options that ask for help."""


def examples(*lines: str) -> str:
    """Commands for the end of a help text, one a line."""
    return "\n".join(lines)


class _Help:
    """What help looks like, for commands and groups of them."""

    def get_params(self, ctx: Any) -> list[Any]:
        """See Click: arguments and options, each in its group, the groups in their order."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            found = [GROUP_OF[name] for name in param.opts if name in GROUP_OF]
            if found and not getattr(param, "rich_help_panel", None):
                param.rich_help_panel = found[0]
        order = list(GROUPS)
        return sorted(params, key=lambda param: _place(param, order))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See Click: a value that does not fit is told in plain words, and with the choice that it resembles."""
        try:
            parsed: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        except typer.BadParameter as error:
            if found := NO_CHOICE.match(error.message):
                near = did_you_mean(found[1], re.findall("'([^']*)'", found[2]))
                error.message = f"{found[1]!r} is not one of {found[2]}{near or '.'}"
            for pattern, words in NEEDED.items():
                error.message = re.sub(pattern, words, error.message, flags=re.DOTALL)
            raise
        return parsed

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """See Click: print usage, groups of options and commands, and examples."""
        own: Any = self
        for param in own.get_params(ctx):
            if getattr(param, "is_flag", False) and param.metavar is None:
                param.metavar = ""  # a switch takes no value
            elif type_of := getattr(param, "display_type", None):  # not in every version of Typer
                named = type_of(ctx=ctx)
                param.display_type = partial(_named, WORDS.get(named, named))
        shown, own.epilog = own.epilog, None  # Typer would fill its lines
        try:
            if display.out.width < NARROW:
                for line in _in_lines(own, ctx, display.out.width):
                    display.out.print(line, highlight=False)
            else:
                super().format_help(ctx, formatter)  # type: ignore[misc]
        finally:
            own.epilog = shown
        if shown:
            display.out.print("Examples:", style="bold", highlight=False)
            for line in shown.splitlines():
                display.out.print(f"  {line}", highlight=False)


class Command(_Help, TyperCommand):
    """A command."""


class Group(_Help, TyperGroup):
    """Commands under one name."""


class App(typer.Typer):
    """Typer's application, whose commands have help of this kind."""

    def __init__(self, *, cls: type[Group] = Group, **options: Any) -> None:
        super().__init__(
            cls=cls, no_args_is_help=True, context_settings={"help_option_names": NAMES}, **options
        )

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """See Typer: register a function as a command."""
        return super().command(name, cls=Command, **options)


def _named(word: str, ctx: Any) -> str:
    """A word for a value, where Typer asks for its type."""
    return word


def _place(param: Any, order: list[str]) -> int:
    """Where a parameter's group stands; arguments and what has no group come first."""
    group = getattr(param, "rich_help_panel", None)
    return order.index(group) if group in order else -1


def _in_lines(command: Any, ctx: Any, width: int) -> Iterator[str]:
    """Help as a list that fits the width: each option on a line, below it what it does."""
    words = [ctx.command_path, *command.collect_usage_pieces(ctx)]
    yield filled(f"Usage: {' '.join(words)}", width, "")
    yield ""
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield filled(paragraph, width, "")
        yield ""
    groups: dict[str, list[tuple[str, str]]] = {}
    for param in command.get_params(ctx):
        record = param.get_help_record(ctx)
        if record is not None:
            otherwise = "Options" if param.param_type_name == "option" else "Arguments"
            groups.setdefault(getattr(param, "rich_help_panel", None) or otherwise, []).append(record)
    if isinstance(command, TyperGroup):
        found = (command.get_command(ctx, name) for name in command.list_commands(ctx))
        groups["Commands"] = [
            (each.name or "", each.get_short_help_str(limit=1000)) for each in found if each
        ]
    for title, records in groups.items():
        yield f"{title}:"
        for name, text in records:
            yield filled(name, width, "  ")
            yield filled(text, width, "    ")
        yield ""


def filled(text: str, width: int, indent: str) -> str:
    """A paragraph in lines, without breaking words: names of options and files stay whole."""
    deeper = indent and "    "
    return textwrap.fill(
        " ".join(text.split()), width, initial_indent=indent, subsequent_indent=deeper, break_long_words=False,
        break_on_hyphens=False,
    )  # fmt: skip
