"""Resizing of whole pictures."""

import torch.nn.functional as F
from torch import Tensor


def resize(picture: Tensor, height: int, width: int) -> Tensor:
    """Resize (3, H, W) in [-1, 1], bicubic and antialiased; returns the picture itself if it has that size."""
    if picture.shape[1:] == (height, width):
        return picture
    return F.interpolate(picture[None], (height, width), mode="bicubic", antialias=True)[0].clamp(-1, 1)


def same_shape(wanted: tuple[int, int], given: tuple[int, int]) -> bool:
    """Whether two sizes (height, width) have the same aspect ratio, within 2 % for rounding in small pictures."""
    return abs(wanted[0] * given[1] / (wanted[1] * given[0]) - 1) <= 0.02
