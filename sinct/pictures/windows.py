"""Plan of windows that cover a picture, each with the context it needs; knows no network."""

import math
from collections.abc import Callable
from typing import NamedTuple

SMALLEST_KEPT = 64
"""About the fewest pixels a window keeps along an axis that it does not cover whole."""


class Span(NamedTuple):
    """One window along one axis, in pixels.

    Attributes:
        start: first pixel read.
        stop: pixel behind the last one read.
        keep_start: first pixel of the result that is kept.
        keep_stop: pixel behind the last one kept.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def kept(self) -> slice:
        """Where the kept part lies within what is read."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


class Sides(NamedTuple):
    """Height and width of windows, in pixels, halo included."""

    rows: int
    columns: int


def spans(length: int, window: int, halo: int, stride: int) -> list[Span]:
    """Divide one axis into windows whose kept parts cover every pixel once.

    A window reads `halo` pixels more than it keeps on each side, except where the picture ends: there is
    the border that the network pads itself, so windowed and whole results agree.

    Args:
        length: of the axis in pixels, a multiple of `stride`.
        window: pixels read at a time, at most; more than twice the halo.
        halo: context on each side in pixels, a multiple of `stride`.
        stride: every start and stop is a multiple of this.

    Raises:
        ValueError: the window leaves nothing to keep, or something is off the stride.
    """
    if length % stride or halo % stride:
        raise ValueError(f"length {length} and halo {halo} must be multiples of the stride {stride}")
    if length <= window:
        return [Span(0, length, 0, length)]
    step = (window - 2 * halo) // stride * stride
    if step < 1:
        raise ValueError(f"a window of {window} px leaves nothing inside a halo of {halo} px; enlarge it")
    return [
        Span(max(0, keep - halo), min(length, keep + step + halo), keep, min(length, keep + step))
        for keep in range(0, length, step)
    ]


def waste(height: int, width: int, sides: Sides, halo: int, stride: int) -> float:
    """Pixels that are computed only to be cut away, as a share of the picture's."""
    read = _read(height, sides.rows, halo, stride) * _read(width, sides.columns, halo, stride)
    return read / (height * width) - 1


def _read(length: int, window: int, halo: int, stride: int) -> int:
    """Pixels that all windows along one axis read."""
    return sum(span.stop - span.start for span in spans(length, window, halo, stride))


def choose_sides(
    height: int, width: int, halo: int, stride: int, fits: Callable[[Sides], bool]
) -> Sides | None:
    """Find windows that fit into memory and waste the least; of equals, the smallest.

    Args:
        height: of the picture in pixels, a multiple of `stride`.
        width: of the picture, likewise.
        halo: context on each side in pixels.
        stride: of the generator.
        fits: whether there is memory for windows of these sides.

    Returns:
        None where not even windows that keep 64 px fit.
    """
    best: tuple[float, int, Sides] | None = None
    across = _candidates(width, halo, stride)
    for rows, rows_read in _candidates(height, halo, stride):
        for columns, columns_read in across:
            sides = Sides(rows, columns)
            if not fits(sides):
                break  # wider ones do not either
            found = (round(rows_read * columns_read / (height * width), 3), rows * columns, sides)
            best = found if best is None else min(best, found)
    return best[2] if best else None


def _candidates(length: int, halo: int, stride: int) -> list[tuple[int, int]]:
    """Sides that divide an axis evenly, from small to all of it, each with the pixels that are read in all.

    Unevenly divided, a last window of a few pixels would be nearly all halo.
    """
    units = length // stride
    kept = {math.ceil(units / count) * stride for count in range(1, math.ceil(length / SMALLEST_KEPT) + 1)}
    sides = {side + 2 * halo for side in kept if side + 2 * halo < length} | {length}
    return [(side, _read(length, side, halo, stride)) for side in sorted(sides)]
