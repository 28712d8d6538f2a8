"""Labels of a plot, placed where they cover nothing."""

import math
from collections.abc import Sequence
from typing import NamedTuple

LETTERS = 12
"""Size of labels in pixels."""

RADIUS = 5
"""Of the marks that labels belong to, in pixels."""


class Box(NamedTuple):
    """A rectangle parallel to the axes, in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def overlap(self, other: "Box") -> float:
        """Area in common."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


def place_labels(
    marks: Sequence[tuple[float, float]], widths: Sequence[float], area: Box, lines: Sequence[Box] = ()
) -> list[Box]:
    """Where to write each label: beside its mark, inside the area, clear of other labels, marks and lines.

    Tries positions around the mark, farther and farther out, and takes the first free one, or else the freest.

    Args:
        marks: centres of the marks in pixels.
        widths: widths of the labels in pixels.
        area: area to stay inside.
        lines: boxes of lines to avoid.
    """
    taken = [Box(x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS) for x, y in marks]
    taken += lines
    placed: list[Box] = []
    for (x, y), width in zip(marks, widths, strict=True):
        candidates = [
            box
            for distance in range(9, 130, 8)
            for angle in (0, 180, -45, 45, -135, 135, -90, 90, -20, 20, -160, 160)
            if _inside(box := _beside(x, y, width, distance, math.radians(angle)), area)
        ] or [_beside(x, y, width, 9, 0)]
        placed.append(_freest(candidates, taken + placed))
    return placed


def _freest(candidates: Sequence[Box], taken: Sequence[Box]) -> Box:
    """The first box without overlap, or else the one with the least."""
    overlaps = []
    for box in candidates:
        overlaps.append(sum(box.overlap(other) for other in taken))
        if not overlaps[-1]:
            return box
    return candidates[overlaps.index(min(overlaps))]


def _beside(x: float, y: float, width: float, distance: float, angle: float) -> Box:
    """The label's box at a distance and angle from its mark."""
    across, down = math.cos(angle), math.sin(angle)
    middle = (x + across * (distance + width / 2), y + down * (distance + LETTERS / 2))
    height = LETTERS + 3
    return Box(middle[0] - width / 2, middle[1] - height / 2, middle[0] + width / 2, middle[1] + height / 2)


def _inside(box: Box, area: Box) -> bool:
    return (
        box.left >= area.left
        and box.right <= area.right
        and box.top >= area.top
        and box.bottom <= area.bottom
    )
