import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sinct.data.noise import noise_at

WHOLE = slice(-40, 260), slice(-40, 260)


@settings(max_examples=20, deadline=None, derandomize=True)
@given(st.integers(-40, 200), st.integers(1, 60), st.integers(-40, 200), st.integers(1, 60))
def test_noise_of_a_rectangle_is_that_of_the_picture(top, height, left, width):
    part = noise_at(slice(top, top + height), slice(left, left + width), seed=3)
    assert part.equal(noise_at(*WHOLE, seed=3)[:, top + 40 :, left + 40 :][:, :height, :width])


def test_noise_is_standard_normal():
    noise = noise_at(*WHOLE, seed=3)
    assert noise.shape == (1, 300, 300)
    assert noise.dtype == torch.float32
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        error = (variance / noise.numel()) ** 0.5
        assert float(noise.pow(power).mean()) == pytest.approx(moment, abs=5 * error)


@pytest.mark.parametrize("shift", [(0, 1), (1, 0), (1, 1), (0, 256), (64, 64)])
def test_places_know_nothing_of_each_other(shift):
    noise = noise_at(*WHOLE, seed=3)[0]
    other = noise.roll(shift, (0, 1))
    assert abs(float((noise * other).mean())) < 5 / 300


@pytest.mark.parametrize("seed", [0, 1, 2**32, 2**63 - 1])
def test_seeds_give_other_noise(seed):
    assert abs(float((noise_at(*WHOLE, seed=3) * noise_at(*WHOLE, seed=seed)).mean())) < 5 / 300
