"""Masks, which say where a picture is translated and where it stays as it is.

A mask is a grey picture: white translates, black keeps the picture's own pixels, grey mixes both. Its numbers count as
they are stored, and a colour profile is ignored, so that black and white are exact; only floating point, which is
linear light in any picture, is read as such.
"""

import hashlib
import math
import tempfile
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import InputError, Remark
from sinct.pictures.colour import Array
from sinct.pictures.decoding import decode, read_header
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.picture import _printable, _read
from sinct.pictures.resampling import same_shape
from sinct.pictures.rows import Band, open_source, overlapping
from sinct.runtime.files import StrPath, unwritable

WHITE = 65535
"""The number that stands for white, once a mask is read."""

TINT = 16
"""Most that red, green and blue may differ, in steps of 255; files in JPEG are not quite grey."""

ROWS_ABOVE = 16_000_000
"""Pixels above which a mask is read in rows if possible."""

ROWS = 64
"""Rows that are fitted at a time, of the mask or of the picture, whichever are more."""

MUCH_SMALLER = 4
"""How often a mask must fit into the picture's side for a remark that its edges are soft."""


class Values(Protocol):
    """Numbers from 0 to `WHITE`, one for each pixel, in memory or on the disk."""

    def __getitem__(self, place: tuple[slice, slice], /) -> Array:
        """Rows and columns of them, (H, W) uint16."""
        ...


@dataclass(frozen=True, eq=False)
class Mask:
    """A mask at a picture's size.

    Attributes:
        sha256: SHA-256 of the file's bytes, in hexadecimal.
        values: the mask's numbers.
        black: whether nothing is translated.
        remarks: what the user should know about it, one line each.
    """

    sha256: str
    values: Values
    black: bool
    remarks: tuple[Remark, ...] = ()

    def weights(self, rows: slice, columns: slice) -> Tensor:
        """How much of the translation shows at a place in the picture, (H, W) float32 from 0 to 1."""
        return torch.from_numpy(self.values[rows, columns].astype(np.float32)).div_(WHITE)


def open_mask(path: StrPath, height: int, width: int, beside: Path | None = None) -> Mask:
    """Read a mask and fit it to a picture's size.

    A mask of that size is taken as it is. A larger one is reduced, a smaller one enlarged bilinearly after smoothing
    by one of its own pixels, so that its edges show no steps (ours). What is transparent counts as black.

    Args:
        path: picture file in grey, or RGB whose channels agree; 8 or 16 bits.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        beside: output on whose disk the mask is kept, 2 bytes a pixel, instead of in memory. The file has no name and
            goes with the mask.

    Raises:
        InputError: it cannot be read, has colours, or is larger than memory and pyvips is not installed.
        OutputError: the disk is full.
    """
    name = _printable(path)
    black = True
    try:
        opened = _opened(path)
        size = opened.height, opened.width
        values = _InMemory(height, width) if beside is None else _OnDisk(height, width, beside)
        for top, fitted in _fitted(
            lambda start, stop: opened.weights(start, stop, name), size, (height, width)
        ):
            values.append(top, fitted)
            black &= not fitted.any()
    except InputError as error:
        raise InputError(f"the mask {error}") from None
    return Mask(opened.sha256, values, black, tuple(_remarks(name, size, (height, width), black)))


def _remarks(name: str, size: tuple[int, int], wanted: tuple[int, int], black: bool) -> Iterator[Remark]:
    """What the user should know about a mask of a size (height, width), fitted to another."""
    sizes = f"the mask {name} has {size[1]}x{size[0]} px and the picture {wanted[1]}x{wanted[0]} px"
    if not same_shape(wanted, size):
        yield Remark("mask", f"{sizes}, which is another shape, so it is stretched; check where it lies")
    times = max(wanted[0] / size[0], wanted[1] / size[1])
    if times >= MUCH_SMALLER:
        soft = f"{sizes}, so its edges are soft over about {2 * times:.0f} px; give one of the picture's size"
        yield Remark("mask", soft)
    if black:
        text = f"the mask {name} is black or transparent everywhere, so nothing is translated; paint white where to"
        yield Remark("mask", text)


class _Opened(NamedTuple):
    """A mask's file.

    Attributes:
        height: height in pixels.
        width: width in pixels.
        sha256: SHA-256 of its bytes.
        space: colour space of its samples.
        alpha: whether the last sample is transparency.
        rows: reads rows from start to stop, (H, W, bands), from top to bottom.
    """

    height: int
    width: int
    sha256: str
    space: str
    alpha: bool
    rows: Callable[[int, int], Array]

    def weights(self, start: int, stop: int, name: str) -> Array:
        """Rows from start to stop as numbers from 0 to `WHITE`, (H, W) uint16.

        Raises:
            InputError: they have colours, or cannot be read.
        """
        if start == stop:  # where a mask is enlarged, the next rows may need no more of it
            return np.empty((0, self.width), np.uint16)
        samples = self.rows(start, stop)
        colours = samples[..., : samples.shape[2] - self.alpha]
        top = np.iinfo(samples.dtype).max
        grey = self.space == "gray" or (
            self.space == "rgb" and int(np.ptp(colours, axis=2).max()) <= TINT * (top / 255)
        )
        if not grey:
            kind = "colours" if self.space == "rgb" else f"samples in {self.space.upper()}"
            raise InputError(
                f"{name} has {kind}, but only grey says how much to translate: white all, black nothing; "
                "save it in grey"
            )
        weights = colours.mean(axis=2, dtype=np.float32)
        if self.alpha:
            weights *= samples[..., -1] / np.float32(top)
        result: Array = np.rint(weights * (WHITE / top)).astype(np.uint16)
        return result


def _opened(path: StrPath) -> _Opened:
    """Open a mask, in rows if it is large and can be read so.

    Raises:
        InputError: it is missing, damaged, no picture or too large.
    """
    try:
        width, height = read_header(path).size
    except (InputError, OSError):
        width = height = 0  # reading it whole will say what is wrong with it
    if width * height > ROWS_ABOVE:
        try:
            source = open_source(path)
            return _Opened(height, width, source.sha256, source.space, source.alpha, source.rows())
        except InputError:
            if width * height > MAX_PIXELS:
                raise
    data = _read(path)
    try:
        stored = decode(data, MAX_PIXELS)
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from error.__cause__
    samples, alpha = stored.samples, stored.alpha is not None
    if stored.alpha is not None:
        samples = np.concatenate([samples, stored.alpha[..., None]], axis=2)
    height, width = samples.shape[:2]
    digest = hashlib.sha256(data).hexdigest()
    return _Opened(height, width, digest, stored.space, alpha, lambda start, stop: samples[start:stop])


def _fitted(
    read: Callable[[int, int], Array], size: tuple[int, int], wanted: tuple[int, int]
) -> Iterator[tuple[int, Array]]:
    """Fit a mask to a size, some rows at a time.

    Args:
        read: reads its rows from start to stop, (H, W) uint16.
        size: its height and width in pixels.
        wanted: height and width of the result.

    Yields:
        The first row, and rows from there, (H, W) uint16.
    """
    scale = size[0] / wanted[0]
    step = max(1, int(ROWS / max(1, scale)))
    parts = [(top, min(wanted[0], top + step)) for top in range(0, wanted[0], step)]
    around = 0 if size == wanted else math.ceil(max(1, scale)) + 2  # what resizing and smoothing see
    bands = [
        (max(0, math.floor(top * scale) - around), min(size[0], math.ceil(stop * scale) + around))
        for top, stop in parts
    ]
    for (top, stop), band in zip(parts, overlapping(read, bands), strict=True):
        yield top, band.samples if size == wanted else _resized(band, size, wanted, top, stop)


def _resized(band: Band, size: tuple[int, int], wanted: tuple[int, int], top: int, stop: int) -> Array:
    """Rows from top to stop of a mask at another size, from a band of its own rows."""
    values = band.samples.astype(np.float32)
    for axis in (0, 1):
        if size[axis] < wanted[axis]:
            values = _smoothed(values, axis)
    scale = size[0] / wanted[0]
    box = (0, top * scale - band.top, size[1], min(len(values), stop * scale - band.top))
    fitted = Image.fromarray(values).resize((wanted[1], stop - top), Image.Resampling.BILINEAR, box)
    result: Array = np.rint(np.asarray(fitted)).astype(np.uint16)
    return result


def _smoothed(values: Array, axis: int) -> Array:
    """Mean of each number, twice, and its two neighbours along an axis."""
    ends = np.concatenate([values.take([0], axis), values, values.take([-1], axis)], axis)
    count = values.shape[axis]
    before, after = (ends.take(range(start, start + count), axis) for start in (0, 2))
    result: Array = (before + 2 * values + after) / 4
    return result


class _InMemory:
    """A mask's numbers in memory, see `Values`."""

    def __init__(self, height: int, width: int) -> None:
        self.values = np.empty((height, width), np.uint16)

    def append(self, top: int, rows: Array) -> None:
        """Add the rows from `top` on."""
        self.values[top : top + len(rows)] = rows

    def __getitem__(self, place: tuple[slice, slice], /) -> Array:
        part: Array = self.values[place]
        return part


class _OnDisk:
    """A mask's numbers in a file without a name, see `Values`.

    Raises:
        OutputError: it cannot be written.
    """

    def __init__(self, height: int, width: int, beside: Path) -> None:
        self.shape, self.beside = (height, width), beside
        try:
            folder = next(parent for parent in beside.resolve().parents if parent.exists())
            self.file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - it is read as long as this object lives
        except OSError as error:
            raise unwritable(beside, error) from None
        weakref.finalize(self, self.file.close)

    def append(self, top: int, rows: Array) -> None:
        """Add the rows from `top` on, which follow those that are there."""
        try:
            self.file.write(rows.tobytes())
            if top + len(rows) == self.shape[0]:
                self.file.flush()
        except OSError as error:
            raise unwritable(self.beside, error) from None

    def __getitem__(self, place: tuple[slice, slice], /) -> Array:
        # Mapped anew for each part, so that what was used does not stay in memory.
        return np.array(np.memmap(self.file, np.uint16, "r", shape=self.shape)[place])
