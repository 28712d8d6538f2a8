"""Hypercolumns, positions, pyramids and scales of STROTSS."""

import math

import pytest
import torch
from torch import Tensor

from sinct.comparison.methods.strotss.features import (
    LAYERS,
    hypercolumns,
    random_positions,
    regular_positions,
)
from sinct.comparison.methods.strotss.method import POSITIONS
from sinct.comparison.methods.strotss.pyramid import collapse, pyramid, scales
from sinct.networks.vgg import VGG
from tests.support.strotss import noise, seeded


def slow_hypercolumn(vgg: VGG, picture: Tensor, row: int, column: int) -> list[float]:
    values = picture[0, :, row, column].tolist()
    for name, layer in zip(LAYERS, vgg(picture * 2 - 1, LAYERS), strict=True):
        stride = 2 ** (int(name[len("relu")]) - 1)
        weights = []
        for at, size in zip((row, column), layer.shape[2:], strict=True):
            place = min(max((at + 0.5) / stride - 0.5, 0), size - 1)
            low = int(place)
            weights.append(
                {low: 1 - (place - low), min(low + 1, size - 1): place - low} if place > low else {low: 1.0}
            )
        values += sum(
            wy * wx * layer[0, :, y, x] for y, wy in weights[0].items() for x, wx in weights[1].items()
        ).tolist()
    return values


@pytest.mark.parametrize(("row", "column"), [(0, 0), (32, 40), (17, 22), (5, 39)])
def test_hypercolumn_equals_a_slow_loop(vgg: VGG, row: int, column: int) -> None:
    picture = noise(1, 3, 33, 41, dtype=torch.float32).sigmoid()
    found = hypercolumns(vgg, picture, torch.tensor([[row, column]]))
    # float32 coordinates are good to 1e-5 pixels
    assert found[0].tolist() == pytest.approx(slow_hypercolumn(vgg, picture, row, column), rel=1e-3, abs=1e-4)


def test_hypercolumns_have_2179_columns_beginning_with_the_colour(vgg: VGG) -> None:
    picture = noise(1, 3, 20, 30, dtype=torch.float32).sigmoid()
    found = hypercolumns(vgg, picture, torch.tensor([[3, 4], [19, 29], [0, 0]]))
    assert found.shape == (3, 2179)
    assert torch.equal(found[1, :3], picture[0, :, 19, 29])


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (15, 17)])
def test_hypercolumns_exist_for_small_pictures(vgg: VGG, size: tuple[int, int]) -> None:
    picture = noise(1, 3, *size, dtype=torch.float32).sigmoid()
    assert torch.isfinite(hypercolumns(vgg, picture, torch.ones(size).nonzero())).all()


def test_hypercolumns_pass_a_gradient_to_the_picture(vgg: VGG) -> None:
    picture = noise(1, 3, 20, 30, dtype=torch.float32).sigmoid().requires_grad_()
    hypercolumns(vgg, picture, torch.tensor([[3, 4]])).sum().backward()
    assert (picture.grad != 0).any()
    assert torch.isfinite(picture.grad).all()


# Positions


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (31, 33), (64, 51), (300, 411), (2000, 60), (1, 5000)])
def test_regular_positions_are_about_as_many_as_wanted_and_inside(size: tuple[int, int]) -> None:
    positions = regular_positions(torch.ones(size, dtype=torch.bool), POSITIONS, seeded())
    assert 0.85 * min(POSITIONS, math.prod(size)) <= len(positions) <= 1.2 * POSITIONS
    assert ((positions >= 0) & (positions < torch.tensor(size))).all()
    assert len(positions.unique(dim=0)) == len(positions)


def test_regular_positions_of_a_small_picture_are_all_of_it() -> None:
    mask = torch.ones(20, 30, dtype=torch.bool)
    assert torch.equal(regular_positions(mask, 1024, seeded()), mask.nonzero())


def test_regular_positions_reach_every_pixel() -> None:
    mask, generator = torch.ones(9, 12, dtype=torch.bool), seeded()
    seen = torch.zeros(9, 12, dtype=torch.bool)
    for _ in range(300):
        rows, columns = regular_positions(mask, 10, generator).T
        seen[rows, columns] = True
    assert seen.all()


@pytest.mark.parametrize("draw", [regular_positions, random_positions])
def test_positions_lie_in_the_mask(draw) -> None:
    mask = noise(40, 50) > 0.5
    positions = draw(mask, 30, seeded())
    assert len(positions) > 0
    assert mask[positions[:, 0], positions[:, 1]].all()


def test_regular_positions_fall_back_on_random_ones() -> None:
    """A line of pixels lies between the rows of most grids."""
    mask = torch.zeros(50, 50, dtype=torch.bool)
    mask[20] = True
    mask[21:, :2] = True
    assert all(len(regular_positions(mask, 1, seeded(seed))) >= 1 for seed in range(20))


def test_random_positions_are_different_pixels() -> None:
    mask = torch.ones(40, 50, dtype=torch.bool)
    assert len(random_positions(mask, 300, seeded()).unique(dim=0)) == 300
    assert len(random_positions(mask, 5000, seeded()).unique(dim=0)) == 2000


# Pyramid and scales


@pytest.mark.parametrize("size", [(64, 64), (51, 37), (1, 9), (1, 1)])
def test_pyramid_collapses_to_the_picture(size: tuple[int, int]) -> None:
    picture = noise(1, 3, *size)
    torch.testing.assert_close(collapse(pyramid(picture)), picture)


def test_pyramid_of_a_flat_picture_has_empty_bands() -> None:
    *bands, rest = pyramid(torch.full((1, 3, 37, 51), 0.3, dtype=torch.float64))
    assert all(band.abs().max() < 1e-15 for band in bands)
    torch.testing.assert_close(rest, torch.full((1, 3, 1, 1), 0.3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 300), [(64, 37), (128, 75), (256, 150), (512, 300)]),
        ((966, 1200), [(60, 75), (120, 150), (241, 300), (483, 600), (966, 1200)]),
        ((127, 5), [(127, 5)]),
        ((20, 31), [(20, 31)]),
        ((1, 300), [(1, 75), (1, 150), (1, 300)]),
    ],
)
def test_scales_double_up_to_the_own_size(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    assert scales(*size) == expected
