"""Takes strokes out of paintings, and tells how wide they are, by a network that learned it (ours)."""

from collections.abc import Sequence
from statistics import fmean

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.networks.compact_generator import without_grid
from sinct.networks.stroke_remover import WIDEST, StrokeRemover, coded, decoded
from sinct.pictures.windows import spans
from sinct.runtime.device import gains_from_bfloat16
from sinct.weights.stroke_remover import load_stroke_remover

TILE = 1280
"""Side in pixels of the tiles that larger pictures are worked on in. They overlap by as far as the network sees, so
that no border shows."""

STRIDE = StrokeRemover.stride
"""Windows of a picture must begin at a multiple of this, in pixels, to give the same as the whole picture."""


AS_TOLD = 0.5
"""The `faithful` that takes out strokes as wide as they are."""

BOLDEST = 4.0
"""How many times as wide as the strokes is what a `faithful` of 0 takes out."""

STROKES_REACH = StrokeRemover.halo
"""How far around a pixel the strokes count that are taken out there, in pixels."""


@torch.no_grad()
def remove_strokes(picture: Tensor, stroke: float = 0.0) -> Tensor:
    """Take the strokes out of a painting, and leave the rest in its colours.

    A pixel of the result depends on at most `STROKES_REACH` pixels on each side.

    Args:
        picture: (3, H, W) in [-1, 1].
        stroke: width of the strokes, in pixels; 0 lets the network tell.

    Returns:
        (3, H, W) in [-1, 1], float32.

    Raises:
        WeightsError: the network's file is missing or damaged.
    """
    return _by_tiles(picture, stroke)[0]


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
    return decoded(_by_tiles(picture, 0.0)[1])


def stroke_to_remove(paintings: Sequence[Tensor], stroke: float, faithful: float) -> float:
    """Width of the strokes to be taken out, for `remove_strokes`.

    Args:
        paintings: (3, H, W) in [-1, 1] each; one answer is given for all.
        stroke: width of their strokes, in pixels; 0 lets the network tell.
        faithful: from 0, which takes out what is up to four times as wide, to 1, only what is a quarter as wide.

    Returns:
        Pixels; 0 where neither was asked for.
    """
    if faithful == AS_TOLD:
        return stroke
    base = stroke or fmean(float(stroke_widths(painting).median()) for painting in paintings)
    bolder: float = BOLDEST ** (1 - faithful / AS_TOLD)
    return min(WIDEST, max(1.0, base * bolder))


def _by_tiles(picture: Tensor, stroke: float) -> tuple[Tensor, Tensor]:
    """Picture without strokes, (3, H, W), and their coded widths, (⌈H / 8⌉, ⌈W / 8⌉)."""
    device = picture.device
    network = load_stroke_remover(device)
    height, width = picture.shape[1:]
    padded = F.pad(picture[None].float(), (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    known = padded.new_tensor([coded(stroke) if stroke > 0 else 0.0])
    clean = torch.empty_like(padded[0])
    widths = padded.new_empty(padded.shape[2] // STRIDE, padded.shape[3] // STRIDE)
    for rows in spans(padded.shape[2], TILE, StrokeRemover.halo, STRIDE):
        for columns in spans(padded.shape[3], TILE, StrokeRemover.halo, STRIDE):
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
    clean = without_grid(clean[None])[0].clamp(-1, 1)
    return clean[:, :height, :width].contiguous(), widths


def _eighth(pixels: slice) -> slice:
    return slice(pixels.start // STRIDE, pixels.stop // STRIDE)
