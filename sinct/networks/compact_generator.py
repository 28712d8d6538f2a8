"""A generator with fewer operations, for training while somebody waits (ours).

StyleGAN2's blocks spend most of their time at full resolution, on the fewest channels. This generator begins and
ends on 2×2 blocks of pixels (Shi et al. 2016, arXiv:1609.05158), and its residual blocks work at a quarter of the
resolution, where the same time buys twice the channels and twice the receptive field. A skip connection at half
the resolution carries the painting's edges past them.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.base import Features, GeneratorBase
from sinct.networks.layers import GAIN, EqualConv2d, ResidualBlock, leaky_relu

SHUFFLED = 16
"""Channels at full resolution, before the last convolution."""


class CompactGenerator(GeneratorBase):
    """Translate pictures of any size that is a multiple of 4 px.

    2×2 blocks of pixels -> w channels at half resolution -> 2w at a quarter, six residual blocks (three belong
    to the encoder) -> back to half resolution, joined with the maps from there -> pixel shuffle -> RGB.

    Args:
        width: channels w at half resolution.
    """

    name = "compact"
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
        self.shuffle = EqualConv2d(width, 4 * SHUFFLED, 3, gain=GAIN)
        self.to_rgb = EqualConv2d(SHUFFLED, 3, 3)
        # Start with four equal pixels per block, so without a grid (Aitken et al. 2017, arXiv:1707.02937).
        with torch.no_grad():
            self.shuffle.weight.copy_(self.shuffle.weight[::4].repeat_interleave(4, dim=0))

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of each feature that `encode` returns."""
        deep: int = self.down.weight.shape[0]
        return 3, deep, deep

    @property
    def halo(self) -> int:
        """How far around an output pixel the input can influence it, in pixels; a multiple of the stride."""
        half = 2 * (1 + 1 + 2 + 1)  # stem, downsampling, fine block, shuffle
        quarter = 4 * (2 * (len(self.encoder) + len(self.decoder)) + 1)  # residual blocks, interpolation
        full = 3 + 1  # at most two convolutions and smoothing, plus the grid's own offset
        return -(-(half + quarter + full) // self.stride) * self.stride

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel: several maps of w channels at half resolution (measured)."""
        return self.stem.weight.shape[0] * 9 // 8 + 44

    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares, at a quarter of the resolution."""
        return self._encode(picture)[1]

    def translate(self, picture: Tensor) -> tuple[Tensor, Features]:
        """Translate, and return the input's features too, so that PatchNCE need not encode it again."""
        fine, features = self._encode(picture)
        code = self.decoder(self.encoder[2](features[-1]))
        coarse = F.interpolate(self.up(code), scale_factor=2, mode="bilinear")
        joined = self.fine(torch.add(coarse, fine, alpha=1 / math.sqrt(2)))
        return self._render(F.pixel_shuffle(leaky_relu(self.shuffle(joined)), 2), picture), features

    def _render(self, full: Tensor, picture: Tensor) -> Tensor:
        """(N, 16, H, W) at full resolution, and the input, -> RGB."""
        return without_grid(self.to_rgb(full))

    def _encode(self, picture: Tensor) -> tuple[Tensor, Features]:
        """The maps at half resolution, and the features for PatchNCE."""
        fine = leaky_relu(self.stem(F.pixel_unshuffle(picture, 2)))
        down = leaky_relu(self.down(fine))
        return fine, (picture, down, self.encoder[1](self.encoder[0](down)))


class CrispGenerator(CompactGenerator):
    """A compact generator whose last layers work at full resolution, after the grid is gone.

    Smoothing as the last operation would leave one pixel's detail at a quarter of its amplitude, whatever the layers
    before it do. Here the maps from the 2×2 blocks are smoothed, joined with a map of the input that never left full
    resolution, and followed by a non-linear layer, which can be as sharp as the photo is.

    Args:
        width: channels at half resolution.
    """

    name = "crisp"

    def __init__(self, width: int = 48) -> None:
        super().__init__(width)
        self.surface = EqualConv2d(3, SHUFFLED, 3, gain=1.0)
        self.detail = EqualConv2d(SHUFFLED, SHUFFLED, 3, gain=GAIN)

    def _render(self, full: Tensor, picture: Tensor) -> Tensor:
        joined = leaky_relu(torch.add(without_grid(full), self.surface(picture), alpha=1 / math.sqrt(2)))
        rgb: Tensor = self.to_rgb(leaky_relu(self.detail(joined)))
        return rgb


def without_grid(x: Tensor) -> Tensor:
    """Smooth each channel with [1, 2, 1] ⊗ [1, 2, 1] / 16, which removes every pattern with a period of 2 px.

    Args:
        x: (N, C, H, W), any range; border pixels are repeated outwards.

    Returns:
        (N, C, H, W).
    """
    taps = x.new_tensor([1.0, 2.0, 1.0])
    kernel = torch.outer(taps, taps) / 16
    channels = x.shape[1]
    padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
    return F.conv2d(padded, kernel.expand(channels, 1, 3, 3), groups=channels)
