import numpy as np
import pytest
import torch
from torch import Tensor

from sinct.data.transport import match_distribution, random_rotation, transport


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 2 - 1


def slow_match(values: list[float], target: list[float]) -> list[float]:
    ranks = sorted(range(len(values)), key=lambda index: values[index])
    result = [0.0] * len(values)
    for rank, index in enumerate(ranks):
        at = (rank + 0.5) / len(values) * len(target) - 0.5
        result[index] = float(np.interp(at, range(len(target)), sorted(target)))
    return result


@pytest.mark.parametrize("counts", [(5, 5), (9, 4), (4, 9), (1, 3)])
def test_match_distribution_equals_a_slow_loop(counts: tuple[int, int]) -> None:
    values, target = noise(counts[0]), noise(counts[1], seed=1)
    expected = torch.tensor(slow_match(values.tolist(), target.tolist()), dtype=torch.float64)
    torch.testing.assert_close(match_distribution(values, target), expected)


def test_match_distribution_of_equal_counts_is_a_permutation_of_the_target() -> None:
    values, target = noise(50), noise(50, seed=1)
    moved = match_distribution(values, target)
    torch.testing.assert_close(moved.sort().values, target.sort().values, rtol=0, atol=1e-12)
    assert moved.argsort().equal(values.argsort())


@pytest.mark.parametrize("dimensions", [1, 3, 4])
def test_random_rotation_is_orthogonal(dimensions: int) -> None:
    rotation = random_rotation(dimensions, torch.Generator().manual_seed(3))
    torch.testing.assert_close(rotation @ rotation.T, torch.eye(dimensions, dtype=torch.float64))


def test_points_get_the_targets_joint_distribution() -> None:
    points, target = noise(4, 900), noise(4, 700, seed=1)
    target[3] = target[0] ** 2
    moved = transport(points, target, iterations=40, seed=0)
    for power in (1, 2):
        ours, theirs = ((x[0] ** power * x[3]).mean() for x in (moved, target))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0.02)


def test_a_share_of_the_way_ends_at_the_same_distribution_nearer_by() -> None:
    points, target = noise(2, 500), 0.5 * noise(2, 500, seed=1) + 1
    whole, partly = (transport(points, target, iterations=30, seed=0, share=share) for share in (1, 0.5))
    torch.testing.assert_close(partly.mean(dim=1), target.mean(dim=1), rtol=0, atol=0.01)
    torch.testing.assert_close(partly.cov(), target.cov(), rtol=0, atol=0.02)
    assert (partly - points).norm() <= (whole - points).norm()


def test_points_with_the_targets_distribution_stay() -> None:
    points = noise(4, 60)
    torch.testing.assert_close(transport(points, points.flip(1), iterations=5, seed=0, share=0.5), points)
