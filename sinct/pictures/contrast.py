"""How much detail of middling size a picture shows around each pixel, and how much where it is calmest (ours).

A photo has skies and walls without any; strokes cover a painting everywhere.
"""

from collections.abc import Sequence

import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

SCALE = 3.0
"""Size in pixels of the detail that is measured: coarser than grain and canvas, finer than most shapes."""

CALM = 0.25
"""Share of a picture that counts as its calm part."""


def detail_contrast(picture: Tensor) -> Tensor:
    """Standard deviation around each pixel of the luminance's detail at `SCALE`.

    Args:
        picture: (3, H, W), any range.

    Returns:
        (H, W), in the picture's units.
    """
    luminance = picture.mean(dim=0)[None, None]
    detail = blurred(luminance, 0.7 * SCALE) - blurred(luminance, 2 * SCALE)
    return blurred(detail.square(), 4 * SCALE)[0, 0].sqrt()


def calm_contrast(pictures: Sequence[Tensor]) -> float:
    """Contrast that the calm part of pictures does not exceed, (3, H, W) each, all together; in their units."""
    values = torch.cat([detail_contrast(picture).flatten() for picture in pictures]).sort().values
    return float(values[int(CALM * (len(values) - 1))])


def blurred(maps: Tensor, deviation: float) -> Tensor:
    """(N, C, H, W) -> the same, blurred by a Gaussian of that standard deviation in pixels."""
    side = 2 * round(3 * deviation) + 1
    return gaussian_blur2d(maps, (side, side), (deviation, deviation), border_type="replicate")
