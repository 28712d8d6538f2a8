"""Strokes that are left: detail, direction and mixed colours where a photo has none."""

import math

import torch
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.structure import edge_orientations
from sinct.pictures.contrast import blurred, calm_contrast

SEEN = 0.5 / 127.5
"""Contrast on [-1, 1] that is hardly seen: half a grey level. Differences below it count little."""

LEAST = 0.1
"""Share of a picture in which strokes are looked for, that which shows least: a photo has sky, walls or haze there,
or at least something out of focus; a painting has been painted there as everywhere."""

FINE = 1.5
"""Standard deviation in pixels of the blur that takes grain away before directions are measured."""

SPOT = 2.0
"""The same before mixed colours are measured: about the finest stroke."""

SLOPE = 0.1
"""Slope in L* per pixel, a quarter of a grey level, below which a direction is rounding."""

HARDLY = 0.1
"""Contrast in ΔE that is far below what is seen. Differences below it count little."""


def restless(output: Tensor, photo: Tensor) -> float:
    """How much more detail the calmest quarter of the output shows than that of the photo.

    Args:
        output: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].

    Returns:
        Decibels; 0 where the output is as calm as the photo, or calmer.
    """
    return above(calm_contrast([output]), calm_contrast([photo]))


def above(found: float, wanted: float, *, seen: float = SEEN) -> float:
    """By how many decibels a contrast exceeds another; 0 where it does not. Less than `seen` counts little."""
    return max(0.0, 20 * math.log10((found + seen) / (wanted + seen)))


def directed(output: Tensor, photo: Tensor) -> float:
    """How much more the output's fine detail keeps to one direction than the photo's, where it does so least.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Difference of their `coherence` in percentage points; 0 where the photo's is as high, or higher.

    Raises:
        ConfigError: a side of a picture is shorter than 3 px.
    """
    return max(0.0, coherence(output) - coherence(photo))


def coherence(picture: Tensor) -> float:
    """How far the fine detail around each place runs in one direction, in the tenth of the picture with least of it.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.

    Returns:
        In [0, 100]: 100 where all gradients within about 6 px are parallel, 0 where they have no direction in
        common, or there are none. Noise has 5 to 12.

    Raises:
        ConfigError: a side is shorter than 3 px.

    Bigün and Granlund 1987 ("Optimal Orientation Detection of Linear Symmetry"): the coherence of the structure
    tensor. Ours are the scales, and that a gradient counts by its length rather than the square, so that one edge
    does not outweigh the strokes beside it.
    """
    height, width = picture.shape[-2:]
    if min(height, width) < 3:
        raise ConfigError(
            f"a picture of {width}x{height} px is too small to have strokes; give one of at least 3 px per side"
        )
    lightness = _lab(picture)[:, :1]
    gradients = edge_orientations((blurred(lightness, FINE) - blurred(lightness, 3 * FINE))[0])
    lengths = (gradients.square().sum(dim=0, keepdim=True) + SLOPE**2).sqrt()
    x, y, length = blurred(torch.cat([gradients, lengths])[None], 2 * FINE)[0]
    return 100 * _least(torch.hypot(x, y) / length)


def broken_colour(output: Tensor, photo: Tensor) -> float:
    """How much more the output's colour varies from spot to spot than the photo's, where it does so least.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Decibels between their `colour_contrast`; 0 where the output's is as low as the photo's, or lower.
    """
    return above(colour_contrast(output), colour_contrast(photo), seen=HARDLY)


def colour_contrast(picture: Tensor) -> float:
    """How much colour varies from spot to spot, in the tenth of the picture where it does so least.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.

    Returns:
        Standard deviation in ΔE of detail of about 4 to 10 px in a* and b*, within about 16 px.

    Ours. Painters put unmixed colours side by side ("broken colour"). What varies in a photo's calm parts is light.
    """
    colours = _lab(picture)[:, 1:]
    spots = blurred(colours, SPOT) - blurred(colours, 3 * SPOT)
    return _least(blurred(spots.square().sum(dim=1, keepdim=True), 4 * SPOT).sqrt())


def _lab(picture: Tensor) -> Tensor:
    """(3, H, W) -> (1, 3, H, W)."""
    lab: Tensor = rgb_to_lab((picture[None].clamp(-1, 1) + 1) / 2)
    return lab


def _least(values: Tensor) -> float:
    """The value that `LEAST` of all do not exceed."""
    ordered = values.flatten().sort().values
    return float(ordered[int(LEAST * (len(ordered) - 1))])
