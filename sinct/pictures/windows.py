"""Plans windows that cover a picture, each with the context it needs; independent of any network."""

import math
from collections.abc import Callable
from typing import NamedTuple

SMALLEST_KEPT = 64
"""About the fewest pixels that a window keeps along an axis, unless it covers the whole axis."""


class Span(NamedTuple):
    """One window along one axis, in pixels.

    Attributes:
        start: first pixel read.
        stop: pixel after the last one read.
        keep_start: first pixel of the result that is kept.
        keep_stop: pixel after the last one kept.
    """

    start: int
    stop: int
    keep_start: int
    keep_stop: int

    @property
    def kept(self) -> slice:
        """The kept part, relative to the window."""
        return slice(self.keep_start - self.start, self.keep_stop - self.start)


class Sides(NamedTuple):
    """Height and width of windows in pixels, including the halo."""

    rows: int
    columns: int


def spans(length: int, window: int, halo: int, stride: int) -> list[Span]:
    """Divide one axis into windows whose kept parts cover every pixel once.

    A window reads `halo` pixels more than it keeps on each side, except at the picture's border. There the
    network does its own padding, so that windowed and whole results agree.

    Args:
        length: length of the axis in pixels, a multiple of `stride`.
        window: most pixels read at a time; more than twice the halo.
        halo: context on each side in pixels, a multiple of `stride`.
        stride: every start and stop is a multiple of this.

    Raises:
        ValueError: the window leaves nothing to keep, or a length is not a multiple of the stride.
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
    """Find the windows that fit into memory with the least waste; among equals, the smallest.

    Args:
        height: height of the picture in pixels, a multiple of `stride`.
        width: width of the picture in pixels, a multiple of `stride`.
        halo: context on each side in pixels.
        stride: stride of the generator in pixels.
        fits: whether windows with these sides fit into memory.

    Returns:
        The sides, or None if not even windows that keep about 64 px fit.
    """
    best: tuple[float, int, Sides] | None = None
    across = _candidates(width, halo, stride)
    for rows, rows_read in _candidates(height, halo, stride):
        for columns, columns_read in across:
            sides = Sides(rows, columns)
            if not fits(sides):
                break  # nor do wider ones
            found = (round(rows_read * columns_read / (height * width), 3), rows * columns, sides)
            best = found if best is None else min(best, found)
    return best[2] if best else None


def _candidates(length: int, halo: int, stride: int) -> list[tuple[int, int]]:
    """Window sides that divide an axis evenly, in ascending order, each with the total number of pixels read.

    In an uneven division the last window could keep a few pixels and be nearly all halo.
    """
    units = length // stride
    kept = {math.ceil(units / count) * stride for count in range(1, math.ceil(length / SMALLEST_KEPT) + 1)}
    sides = {side + 2 * halo for side in kept if side + 2 * halo < length} | {length}
    return [(side, _read(length, side, halo, stride)) for side in sorted(sides)]
