"""Adversarial losses and their regulariser, computed from logits."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def discriminator_loss(
    real_logits: Tensor,
    fake_logits: Tensor,
    real_weights: Tensor | None = None,
    fake_weights: Tensor | None = None,
) -> Tensor:
    """Non-saturating adversarial loss of the discriminator, half of softplus(-D(real)) + softplus(D(fake)).

    Args:
        real_logits: (N,) logits of the photo's tiles.
        fake_logits: (M,) logits of translated tiles.
        real_weights, fake_weights: how much each tile counts in its mean, 0 or more; None counts all alike.

    Returns:
        Scalar in nats; log 2 when the discriminator cannot tell them apart.

    Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1, as minimised in StyleGAN2; the half is from Park et al.'s code,
    where it sets the weight of R1.
    """
    real, fake = F.softplus(-full_precision(real_logits)), F.softplus(full_precision(fake_logits))
    return 0.5 * (_mean(real, real_weights) + _mean(fake, fake_weights))


def generator_loss(fake_logits: Tensor, weights: Tensor | None = None) -> Tensor:
    """Non-saturating adversarial loss of the generator, softplus(-D(fake)).

    Args:
        fake_logits: (N,) logits of translated tiles.
        weights: how much each tile counts in the mean, 0 or more; None counts all alike.

    Returns:
        Scalar in nats; log 2 when the discriminator cannot tell them from the photo's.
    """
    return _mean(F.softplus(-full_precision(fake_logits)), weights)


def _mean(values: Tensor, weights: Tensor | None) -> Tensor:
    """Weighted mean; 0 where nothing counts."""
    if weights is None:
        return values.mean()
    return (values * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


def least_squares_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Least-squares adversarial loss of the discriminator, half of (D(real) - 1)² + D(fake)².

    Args:
        real_logits: logits of photos, any shape.
        fake_logits: logits of translations, any shape.

    Returns:
        Scalar, dimensionless; 0.25 when all logits are 1/2.

    Mao et al. 2017 (arXiv:1611.04076), eq. 9 with a = 0 and b = c = 1; its half is also in CycleGAN's and CUT's code.
    """
    real, fake = full_precision(real_logits), full_precision(fake_logits)
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def least_squares_generator_loss(fake_logits: Tensor) -> Tensor:
    """Least-squares adversarial loss of the generator, (D(fake) - 1)², without the half that eq. 9 has here too.

    Args:
        fake_logits: logits of translations, any shape.

    Returns:
        Scalar, dimensionless; 0 when the discriminator takes all of them for photos.
    """
    return (full_precision(fake_logits) - 1).square().mean()


def r1_penalty(real_logits: Tensor, real: Tensor) -> Tensor:
    """Mean squared norm of each logit's gradient with respect to its own tile; the caller applies weight / 2.

    Args:
        real_logits: (N,) logits computed from `real`.
        real: (N, 3, T, T) tiles that require a gradient.

    Returns:
        Scalar that can be differentiated again.

    Mescheder et al. 2018 (arXiv:1801.04406), eq. 9.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return full_precision(gradient).square().sum(dim=(1, 2, 3)).mean()
