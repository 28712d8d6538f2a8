"""Contrastive losses between unit feature vectors."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


def patch_nce(query: Tensor, key: Tensor, *, temperature: float = 0.07, alike: float = 1.0) -> Tensor:
    """Cross-entropy that pairs each translated patch with its own source patch.

    Args:
        query: (N, C) unit features of the translation.
        key: (N, C) unit features of the source at the same positions; gets no gradient.
        temperature: divides cosine similarities; positive, dimensionless.
        alike: cosine similarity to a query's own key from which another key is no negative, since the two cannot be
            told apart; 1 keeps all negatives, as the paper does.

    Returns:
        Scalar mean in nats; log N when all features are equal.

    Raises:
        ValueError: shapes differ, or N < 2 leaves no negative.

    Park et al. 2020 (arXiv:2007.15651), eqs. 2-3 and appendix C.3. A query's negatives are all N keys but its
    own. Callers average over depths, as the authors' code does, where eq. 3 sums.
    """
    if query.shape != key.shape or query.ndim != 2:
        raise ValueError(
            f"queries {tuple(query.shape)} and keys {tuple(key.shape)} must have the same shape (N, C)"
        )
    if len(query) < 2:
        raise ValueError(f"patch_nce needs at least 2 positions to have a negative, got {len(query)}")
    with torch.autocast(query.device.type, enabled=False):  # bfloat16 would put the logits off by 0.05
        similarity = (
            full_precision(query) @ full_precision(key).detach().T
        )  # the diagonal holds the positives
        if alike < 1:
            keys = full_precision(key).detach()
            others = (keys @ keys.T >= alike).fill_diagonal_(False)
            similarity = similarity.masked_fill(others, -torch.inf)
    own = torch.arange(len(query), device=query.device)
    return F.cross_entropy(similarity / temperature, own)
