"""Haar pooling and unpooling."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods.wct2.wavelet import HAAR, haar_pool, haar_unpool
from tests.support.wct2 import (
    f64,
    noise,
)


def slow_haar(x: Tensor) -> list[Tensor]:
    """One block of 2x2 after the other, low or high along the height, then along the width."""
    low, high = (1 / math.sqrt(2), 1 / math.sqrt(2)), (-1 / math.sqrt(2), 1 / math.sqrt(2))
    bands = []
    for down, across in ((low, low), (low, high), (high, low), (high, high)):
        band = torch.zeros(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2, dtype=x.dtype)
        for i in range(band.shape[2]):
            for j in range(band.shape[3]):
                for r in (0, 1):
                    for s in (0, 1):
                        band[:, :, i, j] += down[r] * across[s] * x[:, :, 2 * i + r, 2 * j + s]
        bands.append(band)
    return bands


@pytest.mark.parametrize("size", [(2, 2), (6, 10), (4, 14)])
def test_haar_pool_equals_a_slow_loop(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    for band, expected in zip(haar_pool(x), slow_haar(x), strict=True):
        torch.testing.assert_close(band, expected)


def test_haar_pool_of_one_block_has_a_closed_form() -> None:
    bands = haar_pool(torch.tensor([[1.0, 2.0], [4.0, 8.0]])[None, None])
    assert [band.item() for band in bands] == [7.5, 2.5, 4.5, 1.5]


def test_haar_pool_keeps_the_energy() -> None:
    x = noise(2, 3, 6, 10)
    torch.testing.assert_close(sum(band.square().sum() for band in haar_pool(x)), x.square().sum())


def test_unpooled_bands_add_up_to_the_input_exactly() -> None:
    x = (noise(2, 3, 6, 10) * 100).round()  # quarters of whole numbers are exact
    assert torch.equal(sum(map(haar_unpool, haar_pool(x), HAAR), torch.zeros(())), x)


def test_unpooled_bands_add_up_to_the_input() -> None:
    x = noise(2, 3, 6, 10)
    torch.testing.assert_close(sum(map(haar_unpool, haar_pool(x), HAAR)), x, rtol=0, atol=1e-15)


def test_pooling_an_unpooled_band_returns_it_alone() -> None:
    for number, kernel in enumerate(HAAR):
        band = noise(2, 3, 3, 5)
        for other, pooled in enumerate(haar_pool(haar_unpool(band, kernel))):
            torch.testing.assert_close(pooled, band * (number == other))


def test_lh_sees_stripes_along_the_width_and_hl_along_the_height() -> None:
    stripes = torch.tensor([-1.0, 1.0]).repeat(4).expand(1, 1, 8, 8)  # alternates from column to column
    assert [band.abs().max().item() for band in haar_pool(stripes)] == [0, 2, 0, 0]
    assert [band.abs().max().item() for band in haar_pool(stripes.mT)] == [0, 0, 2, 0]


@pytest.mark.parametrize("size", [(3, 4), (4, 5), (7, 7)])
def test_haar_pool_refuses_odd_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"even height and width, got {size[0]}x{size[1]}"):
        haar_pool(torch.zeros(1, 1, *size))


def test_haar_pool_and_unpool_pass_gradcheck() -> None:
    assert gradcheck(haar_pool, noise(1, 2, 4, 6).requires_grad_())
    assert gradcheck(lambda band: haar_unpool(band, HAAR[1]), noise(1, 2, 3, 2).requires_grad_())


def test_haar_bands_of_the_stored_example() -> None:
    x = torch.arange(8.0, dtype=torch.float64).sin().view(1, 1, 2, 4)
    expected = [  # computed once by slow_haar in float64
        [-0.437127892582, 0.713994267703],
        [0.319674602726, 0.084112339076],
        [-1.278598877389, -0.336423167183],
        [-0.521796382082, 0.852289757842],
    ]
    for band, values in zip(haar_pool(x), expected, strict=True):
        torch.testing.assert_close(band.flatten(), f64(values), rtol=0, atol=1e-12)
