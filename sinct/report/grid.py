"""Translations as papers print them: a row for each source picture, a column for each method."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from sinct.errors import ConfigError
from sinct.report.crops import Place, choose_places
from sinct.report.figure import COLOURS, GAP, LABEL, STYLE, WIDTH, letters_for, printable_label, save_figure
from sinct.report.folder_results import GridRow

SHARE = 0.2
"""Side of the place that an inset enlarges, of the picture's shorter side."""

INSET = 0.45
"""Side of an inset, of the shorter side of its picture on the page."""

RESOLUTION = 300
"""Dots per inch of the PNG."""


def write_grid(folder: Path, titles: Sequence[str], rows: Sequence[GridRow], *, insets: bool = False) -> None:
    """Write `grid.pdf` and `grid.png`, each completely or not at all.

    The same pictures give the same bytes. Fonts are embedded.

    Args:
        folder: folder to write to.
        titles: headings of the columns.
        rows: one or more, each with a picture for each column. A row has the shape of its first picture, and pictures
            of another shape are fitted in.
        insets: enlarge the place of each row where the translations differ most.

    Raises:
        ConfigError: there are no rows, or a row has another number of pictures than there are columns.
        OutputError: the folder cannot be written to.
    """
    with rc_context(STYLE):
        save_figure(draw_grid(titles, rows, insets=insets), folder / "grid", ("pdf", "png"), RESOLUTION)


def draw_grid(titles: Sequence[str], rows: Sequence[GridRow], *, insets: bool = False) -> Figure:
    """Lay out the pictures; see `write_grid`."""
    if not rows or any(len(row.pictures) != len(titles) for row in rows):
        raise ConfigError(f"a grid needs rows of {len(titles)} pictures each, one for each column")
    width = (WIDTH - (len(titles) - 1) * GAP) / len(titles)
    heights = [width * row.pictures[0].height / row.pictures[0].width for row in rows]
    whole = LABEL + sum(heights) + (len(rows) - 1) * GAP
    figure = Figure(figsize=(WIDTH, whole))
    letters = letters_for(titles, width)
    for column, title in enumerate(titles):
        figure.text(
            (column * (width + GAP) + width / 2) / WIDTH,
            1 - 0.45 * LABEL / whole,
            printable_label(title, "", width, letters),
            fontsize=letters,
            ha="center",
            va="center",
            parse_math=False,
        )
    top = LABEL
    for row, height in zip(rows, heights, strict=True):
        place = differing_place(row) if insets else None
        for column, picture in enumerate(row.pictures):
            box = (column * (width + GAP) / WIDTH, 1 - (top + height) / whole, width / WIDTH, height / whole)
            axes: Axes = figure.add_axes(box)
            axes.set_axis_off()
            axes.imshow(picture, interpolation="none", aspect="equal")
            if place is not None:
                _enlarge(axes, picture, place, row.pictures[0].size)
        top += height + GAP
    return figure


def differing_place(row: GridRow) -> Place | None:
    """The place of the source picture where its translations differ most; None where it is too small for one."""
    first, *others = row.pictures
    same = [picture for picture in others if picture.size == first.size]
    side = round(SHARE * min(first.size))
    return choose_places(first, same, side, 1)[0] if same and side else None


def _enlarge(axes: Axes, picture: Image.Image, place: Place, size: tuple[int, int]) -> None:
    """Mark a place, given for a picture of `size`, and show it enlarged in the corner that is farthest from it."""
    across, down = picture.width / size[0], picture.height / size[1]
    left, top = place.left * across, place.top * down
    wide, high = place.size * across, place.size * down
    marks = ((1.4, "white"), (0.7, COLOURS[0]))  # seen on dark and on light
    for line, shade in marks:
        frame = Rectangle((left - 0.5, top - 0.5), wide, high, fill=False, edgecolor=shade, linewidth=line)
        axes.add_patch(frame)
    side = INSET * min(picture.size) / picture.width, INSET * min(picture.size) / picture.height
    x = 1 - side[0] if left + wide / 2 < picture.width / 2 else 0.0
    y = 0.0 if top + high / 2 < picture.height / 2 else 1 - side[1]
    inset: Axes = axes.inset_axes((x, y, *side))
    inset.set_axis_off()
    crop = picture.crop((round(left), round(top), round(left + wide), round(top + high)))
    inset.imshow(crop, interpolation="none", aspect="auto")
    edge = Rectangle((0, 0), 1, 1, fill=False, edgecolor=COLOURS[0], linewidth=1.2, transform=inset.transAxes)
    inset.add_patch(edge)
