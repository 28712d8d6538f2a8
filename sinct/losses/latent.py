"""Losses of methods with latent codes: content, style or attributes."""

import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision

EQUAL = 1e-5
"""Ratio of distances of pictures and codes below which `mode_seeking` does not grow."""


def l1(found: Tensor, wanted: Tensor) -> Tensor:
    """Mean absolute difference, in full precision.

    Args:
        found, wanted: of one shape, any range.

    Returns:
        Scalar, in the units of both; 0 when they are equal.
    """
    return F.l1_loss(full_precision(found), full_precision(wanted))


def kl_from_normal(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of normal distributions, with independent numbers, from N(0, I).

    Args:
        mean: (N, C).
        log_variance: (N, C), natural logarithms.

    Returns:
        Scalar in nats: the sum over a code's numbers, the mean over the codes.

    Kingma & Welling 2014, "Auto-Encoding Variational Bayes" (arXiv:1312.6114), appendix B.
    """
    mean, log_variance = full_precision(mean), full_precision(log_variance)
    return 0.5 * (mean.square() + log_variance.exp() - log_variance - 1).sum(dim=1).mean()


def confusion(logits: Tensor) -> Tensor:
    """How far a discriminator is from not knowing: -(log D + log(1 - D)) / 2, where D is the logits' sigmoid.

    Args:
        logits: any shape.

    Returns:
        Scalar in nats; log 2, its least, when all logits are 0.

    Lee et al. 2018 (arXiv:1808.00948), eq. 2, for one domain.
    """
    logits = full_precision(logits)
    return 0.5 * (F.softplus(-logits) + F.softplus(logits)).mean()


def mode_seeking(one: Tensor, other: Tensor, one_code: Tensor, other_code: Tensor) -> Tensor:
    """Distance of two codes, divided by that of the pictures made with them; mean absolute differences.

    The papers ask for a large ratio of pictures to codes; like their authors, we minimise its inverse.

    Args:
        one, other: (N, 3, H, W), translations of the same pictures.
        one_code, other_code: (N, C), their codes.

    Returns:
        Scalar, the mean over the pictures; finite where two pictures are equal.

    Mao et al. 2019, "Mode Seeking Generative Adversarial Networks" (arXiv:1903.05628), eq. 2; Lee et al. 2020
    (arXiv:1905.01270), section 3.
    """
    pictures = (full_precision(one) - full_precision(other)).abs().mean(dim=(1, 2, 3))
    codes = (full_precision(one_code) - full_precision(other_code)).abs().mean(dim=1)
    return (codes / (pictures + EQUAL * codes)).mean()
