"""Contrastive losses between unit feature vectors."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def patch_nce(
    query: Tensor, key: Tensor, *, temperature: float = 0.07, alike: float = 1.0, images: int = 1
) -> Tensor:
    """Cross-entropy that pairs each translated patch with its own source patch.

    Args:
        query: (N, C) unit features of the translation.
        key: (N, C) unit features of the source at the same positions; gets no gradient.
        temperature: divides cosine similarities; positive, dimensionless.
        alike: cosine similarity to a query's own key from which another key is no negative, since the two cannot be
            told apart; 1 keeps all negatives, as the paper does.
        images: into how many images N is divided, one after the other, with equally many positions each. A query's
            negatives are the keys of its own image alone.

    Returns:
        Scalar mean in nats; log(N / images) when all features are equal.

    Raises:
        ValueError: shapes differ, N is no multiple of `images`, or less than 2 positions an image leave no negative.

    Park et al. 2020 (arXiv:2007.15651), eqs. 2-3 and appendix C.3. A query's negatives are all keys of its image but
    its own. Callers average over depths, as the authors' code does, where eq. 3 sums.
    """
    _check_pairs(query, key)
    if images < 1 or len(query) % images:
        raise ValueError(
            f"{len(query)} queries cannot be divided evenly into {images} images; give equally many each"
        )
    positions = len(query) // images
    if positions < 2:
        raise ValueError(f"patch_nce needs at least 2 positions to have a negative, got {positions}")
    with torch.autocast(query.device.type, enabled=False):  # bfloat16 would put the logits off by 0.05
        queries, keys = full_precision(query), full_precision(key).detach()
        if images > 1:  # a batch of one matrix may be rounded otherwise than the matrix
            queries, keys = (each.view(images, positions, -1) for each in (queries, keys))
        similarity = queries @ keys.mT  # (..., positions, positions); the diagonals hold the positives
        if alike < 1:
            itself = torch.eye(positions, dtype=torch.bool, device=query.device)
            similarity = similarity.masked_fill((keys @ keys.mT >= alike) & ~itself, -torch.inf)
    own = torch.arange(positions, device=query.device).repeat(images)
    return F.cross_entropy(similarity.flatten(end_dim=-2) / temperature, own)


def bank_nce(query: Tensor, key: Tensor, bank: Tensor, *, temperature: float = 0.07) -> Tensor:
    """Cross-entropy that pairs each translated patch with its own source patch, with negatives of earlier images.

    Args:
        query: (N, C) unit features of the translation.
        key: (N, C) unit features of the source at the same positions, by the averaged encoder; gets no gradient.
        bank: (K, C) unit features, every query's negatives in place of the other keys; see `MemoryBank`. They get no
            gradient.
        temperature: divides cosine similarities; positive, dimensionless.

    Returns:
        Scalar mean in nats; log(K + 1) when all features are equal.

    Raises:
        ValueError: shapes do not fit.

    He et al. 2020, "Momentum Contrast for Unsupervised Visual Representation Learning" (arXiv:1911.05722), eq. 1, with
    the memory bank of Park et al. 2020 (arXiv:2007.15651), appendix C.1.
    """
    _check_pairs(query, key)
    if bank.ndim != 2 or bank.shape[1] != query.shape[1] or not len(bank):
        raise ValueError(
            f"a bank {tuple(bank.shape)} does not fit queries {tuple(query.shape)}; "
            f"it must be (K, {query.shape[1]}), K at least 1"
        )
    with torch.autocast(query.device.type, enabled=False):
        queries, keys = full_precision(query), full_precision(key).detach()
        positive = (queries * keys).sum(dim=1, keepdim=True)  # (N, 1)
        negative = queries @ full_precision(bank).detach().T  # (N, K)
        similarity = torch.cat([positive, negative], dim=1)
    first = torch.zeros(len(query), dtype=torch.long, device=query.device)
    return F.cross_entropy(similarity / temperature, first)


def _check_pairs(query: Tensor, key: Tensor) -> None:
    """Raise ValueError unless there is a key for each query."""
    if query.shape != key.shape or query.ndim != 2:
        raise ValueError(
            f"queries {tuple(query.shape)} and keys {tuple(key.shape)} must have the same shape (N, C)"
        )
