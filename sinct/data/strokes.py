"""Takes strokes out of paintings, and tells how wide they are, by a network that learned it (ours)."""

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from statistics import fmean
from typing import NamedTuple, Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.networks.compact_generator import without_grid
from sinct.networks.stroke_remover import StrokeRemover, coded, decoded
from sinct.pictures.cuts import Cut, Window, cut_of, mirrored
from sinct.pictures.windows import spans
from sinct.runtime.device import gains_from_bfloat16
from sinct.weights.stroke_remover import load_stroke_remover

BAND = 128
"""Rows of a picture that the grid is taken out of, or that are halved, at a time."""

CELL = 16
"""Side in pixels of the cells whose mean colours stay as they are painted; twice as long after each halving. The
network has seen painters take liberties with colours, and would take them back."""

MARGIN = 32
"""Pixels by which a picture is continued beyond its border, mirrored. At the zeros that convolutions pad with, the
network would see an edge. A multiple of its stride."""

SIGHT = StrokeRemover.halo + StrokeRemover.stride
"""How far around a pixel the network sees, in pixels, and `without_grid` after it; a multiple of its stride."""

AS_TOLD = 0.5
"""The `faithful` that takes out strokes of the width that is given, or of the share of it that follows."""

CERTAIN = 2 / 3
"""Share of the width that the network tells which is taken out: in real paintings, some of what it takes for strokes
are forms, such as the beds of a rock."""

BOLDEST = 4.0
"""How many times as wide as the strokes is what a `faithful` of 0 takes out."""

FINE, BROAD = 3.6, 4.6
"""Widths in pixels from which strokes are also taken out of the picture at half its size, and from which on a halved
picture is halved again. What is wider, the network mistakes for forms, and tells too small a width. The second is
larger, since true forms look the more like strokes the smaller they are."""

COARSEST = 4
"""Most halvings."""

SMALLEST = 96
"""Side in pixels below which no picture is halved."""


SIDE = 896
"""Side in pixels of the windows that strokes are taken out of; any such side must be a multiple of 8, the network's
stride."""

WHOLE = 1_600_000
"""Pixels up to which a picture is one window, since windows overlap."""

TILE = 1280
"""Side in pixels of the tiles that the network looks at. They overlap by as far as it sees, so that no border shows."""


class Plane(Protocol):
    """A picture (3, H, W) of 16-bit floating-point numbers that need not be in memory."""

    def __getitem__(self, part: tuple[slice, slice, slice]) -> np.ndarray: ...

    def __setitem__(self, part: tuple[slice, slice, slice], values: np.ndarray) -> None: ...


Bands = Callable[[Sequence[tuple[int, int]]], Iterable[Cut]]
"""Reads a picture in bands of rows, each given by its first row and the one after its last, from top to bottom: the
cuts of each band, for as long as it is used."""

Planes = Callable[[int, int], Plane]
"""Makes a plane of a height and a width in pixels."""


def in_memory(height: int, width: int) -> Plane:
    """Make a plane that is in memory."""
    return np.empty((3, height, width), np.float16)


def halvings_for(width: float) -> int:
    """How often a picture is halved for strokes of a width in pixels to be taken out."""
    if width < FINE:
        return 0
    return min(COARSEST, 1 + int(math.log2(max(1.0, width / BROAD))))


def remove_strokes(picture: Tensor, stroke: float = 0.0, halvings: int = 0) -> Tensor:
    """Take the strokes out of a painting, and leave the rest in its colours.

    Args:
        picture: (3, H, W) in [-1, 1].
        stroke, halvings: see `stroke_change`.

    Returns:
        (3, H, W) in [-1, 1], float32.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    height, width = picture.shape[1:]
    change = stroke_change(always(cut_of(picture)), height, width, stroke, halvings)
    return (picture.float() + change(slice(0, height), slice(0, width))).clamp(-1, 1)


@torch.no_grad()
def stroke_change(
    bands: Bands,
    height: int,
    width: int,
    stroke: float = 0.0,
    halvings: int = 0,
    *,
    planes: Planes = in_memory,
    side: int | None = None,
) -> Cut:
    """Take the strokes out of a picture that need not be in memory, and tell what that changes.

    They are taken out from coarse to fine: first out of the smallest picture, then what is finer out of the next. In
    the end, mean colours over some strokes are made the painting's own.

    Args:
        bands: reads the picture, on the device to compute on; twice, where it is halved.
        height, width: its size, in pixels.
        stroke: width of its strokes, in pixels; 0 lets the network tell.
        halvings: how often it is halved, see `halvings_for`.
        planes: where the change is kept, and pictures at half the size and less: 10 bytes for a pixel of the picture.
        side: side of the windows that are worked on at a time, in pixels; by default `SIDE`, or the whole picture if
            it is small.

    Returns:
        What is to be added to the picture, float32, on its device; the sum may exceed [-1, 1] a little.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    if side is None:
        stride = StrokeRemover.stride
        side = SIDE if height * width > WHOLE else -(-max(height, width) // stride) * stride
    levels = [(bands, height, width)]
    for _ in range(halvings):
        levels.append(_halved(*levels[-1], planes, side))
    change: Cut | None = None
    for level in range(halvings, -1, -1):
        change = _change(*levels[level], stroke / 2**level, change, planes, side)
    assert change is not None
    return _in_own_colours(change, height, width, CELL << halvings, side)


def always(cut: Cut) -> Bands:
    """Bands of a picture that can be cut anywhere."""
    return lambda bands: repeat(cut, len(bands))


def _strips(length: int, side: int) -> list[slice]:
    """Divide an axis, in pixels."""
    return [slice(start, min(length, start + side)) for start in range(0, length, side)]


def _halved(bands: Bands, height: int, width: int, planes: Planes, side: int) -> tuple[Bands, int, int]:
    """A picture at half its size, and that size."""
    half = -(-height // 2), -(-width // 2)
    plane, device = planes(*half), torch.device("cpu")
    strips = _strips(height, side)
    for cut, rows in zip(bands([(rows.start, rows.stop) for rows in strips]), strips, strict=True):
        for columns in _strips(width, side):
            small = _halved_pixels(cut(rows, columns).float())
            device = small.device
            top, left = rows.start // 2, columns.start // 2
            window = slice(top, top + small.shape[1]), slice(left, left + small.shape[2])
            plane[:, *window] = small.half().cpu().numpy()
    return always(_cut_of_plane(plane, device)), *half


def _halved_pixels(picture: Tensor) -> Tensor:
    """A picture (3, H, W) at half its size, rounded up."""
    return F.avg_pool2d(picture[None], 2, ceil_mode=True, count_include_pad=False)[0]


def _change(
    bands: Bands,
    height: int,
    width: int,
    stroke: float,
    coarse: Cut | None,
    planes: Planes,
    side: int,
) -> Cut:
    """What taking strokes out of a picture changes, those that were found at half its size included."""
    plane, device = planes(height, width), torch.device("cpu")
    strips = _strips(height, side)
    seen = [(max(0, rows.start - SIGHT), min(height, rows.stop + SIGHT)) for rows in strips]
    for cut, rows in zip(bands(seen), strips, strict=True):
        known = mirrored(_changed(cut, height, width, coarse), height, width)
        for columns in _strips(width, side):
            window = Window(rows, columns)
            around = Window(_seen(rows, height), _seen(columns, width))
            clean = _by_tiles(known(*around), stroke)[0][:, *window.within(around)]
            change = clean - cut(*window).float()
            device = change.device
            plane[:, *window] = change.half().cpu().numpy()
    return _cut_of_plane(plane, device)


def _changed(picture: Cut, height: int, width: int, coarse: Cut | None) -> Cut:
    """A picture with a change that is known at half its size."""

    def cut(rows: slice, columns: slice) -> Tensor:
        pixels = picture(rows, columns).float()
        if coarse is None:
            return pixels
        return pixels + _enlarged(coarse, height, width, 2, Window(rows, columns))

    return cut


def _in_own_colours(change: Cut, height: int, width: int, cell: int, side: int) -> Cut:
    """The change without its means over cells, which are spread smoothly."""
    means, side = [], max(side // cell, 1) * cell
    for rows in _strips(height, side):
        row = [change(rows, columns)[None] for columns in _strips(width, side)]
        cells = [F.avg_pool2d(part, cell, ceil_mode=True, count_include_pad=False)[0] for part in row]
        means.append(torch.cat(cells, dim=2))
    mean = cut_of(torch.cat(means, dim=1))

    def cut(rows: slice, columns: slice) -> Tensor:
        return change(rows, columns) - _enlarged(mean, height, width, cell, Window(rows, columns))

    return cut


def _enlarged(small: Cut, height: int, width: int, factor: int, window: Window) -> Tensor:
    """A window of a picture of this size, out of one that is smaller by a factor, rounded up."""
    covered = Window(*(slice(each.start // factor, -(-each.stop // factor)) for each in window))
    around = covered.grown(1, -(-height // factor), -(-width // factor))
    large = F.interpolate(small(*around)[None], scale_factor=factor, mode="bilinear")[0]
    whole = Window(*(slice(factor * each.start, factor * each.stop) for each in around))
    return large[:, *window.within(whole)]


def _seen(span: slice, length: int) -> slice:
    """What the network looks at for some pixels along an axis: `SIGHT` more, at most `MARGIN` beyond the picture."""
    start = max(-MARGIN, (span.start - SIGHT) // StrokeRemover.stride * StrokeRemover.stride)
    stop = min(length + MARGIN, span.stop + SIGHT)
    return slice(start, stop + (start - stop) % StrokeRemover.stride)


def _cut_of_plane(plane: Plane, device: torch.device) -> Cut:
    """Cuts of a plane, float32."""

    def cut(rows: slice, columns: slice) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(plane[:, rows, columns])).to(device).float()

    return cut


class Strokes(NamedTuple):
    """The strokes of a painting.

    Attributes:
        widths: in pixels, (H', W'): a coarse map of the painting.
        halvings: how often the painting was halved before they were fine enough to be told.
    """

    widths: Tensor
    halvings: int


@torch.no_grad()
def find_strokes(picture: Tensor) -> Strokes:
    """Tell how wide the strokes of a painting are, everywhere.

    As long as they are told to be broad, the painting is halved and looked at again, since the network knows fine
    strokes best.

    Args:
        picture: (3, H, W) in [-1, 1].

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    halvings = 0
    while True:
        told = _told(picture)
        broad = float(told.median()) >= (BROAD if halvings else FINE)
        if not broad or halvings == COARSEST or min(picture.shape[1:]) < 2 * SMALLEST:
            return Strokes(told * 2**halvings, halvings)
        picture, halvings = _halved_pixels(picture), halvings + 1


def _told(picture: Tensor) -> Tensor:
    """Widths of the strokes of a picture (3, H, W) as the network tells them, in pixels, (H / 8, W / 8) rounded up."""
    height, width = picture.shape[1:]
    seen = Window(_seen(slice(0, height), height), _seen(slice(0, width), width))
    code = _by_tiles(mirrored(cut_of(picture.float()), height, width)(*seen), 0.0)[1]
    stride = StrokeRemover.stride
    first = MARGIN // stride
    rows, columns = (slice(first, first + -(-length // stride)) for length in (height, width))
    return decoded(code[rows, columns])


def strokes_to_remove(paintings: Sequence[Tensor], stroke: float, faithful: float) -> tuple[float, int]:
    """Width of the strokes to be taken out, and how often paintings are halved for it, for `remove_strokes`.

    Args:
        paintings: (3, H, W) in [-1, 1] each; one answer is given for all.
        stroke: width of their strokes, in pixels; 0 stands for `CERTAIN` of what the network tells.
        faithful: from 0, which takes out what is up to four times as wide, to 1, only what is a quarter as wide.

    Returns:
        Pixels, at least 1, and halvings.
    """
    if not stroke:
        return told_strokes(paintings, share_to_remove(faithful))
    width = stroke * _bolder(faithful)
    return max(1.0, width), halvings_for(width)


def share_to_remove(faithful: float) -> float:
    """How much of the width that the network tells is taken out, see `strokes_to_remove`."""
    return CERTAIN * _bolder(faithful)


def told_strokes(paintings: Sequence[Tensor], share: float) -> tuple[float, int]:
    """A share of the width that the network tells, in pixels, and halvings; one answer for all paintings."""
    found = [find_strokes(painting) for painting in paintings]
    width = share * fmean(float(each.widths.median()) for each in found)
    halvings = halvings_for(width)
    if share <= CERTAIN:  # no more than the network has looked at itself
        halvings = min(halvings, max(each.halvings for each in found))
    return max(1.0, width), halvings


def _bolder(faithful: float) -> float:
    factor: float = BOLDEST ** (1 - faithful / AS_TOLD)
    return factor


def _by_tiles(picture: Tensor, stroke: float) -> tuple[Tensor, Tensor]:
    """Picture without strokes, and their coded widths, (H / 8, W / 8); sides are multiples of the network's stride."""
    device, padded = picture.device, picture[None]
    network = load_stroke_remover(device)
    known = padded.new_tensor([coded(stroke) if stroke > 0 else 0.0])
    stride = StrokeRemover.stride
    clean = torch.empty_like(picture)
    widths = padded.new_empty(padded.shape[2] // stride, padded.shape[3] // stride)
    for rows in spans(padded.shape[2], TILE, StrokeRemover.halo, stride):
        for columns in spans(padded.shape[3], TILE, StrokeRemover.halo, stride):
            part = padded[:, :, rows.start : rows.stop, columns.start : columns.stop]
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=gains_from_bfloat16(device)):
                found = network(part.contiguous(memory_format=torch.channels_last), known)
            down, across = (
                slice(rows.keep_start, rows.keep_stop),
                slice(columns.keep_start, columns.keep_stop),
            )
            clean[:, down, across] = found.picture[0, :, rows.kept, columns.kept].float()
            widths[_eighth(down), _eighth(across)] = found.width[
                0, 0, _eighth(rows.kept), _eighth(columns.kept)
            ].float()
    # The network writes blocks of 2×2 pixels, whose grid would show at edges; it knows nothing finer in any case.
    return _without_grid(clean), widths


def _without_grid(picture: Tensor) -> Tensor:
    """Do what `without_grid` does to (3, H, W), in bands: of a whole picture, it takes 140 bytes per pixel."""
    result, height = torch.empty_like(picture), picture.shape[1]
    for start in range(0, height, BAND):
        first, stop = max(0, start - 1), min(height, start + BAND)
        smooth = without_grid(picture[None, :, first : stop + 1])[0]
        result[:, start:stop] = smooth[:, start - first : stop - first]
    return result


def _eighth(pixels: slice) -> slice:
    stride = StrokeRemover.stride
    return slice(pixels.start // stride, pixels.stop // stride)
