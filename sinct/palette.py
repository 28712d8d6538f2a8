"""Give one picture the palette of another, or of several, by one linear map of its colours."""

from collections.abc import Sequence

import torch
from torch import Tensor

COLOURS = 2**14
"""Colours taken of each of several pictures: their mean and covariance are then within about a per cent."""


def pooled_colours(pictures: Sequence[Tensor]) -> Tensor:
    """Colours of several pictures together, for `match_palette`; each counts alike, whatever its size.

    Args:
        pictures: one or more (3, H, W).

    Returns:
        (3, N) with `COLOURS` of each picture, at even distances in reading order; one picture as it is.
    """
    if len(pictures) == 1:
        return pictures[0]
    positions = torch.linspace(0, 1, COLOURS, dtype=torch.float64)
    return torch.cat(
        [
            colours[:, (positions * (colours.shape[1] - 1)).long()]
            for colours in (p.flatten(1) for p in pictures)
        ],
        dim=1,
    )


def match_palette(picture: Tensor, target: Tensor) -> Tensor:
    """Move a picture's colours so that their mean and covariance are another's.

    The map is the optimal transport between two Gaussians, A = S^-½ (S^½ T S^½)^½ S^-½ with the covariances S and
    T, so colours move no farther than they must and stay in order. Being linear, it cannot tear a gradient.

    Args:
        picture: (3, H, W) in [-1, 1].
        target: (3, H', W') or (3, N) in [-1, 1].

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
