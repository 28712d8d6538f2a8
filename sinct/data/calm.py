"""How calm a picture is where it is calmest, and how far a painting must be smoothed to be as calm as a photo (ours).

A photo has skies and walls without any detail; strokes cover a painting everywhere. Their width cannot be told from
statistics, but what they leave over in the calm parts after smoothing can.
"""

import math
from collections.abc import Sequence

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.data.smoothing import ITERATIONS, total_variation_smooth

SCALE = 3.0
"""Size in pixels of the detail that is measured: coarser than grain and canvas, finer than most shapes."""

CALM = 0.25
"""Share of a picture that counts as its calm part."""

MOST = 1.2
"""Largest contrast on [-1, 1] that is smoothed away; beyond, faint shapes go before the last strokes do."""

GRID, SIDE = 3, 192
"""Windows a side, and their side in pixels, in which larger pictures are measured."""

ROUNDS = 5
"""Halvings of the range in which the contrast is looked for."""


@torch.no_grad()
def calming(paintings: Sequence[Tensor], photos: Sequence[Tensor], smoothing: float) -> float:
    """Find by how much paintings must be smoothed to be as calm as photos smoothed by less.

    Args:
        paintings: (3, H, W) in [-1, 1]; one answer is given for all.
        photos: (3, H, W) in [-1, 1], in the paintings' palette, so that their contrasts compare.
        smoothing: contrast on [-1, 1] by which the photos are smoothed.

    Returns:
        Contrast on [-1, 1], from `smoothing` to the larger of it and `MOST`.
    """
    paintings, photos = _windows(paintings), _windows(photos)
    wanted = unrest(photos, smoothing)
    low, high = smoothing, max(smoothing, MOST)
    if smoothing <= 0 or unrest(paintings, low) <= wanted:
        return smoothing
    for _ in range(ROUNDS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if unrest(paintings, middle) > wanted else (low, middle)
    return math.sqrt(low * high)


def unrest(pictures: Sequence[Tensor], smoothing: float) -> float:
    """Contrast on [-1, 1] of the detail that smoothing leaves over in the calm part of pictures, (3, H, W) each."""
    found = [_contrast(total_variation_smooth(picture, smoothing)).flatten() for picture in pictures]
    values = torch.cat(found).sort().values
    return float(values[int(CALM * (len(values) - 1))])


def _contrast(picture: Tensor) -> Tensor:
    """Standard deviation around each pixel of the luminance's detail at `SCALE`, (3, H, W) -> (H, W)."""
    luminance = picture.mean(dim=0)[None, None]
    detail = _blurred(luminance, 0.7 * SCALE) - _blurred(luminance, 2 * SCALE)
    return _blurred(detail.square(), 4 * SCALE)[0, 0].sqrt()


def _blurred(maps: Tensor, deviation: float) -> Tensor:
    side = 2 * round(3 * deviation) + 1
    return gaussian_blur2d(maps, (side, side), (deviation, deviation), border_type="replicate")


def _windows(pictures: Sequence[Tensor]) -> list[Tensor]:
    """Pictures as a whole if they are small, otherwise windows spread evenly over them, at their own resolution."""
    side = SIDE + ITERATIONS
    cut = []
    for picture in pictures:
        height, width = picture.shape[1:]
        if min(height, width) <= GRID * side // 2 or height * width <= (GRID * side) ** 2:
            cut.append(picture)
            continue
        for top in range(0, height - side + 1, (height - side) // (GRID - 1)):
            for left in range(0, width - side + 1, (width - side) // (GRID - 1)):
                cut.append(picture[:, top : top + side, left : left + side].contiguous())
    return cut
