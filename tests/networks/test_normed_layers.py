import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck, gradgradcheck

from sinct.networks.normed_layers import (
    begin_scaled,
    begin_small,
    doubled,
    halved,
    instance_norm,
    mirrored,
    repeated,
)
from tests.support.networks import noise


def slow_instance_norm(x: Tensor) -> Tensor:
    result = torch.empty_like(x)
    for n, item in enumerate(x):
        for c, plane in enumerate(item):
            result[n, c] = (plane - plane.mean()) / (plane.var(correction=0) + 1e-5).sqrt()
    return result


def slow_halved(x: Tensor) -> Tensor:
    """Every second pixel of a mirrored picture that was smoothed by [1, 2, 1] / 4, down and across."""
    for dim in (2, 3):
        length = x.shape[dim]
        lines = []
        for middle in range(0, length, 2):
            before, after = abs(middle - 1), middle + 1 if middle + 1 < length else length - 2
            lines.append((x.select(dim, before) + 2 * x.select(dim, middle) + x.select(dim, after)) / 4)
        x = torch.stack(lines, dim)
    return x


def slow_doubled(x: Tensor) -> Tensor:
    """Zeros between pixels, then [1, 3, 3, 1] / 4, down and across; borders repeated."""
    for dim in (2, 3):
        length = x.shape[dim]
        lines = []
        for place in range(length):
            before, after = max(place - 1, 0), min(place + 1, length - 1)
            lines.append((3 * x.select(dim, place) + x.select(dim, before)) / 4)
            lines.append((3 * x.select(dim, place) + x.select(dim, after)) / 4)
        x = torch.stack(lines, dim)
    return x


sizes = pytest.mark.parametrize("size", [(2, 2), (3, 2), (5, 7), (8, 6)])


@pytest.mark.parametrize(
    ("layer", "slow"),
    [(instance_norm, slow_instance_norm), (halved, slow_halved), (doubled, slow_doubled)],
    ids=["instance_norm", "halved", "doubled"],
)
@sizes
def test_layer_equals_a_slow_loop(layer, slow, size):
    x = noise(3, 2, *size)
    torch.testing.assert_close(layer(x), slow(x))


@sizes
def test_instance_norm_is_torchs_own(size):
    x = 3 * noise(2, 4, *size) + 1
    torch.testing.assert_close(instance_norm(x), F.instance_norm(x))


@pytest.mark.parametrize("layer", [instance_norm, halved, doubled])
def test_layer_passes_gradcheck(layer):
    x = noise(2, 2, 4, 3).requires_grad_()
    assert gradcheck(layer, x)
    assert gradgradcheck(layer, x)


@pytest.mark.parametrize("layer", [instance_norm, halved, doubled])
@pytest.mark.parametrize("items", [1, 3])
def test_layer_keeps_channels_last(layer, items):
    x = noise(items, 4, 8, 6).contiguous(memory_format=torch.channels_last)
    assert layer(x).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("layer", [instance_norm, halved, doubled, repeated, lambda x: mirrored(x, 2)])
def test_layer_stays_in_bfloat16_under_autocast(layer):
    """What autocast widens takes as much time as several convolutions."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert layer(noise(2, 4, 8, 6).bfloat16()).dtype == torch.bfloat16


def test_statistics_of_bfloat16_maps_are_not_rounded():
    """Summed up in bfloat16, 65,536 values near 1 would stop growing at 256."""
    x = (1 + 0.1 * noise(1, 2, 256, 256)).bfloat16()
    found = instance_norm(x)
    assert found.dtype == torch.bfloat16
    wanted = slow_instance_norm(x.double())
    torch.testing.assert_close(found.double(), wanted, rtol=2**-8, atol=2**-8)  # one rounding of the result


def test_weights_begin_small_and_biases_at_0():
    torch.manual_seed(0)
    convolution = nn.Conv2d(64, 64, 3)
    begin_small(convolution)
    assert convolution.weight.std().item() == pytest.approx(0.02, rel=0.02)  # of 36,864 draws
    assert convolution.weight.mean().abs().item() < 5e-4
    assert not convolution.bias.any()


def test_scaled_weights_have_the_variance_2_over_inputs():
    torch.manual_seed(0)
    layers = nn.Sequential(nn.Conv2d(64, 64, 3), nn.Linear(512, 256))
    begin_scaled(layers)
    assert layers[0].weight.std().item() == pytest.approx((2 / (64 * 9)) ** 0.5, rel=0.02)  # of 36,864 draws
    assert layers[1].weight.std().item() == pytest.approx((2 / 512) ** 0.5, rel=0.02)
    assert not layers[0].bias.any()
    assert not layers[1].bias.any()


def test_repeated_pixels_are_squares_of_two():
    x = noise(1, 2, 3, 4)
    found = repeated(x)
    assert found.shape == (1, 2, 6, 8)
    for row in range(6):
        for column in range(8):
            assert found[:, :, row, column].equal(x[:, :, row // 2, column // 2])
