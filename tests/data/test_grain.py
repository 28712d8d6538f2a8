import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinct.data.grain import BLOCK, grain, grain_at


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_grain_has_its_deviation_at_every_pixel_alike():
    noise = grain(400, 10, 13, 0.1, seeded())
    assert noise.shape == (400, 3, 10, 13)
    variance = noise.var(dim=0)
    assert variance.min() > 0.01  # the finer noise alone has 0.01
    assert variance.max() < 0.026  # the finer and a sample of the coarser


def test_coarse_grain_agrees_between_neighbours_and_not_farther_away():
    noise = grain(500, 16, 16, 1.0, seeded())[:, 0]
    near = (noise[:, 8, 9] * noise[:, 8, 10]).mean()
    far = (noise[:, 8, 2] * noise[:, 8, 13]).mean()
    assert near > 0.25
    assert far.abs() < 0.25


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(0, 600), st.integers(1, 300), st.integers(0, 600), st.integers(1, 300))
def test_grain_of_a_rectangle_is_that_of_the_picture(top, height, left, width):
    whole = grain_at(slice(0, 900), slice(0, 900), 0.1, seed=3)
    part = grain_at(slice(top, top + height), slice(left, left + width), 0.1, seed=3)
    assert part.equal(whole[:, top : top + height, left : left + width])


def test_blocks_of_grain_differ():
    grain = grain_at(slice(0, 2 * BLOCK), slice(0, 2 * BLOCK), 0.1, seed=3)
    first = grain[:, :BLOCK, :BLOCK]
    assert not first.equal(grain[:, BLOCK:, :BLOCK])
    assert not first.equal(grain[:, :BLOCK, BLOCK:])
    assert not first.equal(grain_at(slice(0, BLOCK), slice(0, BLOCK), 0.1, seed=4))
