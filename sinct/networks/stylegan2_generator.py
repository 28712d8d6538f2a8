"""The fully convolutional generator of single-image translation (Park et al. 2020, appendix B)."""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sinct.networks.layers import DownBlock, EqualConv2d, ResidualBlock, UpBlock


class Features(NamedTuple):
    """Encoder features that PatchNCE compares, from shallow to deep.

    Attributes:
        pixels: (N, 3, H, W), the picture itself; receptive field 1 px.
        down: (N, 2w, H/2, W/2), output of the downsampling block.
        residual: (N, 2w, H/2, W/2), output of the second residual block.
    """

    pixels: Tensor
    down: Tensor
    residual: Tensor

    def crops(self, start: int, stop: int | None) -> "Features":
        """Features of some items of the batch."""
        return Features(*(depth[start:stop] for depth in self))


class Encoder(nn.Module):
    """First half: 1×1 convolution, downsampling block, residual blocks.

    Args:
        width: channels at full resolution; twice as many at half resolution.
        blocks: residual blocks, at least 2.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.from_rgb = EqualConv2d(3, width, 1)
        self.down = DownBlock(width, 2 * width)
        self.blocks = nn.ModuleList(ResidualBlock(2 * width) for _ in range(blocks))

    def features(self, picture: Tensor) -> Features:
        """Compute only what PatchNCE needs, and leave out the blocks behind it."""
        down = self.down(self.from_rgb(picture))
        return Features(picture, down, self.blocks[1](self.blocks[0](down)))

    def forward(self, picture: Tensor) -> tuple[Tensor, Features]:
        """(N, 3, H, W) in [-1, 1] -> code (N, 2w, H/2, W/2) and the features met on the way."""
        features = self.features(picture)
        code = features.residual
        for block in self.blocks[2:]:
            code = block(code)
        return code, features


class GeneratorBase(nn.Module, ABC):
    """What trainings and inference ask of a generator: sizes, features for PatchNCE, translation."""

    stride: int
    """Heights and widths must be multiples of this, in pixels."""

    @property
    @abstractmethod
    def feature_channels(self) -> tuple[int, int, int]:
        """Channels of each of the features that `encode` returns."""

    @property
    @abstractmethod
    def halo(self) -> int:
        """Pixels beyond an output sample's own that can influence it, on each side; a multiple of the stride."""

    @property
    @abstractmethod
    def live_channels(self) -> int:
        """Values a pixel of the picture that are in memory at once while it is translated without gradients."""

    @abstractmethod
    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares."""

    @abstractmethod
    def translate(self, picture: Tensor) -> tuple[Tensor, Features]:
        """Translate and keep the input's features, so that PatchNCE need not encode it again."""

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 3, H, W), about [-1, 1] but not clamped.

        Raises:
            ValueError: height or width is no multiple of the stride.
        """
        if picture.shape[-1] % self.stride or picture.shape[-2] % self.stride:
            needed = "even heights and widths" if self.stride == 2 else f"multiples of {self.stride} px"
            raise ValueError(f"the generator needs {needed}, got {tuple(picture.shape)}; pad the picture")
        return self.translate(picture)[0]


class Generator(GeneratorBase):
    """Translate pictures: encoder, decoder, no style, no noise, any even size.

    A 1×1 convolution 3→w, a StyleGAN2 downsampling block w→2w, six residual blocks of 2w (three belong to
    the encoder, three to the decoder), a StyleGAN2 upsampling block 2w→w and a linear 1×1 convolution to
    RGB. Width 80 gives 3,068,403 parameters.

    Args:
        width: channels w at full resolution.

    Park et al. 2020 (arXiv:2007.15651), appendix B.
    """

    stride = 2

    def __init__(self, width: int = 80) -> None:
        super().__init__()
        self.encoder = Encoder(width, blocks=3)
        self.decoder = nn.Sequential(
            *(ResidualBlock(2 * width) for _ in range(3)),
            UpBlock(2 * width, width),
            EqualConv2d(width, 3, 1),
        )

    @property
    def feature_channels(self) -> tuple[int, int, int]:
        """Channels of each of the features that `encode` returns."""
        deep: int = self.encoder.down.skip.weight.shape[0]
        return 3, deep, deep

    @property
    def halo(self) -> int:
        """Pixels beyond an output sample's own that can influence it, on each side (the receptive radius).

        One 3×3 convolution and a blurred, strided one at full resolution, two 3×3 convolutions a residual
        block at half resolution, and the blurred upsampling: rounded up to the stride.
        """
        down = 1 + 2 + 1  # 3x3; then [1,3,3,1] and 3x3 at stride 2 reach 3 px to one side, 2 to the other
        residual = 2 * self.stride * (len(self.encoder.blocks) + 3)
        up = 2  # of the blur's taps and the transposed kernel's, beyond what the code's own reach covers
        return down + residual + up

    @property
    def live_channels(self) -> int:
        """Values a pixel in memory at once: a few maps of w channels at full resolution (measured)."""
        return 5 * self.encoder.from_rgb.weight.shape[0] + 16

    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares."""
        return self.encoder.features(picture)

    def translate(self, picture: Tensor) -> tuple[Tensor, Features]:
        """Translate and keep the input's features, so that PatchNCE need not encode it again."""
        code, features = self.encoder(picture)
        return self.decoder(code), features


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """Move each parameter of `average` to decay * average + (1 - decay) * current, in place.

    Our addition to the paper: translating with averaged weights removes much of the step-to-step noise.
    """
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(current.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - decay)
