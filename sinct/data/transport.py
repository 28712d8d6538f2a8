"""Optimal transport between clouds of points, one dimension at a time."""

import torch
from torch import Tensor


def transport(points: Tensor, target: Tensor, *, iterations: int, seed: int, share: float = 1.0) -> Tensor:
    """Give a cloud of points the distribution of another by iterated one-dimensional transport.

    In each of many randomly rotated bases, every axis is mapped by u -> Q_target(P_points(u)), where P is the
    cumulative distribution and Q the quantile function along it.

    Args:
        points: (D, N).
        target: (D, M), in the same space.
        iterations: random rotations of the space.
        seed: seeds the rotations.
        share: share of the way that each iteration moves the points, in (0, 1]; below 1 they end nearer to where
            they were.

    Returns:
        (D, N), the points after the move; they may lie slightly outside the target's range.

    Pitié, Kokaram and Dahyot 2007, "Automated colour grading using colour distribution transfer", section 3.
    """
    generator = torch.Generator().manual_seed(seed)
    moved = points.clone()
    for _ in range(iterations):
        rotation = random_rotation(len(points), generator).to(points)
        along, aim = rotation @ moved, rotation @ target
        matched = torch.stack([match_distribution(u, v) for u, v in zip(along, aim, strict=True)])
        moved = rotation.T @ torch.lerp(along, matched, share)
    return moved


def match_distribution(values: Tensor, target: Tensor) -> Tensor:
    """Map (N,) values monotonically to the distribution of (M,) target values.

    The n-th smallest of N becomes the target's quantile at (n + 1/2) / N, linearly interpolated: the optimal
    transport in one dimension.
    """
    ordered = target.sort().values
    position = (torch.arange(len(values), dtype=ordered.dtype) + 0.5) / len(values) * len(target) - 0.5
    position = position.clamp(0, len(target) - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=len(target) - 1)
    quantiles = torch.lerp(ordered[low], ordered[high], position - low)
    result = torch.empty_like(values)
    result[values.argsort(stable=True)] = quantiles
    return result


def random_rotation(dimensions: int, generator: torch.Generator) -> Tensor:
    """Draw an orthogonal (D, D) matrix uniformly, as float64."""
    normal = torch.randn(dimensions, dimensions, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(normal)
    rotation: Tensor = q * r.diagonal().sign()
    return rotation
