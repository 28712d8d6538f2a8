"""The autoencoders of MUNIT, as a generator from one domain to another."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.layers import in_full_precision
from sinct.networks.normed_layers import begin_scaled, instance_norm, mirrored, repeated
from sinct.networks.resnet_generator import NormedBlock, active, mirrored_to
from sinct.networks.styled import StyledGenerator

HALVINGS = 2
"""Halvings of the resolution in the content encoder."""

STYLE_HALVINGS = 4
"""Those in the style encoder."""


def continued(picture: Tensor, halvings: int) -> Tensor:
    """Continue a picture by its mirror image, to sides that can be halved and still be mirrored at their borders."""
    step = 2**halvings
    height, width = (max(length + -length % step, step, 8) for length in picture.shape[2:])
    return mirrored_to(picture, height, width)


class ContentEncoder(nn.Module):
    """A 7×7 convolution 3→w, 4×4 convolutions w→2w→4w with stride 2, and residual blocks at 4w.

    Instance norm and ReLU follow each convolution, but no ReLU the last one of a block. Borders are mirrored. Width 64
    with 4 blocks gives 5,385,856 parameters.

    Args:
        width: channels w at full resolution.
        blocks: residual blocks.
    """

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7)
        self.down1 = nn.Conv2d(width, 2 * width, 4, stride=2)
        self.down2 = nn.Conv2d(2 * width, 4 * width, 4, stride=2)
        self.blocks = nn.Sequential(*(NormedBlock(4 * width) for _ in range(blocks)))

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 4w, ⌈H/4⌉, ⌈W/4⌉), sides at least 2."""
        maps = active(self.stem(mirrored(continued(picture, HALVINGS), 3)))
        maps = active(self.down1(mirrored(maps, 1)))
        content: Tensor = self.blocks(active(self.down2(mirrored(maps, 1))))
        return content


class StyleEncoder(nn.Module):
    """A 7×7 convolution 3→w, 4×4 convolutions w→2w→4w→4w→4w with stride 2, the mean of each channel, and a layer.

    ReLU follows each convolution. There is no instance norm, which would remove the means and variances that are much
    of a style. Width 64 with 8 styles gives 2,764,936 parameters.

    Args:
        width: channels w at full resolution.
        styles: length of the style code.
    """

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7)
        channels = width, 2 * width, 4 * width, 4 * width, 4 * width
        self.downs = nn.ModuleList(
            nn.Conv2d(before, behind, 4, stride=2) for before, behind in pairwise(channels)
        )
        self.to_style = nn.Linear(4 * width, styles)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, styles)."""
        maps = F.relu(self.stem(mirrored(continued(picture, STYLE_HALVINGS), 3)), inplace=True)
        for down in self.downs:
            maps = F.relu(down(mirrored(maps, 1)), inplace=True)
        style: Tensor = self.to_style(maps.mean(dim=(2, 3)))
        return style


class StyledBlock(nn.Module):
    """Residual block whose instance norms take mean and deviation from a style: x + f(x), eq. 7.

    Args:
        channels: channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor, style: Tensor) -> Tensor:
        """Maps (N, C, H, W) and numbers of the style (N, 4, C), two deviations and two means -> (N, C, H, W)."""
        deviation1, mean1, deviation2, mean2 = style[..., None, None].unbind(dim=1)
        hidden = F.relu(deviation1 * instance_norm(self.conv1(mirrored(x, 1))) + mean1)
        return x + deviation2 * instance_norm(self.conv2(mirrored(hidden, 1))) + mean2


class Doubling(nn.Module):
    """Each pixel repeated to 2 × 2, a 5×5 convolution, layer norm with a weight and a bias a channel, and ReLU.

    Args:
        before, behind: channels.
    """

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, behind, 5)
        self.norm = nn.GroupNorm(1, behind)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, behind, 2H, 2W)."""
        return F.relu(self.norm(self.conv(mirrored(repeated(maps), 2))), inplace=True)


class Decoder(nn.Module):
    """Residual blocks at 4w whose norms a style decides, two doublings, 4w→2w→w, and a 7×7 convolution to RGB.

    A perceptron with two hidden layers of 4w makes the numbers of all blocks of the style code. Width 64 with 4 blocks
    and 8 styles gives 5,754,627 parameters, and 1,120,768 of the perceptron.

    Args:
        width: channels w at full resolution.
        blocks: residual blocks.
        styles: length of the style code.
    """

    def __init__(self, width: int, blocks: int, styles: int) -> None:
        super().__init__()
        wide = 4 * width
        self.perceptron = nn.Sequential(
            nn.Linear(styles, wide),
            nn.ReLU(),
            nn.Linear(wide, wide),
            nn.ReLU(),
            nn.Linear(wide, blocks * 4 * wide),
        )
        self.blocks = nn.ModuleList(StyledBlock(wide) for _ in range(blocks))
        self.up1 = Doubling(wide, 2 * width)
        self.up2 = Doubling(2 * width, width)
        self.to_rgb = nn.Conv2d(width, 3, 7)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """(N, 4w, h, w) and (N, styles) -> (N, 3, 4h, 4w) in [-1, 1]."""
        numbers = self.perceptron(style).view(len(style), len(self.blocks), 4, content.shape[1])
        maps = content
        for block, its_numbers in zip(self.blocks, numbers.unbind(dim=1), strict=True):
            maps = block(maps, its_numbers)
        return in_full_precision(self._render, self.up1(maps))

    def _render(self, fine: Tensor) -> Tensor:
        """Maps at half the resolution -> RGB."""
        return torch.tanh(self.to_rgb(mirrored(self.up2(fine), 3)))


class MunitGenerator(StyledGenerator):
    """Translate with the content encoder of the source domain, and style encoder and decoder of the target domain.

    Two of them, one in each direction, are MUNIT's two autoencoders. The published sizes give 15,026,187 parameters.
    Pictures of any size are taken: they are continued by their mirror image to multiples of 4, for their style of 16,
    and the translation is cropped (ours).

    Args:
        width: channels w at full resolution.
        blocks: residual blocks of content encoder and decoder.
        styles: length of the style code.

    Huang et al. 2018 (arXiv:1804.04732), section 5.1 and appendix B.2. Layer norm in the decoder, the perceptron's
    hidden layers, mirrored borders and the weights at the start are those of the authors' published configuration.
    """

    name = "munit"

    def __init__(self, width: int = 64, blocks: int = 4, styles: int = 8) -> None:
        super().__init__(styles)
        self.width = width
        self.content = ContentEncoder(width, blocks)
        self.style_encoder = StyleEncoder(width, styles)
        self.decoder = Decoder(width, blocks, styles)
        begin_scaled(self)

    @property
    def options(self) -> dict[str, int]:
        """How many blocks it has, and numbers in a style code."""
        return {"blocks": len(self.decoder.blocks), "styles": self.styles}

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel, with some room: six to seven times w were measured."""
        return 8 * self.width

    def content_of(self, picture: Tensor) -> Tensor:
        """See `StyledGenerator.content_of`: (N, 4w, ⌈H/4⌉, ⌈W/4⌉)."""
        content: Tensor = self.content(picture)
        return content

    def style_of(self, picture: Tensor) -> Tensor:
        """See `StyledGenerator.style_of`."""
        style: Tensor = self.style_encoder(picture)
        return style

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """See `StyledGenerator.decode`."""
        picture: Tensor = self.decoder(content, style)
        return picture
