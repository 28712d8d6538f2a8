"""Tables and facts that cut nothing and break no word: where the terminal is too narrow for a table, a list.

Elsewhere than on a terminal every row is one line, however long, for programs that read lines.
"""

import textwrap
from collections.abc import Mapping, Sequence

from rich.cells import cell_len

from sinct.runtime.files import printable

from . import display
from .help import NARROW, filled

GAP = 2
"""Columns of the terminal between two columns of a table."""

LEAST = 30
"""Columns that sentences need in the last column of a table to be read with ease."""


def show(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> None:
    """Print rows under their header.

    Args:
        header: names of the columns.
        rows: cells, as many as there are names. The last ones may be sentences, which are wrapped.
        numbers: whether all columns but the first hold numbers, to be aligned at their right.
    """
    rows = [[" ".join(printable(cell).split()) for cell in row] for row in rows]
    bold, lines = _table(header, rows, numbers=numbers)
    if not lines:
        for row in rows:
            paragraph(row[0])
            for name, cell in zip(header[1:], row[1:], strict=True):
                if cell:
                    paragraph(f"{name}: {cell}", indent="  ")
        return
    for number, line in enumerate(lines):
        display.out.print(line, style="bold" if number < bold else None, highlight=False)


def facts(found: Mapping[str, str]) -> None:
    """Print facts by name: side by side where there is room, or each below its name."""
    names = max(map(len, found)) + GAP
    for name, value in found.items():
        if not display.out.is_terminal:
            display.say(f"{name:<{names}}{value}")
        elif display.out.width < NARROW:
            paragraph(name)
            paragraph(value, indent="    ")
        else:
            _print(_wrapped(value, display.out.width - names), names, f"{name:<{names}}")


def paragraph(text: str, *, indent: str = "") -> None:
    """Print a text in lines that end with a word."""
    text = printable(text)
    text = filled(text, display.out.width, indent) if display.out.is_terminal else f"{indent}{text}"
    display.out.print(text, highlight=False)


def _print(lines: Sequence[str], left: int, first: str) -> None:
    """Print lines in a column that begins after `left` columns, the first one behind a text."""
    for number, line in enumerate(lines):
        display.out.print(f"{'' if number else first:<{left}}{line}", highlight=False)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool) -> tuple[int, list[str]]:
    """How many lines the header has, and all lines of a table; none if the terminal has no room for it."""
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    heads: list[Sequence[str]] = [header]
    room = widths[-1]
    if display.out.is_terminal:
        if numbers:
            widths = _narrowed(header, rows, display.out.width)
            heads = _in_lines(header, widths)
        room = display.out.width - sum(widths[:-1]) - GAP * (len(widths) - 1)
        words = max(cell_len(word) for row in (header, *rows) for word in [*row[-1].split(), ""])
        needed = widths[-1] if numbers else min(widths[-1], max(LEAST, words))
        if room < needed:
            return 0, []
    lines = []
    for row in (*heads, *rows):
        *cells, last = row
        left = ""
        for number, (cell, width) in enumerate(zip(cells, widths, strict=False)):
            space = " " * (width - cell_len(cell))
            left += (space + cell if numbers and number else cell + space) + " " * GAP
        last = " " * (widths[-1] - cell_len(last)) + last if numbers else last
        wrapped = [last] if numbers else _wrapped(last, room)
        lines += [
            f"{' ' * cell_len(left) if number else left}{line}".rstrip()
            for number, line in enumerate(wrapped)
        ]
    return len(heads), lines


def _in_lines(header: Sequence[str], widths: Sequence[int]) -> list[Sequence[str]]:
    """Names of columns, broken into lines that end at the bottom."""
    names = [_wrapped(name, width) for name, width in zip(header, widths, strict=True)]
    height = max(map(len, names))
    return list(zip(*([""] * (height - len(lines)) + lines for lines in names), strict=True))


def _narrowed(header: Sequence[str], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths of columns of numbers that fit a room, if breaking the lines of their names achieves that."""
    columns = list(zip(*rows, strict=True)) or [()] * len(header)
    cells = [max(map(cell_len, column), default=0) for column in columns]
    least = [max(cell, *map(cell_len, name.split()), 0) for cell, name in zip(cells, header, strict=True)]
    most = [max(cell, cell_len(name)) for cell, name in zip(cells, header, strict=True)]
    for longest in range(max(most), 0, -1):
        widths = [min(full, max(small, longest)) for full, small in zip(most, least, strict=True)]
        if sum(widths) + GAP * (len(widths) - 1) <= room:
            return widths
    return most


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines of a width, without breaking words."""
    return textwrap.wrap(text, max(1, width), break_long_words=False, break_on_hyphens=False) or [""]
