"""Matches that are found by chance and by following, held against exact ones."""

from pathlib import Path

import pytest
import torch

from sinct.comparison.methods.gpnn.matching import (
    Matches,
    completeness_scores,
    first_matches,
    follow_matches,
    improve_matches,
    match_distances,
    match_exactly,
    scale_matches,
)
from sinct.comparison.methods.gpnn.patches import patches_of, principal_components
from tests.support.gpnn import clouds, pair


def test_a_pass_never_makes_a_match_worse() -> None:
    queries, keys = pair()
    start = torch.randint(len(keys.features), queries.size, generator=torch.Generator().manual_seed(0))
    better = improve_matches(start, queries, keys, torch.Generator().manual_seed(1))
    before, after = (match_distances(index, queries, keys) for index in (start, better))
    assert (after <= before).all()
    assert after.mean() < before.mean()


def test_passes_from_chance_come_close_to_exact_distances() -> None:
    x, y = clouds(40, 44), clouds(36, 48, seed=1)
    components = principal_components(y, 5, 75)
    queries, keys = patches_of(x, components), patches_of(y, components)
    generator = torch.Generator().manual_seed(0)
    index = torch.randint(len(keys.features), queries.size, generator=generator)
    for _ in range(8):
        index = improve_matches(index, queries, keys, generator)
    exact = torch.cdist(queries.features, keys.features).square().amin(dim=1)
    assert match_distances(index, queries, keys).mean() < 1.05 * exact.mean()


def test_first_matches_are_exact_unless_there_are_too_many_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = clouds(40, 44), clouds(36, 48, seed=1)
    components = principal_components(y, 5, 75)
    queries, keys = patches_of(x, components), patches_of(y, components)
    exact = match_exactly(queries, keys, 0.1)
    generator = torch.Generator().manual_seed(0)
    assert torch.equal(first_matches(queries, keys, 0.1, generator).forth, exact.forth)
    monkeypatch.setattr("sinct.comparison.methods.gpnn.matching.MOST_PAIRS", 1000)
    found = first_matches(queries, keys, 0.1, generator)
    near, best = (match_distances(matches.back, keys, queries).mean() for matches in (found, exact))
    assert best < near < 1.05 * best


def test_followed_matches_come_close_to_exact_scores() -> None:
    """From the matches of another picture, at another size, as it happens between two levels."""
    x, y = clouds(40, 44), clouds(36, 48, seed=1)
    small = [torch.nn.functional.interpolate(p[None], scale_factor=0.75, mode="bilinear")[0] for p in (x, y)]
    components = principal_components(y, 5, 75)
    matches = match_exactly(*(patches_of(p, components) for p in small), alpha=0.005)
    queries, keys = patches_of(x, components), patches_of(y, components)
    generator = torch.Generator().manual_seed(0)
    for _ in range(3):
        matches = follow_matches(matches, queries, keys, 0.005, generator)
    exact = match_exactly(queries, keys, 0.005)
    nearest = match_distances(exact.back, keys, queries).flatten()
    found, best = (
        completeness_scores(match_distances(index, queries, keys), nearest[index], 0.005).mean()
        for index in (matches.forth, exact.forth)
    )
    assert best <= found < 1.1 * best


def test_exact_matches_are_left_alone() -> None:
    queries, keys = pair()
    index = match_exactly(queries, keys, 1e9).forth
    assert torch.equal(improve_matches(index, queries, keys, torch.Generator().manual_seed(0)), index)


def test_scaled_matches_keep_their_place() -> None:
    """Each position matched to itself stays so at three times the size."""
    index = torch.arange(20).view(4, 5)
    scaled = scale_matches(index, (4, 5), (12, 15), (12, 15))
    row, column = scaled // 15, scaled % 15
    assert (row // 3 == torch.arange(12)[:, None] // 3).all()
    assert (column // 3 == torch.arange(15) // 3).all()


def test_matches_between_grids_of_the_same_sizes_stay() -> None:
    index = torch.randint(63, (6, 8), generator=torch.Generator().manual_seed(0))
    assert torch.equal(scale_matches(index, (7, 9), (6, 8), (7, 9)), index)


def test_following_serves_pictures_that_grew(tmp_path: Path) -> None:
    queries, keys = pair()
    matches = Matches(torch.zeros(2, 2, dtype=torch.long), torch.zeros(1, 3, dtype=torch.long))
    followed = follow_matches(matches, queries, keys, 0.1, torch.Generator().manual_seed(0))
    assert (followed.forth.shape, followed.back.shape) == (queries.size, keys.size)
    assert followed.forth.max() < len(keys.features)
    assert followed.back.max() < len(queries.features)
