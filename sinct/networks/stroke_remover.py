"""A network that takes strokes out of a painting and tells how wide they are (ours).

It was learned on many painted photographs, see `assets/stroke_remover.py`. What it returns is the painting still, in
its own palette, as far as it can be known without its strokes: sharp where the strokes leave no doubt, and soft where
they do.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.compact_generator import doubled
from sinct.networks.layers import GAIN, EqualConv2d, ResidualBlock, leaky_relu

WIDTH = 48
"""Channels at half the resolution."""

DEEP_BLOCKS = 5
"""Residual blocks at an eighth of the resolution."""

WIDEST = 64.0
"""Width in pixels of the widest strokes that can be told; the finest are 1 px."""


class Removed(NamedTuple):
    """Paintings without strokes.

    Attributes:
        picture: (N, 3, H, W), about [-1, 1].
        width: (N, 1, H / 8, W / 8), the strokes' width as `coded` has it.
    """

    picture: Tensor
    width: Tensor


def coded(pixels: float) -> float:
    """A stroke's width in pixels as the network sees and tells it: 0.1 for 1 px or less, 1 for `WIDEST`."""
    return float(coded_map(torch.tensor(pixels, dtype=torch.float64)))


def coded_map(widths: Tensor) -> Tensor:
    """Do what `coded` does to a tensor of any shape."""
    return 0.1 + 0.9 * widths.clamp(1.0, WIDEST).log() / math.log(WIDEST)


def decoded(code: Tensor) -> Tensor:
    """Undo `coded`, for a tensor of any shape."""
    return torch.exp((code.clamp(0.1, 1.0) - 0.1) / 0.9 * math.log(WIDEST))


class StrokeRemover(nn.Module):
    """2×2 blocks of pixels -> w channels at half the resolution -> 2w at a quarter -> 4w at an eighth, and back.

    Each resolution is joined with itself on the way back, so that contours keep their place.

    Args:
        width: channels w at half the resolution.
    """

    stride = 8
    """Heights and widths must be multiples of this, in pixels."""

    halo = 144
    """How far around an output pixel the input can influence it, in pixels; a multiple of the stride."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.stem = EqualConv2d(16, width, 3, gain=GAIN)
        self.fine = ResidualBlock(width)
        self.to_quarter = EqualConv2d(width, 2 * width, 3, stride=2, padding=1, gain=GAIN)
        self.middle = ResidualBlock(2 * width)
        self.to_eighth = EqualConv2d(2 * width, 4 * width, 3, stride=2, padding=1, gain=GAIN)
        self.deep = nn.Sequential(*(ResidualBlock(4 * width) for _ in range(DEEP_BLOCKS)))
        self.told = EqualConv2d(4 * width, 1, 1)
        self.from_eighth = EqualConv2d(4 * width, 2 * width, 1, gain=1 / math.sqrt(2))
        self.middle_back = ResidualBlock(2 * width)
        self.from_quarter = EqualConv2d(2 * width, width, 1, gain=1 / math.sqrt(2))
        self.fine_back = ResidualBlock(width)
        self.to_full = EqualConv2d(width, width, 3, gain=GAIN)
        self.to_rgb = EqualConv2d(width // 4 + 3, 3, 3)

    def forward(self, painting: Tensor, widths: Tensor) -> Removed:
        """Take the strokes out.

        Args:
            painting: (N, 3, H, W) in [-1, 1].
            widths: (N,), how wide the strokes are, as `coded` has it; 0 where that is not known.
        """
        plane = widths.to(painting)[:, None, None, None].expand(-1, 1, *painting.shape[2:])
        half = self.fine(leaky_relu(self.stem(F.pixel_unshuffle(torch.cat([painting, plane], 1), 2))))
        quarter = self.middle(leaky_relu(self.to_quarter(half)))
        deep = self.deep(leaky_relu(self.to_eighth(quarter)))
        joined = torch.add(doubled(self.from_eighth(deep)), quarter, alpha=1 / math.sqrt(2))
        joined = torch.add(doubled(self.from_quarter(self.middle_back(joined))), half, alpha=1 / math.sqrt(2))
        full = F.pixel_shuffle(leaky_relu(self.to_full(self.fine_back(joined))), 2)
        # Rounded to bfloat16, a smooth sky would have steps.
        with torch.autocast(painting.device.type, enabled=False):
            picture = self.to_rgb(torch.cat([full.to(painting), painting], 1))
        return Removed(picture, self.told(deep))
