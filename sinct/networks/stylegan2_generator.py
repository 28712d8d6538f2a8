"""The fully convolutional generator of single-image translation (Park et al. 2020, appendix B)."""

from torch import Tensor, nn

from sinct.networks.base import Features, GeneratorBase
from sinct.networks.layers import DownBlock, EqualConv2d, ResidualBlock, UpBlock


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
        """The picture, the downsampling block's output and the second residual block's, and no block behind it."""
        down = self.down(self.from_rgb(picture))
        return picture, down, self.blocks[1](self.blocks[0](down))

    def forward(self, picture: Tensor) -> tuple[Tensor, Features]:
        """(N, 3, H, W) in [-1, 1] -> code (N, 2w, H/2, W/2) and the features met on the way."""
        features = self.features(picture)
        code = features[-1]
        for block in self.blocks[2:]:
            code = block(code)
        return code, features


class Generator(GeneratorBase):
    """Translate pictures: encoder, decoder, no style, no noise, any even size.

    A 1×1 convolution 3→w, a StyleGAN2 downsampling block w→2w, six residual blocks of 2w (three belong to
    the encoder, three to the decoder), a StyleGAN2 upsampling block 2w→w and a linear 1×1 convolution to
    RGB. Width 80 gives 3,068,403 parameters.

    Args:
        width: channels w at full resolution.

    Park et al. 2020 (arXiv:2007.15651), appendix B.
    """

    name = "stylegan2"
    depths = 3
    stride = 2

    def __init__(self, width: int = 80) -> None:
        super().__init__()
        self.width = width
        self.encoder = Encoder(width, blocks=3)
        self.decoder = nn.Sequential(
            *(ResidualBlock(2 * width) for _ in range(3)),
            UpBlock(2 * width, width),
            EqualConv2d(width, 3, 1),
        )

    @property
    def feature_channels(self) -> tuple[int, ...]:
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
