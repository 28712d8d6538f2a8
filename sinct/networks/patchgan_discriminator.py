"""The discriminator of CycleGAN and CUT: one logit for each patch of a picture."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.layers import LEAK
from sinct.networks.normed_layers import begin_small, halved, instance_norm

SMALLEST = 24
"""Side in pixels of the smallest picture that has a logit."""


class PatchDiscriminator(nn.Module):
    """Logits of overlapping patches: high for photos, low for translations.

    4×4 convolutions, padded by 1 px: 3→w→2w→4w, each followed by a halving of the resolution, 4w→8w and 8w→1. A leaky
    ReLU follows all but the last, and instance norm goes before it in all but the first. Width 64 gives 2,764,737
    parameters.

    Args:
        width: channels w behind the first convolution.

    Isola et al. 2017 (arXiv:1611.07004), appendix 6.1.2, with resampling as in Park et al. 2020's code.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        channels = 3, width, 2 * width, 4 * width, 8 * width, 1
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, behind, 4, padding=1) for before, behind in pairwise(channels)
        )
        begin_small(self)

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> logits (N, 1, h, w), with h and w about an eighth of H and W.

        Raises:
            ValueError: height or width is below 24 px.
        """
        if min(pictures.shape[2:]) < SMALLEST:
            raise ValueError(
                f"the discriminator needs pictures of at least {SMALLEST}x{SMALLEST} px, "
                f"got {tuple(pictures.shape)}; enlarge them"
            )
        first, second, third, fourth, last = self.convolutions
        maps = halved(F.leaky_relu(first(pictures), LEAK))
        maps = halved(_active(second(maps)))
        maps = halved(_active(third(maps)))
        logits: Tensor = last(_active(fourth(maps)))
        return logits


def _active(maps: Tensor) -> Tensor:
    """Instance norm and leaky ReLU."""
    return F.leaky_relu(instance_norm(maps), LEAK, inplace=True)
