"""Pictures in rows, each with lines of text under it, for a sheet to choose from."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageOps

from sinct.report.pictures import label_font
from sinct.runtime.files import replacing

LONGEST, SHORTEST = 720, 320
"""Limits to the longer side of a picture on the sheet, in pixels: four stay below 3000, and labels have room."""

LOSSLESS_BYTES = 1_000_000
"""A sheet that is larger as PNG is written as JPEG."""

_COLUMNS = 4
_GAP = 16
_LETTERS = 20
_LINE = 26
_PAPER, _INK, _MARKED = "#ffffff", "#111111", "#0b6e4f"


class Cell(NamedTuple):
    """A picture on the sheet.

    Attributes:
        picture: RGB, of any size.
        lines: text under it, line by line.
        marked: whether a frame distinguishes it.
    """

    picture: Image.Image
    lines: tuple[str, ...]
    marked: bool = False


def columns_for(count: int) -> int:
    """Columns in which pictures are laid out: at most four, in rows as full as they can be."""
    rows = -(-count // _COLUMNS)
    return -(-count // rows)


def labelled_sheet(groups: Sequence[Sequence[Cell]], note: str) -> Image.Image:
    """Lay out groups of pictures, each beginning a row of its own, in cells of the first picture's shape.

    Args:
        groups: one or more, of one or more pictures each; the largest decides on the number of columns.
        note: text under all of them, wrapped where it is too long.

    Returns:
        RGB picture, at most 2960 px wide.
    """
    columns = columns_for(max(map(len, groups)))
    first = groups[0][0].picture
    scale = min(max(1.0, SHORTEST / max(first.size)), LONGEST / max(first.size))
    width, height = (max(1, round(side * scale)) for side in first.size)
    across = max(width, SHORTEST)  # a narrow picture's label has room, too
    lines = max(len(cell.lines) for group in groups for cell in group)
    row_height = height + lines * _LINE + 2 * _GAP
    rows = [row for group in groups for row in _rows(group, columns)]
    inner = columns * (across + _GAP) - _GAP
    wrapped = _wrapped(note, inner)
    size = (inner + 2 * _GAP, len(rows) * row_height + len(wrapped) * _LINE + 2 * _GAP)
    sheet = Image.new("RGB", size, _PAPER)
    draw, font = ImageDraw.Draw(sheet), label_font(_LETTERS)
    for number, row in enumerate(rows):
        for column, cell in enumerate(row):
            left, top = _GAP + column * (across + _GAP), _GAP + number * row_height
            fitted = ImageOps.contain(cell.picture, (width, height), Image.Resampling.LANCZOS)
            sheet.paste(fitted, (left, top))
            if cell.marked:
                box = (left - 5, top - 5, left + fitted.width + 4, top + fitted.height + 4)
                draw.rectangle(box, outline=_MARKED, width=5)
            for index, line in enumerate(cell.lines):
                place = (left, top + height + 6 + index * _LINE)
                draw.text(place, _shortened(line, across), fill=_MARKED if cell.marked else _INK, font=font)
    for index, line in enumerate(wrapped):
        draw.text((_GAP, _GAP + len(rows) * row_height + index * _LINE), line, fill=_INK, font=font)
    return sheet


def save_sheet(sheet: Image.Image, png: Path, jpeg: Path) -> Path:
    """Write a sheet as PNG, or as JPEG if that takes more than `LOSSLESS_BYTES`; the other file is removed.

    Raises:
        OutputError: it cannot be written.
    """
    data = _encoded(sheet, "PNG", optimize=True)
    path, other = png, jpeg
    if len(data) > LOSSLESS_BYTES:
        # Not optimised: Pillow's buffer for that is too small for a noisy picture.
        data, path, other = _encoded(sheet, "JPEG", quality=90, subsampling=0), jpeg, png
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    other.unlink(missing_ok=True)
    return path


def _encoded(sheet: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    sheet.save(file, kind, **options)
    return file.getvalue()


def _rows(cells: Sequence[Cell], columns: int) -> list[Sequence[Cell]]:
    return [cells[start : start + columns] for start in range(0, len(cells), columns)]


def _shortened(text: str, width: int) -> str:
    """A text, cut so that it fits a width in pixels."""
    font = label_font(_LETTERS)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


def _wrapped(text: str, width: int) -> list[str]:
    """A text in lines that fit a width in pixels."""
    font, lines = label_font(_LETTERS), [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
