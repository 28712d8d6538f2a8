"""A loss between the distributions of small patches."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision

SIZES = (3, 5, 9)
"""Sides of the patches in pixels."""

PROJECTIONS = 32
"""Random directions for each size of patch."""

STRIDE = 3
"""Pixels from one patch to the next."""

SMALLEST_CROP = max(SIZES) + STRIDE
"""Side of the smallest crops that have a patch of every size, wherever the first one begins."""


def patch_distance(
    found: Tensor, wanted: Tensor, random: torch.Generator, device_random: torch.Generator | None = None
) -> Tensor:
    """Sliced Wasserstein distance between the patches of two sets of crops, without their means.

    Random filters, each without a mean in any channel, are run over both sets, and the sorted responses of each
    filter are compared, relative to the size of the wanted ones. Fine filters count as much as coarse ones, though
    their responses are weaker: it is in these that a soft picture differs from a sharp one.

    Args:
        found: (N, C, H, W), crops whose patches should be distributed like the others'.
        wanted: (N, C, H, W), the others; they get no gradient.
        random: draws where the first patch begins; on the CPU.
        device_random: draws the filters, on the crops' device; None takes `random`.

    Returns:
        Scalar, dimensionless; 0 for equal distributions.

    Elnekave & Weiss 2022, "Generating natural images with direct patch distributions matching" (arXiv:2203.11862),
    section 3, as a loss for a generator; the removal of means and the division are ours.
    """
    device_random = device_random or random
    found, wanted = full_precision(found), full_precision(wanted).detach()
    top, left = torch.randint(STRIDE, (2,), generator=random).tolist()
    distances = []
    for size in SIZES:
        drawn = torch.randn(
            PROJECTIONS, found.shape[1], size, size, generator=device_random, device=device_random.device
        )
        filters = drawn.to(found)
        filters = F.normalize((filters - filters.mean((2, 3), keepdim=True)).flatten(1), dim=1).view_as(
            filters
        )
        ours, theirs = (
            F.conv2d(crops[..., top:, left:], filters, stride=STRIDE)
            .transpose(0, 1)
            .flatten(1)
            .sort(dim=1)
            .values
            for crops in (found, wanted)
        )
        scale = theirs.abs().mean(dim=1).clamp_min(1e-4)
        distances.append(((ours - theirs).abs().mean(dim=1) / scale).mean())
    return torch.stack(distances).mean()
