"""Shared by the tests of STROTSS."""

import torch
import torch.nn.functional as F
from torch import Tensor


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(height: int, width: int, seed: int) -> Tensor:
    coarse = noise(1, 3, 5, 5, seed=seed, dtype=torch.float32)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic")[0]
    return (smooth + 0.1 * noise(3, height, width, seed=seed, dtype=torch.float32)).clamp(-1, 1)
