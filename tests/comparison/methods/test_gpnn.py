import math
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sinct.comparison.methods import Job, find
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
from sinct.comparison.methods.gpnn.method import run
from sinct.comparison.methods.gpnn.patches import Patches, combine_patches, patches_of, principal_components
from sinct.errors import ConfigError, InputError, Interrupted
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def ramp(*shape: int) -> Tensor:
    """1, 2, 3, … row by row, for reference inputs from a formula."""
    return torch.arange(1, math.prod(shape) + 1, dtype=torch.float64).view(shape)


def clouds(height: int, width: int, seed: int = 0) -> Tensor:
    """A picture that is smooth as photos are, in [-1, 1]."""
    coarse = noise(1, 3, 5, 6, seed=seed, dtype=torch.float32).tanh()
    return torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")[0].clamp(-1, 1)


def complete(picture: Tensor, size: int = 3) -> Patches:
    """All patches with all their principal components."""
    return patches_of(picture, principal_components(picture, size, len(picture) * size**2))


def pair(size: int = 3) -> tuple[Patches, Patches]:
    x, y = noise(3, 8, 9), noise(3, 7, 11, seed=1)
    components = principal_components(y, size, 3 * size**2)
    return patches_of(x, components), patches_of(y, components)


def job(folder: Path, iterations: int = 2, seed: int = 0, **budget) -> Job:
    return Job(
        budget=Budget(iterations=iterations, **budget),
        device=torch.device("cpu"),
        seed=seed,
        folder=folder,
        weights=Weights(random=True),
    )


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


# Approximate matches


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


# Combination


@pytest.mark.parametrize("size", [1, 2, 3])
def test_combination_equals_a_slow_loop(size: int) -> None:
    photo = noise(3, 5, 6)
    columns = 6 - size + 1
    index = torch.randint((5 - size + 1) * columns, (4, 3), generator=torch.Generator().manual_seed(0))
    values: dict[tuple[int, int, int], list[float]] = {}
    for i, j, c, a, b in torch.cartesian_prod(*(torch.arange(n) for n in (4, 3, 3, size, size))).tolist():
        top, left = divmod(int(index[i, j]), columns)
        values.setdefault((c, i + a, j + b), []).append(float(photo[c, top + a, left + b]))
    result = combine_patches(index, photo, size)
    assert result.shape == (3, 4 + size - 1, 3 + size - 1)
    for place, found in values.items():
        assert float(result[place]) == pytest.approx(sum(found) / len(found))


def test_combining_a_pictures_own_patches_gives_the_picture() -> None:
    photo = noise(3, 7, 9)
    torch.testing.assert_close(combine_patches(torch.arange(35).view(5, 7), photo, 3), photo)


# The run


@pytest.mark.parametrize("match_colours", [False, True])
def test_the_photo_started_from_the_photo_is_the_photo(tmp_path: Path, match_colours: bool) -> None:
    photo = clouds(33, 46)
    result = run(photo, photo, job(tmp_path), coarsest=14, components=147, match_colours=match_colours)
    torch.testing.assert_close(result.pixels, photo, rtol=0, atol=1e-5)  # sums of 49 float32 numbers


def test_with_patches_of_one_pixel_every_pixel_is_one_of_the_photos(tmp_path: Path) -> None:
    painting, photo = clouds(15, 17), clouds(13, 19, seed=1)
    result = run(painting, photo, job(tmp_path), patch_size=1, coarsest=8, components=3)
    colours = {tuple(colour) for colour in photo.flatten(1).T.tolist()}
    assert {tuple(colour) for colour in result.pixels.flatten(1).T.tolist()} <= colours


def test_every_pixel_lies_within_the_range_of_the_photo(tmp_path: Path) -> None:
    painting, photo = noise(3, 23, 25).float().tanh(), 0.3 * clouds(21, 27) + 0.2
    result = run(painting, photo, job(tmp_path), coarsest=12)
    for channel, values in zip(result.pixels, photo, strict=True):
        assert values.min() - 1e-6 <= channel.min() <= channel.max() <= values.max() + 1e-6


def test_a_smaller_alpha_uses_more_of_the_photo(tmp_path: Path) -> None:
    painting, photo = 0.3 * clouds(30, 30), clouds(30, 30, seed=1)
    used = [
        run(painting, photo, job(tmp_path), coarsest=30, alpha=alpha, match_colours=False).facts["levels"][
            -1
        ]["used"]
        for alpha in (1e-3, 100)
    ]
    assert used[0] > 1.2 * used[1]


def test_run_is_deterministic_for_a_seed(tmp_path: Path) -> None:
    painting, photo = clouds(30, 37), clouds(28, 33, seed=1)
    results = [run(painting, photo, job(tmp_path, seed=seed), coarsest=12).pixels for seed in (0, 0, 1)]
    assert torch.equal(results[0], results[1])
    assert not torch.equal(results[0], results[2])


@pytest.mark.parametrize(
    ("size", "other"),
    [((7, 7), (9, 8)), ((23, 15), (40, 61)), ((31, 64), (7, 30))],
    ids=["tiny", "larger photo", "flat photo"],
)
def test_run_gives_a_picture_of_the_paintings_size(
    tmp_path: Path, size: tuple[int, int], other: tuple[int, int]
) -> None:
    result = run(clouds(*size), clouds(*other, seed=1), job(tmp_path), coarsest=11)
    assert result.pixels.shape == (3, *size)
    assert result.pixels.dtype == torch.float32


def test_run_says_what_it_did(tmp_path: Path) -> None:
    levels = run(clouds(20, 30), clouds(16, 16, seed=1), job(tmp_path), coarsest=15).facts["levels"]
    assert [level["size"] for level in levels] == ["22x15", "30x20"]
    assert [level["photo"] for level in levels] == ["12x12", "16x16"]
    assert [level["iterations"] for level in levels] == [2, 2]
    assert all(0 < level["used"] <= 1 for level in levels)


def test_run_notices_an_interrupt(tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(clouds(9, 9), clouds(9, 9), job(tmp_path, should_stop=lambda: True))


def test_run_refuses_a_picture_smaller_than_a_patch(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="painting 6x30 px is smaller than a patch of 7 px"):
        run(clouds(30, 6), clouds(20, 20), job(tmp_path))


def test_run_refuses_an_alpha_of_zero(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"alpha 0 must be above 0; give 0\.01"):
        run(clouds(20, 20), clouds(20, 20), job(tmp_path), alpha=0)


def test_it_declares_the_measure_that_it_minimises() -> None:
    assert find("gpnn").optimises == ("familiarity",)
