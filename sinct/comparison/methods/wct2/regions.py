"""Moments measured and exchanged region by region."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods.wct2.whitening import Moments, moments, recolour


@dataclass(frozen=True)
class Guide:
    """Which positions of the features belong to which region.

    Attributes:
        labels: (H, W), region numbers of the padded picture; None makes the whole picture one region.
        matched: numbers of the regions that are transferred.
    """

    labels: Tensor | None = None
    matched: tuple[int, ...] = ()

    def select(self, height: int, width: int) -> dict[int, Tensor | slice]:
        """Index of each matched region among height x width positions, row by row; empty regions are absent."""
        if self.labels is None:
            return {0: slice(None)}
        own = F.interpolate(self.labels[None, None].float(), (height, width), mode="nearest-exact").flatten()
        return {number: index for number in self.matched if (index := own == number).any()}


def matched_regions(painting: Tensor, photo: Tensor) -> tuple[int, ...]:
    """Numbers of the regions that are large enough in both maps to be transferred, as in the authors' code.

    Args:
        painting: (H, W) integers.
        photo: (H', W') integers.

    Returns:
        Regions with more than 10 pixels in each map and fewer than 100 times as many in one as in the other.
    """
    ours, theirs = (Counter(labels.flatten().tolist()) for labels in (painting, photo))
    return tuple(
        number
        for number in sorted(ours.keys() & theirs.keys())
        if min(ours[number], theirs[number]) > 10
        and max(ours[number], theirs[number]) < 100 * min(ours[number], theirs[number])
    )


def measure(features: Tensor, guide: Guide) -> dict[int, Moments]:
    """Moments of (1, C, H, W) features in each region."""
    flat = features[0].flatten(1)
    return {number: moments(flat[:, index]) for number, index in guide.select(*features.shape[2:]).items()}


def transfer(features: Tensor, targets: Mapping[int, Moments], guide: Guide) -> None:
    """Recolour (1, C, H, W) features in place, region by region, within the range they have there."""
    flat = features[0].view(features.shape[1], -1)  # view never copies; changes to a copy would be lost
    for number, index in guide.select(*features.shape[2:]).items():
        if number in targets:
            own = flat[:, index]
            flat[:, index] = recolour(own, targets[number]).clamp_(own.min(), own.max())
