from itertools import pairwise

import pytest
import torch

from sinct.networks.multiscale_discriminator import MultiscaleDiscriminator, half_size
from tests.support.networks import noise, with_random_biases


def test_discriminator_has_the_parameters_that_the_appendix_describes() -> None:
    """d64, d128, d256, d512 and one logit, three times."""
    channels = 3, 64, 128, 256, 512
    one = sum(behind * (16 * before + 1) for before, behind in pairwise(channels)) + 513
    assert one == 2_757_057
    assert sum(parameter.numel() for parameter in MultiscaleDiscriminator().parameters()) == 3 * one


def test_each_scale_sees_the_picture_at_half_the_size_of_the_one_before() -> None:
    network, x = with_random_biases(lambda: MultiscaleDiscriminator(2, 3)), noise(2, 3, 64, 128)
    logits = network(x)
    assert [each.shape for each in logits] == [(2, 1, 4, 8), (2, 1, 2, 4), (2, 1, 1, 2)]
    torch.testing.assert_close(logits[2], network.scales[2](half_size(half_size(x))))


def test_half_size_is_a_mean_of_what_lies_inside() -> None:
    x = noise(1, 2, 6, 7)
    found = half_size(x)
    assert found.shape == (1, 2, 3, 4)
    for row in range(3):
        for column in range(4):
            top, left = max(2 * row - 1, 0), max(2 * column - 1, 0)
            around = x[:, :, top : 2 * row + 2, left : 2 * column + 2]
            torch.testing.assert_close(found[:, :, row, column], around.mean(dim=(2, 3)))


def test_pictures_too_small_for_the_smallest_scale_are_refused() -> None:
    with pytest.raises(ValueError, match=r"3 discriminators need pictures of at least 64x64 px, got .*63"):
        MultiscaleDiscriminator(2, 3)(noise(1, 3, 64, 63).float())
