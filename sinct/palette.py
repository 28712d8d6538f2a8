"""Give one picture another's palette by one linear map of its colours."""

import torch
from torch import Tensor


def match_palette(picture: Tensor, target: Tensor) -> Tensor:
    """Move a picture's colours so that their mean and covariance are another's.

    The map is the optimal transport between two Gaussians, A = S^-½ (S^½ T S^½)^½ S^-½ with the covariances S and
    T, so colours move no farther than they must and stay in order. Being linear, it cannot tear a gradient.

    Args:
        picture: (3, H, W) in [-1, 1].
        target: (3, H', W') in [-1, 1].

    Returns:
        (3, H, W) in [-1, 1], clamped.

    Pitié & Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping for example-based colour
    transfer", section 3.
    """
    colours, aim = (x.flatten(1).double() for x in (picture, target))
    mean, wanted = colours.mean(dim=1, keepdim=True), aim.mean(dim=1, keepdim=True)
    root, inverse = (_power(torch.cov(colours), exponent) for exponent in (0.5, -0.5))
    transport = inverse @ _power(root @ torch.cov(aim) @ root, 0.5) @ inverse
    moved = transport @ (colours - mean) + wanted
    return moved.view_as(picture).to(picture.dtype).clamp(-1, 1)


def _power(matrix: Tensor, exponent: float) -> Tensor:
    """Power of a symmetric positive matrix; grey pictures have none in two directions, hence the floor."""
    values, vectors = torch.linalg.eigh(matrix)
    power: Tensor = vectors @ torch.diag(values.clamp_min(1e-6) ** exponent) @ vectors.T
    return power
