"""How far a painting must be smoothed to be as calm as a photo (ours).

How wide its strokes are cannot be told from statistics, but what they leave over in its calm parts can.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from sinct.data.crops import native_windows
from sinct.data.smoothing import ITERATIONS, total_variation_smooth
from sinct.pictures.contrast import calm_contrast

MOST = 1.2
"""Largest contrast on [-1, 1] that is smoothed away; beyond, faint shapes go before the last strokes do."""

SIDE = 192 + ITERATIONS
"""Side in pixels of the windows in which larger pictures are measured."""

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
    paintings, photos = (
        [window for picture in pictures for window in native_windows(picture, SIDE)]
        for pictures in (paintings, photos)
    )
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
