"""How far a painting must be smoothed to be as calm as a photo (ours).

How wide its strokes are cannot be told from statistics, but what they leave over in its calm parts can.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sinct.data.smoothing import ITERATIONS, total_variation_smooth
from sinct.pictures.contrast import calm_contrast

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
    """Contrast on [-1, 1] that smoothing leaves over in the calm part of pictures, (3, H, W) each."""
    return calm_contrast([total_variation_smooth(picture, smoothing) for picture in pictures])


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
