"""Cuts of pictures that need not be in memory."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

Cut = Callable[[slice, slice], Tensor]
"""Rows and columns of a picture, in pixels -> (3, H, W) in [-1, 1], on any device."""


class Window(NamedTuple):
    """Rows and columns of a picture, in pixels."""

    rows: slice
    columns: slice

    def grown(self, reach: int, height: int, width: int) -> "Window":
        """The window with as many pixels more on each side, as far as a picture of this size has them."""
        return Window(
            slice(max(0, self.rows.start - reach), min(height, self.rows.stop + reach)),
            slice(max(0, self.columns.start - reach), min(width, self.columns.stop + reach)),
        )

    def within(self, outer: "Window") -> "Window":
        """The same window, counted from the first pixel of a larger one."""
        top, left = outer.rows.start, outer.columns.start
        return Window(
            slice(self.rows.start - top, self.rows.stop - top),
            slice(self.columns.start - left, self.columns.stop - left),
        )


def cut_of(pixels: Tensor) -> Cut:
    """Cuts of a picture in memory, (3, H, W)."""
    return lambda rows, columns: pixels[:, rows, columns]


def mirrored(cut: Cut, height: int, width: int) -> Cut:
    """Continue a picture beyond its borders by mirroring it at its outermost pixels, as often as needed.

    Args:
        cut: returns the picture's pixels.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.

    Returns:
        Cut that accepts any rows and columns, also below 0 and beyond the picture.
    """

    def cut_anywhere(rows: slice, columns: slice) -> Tensor:
        down, across = _mirrored(rows, height), _mirrored(columns, width)
        top, left = int(down.min()), int(across.min())
        part = cut(slice(top, int(down.max()) + 1), slice(left, int(across.max()) + 1))
        for dimension, places in ((1, down - top), (2, across - left)):
            if not places.equal(torch.arange(part.shape[dimension])):
                part = part.index_select(dimension, places.to(part.device))
        return part

    return cut_anywhere


def _mirrored(span: slice, length: int) -> Tensor:
    """Indices of the pixels to use for a stretch of an axis, part of which may lie outside the picture."""
    period = max(1, 2 * (length - 1))
    places = torch.arange(span.start, span.stop) % period
    return torch.where(places < length, places, period - places)
