"""What shows of a picture that is partly transparent: the colours hidden under its alpha take no part in anything.

Editors leave anything there, often the ground that an object was cut out of. A pixel that does not show gets the
colour of one that does, so that neither a network nor a filter sees an edge where the picture ends.
"""

import numpy as np

from sinct.pictures.colour import Array

SHOWN_FROM = 0.1
"""Least alpha of a pixel that shows; of fainter ones, many files do not hold the true colour."""

ROWS = 64
"""How far down and up a row that shows nothing looks for one that does, in pixels."""

BLOCK = 64
"""Rows that are worked on at a time, since the columns that pixels are mirrored from need memory."""

REACH = 2 * ROWS
"""How many rows above and below a row decide what it gets: the nearest one that shows, and what that row mirrors."""


def shows(alpha: Array) -> Array:
    """Which pixels show, from alpha of any shape: floats in [0, 1] or unsigned integers."""
    top = np.iinfo(alpha.dtype).max if alpha.dtype.kind == "u" else 1
    shown: Array = alpha >= SHOWN_FROM * top
    return shown


def continued(samples: Array, shown: Array, blank: float) -> Array:
    """A picture whose hidden pixels have the colours of those that show, mirrored in their row.

    Rows that show nothing are mirrored from those above or below, whichever are nearer.

    Args:
        samples: (H, W, C). Each row depends on at most `REACH` rows on each side.
        shown: (H, W), see `shows`.
        blank: value of rows that show nothing, as do all within `ROWS` of them.
    """
    if shown.all():
        return samples
    result, filled = samples.copy(), np.asarray(shown.any(axis=1))
    for top in range(0, len(shown), BLOCK):
        block = slice(top, top + BLOCK)
        columns = _mirrored(shown[block], shown.shape[1])
        result[block] = np.take_along_axis(samples[block], columns[..., None], axis=1)
    nearest, rows = _nearest(filled[None])[0], _mirrored(filled[None], ROWS)[0]
    for row in np.flatnonzero(~filled):
        result[row] = result[rows[row]] if 0 < abs(int(nearest[row]) - row) <= ROWS else blank
    return result


def bounds(shown: Array) -> tuple[slice, slice]:
    """Rows and columns of the smallest rectangle with everything that shows; empty ones if nothing does."""
    found = []
    for axis in (1, 0):
        places = np.flatnonzero(shown.any(axis=axis))
        found.append(slice(int(places[0]), int(places[-1]) + 1) if len(places) else slice(0, 0))
    return found[0], found[1]


def _mirrored(shown: Array, longest: int) -> Array:
    """The column that each pixel, (H, W), is mirrored from: in the nearest run of those that show, again and again.

    Args:
        shown: (H, W).
        longest: most pixels of a run that are repeated.

    Returns:
        (H, W), its own column where it shows, or where nothing in its row does.
    """
    width = shown.shape[1]
    left, right = _from_left(shown, longest), width - 1 - _from_left(shown[:, ::-1], longest)[:, ::-1]
    nearest = _nearest(shown)
    own = np.arange(width, dtype=np.int32)
    return np.where(shown | (nearest == own), own, np.where(nearest < own, left, right))


def _nearest(shown: Array) -> Array:
    """Column of the nearest pixel of the row that shows, the left one of two; its own column where none does."""
    width = shown.shape[1]
    own = np.arange(width, dtype=np.int32)
    left = np.maximum.accumulate(np.where(shown, own, -width), axis=1)
    right = np.minimum.accumulate(np.where(shown, own, 2 * width)[:, ::-1], axis=1)[:, ::-1]
    found: Array = np.where(own - left <= right - own, left, right)
    return np.where((found < 0) | (found >= width), own, found)


def _from_left(shown: Array, longest: int) -> Array:
    """The column that each pixel is mirrored from if only those on its left are looked at; -1 if none shows."""
    own = np.arange(shown.shape[1], dtype=np.int32)
    last = np.maximum.accumulate(np.where(shown, own, -1), axis=1)
    begins = shown & ~np.pad(shown, ((0, 0), (1, 0)))[:, :-1]
    first = np.maximum.accumulate(np.where(begins, own, -1), axis=1)
    length = np.clip(last - first + 1, 1, longest)
    step = np.maximum(own - last - 1, 0) % (2 * length)
    return np.where(last < 0, -1, last - np.minimum(step, 2 * length - 1 - step))
