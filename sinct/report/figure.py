"""The figure of a comparison as papers print it: every picture with the same places marked and enlarged below it."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.patches import Rectangle
from PIL import Image

from sinct.report.crops import Place, similar_place
from sinct.report.pictures import Panel
from sinct.report.wording import label
from sinct.runtime.files import replacing

WIDTH = 7.0
"""Width in inches, that of a page of two columns in most journals."""

COLUMNS = 5
"""Most pictures side by side; more go below."""

COLOURS = ("#d55e00", "#0072b2")
"""Of the marked places: vermilion and blue, which colour-blind people can tell apart (Okabe & Ito)."""

GAP, LABEL = 0.06, 0.2
"""Inches between pictures, and for a heading."""

_LETTERS, _SMALLEST_LETTERS = 8, 4  # points
_ASPECT = 0.6  # of a letter's width to its height, on average
_RESOLUTION = 400  # dots per inch that whole pictures are reduced to; crops keep their pixels
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that the figure is the same everywhere
    "font.size": _LETTERS,
    "pdf.fonttype": 42,  # TrueType, embedded; journals refuse Type 3
    "svg.fonttype": "path",  # letters as outlines, which need no font
    "svg.hashsalt": "sinct",  # for the same bytes every time
}
"""Matplotlib's settings for figures of papers."""

_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"Creator": None, "Producer": None, "CreationDate": None},
    "svg": {"Creator": None, "Date": None},
    "png": {"Software": None},
}  # without it, for the same bytes every time


def write_figure(
    folder: Path, painting: Panel, photo: Panel, results: Sequence[Panel], places: Sequence[Place]
) -> None:
    """Write `figure.pdf` and `figure.svg`, each completely or not at all.

    The same pictures give the same bytes. Fonts are embedded.

    Args:
        folder: folder to write to.
        painting: sets the shape of the cells; pictures of another shape are fitted in.
        photo: the reference photo, of which similar places are enlarged.
        results: results of the painting's size, in their order.
        places: places of the painting; the first two are marked and enlarged.

    Raises:
        OutputError: the folder cannot be written to.
    """
    with rc_context(STYLE):
        save_figure(draw_figure(painting, photo, results, places), folder / "figure", ("pdf", "svg"))


def save_figure(figure: Figure, path: Path, kinds: Sequence[str], resolution: int | None = None) -> None:
    """Write a figure in several formats, each file completely or not at all.

    Args:
        figure: what to write.
        path: file without its suffix.
        kinds: of "pdf", "svg" and "png".
        resolution: dots per inch of pixels.

    Raises:
        OutputError: a file cannot be written.
    """
    for kind in kinds:
        with replacing(path.with_name(f"{path.name}.{kind}")) as temporary:
            figure.savefig(
                temporary,
                format=kind,
                metadata=_METADATA[kind],
                dpi="figure" if resolution is None else resolution,
            )


def draw_figure(painting: Panel, photo: Panel, results: Sequence[Panel], places: Sequence[Place]) -> Figure:
    """Lay out the pictures; see `write_figure`."""
    places = places[: len(COLOURS)]
    shown = [painting, photo, *results]
    rows = math.ceil(len(shown) / COLUMNS)
    columns = math.ceil(len(shown) / rows)
    width = (WIDTH - (columns - 1) * GAP) / columns
    height = width * painting.picture.height / painting.picture.width
    side = (width - GAP) / 2 if places else 0.0
    cell = LABEL + height + (GAP + side if places else 0.0)
    whole = rows * cell + (rows - 1) * GAP
    figure = Figure(figsize=(WIDTH, whole))

    def axes(left: float, top: float, wide: float, high: float) -> Axes:
        box = (left / WIDTH, 1 - (top + high) / whole, wide / WIDTH, high / whole)
        found: Axes = figure.add_axes(box)
        found.set_axis_off()
        return found

    like = _similar(photo, results, places)
    for index, panel in enumerate(shown):
        row, column = divmod(index, columns)
        left, top = column * (width + GAP), row * (cell + GAP)
        figure.text(
            (left + width / 2) / WIDTH,
            1 - (top + LABEL * 0.45) / whole,
            printable_label(panel.name, label("", panel.result), width),
            ha="center",
            va="center",
            parse_math=False,
        )
        own = like if panel is photo else places
        _show_whole(axes(left, top + LABEL, width, height), panel.picture, own, width)
        for number, (place, colour) in enumerate(zip(own, COLOURS, strict=False)):
            corner = left + number * (side + GAP), top + LABEL + height + GAP
            _show_crop(axes(*corner, side, side), place.cut(panel.picture), colour)
    return figure


def _similar(photo: Panel, results: Sequence[Panel], places: Sequence[Place]) -> list[Place]:
    """The photo's places that are most like the results' at each place."""
    return [
        similar_place(photo.picture, [place.cut(panel.picture) for panel in results], place.size)
        for place in places
    ]


def _show_whole(axes: Axes, picture: Image.Image, places: Sequence[Place], width: float) -> None:
    """A whole picture with the places marked."""
    scale = min(1.0, width * _RESOLUTION / picture.width)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    _show(axes, picture.resize(size, Image.Resampling.LANCZOS))
    for place, colour in zip(places, COLOURS, strict=False):
        corner = (place.left * scale - 0.5, place.top * scale - 0.5)
        side = place.size * scale
        for line, shade in ((2.2, "white"), (1.2, colour)):  # seen on dark and on light
            frame = Rectangle(corner, side, side, fill=False, edgecolor=shade, linewidth=line, clip_on=False)
            axes.add_patch(frame)


def _show_crop(axes: Axes, picture: Image.Image, colour: str) -> None:
    """An enlarged place in a frame of its colour."""
    _show(axes, picture)
    frame = Rectangle((0, 0), 1, 1, fill=False, edgecolor=colour, linewidth=1.6)
    frame.set_transform(axes.transAxes)
    axes.add_patch(frame)


def _show(axes: Axes, picture: Image.Image) -> None:
    axes.imshow(picture, interpolation="none", aspect="equal")


def letters_for(names: Sequence[str], width: float) -> float:
    """Size of letters, in points, in which all names fit into their columns, if that is not too small to read.

    Args:
        names: headings of columns.
        width: of a column, in inches.
    """
    longest = max(len(" ".join(name.split())) for name in names)
    return max(_SMALLEST_LETTERS, min(_LETTERS, width * 72 / (_ASPECT * longest)))


def printable_label(name: str, mark: str, width: float, letters: float = _LETTERS) -> str:
    """A name in one line, as much of it as fits, with question marks for letters that the font lacks.

    Args:
        name: of a picture.
        mark: what stands behind it and is not shortened.
        width: in inches.
        letters: their size, in points.
    """
    known = FT2Font(font_manager.findfont("DejaVu Sans")).get_charmap()
    line = "".join(c if ord(c) in known else "?" for c in " ".join(name.split()))
    most = max(4, int(width * 72 / (_ASPECT * letters) + 1e-6) - len(mark))
    return (line if len(line) <= most else line[: most - 1] + "…") + mark
