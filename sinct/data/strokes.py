"""Takes strokes out of paintings, and tells how wide they are, by a network that learned it (ours)."""

import math
from collections.abc import Callable, Sequence
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

TILE = 1280
"""Side in pixels of the tiles that larger pictures are worked on in. They overlap by as far as the network sees, so
that no border shows."""

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
"""The `faithful` that takes out strokes as wide as they are."""

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


class Plane(Protocol):
    """A picture (3, H, W) of 16-bit floating-point numbers that need not be in memory."""

    def __getitem__(self, part: tuple[slice, slice, slice]) -> np.ndarray: ...

    def __setitem__(self, part: tuple[slice, slice, slice], values: np.ndarray) -> None: ...


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


def strokes_stride(halvings: int) -> int:
    """Side in pixels of the cells whose mean colours stay as they are painted."""
    return CELL << halvings


def strokes_reach(halvings: int) -> int:
    """How far around a pixel a picture is read to take strokes out there, in pixels, beside `coarse_strokes`."""
    return SIGHT + 2 * strokes_stride(halvings)


def remove_strokes(picture: Tensor, stroke: float = 0.0, halvings: int = 0) -> Tensor:
    """Take the strokes out of a painting, and leave the rest in its colours.

    They are taken out from coarse to fine: first out of the smallest picture, then what is finer out of the next. In
    the end, mean colours over some strokes are made the painting's own.

    Args:
        picture: (3, H, W) in [-1, 1].
        stroke: width of the strokes, in pixels; 0 lets the network tell.
        halvings: how often the picture is halved, see `halvings_for`.

    Returns:
        (3, H, W) in [-1, 1], float32.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    height, width = picture.shape[1:]
    whole = cut_of(picture)
    coarse = coarse_strokes(whole, height, width, stroke, halvings)
    return cut_without_strokes(whole, height, width, stroke, halvings, coarse)(
        slice(0, height), slice(0, width)
    )


def cut_without_strokes(
    picture: Cut, height: int, width: int, stroke: float, halvings: int, coarse: Cut | None
) -> Cut:
    """Do what `remove_strokes` does, cut by cut: up to rounding, each cut equals that of the whole picture.

    Args:
        picture: returns the picture's pixels, on the device to compute on. What is read lies within `strokes_reach`.
        height, width: size of the picture, in pixels.
        stroke, halvings: as for `remove_strokes`.
        coarse: what `coarse_strokes` returned for the picture.
    """
    cell = strokes_stride(halvings)

    @torch.no_grad()
    def clean(rows: slice, columns: slice) -> Tensor:
        wanted = Window(rows, columns)
        window = wanted.grown(cell, height, width).aligned(cell, height, width)
        found = _finer(picture, height, width, window, stroke, coarse)
        off = picture(*window).float() - found
        # At the right and at the bottom, cells may be cut off.
        off = F.avg_pool2d(off[None], cell, ceil_mode=True, count_include_pad=False)
        off = F.interpolate(off, scale_factor=cell, mode="bilinear")[0]
        found += off[:, : found.shape[1], : found.shape[2]]
        return found[:, *wanted.within(window)].clamp(-1, 1)

    return clean


@torch.no_grad()
def coarse_strokes(
    picture: Cut,
    height: int,
    width: int,
    stroke: float,
    halvings: int,
    planes: Planes = in_memory,
) -> Cut | None:
    """Take the strokes out of a picture at half its size, as `remove_strokes` does, and tell what that changes.

    This is done once for the whole picture; all else needs only what is near.

    Args:
        picture: returns the picture's pixels, on the device to compute on. It is asked for full rows, once and from
            top to bottom.
        height, width: size of the picture, in pixels.
        stroke, halvings: as for `remove_strokes`.
        planes: where the smaller pictures are kept, together as large as two thirds of the picture's 16-bit samples.

    Returns:
        The change, for the picture at half its size; None where it is not halved.
    """
    levels = [(picture, height, width)]
    for _ in range(halvings):
        levels.append(_halved(*levels[-1], planes))
    change: Cut | None = None
    for level in range(halvings, 0, -1):
        change = _change(*levels[level], stroke / 2**level, change, planes)
    return change


def _halved(picture: Cut, height: int, width: int, planes: Planes) -> tuple[Cut, int, int]:
    """A picture at half its size, and that size."""
    device = torch.device("cpu")
    half = -(-height // 2), -(-width // 2)
    plane = planes(*half)
    for top in range(0, height, BAND):
        rows = picture(slice(top, min(height, top + BAND)), slice(0, width))
        device = rows.device
        small = _halved_pixels(rows.float())
        plane[:, top // 2 : top // 2 + small.shape[1], :] = small.half().cpu().numpy()
    return _cut_of_plane(plane, device), *half


def _halved_pixels(picture: Tensor) -> Tensor:
    """A picture (3, H, W) at half its size, rounded up."""
    return F.avg_pool2d(picture[None], 2, ceil_mode=True, count_include_pad=False)[0]


def _change(picture: Cut, height: int, width: int, stroke: float, coarse: Cut | None, planes: Planes) -> Cut:
    """What taking strokes out of a picture changes, coarser ones included."""
    device = torch.device("cpu")
    plane = planes(height, width)
    for top in range(0, height, TILE):
        for left in range(0, width, TILE):
            window = Window(slice(top, min(height, top + TILE)), slice(left, min(width, left + TILE)))
            change = _finer(picture, height, width, window, stroke, coarse) - picture(*window)
            device = change.device
            plane[:, *window] = change.half().cpu().numpy()
    return _cut_of_plane(plane, device)


def _finer(
    picture: Cut, height: int, width: int, window: Window, stroke: float, coarse: Cut | None
) -> Tensor:
    """A window of a picture without its strokes, those that are found at half its size first.

    Args:
        picture: returns the picture's pixels.
        height, width: size of the picture, in pixels.
        window: begins at even pixels.
        stroke: width of the strokes, in pixels; 0 lets the network tell.
        coarse: returns the change at half its size, if there is any.

    Returns:
        (3, h, w), about [-1, 1].
    """
    rows, columns = _seen(window.rows, height), _seen(window.columns, width)
    seen = mirrored(_changed(picture, height, width, coarse), height, width)(rows, columns)
    return _by_tiles(seen, stroke)[0][:, *window.within(Window(rows, columns))].contiguous()


def _changed(picture: Cut, height: int, width: int, coarse: Cut | None) -> Cut:
    """A picture that is changed as is known at half its size."""

    def cut(rows: slice, columns: slice) -> Tensor:
        window = Window(rows, columns)
        pixels = picture(*window).float()
        if coarse is None:
            return pixels
        half = Window(*(slice(each.start // 2, -(-each.stop // 2)) for each in window))
        around = half.grown(1, -(-height // 2), -(-width // 2))
        change = F.interpolate(coarse(*around)[None], scale_factor=2, mode="bilinear")[0]
        doubled = Window(*(slice(2 * each.start, 2 * each.stop) for each in around))
        return pixels + change[:, *window.within(doubled)]

    return cut


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
        stroke: width of their strokes, in pixels; 0 lets the network tell.
        faithful: from 0, which takes out what is up to four times as wide, to 1, only what is a quarter as wide.

    Returns:
        Pixels, 0 where nothing else was asked for than what the network finds, and halvings.
    """
    if faithful == AS_TOLD and stroke:
        return stroke, halvings_for(stroke)
    if faithful == AS_TOLD:
        return 0.0, max(find_strokes(painting).halvings for painting in paintings)
    width = stroke or fmean(float(find_strokes(painting).widths.median()) for painting in paintings)
    bolder: float = BOLDEST ** (1 - faithful / AS_TOLD)
    return max(1.0, width * bolder), halvings_for(width * bolder)


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
