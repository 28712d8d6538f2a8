"""Scatter plot of two measures as SVG, which shows which method gives up one for the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

from markupsafe import Markup
from matplotlib.ticker import MaxNLocator

from sinct.measures import Measure
from sinct.report.labels import LETTERS, RADIUS, Box, place_labels
from sinct.report.pictures import label_font
from sinct.report.ranking import contest
from sinct.report.results import Comparison, MethodResult
from sinct.report.wording import arrow, number_format, with_minus

Corners = list[tuple[float, float]]
Kind = Literal["contender", "apart", "control"]

_TOP, _BOTTOM = 20, 60


class _Layout(NamedTuple):
    """Sizes of a plot.

    Attributes:
        name: class of its element, by which the page shows one of the two.
        width: in pixels.
        height: in pixels.
        left: of the axes, in pixels.
        right: room at the right of them, in pixels.
        ticks: most ticks across.
        title: most characters of an axis's title.
        label: most characters of a label.
    """

    name: str
    width: int
    height: int
    left: int
    right: int
    ticks: int
    title: int
    label: int


_WIDE = _Layout("wide", 760, 480, 76, 24, ticks=6, title=50, label=30)
_NARROW = _Layout("narrow", 358, 400, 62, 8, ticks=4, title=26, label=16)
"""For screens of 390 px, where the wide one would have letters too small to read."""


@dataclass(frozen=True)
class Point:
    """A method in the plot.

    Attributes:
        title: name of the method as shown.
        x: value of the measure on the horizontal axis.
        y: value of the measure on the vertical axis.
        kind: `contender` if both values count, `control`, or `apart` if the method is not ranked because of
            too few steps, random weights or because it minimises one of the measures itself.
    """

    title: str
    x: float
    y: float
    kind: Kind


def points(results: Sequence[MethodResult], x: Measure, y: Measure) -> list[Point]:
    """Methods with finite values for both measures."""
    counted = contest(results, x).keys() & contest(results, y).keys()

    def kind(result: MethodResult) -> Kind:
        return "control" if result.control else "contender" if result.name in counted else "apart"

    found = [
        Point(result.title, result.measures[x.name], result.measures[y.name], kind(result))
        for result in results
        if result.file is not None and x.name in result.measures and y.name in result.measures
    ]
    return [point for point in found if math.isfinite(point.x) and math.isfinite(point.y)]


def pareto_front(values: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the pairs that no other pair beats, from left to right; larger is better in both.

    A pair is beaten if another is at least as good in both and better in one.
    """

    def beaten(a: tuple[float, float]) -> bool:
        return any(b[0] >= a[0] and b[1] >= a[1] and b != a for b in values)

    return sorted((i for i, value in enumerate(values) if not beaten(value)), key=lambda i: values[i])


def default_axes(comparison: Comparison) -> tuple[Measure, Measure] | None:
    """The first measure of structure and the first of style; they come first because they tell the most.

    Where one of these groups has no measure, the first two measures; None if there are fewer than two.
    """

    def first(group: str) -> Measure | None:
        return next((measure for measure in comparison.measures if measure.group == group), None)

    structure, style = first("structure"), first("style")
    if structure and style:
        return structure, style
    return (comparison.measures[0], comparison.measures[1]) if len(comparison.measures) > 1 else None


def _around(a: tuple[float, float], b: tuple[float, float]) -> Box:
    """The box around a line parallel to an axis."""
    (left, right), (top, bottom) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return Box(left - 1, top - 1, right + 1, bottom + 1)


@dataclass(frozen=True)
class _Axis:
    """Maps values to pixels, so that better values are farther from the origin.

    Attributes:
        ticks: values with a grid line.
        low: value at the start of the axis.
        high: value at the end; below `low` where lower is better.
        start: pixel of `low`.
        end: pixel of `high`.
    """

    ticks: list[float]
    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(
        cls, values: Sequence[float], start: float, end: float, *, higher_is_better: bool, most: int = 6
    ) -> "_Axis":
        low, high = min(values), max(values)
        margin = 0.06 * (high - low) or max(abs(high), 1.0) * 0.05
        low, high = low - margin, high + margin
        ticks = [float(t) for t in MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10]).tick_values(low, high)]
        ticks = [tick for tick in ticks if low <= tick <= high]
        return cls(ticks, *((low, high) if higher_is_better else (high, low)), start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)


def scatter(results: Sequence[MethodResult], x: Measure, y: Measure) -> Markup:
    """SVG of the methods by two measures, with the better values at the far end of both axes.

    Contenders are filled dots, and a staircase joins the unbeaten ones; controls are hollow; methods that are not
    ranked here are crosses. The page sets the colours.

    Returns:
        Two `svg` elements, for wide and for narrow screens, of which the page shows one; or a paragraph which says
        that no method has both values.
    """
    shown = points(results, x, y)
    if not shown:
        return Markup("<p>No method has a value for both measures.</p>")
    return Markup("").join(_drawn(shown, x, y, layout) for layout in (_WIDE, _NARROW))


def _drawn(shown: Sequence[Point], x: Measure, y: Measure, layout: _Layout) -> Markup:
    end = layout.width - layout.right
    across = _Axis.over(
        [p.x for p in shown], layout.left, end, higher_is_better=x.higher_is_better, most=layout.ticks
    )
    up = _Axis.over([p.y for p in shown], layout.height - _BOTTOM, _TOP, higher_is_better=y.higher_is_better)
    front = _front(shown, across, up, x, y)
    line = Markup('<path class="front" d="{}"/>').format("M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in front))
    parts = [
        *_grid(across, up, x, y, layout),
        *([line] if front else []),
        *_marks(shown, across, up, x, y, front, layout),
    ]
    return Markup('<svg class="plot {}" viewBox="0 0 {} {}" role="group" aria-label="{}">{}</svg>').format(
        layout.name,
        layout.width,
        layout.height,
        f"{y.title} against {x.title}; better is up and to the right",
        Markup("\n").join(parts),
    )


def _grid(across: _Axis, up: _Axis, x: Measure, y: Measure, layout: _Layout) -> list[Markup]:
    """Lines and numbers at the ticks, and the titles of the axes."""
    left, bottom, right = layout.left, layout.height - _BOTTOM, layout.width - layout.right
    parts = []
    for tick, text in zip(across.ticks, _tick_texts(across.ticks), strict=True):
        line = '<path class="grid" d="M{0:.1f} {1}V{2}"/><text class="tick" x="{0:.1f}" y="{3}">{4}</text>'
        parts.append(Markup(line).format(across(tick), _TOP, bottom, bottom + 18, text))
    for tick, text in zip(up.ticks, _tick_texts(up.ticks), strict=True):
        line = '<path class="grid" d="M{1} {0:.1f}H{2}"/><text class="tick y" x="{3}" y="{4:.1f}">{5}</text>'
        parts.append(Markup(line).format(up(tick), left, right, left - 8, up(tick) + 4, text))
    parts.append(Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(left, _TOP, bottom, right))
    middle = (_TOP + bottom) / 2
    parts.append(
        Markup('<text class="title" x="{}" y="{}">{}</text>').format(
            (left + right) / 2, layout.height - 12, _axis_title(x, layout.title)
        )
    )
    parts.append(
        Markup('<text class="title" x="14" y="{0}" transform="rotate(-90 14 {0})">{1}</text>').format(
            middle, _axis_title(y, layout.title)
        )
    )
    return parts


def _axis_title(measure: Measure, longest: int) -> str:
    """The measure, its direction, and a note that better values are farther along the axis."""
    return f"{_shorten(measure.title, longest)} {arrow(measure.higher_is_better)}, better →"


def _shorten(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _tick_texts(ticks: Sequence[float]) -> list[str]:
    """Write ticks with as many decimals as their spacing needs."""
    if len(ticks) < 2:
        return [number_format(ticks)(tick) for tick in ticks]
    step = abs(ticks[1] - ticks[0])
    decimals = next((d for d in range(6) if math.isclose(step, round(step, d), rel_tol=1e-6)), None)
    if decimals is None or step >= 1e6:
        return [with_minus(f"{tick:.3g}") for tick in ticks]
    return [with_minus(f"{tick + 0.0:.{decimals}f}") for tick in ticks]


def _front(shown: Sequence[Point], across: _Axis, up: _Axis, x: Measure, y: Measure) -> Corners:
    """Corners in pixels of the staircase that every contender lies on or below; [] without contenders."""
    signs = (1 if x.higher_is_better else -1, 1 if y.higher_is_better else -1)
    contenders = [point for point in shown if point.kind == "contender"]
    best = [contenders[i] for i in pareto_front([(signs[0] * p.x, signs[1] * p.y) for p in contenders])]
    corners: Corners = [(across.start, up(best[0].y))] if best else []
    for point in best:
        corners += [(corners[-1][0], up(point.y)), (across(point.x), up(point.y))]
    return [*corners, (corners[-1][0], up.start)] if corners else []


def _marks(
    shown: Sequence[Point],
    across: _Axis,
    up: _Axis,
    x: Measure,
    y: Measure,
    front: Corners,
    layout: _Layout,
) -> list[Markup]:
    """A mark for each method, with its label."""
    write_x, write_y = number_format(p.x for p in shown), number_format(p.y for p in shown)
    centres = [(across(p.x), up(p.y)) for p in shown]
    labels = [_shorten(p.title, layout.label) for p in shown]
    widths = [label_font(LETTERS).getlength(label) for label in labels]
    area = Box(layout.left + 4, _TOP, layout.width - 4, layout.height - _BOTTOM - 4)
    lines = [_around(a, b) for a, b in pairwise(front)]
    boxes = place_labels(centres, widths, area, lines)
    parts = []
    for point, (left, top), label, box in zip(shown, centres, labels, boxes, strict=True):
        text = (
            f"{point.title}{_REMARKS[point.kind]}: {x.title} {write_x(point.x)}, {y.title} {write_y(point.y)}"
        )
        parts.append(
            Markup(
                '<g class="mark {kind}" tabindex="0" role="img" aria-label="{text}"><title>{text}</title>'
                '{leader}{shape}<text x="{x:.1f}" y="{y:.1f}">{label}</text></g>'
            ).format(
                kind=point.kind,
                text=text,
                leader=_leader(left, top, box),
                shape=_shape(point.kind, left, top),
                x=box.left,
                y=box.bottom - 4,
                label=label,
            )
        )
    return parts


_REMARKS = {
    "contender": "",
    "control": " (control)",
    "apart": " (not ranked: undertrained, random weights, or minimises one of the measures itself)",
}


def _leader(x: float, y: float, box: Box) -> Markup:
    """Line from a mark to its label, if the label is too far away to be recognised as the mark's."""
    to = (min(max(x, box.left), box.right), min(max(y, box.top), box.bottom))
    if math.dist((x, y), to) < 3 * RADIUS:
        return Markup()
    return Markup('<path class="leader" d="M{:.1f} {:.1f}L{:.1f} {:.1f}"/>').format(x, y, *to)


def _shape(kind: Kind, x: float, y: float) -> Markup:
    """A cross for methods that are not ranked, a circle for the others."""
    if kind == "apart":
        path = '<path class="shape" d="M{0:.1f} {1:.1f}l{2} {2}m0-{2}l-{2} {2}"/>'
        return Markup(path).format(x - RADIUS, y - RADIUS, 2 * RADIUS)
    return Markup('<circle class="shape" cx="{:.1f}" cy="{:.1f}" r="{}"/>').format(x, y, RADIUS)
