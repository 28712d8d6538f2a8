"""The fully convolutional generator for single-image translation (Park et al. 2020, appendix B)."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor, nn

from sinct.networks.base import Features, GeneratorBase, sample_features, windows_around
from sinct.networks.layers import (
    GAIN,
    DownBlock,
    EqualConv2d,
    ResidualBlock,
    UpBlock,
    in_full_precision,
    leaky_relu,
)

REACH = 0, 4, 12
"""How far around a position a feature of each depth sees, in pixels, rounded up to even numbers: 3 px to one side and 4
to the other in the downsampling block, and 8 more in two residual blocks at half the resolution."""


class PointConv(EqualConv2d):
    """1×1 convolution from or to RGB.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        activated: whether the scaled leaky ReLU follows.
    """

    def __init__(self, in_channels: int, out_channels: int, *, activated: bool) -> None:
        super().__init__(in_channels, out_channels, 1, gain=GAIN if activated else 1.0)
        self.activated = activated

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H, W)."""
        mixed = super().forward(x)
        return leaky_relu(mixed) if self.activated else mixed


class Encoder(nn.Module):
    """First half: 1×1 convolution, downsampling block, residual blocks.

    Args:
        width: channels at full resolution; twice as many at half resolution.
        blocks: residual blocks, at least 2.
        activated: whether a leaky ReLU follows the 1×1 convolution.
    """

    def __init__(self, width: int, blocks: int, *, activated: bool = True) -> None:
        super().__init__()
        self.from_rgb = PointConv(3, width, activated=activated)
        self.down = DownBlock(width, 2 * width)
        self.blocks = nn.ModuleList(ResidualBlock(2 * width) for _ in range(blocks))

    def features(self, picture: Tensor, deepest: int = 2) -> Features:
        """The picture and the outputs of the downsampling and second residual blocks; what comes later does not run."""
        down = self.down(self.from_rgb(picture))
        return (picture, down) if deepest < 2 else (picture, down, self.blocks[1](self.blocks[0](down)))

    def forward(self, picture: Tensor) -> tuple[Tensor, Features]:
        """(N, 3, H, W) in [-1, 1] -> code (N, 2w, H/2, W/2), and the features from the way there."""
        features = self.features(picture)
        code = features[-1]
        for block in self.blocks[2:]:
            code = block(code)
        return code, features


class Generator(GeneratorBase):
    """Translate pictures of any even size: an encoder and a decoder, without style.

    A 1×1 convolution 3→w, a StyleGAN2 downsampling block w→2w, six residual blocks at 2w (three belong to
    the encoder, three to the decoder), a StyleGAN2 upsampling block 2w→w with noise and a 1×1 convolution to
    RGB. As in the authors' code, each of the 1×1 convolutions is followed by the scaled leaky ReLU. Width 80 gives
    3,068,404 parameters.

    Args:
        width: channels w at full resolution.

    Park et al. 2020 (arXiv:2007.15651), appendix B.
    """

    name = "sincut"
    depths = 3
    stride = 2
    noisy = True
    activated: ClassVar[bool] = True

    def __init__(self, width: int = 80) -> None:
        super().__init__()
        self.width = width
        self.encoder = Encoder(width, blocks=3, activated=self.activated)
        self.decoder = nn.Sequential(
            *(ResidualBlock(2 * width) for _ in range(3)),
            UpBlock(2 * width, width, noisy=self.noisy),
            PointConv(width, 3, activated=self.activated),
        )

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of each feature that `encode` returns."""
        deep: int = self.encoder.down.skip.weight.shape[0]
        return 3, deep, deep

    @property
    def halo(self) -> int:
        """How far around an output pixel the input can influence it (the receptive radius), in pixels.

        One 3×3 convolution and a blurred, strided one at full resolution, two 3×3 convolutions per residual
        block at half resolution, and the blurred upsampling, rounded up to a multiple of the stride.
        """
        down = 1 + 2 + 1  # 3x3; then [1,3,3,1] and 3x3 at stride 2 reach 3 px to one side, 2 to the other
        residual = 2 * self.stride * (len(self.encoder.blocks) + 3)
        up = 2  # taps of the blur and the transposed kernel, beyond what the code itself reaches
        return down + residual + up

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel: a few maps of w channels at full resolution (measured)."""
        return 5 * self.encoder.from_rgb.weight.shape[0] + 16

    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares."""
        return self.encoder.features(picture)

    def encode_at(self, picture: Tensor, places: Mapping[int, Tensor]) -> list[Tensor]:
        """See `GeneratorBase.encode_at`; for one position a picture, only what it depends on is encoded."""
        if any(positions.shape[1] > 1 for positions in places.values()):
            return super().encode_at(picture, places)
        return [self._encode_near(picture, depth, positions) for depth, positions in places.items()]

    def _encode_near(self, picture: Tensor, depth: int, positions: Tensor) -> Tensor:
        """Features of one depth at one position of each picture, (N, 1) -> (N, C)."""
        if depth == 0:
            return sample_features(picture, positions)
        width = picture.shape[3] // self.stride
        near, row, column = windows_around(
            picture,
            self.stride * (positions[:, 0] // width),
            self.stride * (positions[:, 0] % width),
            REACH[depth],
            self.stride,
        )
        features = self.encoder.features(near, depth)[depth]
        inside = row // self.stride * features.shape[3] + column // self.stride
        return sample_features(features, inside[:, None])

    def translate(self, picture: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Features]:
        """Translate, and return the input's features too, so that PatchNCE need not encode it again."""
        code, features = self.encoder(picture)
        *blocks, up, to_rgb = self.decoder
        for block in blocks:
            code = block(code)
        return in_full_precision(lambda code: to_rgb(up(code, noise)), code), features


class LinearGenerator(Generator):
    """The generator of version 0.2 and earlier, whose models stay readable: linear 1×1 convolutions and no noise.

    Args:
        width: channels w at full resolution.
    """

    name = "stylegan2"
    noisy = False
    activated = False
