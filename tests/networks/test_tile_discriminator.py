import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from sinct.losses.adversarial import r1_penalty
from sinct.networks.layers import leaky_relu
from sinct.networks.tile_discriminator import Discriminator, minibatch_deviation

SMALL = {"tile_size": 8, "widths": (2, 3)}


def noise(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


def discriminator(**options) -> Discriminator:
    torch.manual_seed(0)
    return Discriminator(**{**SMALL, **options}).double()


def test_default_has_the_authors_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in Discriminator().parameters()) == 5_885_473


def test_deviation_adds_one_channel_of_weights() -> None:
    plain, deviating = (
        sum(p.numel() for p in discriminator(deviation=deviation).parameters()) for deviation in (False, True)
    )
    assert deviating - plain == 3 * 3 * 3  # one more input of the last 3x3 convolution, to 3 channels


@pytest.mark.parametrize("deviation", [False, True])
def test_one_logit_a_tile(deviation: bool) -> None:
    assert discriminator(deviation=deviation)(noise(5, 3, 8, 8)).shape == (5,)


def test_maps_are_those_behind_each_halving() -> None:
    network, tiles = discriminator(), noise(5, 3, 8, 8)
    (found,) = network.maps(tiles)
    assert found.shape == (5, 3, 4, 4)
    torch.testing.assert_close(found, network.blocks(leaky_relu(network.from_rgb(tiles))))


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = discriminator(), noise(3, 3, 8, 8)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


@pytest.mark.parametrize(("tile_size", "wanted"), [(64, 8), (12, 8), (4, 8)])
def test_tile_size_must_fit_the_widths(tile_size: int, wanted: int) -> None:
    with pytest.raises(ValueError, match=f"2 widths fit tiles of {wanted} px, not {tile_size} px; give one"):
        Discriminator(tile_size, (2, 3))


def slow_deviation(x: Tensor, group: int) -> Tensor:
    """Members of a group lie N / group items apart; each item gets the mean deviation of its group."""
    n = len(x)
    apart = n // group
    values = x.new_zeros(n)
    for first in range(apart):
        members = x[first::apart]
        mean = sum(members) / group
        variance = sum((member - mean) ** 2 for member in members) / group
        values[first::apart] = torch.sqrt(variance + 1e-8).mean()
    return values


@pytest.mark.parametrize(("items", "group"), [(1, 1), (4, 4), (6, 3), (7, 1), (8, 4)])
def test_minibatch_deviation_equals_a_slow_loop(items: int, group: int) -> None:
    x = noise(items, 2, 3, 4, dtype=torch.float32)
    result = minibatch_deviation(x)
    torch.testing.assert_close(result[:, :2], x, rtol=0, atol=0)
    expected = slow_deviation(x.double(), group).float().view(items, 1, 1).expand(items, 3, 4)
    torch.testing.assert_close(result[:, 2], expected)


def test_r1_through_the_discriminator_passes_gradcheck() -> None:
    """What training does: differentiate by the weights what was differentiated by the tiles."""
    network = discriminator()
    tiles = noise(2, 3, 8, 8).requires_grad_()
    names, parameters = zip(*network.named_parameters(), strict=True)

    def penalty(*values: Tensor) -> Tensor:
        weights = dict(zip(names, values, strict=True))
        return r1_penalty(torch.func.functional_call(network, weights, (tiles,)), tiles)

    assert gradcheck(penalty, parameters, fast_mode=True)


def test_discriminator_passes_gradgradcheck() -> None:
    assert gradgradcheck(discriminator(), noise(1, 3, 8, 8).requires_grad_(), fast_mode=True)
