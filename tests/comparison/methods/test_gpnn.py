"""GPNN from picture to picture."""

from pathlib import Path

import pytest
import torch

from sinct.comparison.methods import Job, find
from sinct.comparison.methods.gpnn.method import run
from sinct.comparison.methods.gpnn.patches import combine_patches
from sinct.errors import ConfigError, InputError, Interrupted
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights
from tests.support.gpnn import clouds, noise


def job(folder: Path, iterations: int = 2, seed: int = 0, **budget) -> Job:
    return Job(
        budget=Budget(iterations=iterations, **budget),
        device=torch.device("cpu"),
        seed=seed,
        folder=folder,
        weights=Weights(random=True),
    )


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
