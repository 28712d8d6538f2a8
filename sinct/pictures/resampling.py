"""Resizing, on every device."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.runtime.device import with_cpu_fallback


def resize(picture: Tensor, height: int, width: int) -> Tensor:
    """Resize (3, H, W) in [-1, 1], bicubic and antialiased; returns the picture itself if it has that size."""
    if picture.shape[1:] == (height, width):
        return picture
    return antialiased(picture[None], (height, width), mode="bicubic")[0].clamp(-1, 1)


def antialiased(maps: Tensor, size: Sequence[int], *, mode: str = "bilinear") -> Tensor:
    """Resize (N, C, H, W) to (N, C, *size), with a wider kernel where it shrinks.

    CUDA cannot reduce by more than a factor of about 94, or 47 if bicubic; Metal learned it in torch 2.7, or 2.8.
    """
    return with_cpu_fallback(lambda x: F.interpolate(x, tuple(size), mode=mode, antialias=True), maps)


def averaged(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Reduce (C, H, W) or (N, C, H, W) to cells of equal area, each with the mean of the pixels that it touches.

    Metal can do it only if the cells have whole pixels.
    """
    return with_cpu_fallback(lambda x: F.adaptive_avg_pool2d(x, size), maps)


def same_shape(wanted: tuple[int, int], given: tuple[int, int]) -> bool:
    """Whether two sizes (height, width) have the same aspect ratio, within 2 % for rounding in small pictures."""
    return abs(wanted[0] * given[1] / (wanted[1] * given[0]) - 1) <= 0.02


def nearest(labels: Tensor, height: int, width: int) -> Tensor:
    """Bring labels, (H, W), to another size without making new ones."""
    if labels.shape == (height, width):
        return labels
    return labels[_middles(labels.shape[0], height)][:, _middles(labels.shape[1], width)]


def _middles(before: int, after: int) -> Tensor:
    """For each of so many pixels after resizing, the one before that covers its middle."""
    return ((torch.arange(after, dtype=torch.float64) + 0.5) * before / after).long().clamp_(max=before - 1)
