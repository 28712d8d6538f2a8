"""Strokes that are left: detail where a photo has none."""

import math

from torch import Tensor

from sinct.pictures.contrast import calm_contrast

SEEN = 0.5 / 127.5
"""Contrast on [-1, 1] that is hardly seen: half a grey level. Differences below it count little."""


def restless(output: Tensor, photo: Tensor) -> float:
    """How much more detail the calmest quarter of the output shows than that of the photo.

    Args:
        output: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].

    Returns:
        Decibels; 0 where the output is as calm as the photo, or calmer.
    """
    return above(calm_contrast([output]), calm_contrast([photo]))


def above(found: float, wanted: float) -> float:
    """By how many decibels a contrast exceeds another; 0 where it does not."""
    return max(0.0, 20 * math.log10((found + SEEN) / (wanted + SEEN)))
