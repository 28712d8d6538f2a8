"""What tests of GPNN share."""

import torch
from torch import Tensor

from sinct.comparison.methods.gpnn.patches import Patches, patches_of, principal_components


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def clouds(height: int, width: int, seed: int = 0) -> Tensor:
    """A picture that is smooth as photos are, in [-1, 1]."""
    coarse = noise(1, 3, 5, 6, seed=seed, dtype=torch.float32).tanh()
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")[0].clamp(-1, 1)


def pair(size: int = 3) -> tuple[Patches, Patches]:
    x, y = noise(3, 8, 9), noise(3, 7, 11, seed=1)
    components = principal_components(y, size, 3 * size**2)
    return patches_of(x, components), patches_of(y, components)
