"""Edge-preserving smoothing that takes brush strokes out of a painting and leaves its shapes."""

import torch
import torch.nn.functional as F
from torch import Tensor

ITERATIONS = 60
"""Steps of the dual projection, which come within a few per cent of the minimum's energy."""


def divergence(field: Tensor) -> Tensor:
    """Divergence of (2, C, H, W) by backward differences.

    Minus the adjoint of `gradient` for fields that are 0 at the far border, as its results are.
    """
    down, right = field[0], field[1]
    return (down - F.pad(down, (0, 0, 1, 0))[:, :-1]) + (right - F.pad(right, (1, 0))[:, :, :-1])


def gradient(x: Tensor) -> Tensor:
    """Forward differences of (C, H, W), zero at the far border, as (2, C, H, W)."""
    down = F.pad(x[:, 1:] - x[:, :-1], (0, 0, 0, 1))
    right = F.pad(x[:, :, 1:] - x[:, :, :-1], (0, 1))
    return torch.stack([down, right])


@torch.no_grad()
def total_variation_smooth(picture: Tensor, weight: float, *, iterations: int = ITERATIONS) -> Tensor:
    """Minimise |u - picture|² / 2 + weight * TV(u) over u, colour channels sharing their edges.

    A pixel of the result depends on at most `iterations` pixels to each side.

    Args:
        picture: (C, H, W), float, any range; the weight is in its units.
        weight: contrast that is smoothed away; 0 returns the picture. 0.24 on [-1, 1] flattens strokes.
        iterations: steps of the dual projection.

    Returns:
        (C, H, W), never outside the picture's own range by more than rounding.

    Chambolle 2004, "An Algorithm for Total Variation Minimization and Applications"; accelerated as in
    Beck & Teboulle 2009, "Fast Gradient-Based Algorithms for Constrained Total Variation Image Denoising".
    """
    if weight <= 0:
        return picture
    dual = picture.new_zeros((2, *picture.shape))
    ahead, momentum = dual, 1.0
    for _ in range(iterations):
        step = ahead + gradient(picture + weight * divergence(ahead)) / (8 * weight)
        length = step.square().sum(dim=(0, 1)).sqrt_().clamp_(min=1)
        projected = step / length
        next_momentum = (1 + (1 + 4 * momentum**2) ** 0.5) / 2
        ahead = projected + (momentum - 1) / next_momentum * (projected - dual)
        dual, momentum = projected, next_momentum
    return picture + weight * divergence(dual)
