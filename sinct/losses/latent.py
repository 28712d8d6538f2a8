"""Losses of methods with latent codes: content, style or attributes."""

import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def l1(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference, in full precision.

    Args:
        found, wanted: of one shape, any range.

    Returns:
        Scalar, in the units of both; 0 when they are equal.
    """
    return F.l1_loss(full_precision(found), full_precision(wanted))
