"""The terms of the objective, as pure functions of logits, tiles and unit feature vectors.

Every function returns a scalar in float32 or better, whatever autocast does around it.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Non-saturating adversarial loss of the discriminator, softplus(-D(real)) + softplus(D(fake)).

    Args:
        real_logits: (N,) logits of the photo's tiles.
        fake_logits: (M,) logits of translated tiles.

    Returns:
        Scalar in nats; 2 log 2 when the discriminator cannot tell.

    Goodfellow et al. 2014 (arXiv:1406.2661), eq. 1, as minimised in StyleGAN2.
    """
    return F.softplus(-_full(real_logits)).mean() + F.softplus(_full(fake_logits)).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Non-saturating adversarial loss of the generator, softplus(-D(fake)).

    Args:
        fake_logits: (N,) logits of translated tiles.

    Returns:
        Scalar in nats; log 2 when the discriminator cannot tell.
    """
    return F.softplus(-_full(fake_logits)).mean()


def r1_penalty(real_logits: Tensor, real: Tensor) -> Tensor:
    """Mean squared norm of the logits' gradient by their own tile; the caller applies weight / 2.

    Args:
        real_logits: (N,) computed from `real`.
        real: (N, 3, T, T) that requires a gradient.

    Returns:
        Scalar that can be differentiated again.

    Mescheder et al. 2018 (arXiv:1801.04406), eq. 9.
    """
    (gradient,) = torch.autograd.grad(real_logits.sum(), real, create_graph=True)
    return _full(gradient).square().sum(dim=(1, 2, 3)).mean()


def patch_nce(query: Tensor, key: Tensor, *, temperature: float = 0.07) -> Tensor:
    """Cross-entropy that pairs each translated patch with its own source patch.

    Args:
        query: (N, C) unit features of the translation.
        key: (N, C) unit features of the source at the same positions; gets no gradient.
        temperature: divides cosine similarities; positive, dimensionless.

    Returns:
        Scalar mean in nats; log N when all features are equal.

    Raises:
        ValueError: shapes differ, or N < 2 leaves no negative.

    Park et al. 2020 (arXiv:2007.15651), eqs. 2-3 and appendix C.3. All N keys but its own are a query's
    negatives. Callers average over depths, as the authors' code does, where eq. 3 sums.
    """
    if query.shape != key.shape or query.ndim != 2:
        raise ValueError(
            f"queries {tuple(query.shape)} and keys {tuple(key.shape)} must be of one shape (N, C)"
        )
    if len(query) < 2:
        raise ValueError(f"patch_nce needs 2 or more positions for a negative, got {len(query)}")
    with torch.autocast(query.device.type, enabled=False):  # bfloat16 would blur the logits by 0.05
        similarity = _full(query) @ _full(key).detach().T  # the diagonal holds the positives
    own = torch.arange(len(query), device=query.device)
    return F.cross_entropy(similarity / temperature, own)


def feature_matching(found: Sequence[Tensor], wanted: Sequence[Tensor]) -> Tensor:
    """Mean L1 distance between a discriminator's maps of two pictures, each relative to the size of its values.

    It asks for texture where L1 of pixels asks for the mean of all textures that are possible.

    Args:
        found: maps of any shape, of what should become like the other.
        wanted: maps of the same shapes; get no gradient.

    Returns:
        Scalar, dimensionless; 0 for equal maps.

    Wang et al. 2018 (arXiv:1711.11585), eq. 4, there without the division by the values' size.
    """
    distances = [
        F.l1_loss(_full(x), _full(y).detach()) / _full(y).detach().abs().mean().clamp_min(1e-8)
        for x, y in zip(found, wanted, strict=True)
    ]
    return torch.stack(distances).mean()


def _full(x: Tensor) -> Tensor:
    """Widen half precision to float32; float32 and float64 stay."""
    return x if x.dtype in (torch.float32, torch.float64) else x.float()
