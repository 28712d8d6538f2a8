"""Patches, their distances and exact matches, against slow loops and closed forms."""

import math

import pytest
import torch
from torch import Tensor

from sinct.comparison.methods.gpnn.matching import (
    completeness_scores,
    match_distances,
    match_exactly,
)
from sinct.comparison.methods.gpnn.patches import Patches, combine_patches, patches_of, principal_components
from tests.support.gpnn import clouds, noise, pair


def ramp(*shape: int) -> Tensor:
    """1, 2, 3, … row by row, for reference inputs from a formula."""
    return torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).view(shape)


def complete(picture: Tensor, size: int = 3) -> Patches:
    """All patches with all their principal components."""
    return patches_of(picture, principal_components(picture, size, len(picture) * size**2))


# Scores


def slow_patches(picture: Tensor, size: int) -> list[list[float]]:
    rows, columns = picture.shape[1] - size + 1, picture.shape[2] - size + 1
    return [
        picture[:, i : i + size, j : j + size].flatten().tolist() for i in range(rows) for j in range(columns)
    ]


def slow_distances(x: Tensor, y: Tensor, size: int) -> list[list[float]]:
    return [
        [sum((a - b) ** 2 for a, b in zip(q, k, strict=True)) / len(q) for k in slow_patches(y, size)]
        for q in slow_patches(x, size)
    ]


def slow_matches(distances: list[list[float]], alpha: float) -> tuple[list[int], list[int]]:
    """The key of least D_ij / (alpha + min_l D_lj) for every query, the nearest query for every key."""
    owners = [
        min(range(len(distances)), key=lambda i, j=j: distances[i][j]) for j in range(len(distances[0]))
    ]
    nearest = [distances[i][j] for j, i in enumerate(owners)]
    chosen = [min(range(len(row)), key=lambda j, row=row: row[j] / (alpha + nearest[j])) for row in distances]
    return chosen, owners


def test_completeness_scores_equal_a_slow_loop() -> None:
    distances = noise(5, 4).square()
    nearest = distances.amin(dim=0)
    expected = [[distances[i, j] / (0.1 + min(distances[:, j])) for j in range(4)] for i in range(5)]
    torch.testing.assert_close(completeness_scores(distances, nearest, 0.1), torch.tensor(expected).double())


def test_completeness_scores_of_identical_patches_are_zero() -> None:
    assert completeness_scores(torch.zeros(2, 3), torch.zeros(3), 0.1).sum() == 0


def test_a_large_alpha_keeps_the_order_of_distances() -> None:
    distances = noise(6, 9).square()
    scores = completeness_scores(distances, distances.amin(dim=0), 1e9)
    assert torch.equal(scores.argsort(dim=1), distances.argsort(dim=1))


# Features of patches


@pytest.mark.parametrize("size", [1, 3])
def test_all_components_keep_the_mean_squared_difference_of_patches(size: int) -> None:
    x, y = noise(3, 5, 6), noise(3, 6, 4, seed=1)
    components = principal_components(y, size, 3 * size**2)
    features = [patches_of(picture, components).features for picture in (x, y)]
    expected = torch.tensor(slow_distances(x, y, size), dtype=torch.float64)
    torch.testing.assert_close(torch.cdist(*features).square(), expected)


def test_fewer_components_never_exceed_the_distance() -> None:
    x = noise(3, 9, 9)
    few, all_ = patches_of(x, principal_components(x, 3, 5)).features, complete(x).features
    distances = [(features[:, None] - features).square().sum(dim=2) for features in (few, all_)]
    assert (distances[0] <= distances[1]).all()
    assert distances[0].mean() < 0.6 * distances[1].mean()  # 5 of 27 directions of white noise


def test_components_are_orthonormal_and_fall_in_variance() -> None:
    x = clouds(30, 30).double()
    components = principal_components(x, 3, 27).flatten(1)
    torch.testing.assert_close(components @ components.T, torch.eye(27, dtype=torch.float64))
    variance = patches_of(x, components.view(27, 3, 3, 3)).features.var(dim=0)
    assert (variance.diff() <= 1e-12).all()


def test_patches_come_row_by_row() -> None:
    x = noise(2, 4, 6)
    patches = complete(x)
    assert patches.size == (2, 4)
    lengths = torch.tensor([sum(v * v for v in patch) / 18 for patch in slow_patches(x, 3)])
    torch.testing.assert_close(patches.features.square().sum(dim=1), lengths.double())


# Exact matches


@pytest.mark.parametrize("alpha", [0.005, 0.5, 100])
def test_exact_matches_equal_a_slow_loop(alpha: float) -> None:
    queries, keys = pair()
    chosen, owners = slow_matches(slow_distances(noise(3, 8, 9), noise(3, 7, 11, seed=1), 3), alpha)
    matches = match_exactly(queries, keys, alpha)
    assert matches.forth.flatten().tolist() == chosen
    assert matches.back.flatten().tolist() == owners
    assert (matches.forth.shape, matches.back.shape) == (queries.size, keys.size)


def test_exact_matches_do_not_depend_on_how_many_pairs_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, keys = pair()
    whole = match_exactly(queries, keys, 0.01)
    monkeypatch.setattr("sinct.comparison.methods.gpnn.matching._PAIRS_AT_ONCE", 5 * len(keys.features))
    assert all(torch.equal(a, b) for a, b in zip(whole, match_exactly(queries, keys, 0.01), strict=True))


def test_a_small_alpha_makes_a_rare_key_be_used() -> None:
    """Both queries are nearer to the first key; the second is rare and would be left out."""
    queries = Patches(torch.tensor([[0.0], [1.0]]), (1, 2))
    keys = Patches(torch.tensor([[0.4], [3.0]]), (1, 2))
    assert match_exactly(queries, keys, 1e9).forth.tolist() == [[0, 0]]
    assert match_exactly(queries, keys, 1e-3).forth.tolist() == [[0, 1]]


def test_reference_values() -> None:
    """The table of the methods' README, where the values come from the slow loops above."""
    x, y = ramp(2, 4, 5).sin(), ramp(2, 5, 4).square().cos()
    distances = slow_distances(x, y, 3)
    chosen, owners = slow_matches(distances, 0.05)
    components = principal_components(y, 3, 18)
    queries, keys = patches_of(x, components), patches_of(y, components)
    matches = match_exactly(queries, keys, 0.05)
    assert matches.forth.flatten().tolist() == chosen == CHOSEN
    assert matches.back.flatten().tolist() == owners == OWNERS
    expected = torch.tensor(DISTANCES, dtype=torch.float64).view(2, 3)
    torch.testing.assert_close(match_distances(matches.forth, queries, keys), expected, rtol=0, atol=1e-9)
    picture = combine_patches(matches.forth, y, 3)
    torch.testing.assert_close(picture[0, 1], torch.tensor(ROW, dtype=torch.float64), rtol=0, atol=1e-9)


CHOSEN = [3, 2, 0, 4, 5, 1]


OWNERS = [2, 5, 1, 5, 4, 4]


DISTANCES = [0.8454851259, 0.6712475569, 0.8283460435, 0.7738249062, 0.6757442440, 0.7787153927]


ROW = [0.8195024272, 0.6131650293, 0.3289497077, -0.0541525399, -0.3285334683]
