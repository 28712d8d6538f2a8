"""Takes strokes out of paintings, and tells how wide they are, by a network that learned it (ours)."""

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.networks.compact_generator import without_grid
from sinct.networks.stroke_remover import StrokeRemover, coded, decoded
from sinct.pictures.windows import spans
from sinct.runtime.device import gains_from_bfloat16
from sinct.weights.stroke_remover import load_stroke_remover

TILE = 1280
"""Side in pixels of the tiles that larger pictures are worked on in. They overlap by as far as the network sees, so
that no border shows."""

BAND = 128
"""Rows of a picture that the grid is taken out of at a time."""

CELL = 16
"""Side in pixels of the cells whose mean colours stay as they are painted; twice as long after each halving. The
network has seen painters take liberties with colours, and would take them back."""

MARGIN = 32
"""Pixels by which a picture is continued beyond its border, or a cell where that is more. At the zeros that
convolutions pad with, the network would see an edge."""

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

LARGE = 12_000_000
"""Pixels from which a painting is halved only if the width of its strokes is given: it will be translated in windows,
which read much around themselves for it."""

SMALLEST = 96
"""Side in pixels below which no picture is halved."""


def halvings_for(width: float) -> int:
    """How often a picture is halved for strokes of a width in pixels to be taken out."""
    if width < FINE:
        return 0
    return min(COARSEST, 1 + int(math.log2(max(1.0, width / BROAD))))


def strokes_stride(halvings: int) -> int:
    """Windows of a picture must begin at a multiple of this, in pixels, to give the same as the whole picture."""
    return CELL << halvings


def strokes_reach(halvings: int) -> int:
    """How far around a pixel the strokes count that are taken out there, in pixels; a multiple of the stride."""
    reach = sum((StrokeRemover.halo + 4) << level for level in range(halvings + 1)) + (2 * CELL << halvings)
    return -(-reach // strokes_stride(halvings)) * strokes_stride(halvings)


@torch.no_grad()
def remove_strokes(picture: Tensor, stroke: float = 0.0, halvings: int = 0) -> Tensor:
    """Take the strokes out of a painting, and leave the rest in its colours.

    They are taken out of the picture, then what is left of them out of the picture at half its size, and so on; each
    time, the finer detail stays. In the end, mean colours over some strokes are made the painting's own. A pixel of
    the result depends on at most `strokes_reach` pixels on each side.

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
    cell = strokes_stride(halvings)
    margin = max(cell, MARGIN)
    padded = _continued(picture.float(), margin, cell)
    clean = _coarser(padded, stroke, halvings)
    off = F.avg_pool2d((padded - clean)[None], cell)
    clean += F.interpolate(off, scale_factor=cell, mode="bilinear")[0]
    return clean[:, margin : margin + height, margin : margin + width].clamp(-1, 1)


def _continued(picture: Tensor, margin: int, stride: int) -> Tensor:
    """Continue a picture (C, H, W) on all sides by its mirror image, until its sides are multiples of a stride."""
    height, width = picture.shape[1:]
    more = margin, margin + -width % stride, margin, margin + -height % stride
    # Only tiny pictures have too few pixels for it.
    mode = "reflect" if max(more) < min(height, width) else "replicate"
    return F.pad(picture[None], more, mode=mode)[0]


def _coarser(picture: Tensor, stroke: float, halvings: int) -> Tensor:
    """Do what `remove_strokes` does to a picture whose sides are multiples of its stride."""
    clean = _by_tiles(picture, stroke)[0]
    if not halvings:
        return clean
    small = F.avg_pool2d(clean[None], 2)[0]
    change = _coarser(small, stroke / 2, halvings - 1) - small
    clean += F.interpolate(change[None], scale_factor=2, mode="bilinear")[0]
    return clean


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
        height, width = picture.shape[1:]
        stride = StrokeRemover.stride
        padded = F.pad(picture[None].float(), (0, -width % stride, 0, -height % stride), mode="replicate")
        told = decoded(_by_tiles(padded[0], 0.0)[1])
        broad = float(told.median()) >= (BROAD if halvings else FINE)
        if not broad or halvings == COARSEST or min(height, width) < 2 * SMALLEST:
            return Strokes(told * 2**halvings, halvings)
        picture, halvings = F.avg_pool2d(padded, 2)[0], halvings + 1


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
        large = any(painting[0].numel() > LARGE for painting in paintings)
        return 0.0, 0 if large else max(find_strokes(painting).halvings for painting in paintings)
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
