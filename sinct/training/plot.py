"""Plot the losses over the steps, with what happened meanwhile."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from sinct.errors import counted
from sinct.training.terms import Term

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
"""Panels per row."""

_LINE, _WORDS = "#1f6feb", "#555555"


class Mark(NamedTuple):
    """Something that happened in a training.

    Attributes:
        steps: when it happened, once or several times.
        text: what it was.
        colour: of its lines.
        style: of its lines, as Matplotlib names it, so that marks are told apart without colours.
    """

    steps: tuple[int, ...]
    text: str
    colour: str
    style: str


def draw_losses(
    entries: Sequence[Mapping[str, Any]], terms: Sequence[Term], best: int | None = None
) -> "Figure | None":
    """Draw one panel for each term of an objective that was in use.

    A term that the settings switch off is 0 at every step, or never due; it gets no panel.

    Args:
        entries: lines of a log, with the step and the terms by name; None where a term was not due.
        terms: terms of the objective.
        best: step whose state is kept, or None where that is the last one.

    Returns:
        The figure, or None where there is nothing to draw.
    """
    from matplotlib.figure import Figure  # slow to import, and needed only here

    found = {
        term: [
            (entry["step"], entry[term.name])
            for entry in entries
            if isinstance(entry.get(term.name), int | float)
        ]
        for term in terms
    }
    series = {term: points for term, points in found.items() if any(value != 0 for _, value in points)}
    if not series:
        return None
    rows = math.ceil(len(series) / COLUMNS)
    figure = Figure(figsize=(12, 3 * rows), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for panel in panels[len(series) :]:
        panel.set_axis_off()
    marks = what_happened(entries, best)
    for panel, (term, points) in zip(panels, series.items(), strict=False):
        _draw(panel, term, points, marks)
    if marks:
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", frameon=False)
    return figure


def what_happened(entries: Sequence[Mapping[str, Any]], best: int | None = None) -> list[Mark]:
    """What to mark in a plot, as far as the log tells.

    Args:
        entries: lines of a log. Those of earlier versions tell nothing.
        best: step whose state is kept, or None.
    """
    resumed = tuple(entry["resumed"] for entry in entries if isinstance(entry.get("resumed"), int))
    rates = [
        (entry["step"], entry["learning_rate"])
        for entry in entries
        if isinstance(entry.get("learning_rate"), int | float)
    ]
    falls = [step for (step, rate), (_, then) in pairwise(rates) if then < rate]
    marks = [
        Mark((best,), "the best state, which is kept", "#0b6e4f", "-") if best is not None else None,
        Mark((falls[0],), "from here on, the learning rate falls", "#b35900", "--") if falls else None,
        Mark(resumed, "resumed", "#8250df", ":") if resumed else None,
    ]
    return [mark for mark in marks if mark is not None]


def _draw(panel: "Axes", term: Term, points: Sequence[tuple[int, float]], marks: Sequence[Mark]) -> None:
    """Draw one term's values, and the marks behind them."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    for mark in marks:
        label = f"{mark.text} ({'steps' if len(mark.steps) > 1 else 'step'} {_listed(mark.steps)})"
        for number, step in enumerate(mark.steps):
            panel.axvline(
                step, color=mark.colour, linestyle=mark.style, linewidth=1.2, label="_" if number else label
            )
    panel.plot(*zip(*points, strict=True), linewidth=0.9, color=_LINE, marker="." if len(points) == 1 else "")
    panel.set(xlabel="step", ylabel=term.unit)
    panel.set_title(term.label, loc="left", fontweight="bold", pad=18)
    panel.annotate(
        term.meaning, (0, 1), (0, 5), xycoords="axes fraction", textcoords="offset points", fontsize=8.5,
        color=_WORDS,
    )  # fmt: skip
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    panel.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    panel.grid(alpha=0.3)


def _listed(steps: Sequence[int]) -> str:
    """Steps in words; of many, the first ones."""
    told = ", ".join(f"{step:,}" for step in steps[:5])
    return told if len(steps) <= 5 else f"{told} and {counted(len(steps) - 5, 'time')} more"
