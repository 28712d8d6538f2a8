"""The distances between features that STROTSS minimises."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Style(NamedTuple):
    """A distribution of features and its moments.

    Attributes:
        features: (m, d).
        mean: (d,).
        covariance: (d, d).
    """

    features: Tensor
    mean: Tensor
    covariance: Tensor


def cosine_distance(x: Tensor, y: Tensor) -> Tensor:
    """1 - x·y / (|x| |y|) for every pair of rows.

    Args:
        x: (n, d).
        y: (m, d).

    Returns:
        (n, m) in [0, 2]; 1 where either vector is zero.

    Section 2.2.
    """
    return 1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).T


def relaxed_emd(cost: Tensor) -> Tensor:
    """Relaxed earth mover's distance, max(1/n Σ_i min_j C_ij, 1/m Σ_j min_i C_ij).

    Args:
        cost: (n, m), the cost of moving each of n features to each of m; all n have equal mass, as have all m.

    Returns:
        Scalar in the unit of the cost; a lower bound of the earth mover's distance in eqs. 2-4.

    Section 2.2. Each part drops one of the two constraints, so that every mass goes where that is cheapest.
    """
    return torch.maximum(cost.min(dim=1).values.mean(), cost.min(dim=0).values.mean())


def style_distance(features: Tensor, style: Tensor) -> Tensor:
    """ℓ_r: relaxed earth mover's distance between two sets of features under the cosine distance.

    Args:
        features: (n, d).
        style: (m, d).

    Returns:
        Scalar in [0, 2]. It ignores the features' magnitudes, which `moment_distance` takes into account.

    Section 2.2.
    """
    return relaxed_emd(cosine_distance(features, style))


def palette_distance(colours: Tensor, style: Tensor) -> Tensor:
    """ℓ_p: relaxed earth mover's distance between two sets of colours under the Euclidean distance.

    Args:
        colours: (n, 3) in [0, 1].
        style: (m, 3) in [0, 1].

    Returns:
        Scalar in [0, √3].

    Section 2.2, which first takes the colours to a decorrelated space. The code's matrix for that is orthonormal
    and leaves every distance as it is, so we omit it. The code also divides the distance by √3 and adds the
    cosine distance.
    """
    return relaxed_emd(torch.cdist(colours, style, compute_mode="donot_use_mm_for_euclid_dist"))


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of (n, d) features, the latter divided by n."""
    mean = features.mean(dim=0)
    centred = features - mean
    return mean, centred.T @ centred / len(features)


def moment_distance(features: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """ℓ_m: 1/d ‖μ_A - μ_B‖₁ + 1/d² ‖Σ_A - Σ_B‖₁.

    Args:
        features: (n, d), A.
        mean: (d,), of B.
        covariance: (d, d), of B, see `moments`.

    Returns:
        Scalar, 0 or more.

    Section 2.2.
    """
    own_mean, own_covariance = moments(features)
    return (own_mean - mean).abs().mean() + (own_covariance - covariance).abs().mean()


def self_similarity_distance(features: Tensor, content: Tensor) -> Tensor:
    """ℓ_C: 1/n Σ_ij |D_ij / Σ_i D_ij - D'_ij / Σ_i D'_ij|, with cosine distances D within each set.

    Args:
        features: (n, d), at the same positions as the rows of `content`.
        content: (n, d').

    Returns:
        Scalar in [0, 2].

    Section 2.3 divides by n². The code and we divide by n, since the term would otherwise count for almost
    nothing. A column's sum is at least 1e-5, so that the loss is defined for n equal features.
    """

    def normalised(x: Tensor) -> Tensor:
        distance = cosine_distance(x, x)
        return distance / distance.sum(dim=0).clamp_min(1e-5)

    return (normalised(features) - normalised(content)).abs().sum() / len(features)


def objective(features: Tensor, content: Tensor, style: Style, content_weight: float) -> Tensor:
    """(α ℓ_C + ℓ_m + ℓ_r + ℓ_p / α) / (2 + α + 1/α).

    Args:
        features: (n, d), hypercolumns of the picture, with the colour in the first three columns.
        content: (n, d), hypercolumns of the painting at the same positions.
        style: hypercolumns of the photo and their moments.
        content_weight: α, positive.

    Returns:
        Scalar.

    Eq. 1. The code uses 1 / max(α, 1) for 1/α, and omits it in the denominator.
    """
    alpha = content_weight
    return (
        alpha * self_similarity_distance(features, content)
        + moment_distance(features, style.mean, style.covariance)
        + style_distance(features, style.features)
        + palette_distance(features[:, :3], style.features[:, :3]) / alpha
    ) / (2 + alpha + 1 / alpha)
