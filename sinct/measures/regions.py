"""How far each region of a picture is from its counterpart in the photos: sky from sky, rock from rock (ours).

The distances are those of `sinct.measures.distribution`, between the parts alone that region maps mark alike. Over the
whole pictures, a sky in the rock's colours would count as no fault as long as there is enough of each colour.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.distribution import distribution_distance, pooled, sorted_projections, wasserstein
from sinct.measures.pyramid import gaussian_pyramid
from sinct.pictures.resampling import nearest

SMALLEST = 0.002
"""Share of the painting that a region needs to cover to count."""

PATCH = 7
"""Side of a patch in pixels."""

FEWEST = 64
"""Patches within a region that a level of its pyramid needs; below that it is left out."""

PROJECTIONS, PIXELS, PATCHES = 128, 65536, 16384
"""Random directions, and most pixels and patches of a region on each level."""

Described = TypeVar("Described", Tensor, list[Tensor])


def region_colours(
    pictures: Sequence[Tensor], labels: Sequence[Tensor], *, seed: int = 0
) -> dict[int, Tensor]:
    """Distribution of the colours of each region, of one picture or several together.

    Args:
        pictures: (3, H, W) each in [-1, 1], sRGB.
        labels: (H, W) each, which region a pixel belongs to.
        seed: seeds the pixels and directions.

    Returns:
        By the region's label: (projections, N) sorted along the rows, in CIELAB units.
    """
    found: dict[int, list[Tensor]] = {}
    for picture, each in zip(pictures, labels, strict=True):
        lab: Tensor = rgb_to_lab((picture.float().clamp(-1, 1) + 1) / 2)
        for number in torch.unique(each).tolist():
            points = _drawn(lab[:, each.to(lab.device) == number].T, PIXELS, seed)
            found.setdefault(number, []).append(sorted_projections(points, PROJECTIONS, seed=seed))
    return {number: pooled(parts) for number, parts in found.items()}


def region_textures(
    pictures: Sequence[Tensor], labels: Sequence[Tensor], *, seed: int = 0
) -> dict[int, list[Tensor]]:
    """Distributions of the patches of each region without their mean colours, over a pyramid of four levels.

    Only patches that lie within a region count.

    Args:
        pictures: (3, H, W) each in [-1, 1], sRGB.
        labels: (H, W) each, which region a pixel belongs to.
        seed: seeds the patches and directions.

    Returns:
        By the region's label: (projections, N) for each level, finest first, sorted along the rows, in grey levels out
        of 255. Levels on which the region has too few patches are left out, and regions without any level.

    Raises:
        ConfigError: a picture is smaller than a patch.
    """
    found: dict[int, list[list[Tensor]]] = {}
    for picture, each in zip(pictures, labels, strict=True):
        for depth, level in enumerate(gaussian_pyramid(picture.float(), 4, smallest=PATCH)):
            windows = level.mul(127.5).unfold(1, PATCH, 1).unfold(2, PATCH, 1)
            places = nearest(each, level.shape[1], level.shape[2])[None, None].float()
            around = F.pad(
                places, (1, 1, 1, 1), mode="replicate"
            )  # the pyramid blurs one pixel across a border
            lowest, highest = (sign * F.max_pool2d(sign * around, PATCH + 2, 1)[0, 0] for sign in (-1, 1))
            for number in torch.unique(each).tolist():
                rows, columns = ((lowest == number) & (highest == number)).nonzero(as_tuple=True)
                if len(rows) < FEWEST:
                    continue
                chosen = _drawn(torch.stack([rows, columns], dim=1), PATCHES, seed).to(level.device)
                patches = windows[:, chosen[:, 0], chosen[:, 1]].transpose(0, 1).flatten(2)
                values = (patches - patches.mean(dim=2, keepdim=True)).flatten(1)
                levels = found.setdefault(number, [])
                if len(levels) == depth:
                    levels.append([])
                if len(levels) > depth:
                    levels[depth].append(
                        sorted_projections(values / values.shape[1] ** 0.5, PROJECTIONS, seed=seed)
                    )
    return {number: [pooled(parts) for parts in levels] for number, levels in found.items()}


def colour_gaps(own: Mapping[int, Tensor], photos: Mapping[int, Tensor]) -> dict[int, float]:
    """Distance of the colours of each region that both have, in ΔE; from what `region_colours` returned."""
    return _gaps(own, photos, lambda one, other: float(wasserstein(one, other).mean()))


def texture_gaps(own: Mapping[int, list[Tensor]], photos: Mapping[int, list[Tensor]]) -> dict[int, float]:
    """Distance of the patches of each region that both have, in grey levels; from what `region_textures` returned."""
    return _gaps(own, photos, distribution_distance)


def _gaps(
    own: Mapping[int, Described],
    photos: Mapping[int, Described],
    distance: Callable[[Described, Described], float],
) -> dict[int, float]:
    return {number: distance(own[number], photos[number]) for number in own if number in photos}


def mean_gap(gaps: Mapping[int, float], labels: Tensor) -> float:
    """Mean of the regions' distances, each by its share of the painting, whose labels these are, (H, W).

    Raises:
        ConfigError: no region that covers enough of the painting has a distance.
    """
    shares = {number: float((labels == number).double().mean()) for number in gaps}
    counted = {number: share for number, share in shares.items() if share >= SMALLEST}
    if not counted:
        raise ConfigError(
            "painting and photo have no region in common that is large enough to be measured; paint what belongs "
            "together in the same colour of both region maps"
        )
    return sum(share * gaps[number] for number, share in counted.items()) / sum(counted.values())


def _drawn(points: Tensor, most: int, seed: int) -> Tensor:
    """At most so many of the points, (N, D), at random."""
    if len(points) <= most:
        return points
    chosen = torch.randperm(len(points), generator=torch.Generator().manual_seed(seed))[:most]
    return points[chosen.to(points.device)]
