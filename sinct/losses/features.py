"""Losses between feature maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def feature_matching(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean L1 distance between a discriminator's maps of two pictures, each relative to the size of its values.

    It asks for texture, where L1 between pixels asks for the mean of all possible textures.

    Args:
        found: maps of the picture that should become like the other, any shape.
        wanted: maps of the other, in the same shapes; they get no gradient.

    Returns:
        Scalar, dimensionless; 0 for equal maps.

    Wang et al. 2018 (arXiv:1711.11585), eq. 4; the division by the values' size is ours.
    """
    distances = []
    for x, y in zip(found, wanted, strict=True):
        target = full_precision(y).detach()
        distances.append(F.l1_loss(full_precision(x), target) / target.abs().mean().clamp_min(1e-8))
    return torch.stack(distances).mean()
