"""Distances between pictures, or between the halves of one, which a translation should keep."""

from itertools import combinations
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision

HALVES = {"top_bottom": 2, "left_right": 3}
"""Ways to halve pictures, by name: the dimension along which they are cut."""


class Scale(NamedTuple):
    """Mean and standard deviation of distances, scalars."""

    mean: Tensor
    deviation: Tensor


def pair_distances(pictures: Tensor) -> Tensor:
    """Mean absolute differences of all pairs of pictures.

    Args:
        pictures: (N, C, H, W), two or more.

    Returns:
        (N (N - 1) / 2,), in the pictures' units.

    Benaim & Wolf 2017 (arXiv:1706.00826), where differences are summed; once distances are normalised,
    sum and mean are the same.
    """
    return torch.stack([F.l1_loss(x, y) for x, y in combinations(full_precision(pictures), 2)])


def half_distances(pictures: Tensor, halves: str) -> Tensor:
    """Mean absolute difference of the two halves of each picture.

    Args:
        pictures: (N, C, H, W).
        halves: a key of `HALVES`; of an odd number of rows or columns, the middle one is in neither half.

    Returns:
        (N,), in the pictures' units.

    Benaim & Wolf 2017 (arXiv:1706.00826), L_self-distance.
    """
    dimension, pictures = HALVES[halves], full_precision(pictures)
    size = pictures.shape[dimension]
    first = pictures.narrow(dimension, 0, size // 2)
    second = pictures.narrow(dimension, size - size // 2, size // 2)
    return (first - second).abs().mean(dim=(1, 2, 3))


def distance_loss(before: Tensor, after: Tensor, source: Scale, target: Scale) -> Tensor:
    """How far distances change in a translation, each measured by what is usual in its domain.

    Args:
        before: distances of source pictures, (K,).
        after: distances of their translations, (K,).
        source, target: what distances in either domain are usually like.

    Returns:
        Scalar, in standard deviations: the mean of |(before - μ_A) / σ_A - (after - μ_B) / σ_B|.

    Benaim & Wolf 2017 (arXiv:1706.00826), L_distance and L_self-distance.
    """
    return F.l1_loss((after - target.mean) / target.deviation, (before - source.mean) / source.deviation)
