"""Losses of feature maps."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def feature_matching(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean L1 distance between a discriminator's maps of two pictures, each relative to the size of its values.

    It asks for texture where L1 of pixels asks for the mean of all textures that are possible.

    Args:
        found: maps of any shape, of what should become like the other.
        wanted: maps of the same shapes; get no gradient.

    Returns:
        Scalar, dimensionless; 0 for equal maps.

    Wang et al. 2018 (arXiv:1711.11585), eq. 4, there without the division by the values' size.
    """
    distances = []
    for x, y in zip(found, wanted, strict=True):
        target = full_precision(y).detach()
        distances.append(F.l1_loss(full_precision(x), target) / target.abs().mean().clamp_min(1e-8))
    return torch.stack(distances).mean()
