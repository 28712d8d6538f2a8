"""The networks of DRIT++: generators from one domain to another that share a content space, and what judges it."""

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.layers import LEAK, in_full_precision
from sinct.networks.munit_generator import continued
from sinct.networks.normed_layers import begin_scaled, begin_small, mirrored
from sinct.networks.resnet_generator import NormedBlock, active
from sinct.networks.styled import StyledGenerator

HALVINGS = 2
"""Halvings of the resolution in the content encoder."""

ATTRIBUTE_HALVINGS = 3
"""Those in the attribute encoder."""

CONTENT_BLOCKS, BLOCKS = 4, 6
"""Residual blocks of content encoder and decoder."""


class Attributes(NamedTuple):
    """Distribution of the attributes of pictures: means and logarithms of variances, (N, styles) each."""

    mean: Tensor
    log_variance: Tensor


class ContentEncoder(nn.Module):
    """A 7×7 convolution 3→w, 3×3 convolutions w→2w→4w with stride 2, and four residual blocks at 4w.

    Instance norm and ReLU follow each convolution, but no ReLU the last one of a block. Borders are mirrored. Width 64
    gives 5,099,136 parameters, 1,180,160 of them in the last block, which the encoders of both domains share.

    Args:
        width: channels w at full resolution.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7)
        self.down1 = nn.Conv2d(width, 2 * width, 3, stride=2)
        self.down2 = nn.Conv2d(2 * width, 4 * width, 3, stride=2)
        self.blocks = nn.Sequential(*(NormedBlock(4 * width) for _ in range(CONTENT_BLOCKS - 1)))
        self.shared = NormedBlock(4 * width)

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 4w, ⌈H/4⌉, ⌈W/4⌉), sides at least 2."""
        maps = active(self.stem(mirrored(continued(picture, HALVINGS), 3)))
        maps = active(self.down1(mirrored(maps, 1)))
        content: Tensor = self.shared(self.blocks(active(self.down2(mirrored(maps, 1)))))
        return content


class AttributeEncoder(nn.Module):
    """A 7×7 convolution 3→w, 4×4 convolutions w→2w→4w→4w with stride 2, the mean of each channel, and two layers.

    ReLU follows each convolution; there is no norm. Width 64 with 8 styles gives 1,718,160 parameters.

    Args:
        width: channels w at full resolution.
        styles: length of the attribute vector.
    """

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, width, 7)
        self.downs = nn.ModuleList(
            nn.Conv2d(before, behind, 4, stride=2)
            for before, behind in pairwise((width, 2 * width, 4 * width, 4 * width))
        )
        self.to_mean = nn.Linear(4 * width, styles)
        self.to_log_variance = nn.Linear(4 * width, styles)

    def forward(self, picture: Tensor) -> Attributes:
        """(N, 3, H, W) in [-1, 1] -> means and logarithms of variances, (N, styles) each."""
        maps = F.relu(self.stem(mirrored(continued(picture, ATTRIBUTE_HALVINGS), 3)), inplace=True)
        for down in self.downs:
            maps = F.relu(down(mirrored(maps, 1)), inplace=True)
        mean = maps.mean(dim=(2, 3))
        return Attributes(self.to_mean(mean), self.to_log_variance(mean))


class Doubling(nn.Module):
    """A 3×3 convolution with stride 1/2, layer norm with a weight and a bias a channel, and ReLU.

    Args:
        before, behind: channels.
    """

    def __init__(self, before: int, behind: int) -> None:
        super().__init__()
        self.conv = nn.ConvTranspose2d(before, behind, 3, stride=2, padding=1, output_padding=1)
        self.norm = nn.GroupNorm(1, behind)

    def forward(self, maps: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, behind, 2H, 2W)."""
        return F.relu(self.norm(self.conv(maps)), inplace=True)


class Decoder(nn.Module):
    """A residual block at 4w, five at 4w + styles, two doublings to 2w and w, and a 1×1 convolution to RGB.

    The attribute vector is put beside the maps at every place: before the five blocks, before each doubling and before
    the last convolution. Width 64 with 8 styles gives 7,847,915 parameters, 1,180,160 of them in the first block, which
    the decoders of both domains share.

    Args:
        width: channels w at full resolution.
        styles: length of the attribute vector.
    """

    def __init__(self, width: int, styles: int) -> None:
        super().__init__()
        wide = 4 * width
        self.shared = NormedBlock(wide)
        self.blocks = nn.Sequential(*(NormedBlock(wide + styles) for _ in range(BLOCKS - 1)))
        self.up1 = Doubling(wide + 2 * styles, 2 * width)
        self.up2 = Doubling(2 * width + styles, width)
        self.to_rgb = nn.Conv2d(width + styles, 3, 1)

    def forward(self, content: Tensor, style: Tensor) -> Tensor:
        """(N, 4w, h, w) and (N, styles) -> (N, 3, 4h, 4w) in [-1, 1]."""
        maps = self.blocks(beside(self.shared(content), style))
        maps = self.up1(beside(maps, style))
        return in_full_precision(self._render, maps, style)

    def _render(self, fine: Tensor, style: Tensor) -> Tensor:
        """Maps at half the resolution -> RGB."""
        finest = self.up2(beside(fine, style))
        return torch.tanh(self.to_rgb(beside(finest, style)))


def beside(maps: Tensor, style: Tensor) -> Tensor:
    """(N, C, H, W) and (N, styles) -> (N, C + styles, H, W), the same numbers at every place."""
    height, width = maps.shape[2:]
    return torch.cat([maps, style.to(maps)[..., None, None].expand(-1, -1, height, width)], dim=1)


class DritGenerator(StyledGenerator):
    """Translate with the content encoder of the source domain, and attribute encoder and decoder of the target domain.

    Two of them, one in each direction, are DRIT's networks; `share_content` gives them one content space. Pictures of
    any size are taken: they are continued by their mirror image to multiples of 4, for their attributes of 8, and the
    translation is cropped (ours).

    Args:
        width: channels w at full resolution.
        styles: length of the attribute vector.

    Lee et al. 2020, "DRIT++" (arXiv:1905.01270), and Lee et al. 2018 (arXiv:1808.00948): three convolutions and four
    residual blocks for content, four convolutions for attributes, six residual blocks and three fractionally strided
    convolutions for pictures. What that leaves open is ours: kernels, where attributes enter, and that weights begin as
    those of He et al. 2015.
    """

    name = "drit"

    def __init__(self, width: int = 64, styles: int = 8) -> None:
        super().__init__(styles)
        self.width = width
        self.content = ContentEncoder(width)
        self.attributes = AttributeEncoder(width, styles)
        self.decoder = Decoder(width, styles)
        begin_small(self)
        begin_scaled(self.attributes)  # nothing else keeps the size of its maps

    @property
    def options(self) -> dict[str, int]:
        """Numbers in an attribute vector."""
        return {"styles": self.styles}

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel, with some room: five to six and a half times w were measured."""
        return 8 * self.width

    def share_content(self, other: "DritGenerator") -> None:
        """Use the other direction's last layer of the content encoder and first of the decoder, instead of own ones."""
        for own, theirs in ((self.content, other.content), (self.decoder, other.decoder)):
            del own.shared
            object.__setattr__(
                own, "shared", theirs.shared
            )  # not a part of this network: the other one stores it

    def content_of(self, picture: Tensor) -> Tensor:
        """See `StyledGenerator.content_of`: (N, 4w, ⌈H/4⌉, ⌈W/4⌉)."""
        content: Tensor = self.content(picture)
        return content

    def attributes_of(self, picture: Tensor) -> Attributes:
        """(N, 3, H, W) in [-1, 1], target domain -> the distribution of its attributes."""
        attributes: Attributes = self.attributes(picture)
        return attributes

    def style_of(self, picture: Tensor) -> Tensor:
        """See `StyledGenerator.style_of`: the mean of the attributes' distribution."""
        return self.attributes_of(picture).mean

    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """See `StyledGenerator.decode`."""
        picture: Tensor = self.decoder(content, style)
        return picture


class ContentDiscriminator(nn.Module):
    """Logits of content: high for the source domain, low for the target domain.

    Three 4×4 convolutions with stride 2, 4w→4w→4w→4w, each with a leaky ReLU, and a 1×1 convolution to 1 (the paper
    says nothing of them). Borders are mirrored. Width 64 gives 3,146,753 parameters.

    Args:
        width: channels w at full resolution; content has 4w.

    Lee et al. 2018 (arXiv:1808.00948), section 3.1.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(4 * width, 4 * width, 4, stride=2) for _ in range(3))
        self.to_logits = nn.Conv2d(4 * width, 1, 1)
        begin_small(self)

    def forward(self, content: Tensor) -> Tensor:
        """(N, 4w, h, w), sides at least 8 -> logits (N, 1, ⌊h/8⌋, ⌊w/8⌋), for sides that are multiples of 8."""
        maps = content
        for convolution in self.convolutions:
            maps = F.leaky_relu(convolution(mirrored(maps, 1)), LEAK)
        logits: Tensor = self.to_logits(maps)
        return logits
