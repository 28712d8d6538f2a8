"""Generators with fewer operations, for training while somebody waits (ours).

StyleGAN2's blocks spend most of their time at full resolution, on the fewest channels. These generators begin on 2×2
blocks of pixels (Shi et al. 2016, arXiv:1609.05158), and their residual blocks work at a quarter of the resolution,
where the same time buys twice the channels and twice the receptive field. A skip connection at half the resolution
carries the painting's edges past them.
"""

import math
from abc import abstractmethod
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.base import Features, GeneratorBase
from sinct.networks.layers import (
    GAIN,
    EqualConv2d,
    ResidualBlock,
    in_full_precision,
    leaky_relu,
    smoothing_kernel,
)

SHUFFLED = 16
"""Channels of a compact generator at full resolution, before the last convolution."""

SHARP = 24
"""Channels of a crisp generator at full resolution."""


class QuarterGenerator(GeneratorBase):
    """Base of generators whose residual blocks work at a quarter of the resolution.

    2×2 blocks of pixels -> w channels at half resolution -> 2w at a quarter, six residual blocks (three belong
    to the encoder) -> back to half resolution, joined with the maps from there. A subclass turns these into RGB.

    Args:
        width: channels w at half resolution.
    """

    depths = 3
    stride = 4

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.width = width
        self.stem = EqualConv2d(12, width, 3, gain=GAIN)
        self.down = EqualConv2d(width, 2 * width, 3, stride=2, padding=1, gain=GAIN)
        self.encoder = nn.ModuleList(ResidualBlock(2 * width) for _ in range(3))
        self.decoder = nn.Sequential(*(ResidualBlock(2 * width) for _ in range(3)))
        self.up = EqualConv2d(2 * width, width, 1, gain=1 / math.sqrt(2))
        self.fine = ResidualBlock(width)

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of each feature that `encode` returns."""
        deep: int = self.down.weight.shape[0]
        return 3, deep, deep

    @property
    def halo(self) -> int:
        """How far around an output pixel the input can influence it, in pixels; a multiple of the stride."""
        half, full = self.last_reach
        half += 1 + 1 + 2  # stem, downsampling, fine block
        # residual blocks and interpolation
        quarter = 2 * (len(self.encoder) + len(self.decoder)) + self.spread_reach
        return -(-(4 * quarter + 2 * half + full) // self.stride) * self.stride

    spread_reach: ClassVar[int]
    """How far the way up from a quarter of the resolution reaches, in its pixels."""

    last_reach: ClassVar[tuple[int, int]]
    """How far the layers after the fine block reach, in pixels at half and at full resolution."""

    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares, at a quarter of the resolution."""
        return self._encode(picture)[1]

    def translate(self, picture: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Features]:
        """Translate, and return the input's features too, so that PatchNCE need not encode it again."""
        fine, features = self._encode(picture)
        coarse = self._doubled(self.up(self.decoder(self.encoder[2](features[-1]))))
        joined = self.fine(torch.add(coarse, fine, alpha=1 / math.sqrt(2)))
        return in_full_precision(self._render, joined, picture), features

    @abstractmethod
    def _doubled(self, maps: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, 2H, 2W)."""

    @abstractmethod
    def _render(self, joined: Tensor, picture: Tensor) -> Tensor:
        """(N, w, H/2, W/2) and the input -> RGB, (N, 3, H, W)."""

    def _encode(self, picture: Tensor) -> tuple[Tensor, Features]:
        """The maps at half resolution, and the features for PatchNCE."""
        fine = leaky_relu(self.stem(F.pixel_unshuffle(picture, 2)))
        down = leaky_relu(self.down(fine))
        return fine, (picture, down, self.encoder[1](self.encoder[0](down)))


class CompactGenerator(QuarterGenerator):
    """Ends on 2×2 blocks of pixels, whose grid is smoothed away; soft for that reason (version 0.2's).

    Args:
        width: channels at half resolution.
    """

    name = "compact"
    spread_reach = 1
    last_reach = (1, 2 + 1)  # shuffle; to RGB and smoothing, plus the grid's own offset

    def __init__(self, width: int = 48) -> None:
        super().__init__(width)
        self.shuffle = EqualConv2d(width, 4 * SHUFFLED, 3, gain=GAIN)
        self.to_rgb = EqualConv2d(SHUFFLED, 3, 3)
        # Start with four equal pixels per block, so without a grid (Aitken et al. 2017, arXiv:1707.02937).
        with torch.no_grad():
            self.shuffle.weight.copy_(self.shuffle.weight[::4].repeat_interleave(4, dim=0))

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel: several maps of w channels at half resolution (measured)."""
        return self.stem.weight.shape[0] * 9 // 8 + 44

    def _doubled(self, maps: Tensor) -> Tensor:
        return F.interpolate(maps, scale_factor=2, mode="bilinear")

    def _render(self, joined: Tensor, picture: Tensor) -> Tensor:
        return without_grid(self.to_rgb(F.pixel_shuffle(leaky_relu(self.shuffle(joined)), 2)))


class CrispGenerator(QuarterGenerator):
    """Ends with layers at full resolution, joined with the input as it is there.

    Smoothing as the last operation would leave one pixel's detail at a quarter of its amplitude, whatever the layers
    before it do. Pixel shuffle and plain interpolation leave a grid: they change more between blocks than in them.
    Here maps are smoothed before each step up, which leaves nothing near the grid's period; detail comes from
    convolutions of the input itself, grain included, and the maps from below decide where it shows.

    Args:
        width: channels at half resolution.
    """

    name = "crisp"
    spread_reach = 2
    last_reach = (1 + 2, 3 + 1)  # convolution and way up; three convolutions, plus the grid's own offset

    def __init__(self, width: int = 48) -> None:
        super().__init__(width)
        self.spread = EqualConv2d(width, SHARP, 3)
        self.surface = EqualConv2d(3, SHARP, 3)
        self.detail = EqualConv2d(SHARP, SHARP, 3, gain=GAIN)
        self.to_rgb = EqualConv2d(SHARP, 3, 3)

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel: maps at half resolution, and three at the full one."""
        return self.stem.weight.shape[0] * 9 // 8 + 3 * SHARP

    def _doubled(self, maps: Tensor) -> Tensor:
        return doubled(maps)

    def _render(self, joined: Tensor, picture: Tensor) -> Tensor:
        surface = self.surface(picture)
        full = leaky_relu(torch.add(self._doubled(self.spread(joined)), surface, alpha=GAIN))
        rgb: Tensor = self.to_rgb(leaky_relu(self.detail(full)))
        return rgb


def doubled(maps: Tensor) -> Tensor:
    """(N, C, H, W) -> (N, C, 2H, 2W), any range, without the grid that blocks of pixels leave."""
    return F.interpolate(without_grid(maps), scale_factor=2, mode="bilinear")


def without_grid(x: Tensor) -> Tensor:
    """Smooth each channel with [1, 2, 1] ⊗ [1, 2, 1] / 16, which removes every pattern with a period of 2 px.

    Args:
        x: (N, C, H, W), any range; border pixels are repeated outwards.

    Returns:
        (N, C, H, W).
    """
    kernel = smoothing_kernel((1.0, 2.0, 1.0), x.dtype, x.device)
    channels = x.shape[1]
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel.expand(channels, 1, 3, 3), groups=channels)
