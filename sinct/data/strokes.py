"""Takes strokes out of paintings, and tells how wide they are, by a network that learned it (ours)."""

import math
from collections.abc import Sequence
from statistics import fmean

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

AS_TOLD = 0.5
"""The `faithful` that takes out strokes as wide as they are."""

BOLDEST = 4.0
"""How many times as wide as the strokes is what a `faithful` of 0 takes out."""

FINE = 4.0
"""Width in pixels from which strokes are also taken out of the picture at half its size: from twice this width at a
quarter, and so on. What is as wide as that, the network mistakes for forms."""

COARSEST = 4
"""Most halvings."""


def halvings_for(width: float) -> int:
    """How often a picture is halved for strokes of a width in pixels to be taken out."""
    return 0 if width < FINE else min(COARSEST, 1 + int(math.log2(width / FINE)))


def strokes_stride(halvings: int) -> int:
    """Windows of a picture must begin at a multiple of this, in pixels, to give the same as the whole picture."""
    return StrokeRemover.stride << halvings


def strokes_reach(halvings: int) -> int:
    """How far around a pixel the strokes count that are taken out there, in pixels; a multiple of the stride."""
    reach = sum((StrokeRemover.halo + 4) << level for level in range(halvings + 1))
    return -(-reach // strokes_stride(halvings)) * strokes_stride(halvings)


@torch.no_grad()
def remove_strokes(picture: Tensor, stroke: float = 0.0, halvings: int = 0) -> Tensor:
    """Take the strokes out of a painting, and leave the rest in its colours.

    They are taken out of the picture, then what is left of them out of the picture at half its size, and so on; each
    time, the finer detail stays. A pixel of the result depends on at most `strokes_reach` pixels on each side.

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
    stride = strokes_stride(halvings)
    padded = F.pad(picture[None].float(), (0, -width % stride, 0, -height % stride), mode="replicate")[0]
    return _coarser(padded, stroke, halvings)[:, :height, :width].clamp(-1, 1)


def _coarser(picture: Tensor, stroke: float, halvings: int) -> Tensor:
    """Do what `remove_strokes` does to a picture whose sides are multiples of its stride."""
    clean = _by_tiles(picture, stroke)[0]
    if not halvings:
        return clean
    small = F.avg_pool2d(clean[None], 2)[0]
    change = _coarser(small, stroke / 2, halvings - 1) - small
    return clean + F.interpolate(change[None], scale_factor=2, mode="bilinear")[0]


@torch.no_grad()
def stroke_widths(picture: Tensor) -> Tensor:
    """How wide the strokes of a painting are, everywhere.

    Args:
        picture: (3, H, W) in [-1, 1].

    Returns:
        (⌈H / 8⌉, ⌈W / 8⌉) in pixels, from 1 to 64.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    height, width = picture.shape[1:]
    stride = StrokeRemover.stride
    padded = F.pad(picture[None].float(), (0, -width % stride, 0, -height % stride), mode="replicate")[0]
    return decoded(_by_tiles(padded, 0.0)[1])


def strokes_to_remove(paintings: Sequence[Tensor], stroke: float, faithful: float) -> tuple[float, int]:
    """Width of the strokes to be taken out, and how often paintings are halved for it, for `remove_strokes`.

    Args:
        paintings: (3, H, W) in [-1, 1] each; one answer is given for all.
        stroke: width of their strokes, in pixels; 0 lets the network tell.
        faithful: from 0, which takes out what is up to four times as wide, to 1, only what is a quarter as wide.

    Returns:
        Pixels, 0 where nothing else was asked for than what the network finds, and halvings.
    """
    width = stroke or fmean(float(stroke_widths(painting).median()) for painting in paintings)
    bolder: float = BOLDEST ** (1 - faithful / AS_TOLD)
    known = 0.0 if not stroke and faithful == AS_TOLD else max(1.0, width * bolder)
    return known, halvings_for(width * bolder)


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
