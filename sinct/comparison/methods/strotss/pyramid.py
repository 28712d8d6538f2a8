"""Scales from coarse to fine, and the Laplacian pyramid that is optimised at each."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from sinct.pictures.resampling import antialiased

COARSEST = 64
"""Smallest longer side of the first scale, in pixels."""

LEVELS = 5
"""Bands of the Laplacian pyramid, besides the coarse remainder."""


def resize(picture: Tensor, size: Sequence[int], *, antialias: bool = False) -> Tensor:
    """Resize (1, C, H, W) to (1, C, *size) bilinearly, with `antialias` by a triangle filter."""
    if antialias:
        return antialiased(picture, size)
    return F.interpolate(picture, tuple(size), mode="bilinear", align_corners=False)


def split(picture: Tensor) -> tuple[Tensor, Tensor]:
    """The finest band of a Laplacian pyramid, and the picture at half the size."""
    half = resize(picture, [max(1, side // 2) for side in picture.shape[2:]])
    return picture - resize(half, picture.shape[2:]), half


def pyramid(picture: Tensor) -> list[Tensor]:
    """The Laplacian pyramid, finest band first: `LEVELS` bands and the coarse remainder."""
    bands = []
    for _ in range(LEVELS):
        band, picture = split(picture)
        bands.append(band)
    return [*bands, picture]


def collapse(levels: Sequence[Tensor]) -> Tensor:
    """The picture with this Laplacian pyramid."""
    *bands, picture = levels
    for band in reversed(bands):
        picture = band + resize(picture, band.shape[2:])
    return picture


def scales(height: int, width: int) -> list[tuple[int, int]]:
    """Heights and widths from coarse to fine, doubling up to the picture's own.

    The coarsest has a longer side of 64 to 127 pixels. The code begins with 64 and doubles it; the two agree
    where the longer side is 64 times a power of two. A picture below 64 pixels has only its own scale.
    """
    halvings = max(1, max(height, width) // COARSEST).bit_length() - 1
    return [(max(1, height >> k), max(1, width >> k)) for k in reversed(range(halvings + 1))]


def reduced(photo: Tensor, longest: int) -> Tensor:
    """The photo with a longer side of `longest`. Unlike in the code it is never enlarged: its blur would be learnt."""
    factor = min(1.0, longest / max(photo.shape[2:]))
    return resize(photo, [max(1, round(side * factor)) for side in photo.shape[2:]], antialias=True)
