"""Plot the losses over the steps."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sinct.training.terms import Term

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 3
"""Panels per row."""


def draw_losses(entries: Sequence[Mapping[str, Any]], terms: Sequence[Term]) -> "Figure | None":
    """Draw one panel for each term of an objective.

    Args:
        entries: lines of a log, with the step and the terms by name; None where a term was not due.
        terms: terms of the objective.

    Returns:
        The figure, or None where there is nothing to draw.
    """
    from matplotlib.figure import Figure  # slow to import, and needed only here

    series = {
        term: [
            (entry["step"], entry[term.name])
            for entry in entries
            if isinstance(entry.get(term.name), int | float)
        ]
        for term in terms
    }
    if not any(series.values()):
        return None
    rows = math.ceil(len(terms) / COLUMNS)
    figure = Figure(figsize=(10, 3 * rows), layout="constrained")
    panels = list(figure.subplots(rows, COLUMNS, squeeze=False).flat)
    for panel in panels[len(terms) :]:
        panel.set_axis_off()
    for panel, (term, points) in zip(panels, series.items(), strict=False):
        if not points:
            panel.set_axis_off()
            continue
        panel.plot(*zip(*points, strict=True), linewidth=0.8)
        panel.set(title=term.label, xlabel="step", ylabel=term.unit)
        panel.grid(alpha=0.3)
    return figure
