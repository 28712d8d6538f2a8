"""Plan of windows that cover a picture, each with the context it needs; knows no network."""

from collections.abc import Iterator
from typing import NamedTuple


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


def windows(height: int, width: int, window: int, halo: int, stride: int) -> Iterator[tuple[Span, Span]]:
    """Row and column spans of all windows of a picture, in reading order."""
    for rows in spans(height, window, halo, stride):
        for columns in spans(width, window, halo, stride):
            yield rows, columns
