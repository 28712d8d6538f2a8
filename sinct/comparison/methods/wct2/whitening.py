"""Whitening and colouring: give features the moments of others."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

RIDGE = 1.0
"""Added to all eigenvalues by the authors' code; see `recolour`."""

THRESHOLD = 1e-5
"""Directions with smaller eigenvalues are dropped, which never happens with a ridge of 1."""

_CHUNK = 2**17
"""Number of positions converted to float64 at a time."""


class Moments(NamedTuple):
    """First and second moments of features.

    Attributes:
        mean: (C,), float64.
        covariance: (C, C), float64.
    """

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance of features.

    Args:
        features: (C, N). A single position has covariance 0.

    Always computed in float64: float32 sums over a million positions would lose the small eigenvalues. Where
    the device has no float64 (MPS), the CPU computes them.
    """
    wide = [
        part.cpu() if part.device.type == "mps" else part for part in torch.split(features, _CHUNK, dim=1)
    ]
    count = features.shape[1]
    mean = torch.stack([part.double().sum(dim=1) for part in wide]).sum(dim=0) / count
    scatter = torch.zeros((), dtype=torch.float64, device=mean.device)
    for part in wide:
        centred = part.double() - mean[:, None]
        scatter = scatter + centred @ centred.T
    return Moments(mean, scatter / max(count - 1, 1))


def recolour(
    content: Tensor, style: Moments, *, ridge: float = RIDGE, threshold: float = THRESHOLD
) -> Tensor:
    """Whiten features and colour them with other moments (WCT).

        y = C_s^(1/2) C_c^(-1/2) (x - mean_c) + mean_s,  with powers C^p = E D^p Eᵀ,  C + ridge I = E D Eᵀ

    Args:
        content: (C, N) features x with moments mean_c, C_c.
        style: moments mean_s, C_s that they are to have.
        ridge: added to both covariances.
        threshold: directions E with smaller eigenvalues in D are left out of the power.

    Returns:
        (C, N) in the content's dtype. With ridge 0 and no direction dropped, its moments are the style's.

    Li et al. 2017 (arXiv:1705.08086), eqs. 2-3, which have no ridge. The default follows the code of Yoo et al.:
    with a ridge of 1 the result keeps a little of the content's covariance, weak directions are amplified at
    most √(D_s) times, and no eigenvalue falls below the threshold.
    """
    mean, covariance = moments(content)
    power = partial(_power, ridge=ridge, threshold=threshold)
    transform = power(style.covariance, 0.5) @ power(covariance, -0.5)
    centred = content - mean.to(content)[:, None]
    return (transform.to(content) @ centred).add_(style.mean.to(content)[:, None])


def whiten_colour(
    content: Tensor, style: Tensor, *, ridge: float = RIDGE, threshold: float = THRESHOLD
) -> Tensor:
    """Give content features (C, N) the moments of style features (C, M); see `recolour`."""
    return recolour(content, moments(style), ridge=ridge, threshold=threshold)


def _power(covariance: Tensor, exponent: float, *, ridge: float, threshold: float) -> Tensor:
    """(C, C), the power of a covariance with a ridge, over the directions that reach the threshold."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values + ridge
    kept = values >= threshold
    directions: Tensor = vectors[:, kept]
    scales: Tensor = values[kept].pow(exponent)
    return directions * scales @ directions.T
