"""Bar chart of the shares of classes in several folders, as figure 6 of Park et al. 2020 compares them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from sinct.errors import OutputError
from sinct.runtime.files import printable, replacing

FORMATS: Mapping[str, Mapping[str, Any]] = {
    ".png": {"dpi": 200},
    ".svg": {"metadata": {"Creator": None, "Date": None}},
    ".pdf": {"metadata": {"Creator": None, "Producer": None, "CreationDate": None}},
}
"""What can be written, with what makes files the same every time."""

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442", "#000000")
"""Of the classes; colour-blind people can tell them apart (Okabe & Ito)."""

_ROW, _WIDTH = 0.42, 6.0  # inches
_LONGEST = 40  # characters of a folder's name
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 9,
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "sinct",
}


def check_chart(path: Path, *, overwrite: bool) -> None:
    """See that a chart can be written, before the work that it shows.

    Raises:
        OutputError: it is there already, or its suffix is none of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise OutputError(f"{printable(path)} is no chart; give a name that ends in {', '.join(FORMATS)}")
    if path.exists() and not overwrite:
        raise OutputError(f"{printable(path)} already exists; give `overwrite=True` or another `output`")


def write_shares(path: Path, shares: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> None:
    """Write a chart, completely or not at all; its suffix chooses the format.

    Args:
        path: see `check_chart`.
        shares: name of a folder -> class -> share in percent.
        classes: in the order in which they are stacked.

    Raises:
        OutputError: it cannot be written.
    """
    suffix = path.suffix.lower()
    with rc_context(_STYLE), replacing(path) as temporary:
        draw_shares(shares, classes).savefig(temporary, format=suffix[1:], **FORMATS[suffix])


def draw_shares(shares: Mapping[str, Mapping[str, float]], classes: Sequence[str]) -> Figure:
    """A bar for each folder, from top to bottom: its classes behind one another, and their sum written at the end."""
    names = list(shares)
    figure = Figure(figsize=(_WIDTH, 1.0 + _ROW * len(names)), layout="constrained")
    axes = figure.add_subplot()
    places = range(len(names))
    left = [0.0] * len(names)
    for number, label in enumerate(classes):
        values = [shares[name][label] for name in names]
        axes.barh(places, values, 0.66, left, color=COLOURS[number % len(COLOURS)], label=label)
        left = [before + value for before, value in zip(left, values, strict=True)]
    for place, total in zip(places, left, strict=True):
        axes.text(total, place, f" {total:.1f} %", va="center", ha="left")
    axes.set_yticks(list(places), [_shortened(printable(name)) for name in names], parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("share of pixels, %")
    axes.set_xlim(0, max(1.0, 1.18 * max(left)))
    axes.spines[["top", "right"]].set_visible(False)
    if len(classes) > 1:
        figure.legend(loc="outside upper left", ncols=min(len(classes), 5), frameon=False)
    return figure


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
