"""Losses are computed in float32 or better, whatever autocast does around them."""

import torch
from torch import Tensor


def full_precision(x: Tensor) -> Tensor:
    """Widen half precision to float32; float32 and float64 stay as they are."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
