"""Discriminators that look at a picture at several scales."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.layers import LEAK
from sinct.networks.normed_layers import begin_small, mirrored

SMALLEST = 16
"""Side in pixels of the smallest picture that one discriminator takes."""


class ScaleDiscriminator(nn.Module):
    """Logits of overlapping patches: four 4×4 convolutions with stride 2, 3→w→2w→4w→8w, and a 1×1 convolution to 1.

    A leaky ReLU follows all but the last; there is no norm. Borders are mirrored. Width 64 gives 2,757,057 parameters.

    Args:
        width: channels w behind the first convolution.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, behind, 4, stride=2)
            for before, behind in pairwise((3, width, 2 * width, 4 * width, 8 * width))
        )
        self.to_logits = nn.Conv2d(8 * width, 1, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> logits (N, 1, ⌊H/16⌋, ⌊W/16⌋), for sides that are multiples of 16."""
        maps = pictures
        for convolution in self.convolutions:
            maps = F.leaky_relu(convolution(mirrored(maps, 1)), LEAK)
        logits: Tensor = self.to_logits(maps)
        return logits


class MultiscaleDiscriminator(nn.Module):
    """A discriminator for the picture, one for the picture at half its size, and so on.

    Width 64 with 3 scales gives 8,271,171 parameters.

    Args:
        width: channels behind the first convolution of each.
        scales: how many there are.

    Wang et al. 2018, "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs"
    (arXiv:1711.11585), section 3.2; as in Huang et al. 2018 (arXiv:1804.04732), appendix B.2.
    """

    def __init__(self, width: int = 64, scales: int = 3) -> None:
        super().__init__()
        self.scales = nn.ModuleList(ScaleDiscriminator(width) for _ in range(scales))
        begin_small(self)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """(N, 3, H, W) in [-1, 1] -> logits (N, 1, h, w) at each scale, from the largest.

        Raises:
            ValueError: height or width is too small for the smallest scale.
        """
        smallest = SMALLEST * 2 ** (len(self.scales) - 1)
        if min(pictures.shape[2:]) < smallest:
            raise ValueError(
                f"{len(self.scales)} discriminators need pictures of at least {smallest}x{smallest} px, got "
                f"{tuple(pictures.shape)}; enlarge them"
            )
        sizes = [pictures]
        for _ in self.scales[1:]:
            sizes.append(half_size(sizes[-1]))
        return tuple(judge(scaled) for judge, scaled in zip(self.scales, sizes, strict=True))


def half_size(pictures: Tensor) -> Tensor:
    """Take the mean of 3 × 3 pixels around every second one, without what lies outside: (N, C, ⌈H/2⌉, ⌈W/2⌉)."""
    with torch.autocast(
        pictures.device.type, enabled=False
    ):  # pooling is in full precision, as in `mirrored`
        return F.avg_pool2d(pictures, 3, stride=2, padding=1, count_include_pad=False)
