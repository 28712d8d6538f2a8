"""Distances between the distributions of two pictures' colours and patches.

Both are sliced Wasserstein distances (Rabin et al. 2011, "Wasserstein Barycenter and its Application to
Texture Mixing"): points are projected onto random directions, and along each direction the distance between
two sets of numbers is that between their sorted values. All are first-order distances, W1.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.measures.pyramid import gaussian_pyramid, sampled_patches


def wasserstein(first: Tensor, second: Tensor) -> Tensor:
    """W1 distance between sets of numbers, row by row, exact even for sets of different sizes.

    Args:
        first: (K, N) sorted along the rows.
        second: (K, M) sorted along the rows.

    Returns:
        (K,): the area between the two quantile functions. These have steps of width 1/N and 1/M, so the integral is
        a sum over the pieces between all their ends.
    """
    n, m = first.shape[1], second.shape[1]
    if n == m:
        return (first - second).abs().mean(dim=1)
    steps = torch.arange(max(n, m) + 1, device=first.device)
    # Ends in units of 1/(NM), which are exact.
    ends: Tensor = torch.unique(torch.cat([steps[: n + 1] * m, steps[1:m] * n]))
    begin, width = ends[:-1], ends.diff()
    gaps = (first[:, begin // m] - second[:, begin // n]).abs()
    return (gaps * width.to(gaps)).sum(dim=1) / (n * m)


def sorted_projections(points: Tensor, projections: int, *, seed: int) -> Tensor:
    """Project points onto random directions and sort them.

    Args:
        points: (N, D).
        projections: number K of directions.
        seed: seeds the directions, which depend only on it and on D.

    Returns:
        (K, N) on the CPU, sorted along the rows, and scaled so that a shift of all points by a distance d shifts them
        by d on average over all directions; projections onto unit vectors would shift by only d E|u₁|.
    """
    dimensions = points.shape[1]
    generator = torch.Generator().manual_seed(seed)
    directions = torch.randn(dimensions, projections, generator=generator)
    directions /= directions.norm(dim=0) * _mean_absolute_coordinate(dimensions)
    return _sorted((points @ directions.to(points)).T.cpu().contiguous())


def pooled(distributions: Sequence[Tensor]) -> Tensor:
    """Projections of several sets of points together: (K, N), (K, M), ... on the CPU -> (K, N + M + ...), sorted."""
    return _sorted(torch.cat(list(distributions), dim=1))


def _sorted(rows: Tensor) -> Tensor:
    return torch.from_numpy(np.sort(rows.numpy(), axis=1))  # forty times as fast as torch.sort


def _mean_absolute_coordinate(dimensions: int) -> float:
    """E|u₁| for unit vectors u in random directions: 1/2 in three dimensions, about √(2/(π D)) in D dimensions."""
    half = dimensions / 2
    return math.exp(math.lgamma(half) - math.lgamma(half + 0.5)) / math.sqrt(math.pi)


def patch_distributions(
    picture: Tensor,
    *,
    without_means: bool = False,
    patch: int = 7,
    levels: int = 4,
    projections: int = 128,
    samples: int = 32768,
    seed: int = 0,
) -> list[Tensor]:
    """Projections of the patches in a picture's pyramid: one picture's half of `sliced_wasserstein`.

    Args:
        picture: (3, H, W) in [-1, 1].
        without_means: subtract the mean of each channel from each patch, so that contrast and texture
            count but colour does not.
        patch: side of a patch, in pixels.
        levels: most levels of the pyramid, each half the size of the one before; none is smaller than a patch.
        projections: number of directions.
        samples: number of patches per level.
        seed: seeds the positions and directions.

    Returns:
        One per level, finest first: (projections, N) sorted along the rows, in grey levels out of 255.

    Raises:
        ConfigError: the picture is smaller than a patch.
    """
    found = []
    for level in gaussian_pyramid(picture, levels, smallest=patch):
        points = sampled_patches(level * 127.5, patch, samples, seed=seed)
        if without_means:
            channels = points.view(len(points), len(picture), -1)
            points = (channels - channels.mean(dim=2, keepdim=True)).flatten(1)
        values = points / math.sqrt(
            points.shape[1]
        )  # a shift of every value by d is a shift of the patch by d
        found.append(sorted_projections(values, projections, seed=seed))
    return found


def distribution_distance(first: list[Tensor], second: list[Tensor]) -> float:
    """Mean W1 distance between two pictures' projections, over all directions and the levels that both have."""
    pairs = zip(first, second, strict=False)
    return float(torch.stack([wasserstein(a, b).mean() for a, b in pairs]).mean())


def sliced_wasserstein(output: Tensor, photo: Tensor, *, without_means: bool = False, seed: int = 0) -> float:
    """Sliced Wasserstein distance between the patches of two pictures, over a pyramid.

    Args:
        output: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        without_means: see `patch_distributions`.
        seed: seeds the positions and directions.

    Returns:
        Distance in grey levels out of 255; a shift of all values by d measures about d.

    Raises:
        ConfigError: a picture is smaller than a patch.

    Karras et al. 2018 (arXiv:1710.10196, section 5) compare 7x7 patches of a Laplacian pyramid this way, each
    level normalised; Elnekave and Weiss 2022 (arXiv:2203.11862, section 3) minimise the same distance over
    a Gaussian pyramid without normalisation, which is what is measured here.
    """
    distributions = [
        patch_distributions(picture, without_means=without_means, seed=seed) for picture in (output, photo)
    ]
    return distribution_distance(*distributions)


def colour_distribution(
    picture: Tensor, *, projections: int = 128, samples: int = 65536, seed: int = 0
) -> Tensor:
    """Projections of a picture's colours: one picture's half of `colour_distance`.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.
        projections: number of directions.
        samples: number of pixels.
        seed: seeds the pixels and directions.

    Returns:
        (projections, N) sorted along the rows, in CIELAB units.
    """
    points = sampled_patches(picture, 1, samples, seed=seed).clamp(-1, 1)
    lab: Tensor = rgb_to_lab((points.T[:, :, None] + 1) / 2)
    return sorted_projections(lab[:, :, 0].T, projections, seed=seed)


def colour_distance(output: Tensor, photo: Tensor, *, seed: int = 0) -> float:
    """Sliced Wasserstein distance between the colours of two pictures in CIELAB.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.
        seed: seeds the pixels and directions.

    Returns:
        Distance in units of ΔE (CIE 1976); a shift of all colours by d measures about d.

    Rabin et al. 2011; in CIELAB, because equal distances look about equally large there.
    """
    distributions = [colour_distribution(picture, seed=seed) for picture in (output, photo)]
    return float(wasserstein(*distributions).mean())
