import pytest
import torch
from torch import Tensor

from sinct.networks.stroke_remover import WIDEST, StrokeRemover, coded, decoded
from tests.support.networks import noise, with_random_biases


def remover(width: int = 4) -> StrokeRemover:
    """A tiny one with random biases, in float64."""
    return with_random_biases(lambda: StrokeRemover(width))


def reach(painting: Tensor, row: int, column: int) -> int:
    """How far from a pixel the gradient of a painting, (1, 3, H, W), is not zero."""
    assert painting.grad is not None
    rows, columns = painting.grad[0].abs().sum(dim=0).nonzero(as_tuple=True)
    return int(max((rows - row).abs().max(), (columns - column).abs().max()))


@pytest.mark.parametrize("pixels", [1.0, 1.5, 4.0, 17.0, WIDEST])
def test_decoding_undoes_coding(pixels):
    code = torch.tensor([coded(pixels)], dtype=torch.float64)
    torch.testing.assert_close(decoded(code), torch.tensor([pixels], dtype=torch.float64))


def test_codes_go_from_a_tenth_to_one_and_widths_off_the_range_are_clipped():
    assert [coded(pixels) for pixels in (0.2, 1.0, WIDEST, 500.0)] == pytest.approx([0.1, 0.1, 1.0, 1.0])
    torch.testing.assert_close(decoded(torch.tensor([-1.0, 2.0])), torch.tensor([1.0, WIDEST]))


@pytest.mark.parametrize("size", [(8, 8), (16, 40), (24, 8)])
def test_the_picture_keeps_its_size_and_widths_are_told_for_every_eighth(size):
    height, width = size
    found = remover()(noise(2, 3, height, width), torch.zeros(2))
    assert found.picture.shape == (2, 3, height, width)
    assert found.width.shape == (2, 1, height // 8, width // 8)


def test_a_known_width_changes_the_picture_of_its_painting_only():
    network, painting = remover(), noise(2, 3, 16, 16)
    unknown, known = (network(painting, torch.tensor([0.0, code])).picture for code in (0.0, 0.7))
    torch.testing.assert_close(known[0], unknown[0], rtol=0, atol=1e-12)  # float64
    assert (known[1] - unknown[1]).abs().mean() > 1e-3


@pytest.mark.parametrize("offset", range(0, 8, 2))  # of the pixel in the downsampling grid
def test_halo_covers_the_receptive_radius_of_the_picture_and_little_more(offset):
    network, halo = remover(), StrokeRemover.halo
    assert halo % StrokeRemover.stride == 0
    side, centre = 2 * halo + 32, halo + 8 + offset
    painting = noise(1, 3, side, side).requires_grad_()
    network(painting, torch.zeros(1)).picture[0, :, centre, centre].sum().backward()
    assert halo - 12 <= reach(painting, centre, centre) <= halo


def test_halo_covers_the_receptive_radius_of_the_widths():
    """From the nearest pixel of the block that a width is told for."""
    network, halo = remover(), StrokeRemover.halo
    side, block = 2 * halo + 32, halo // 8 + 2
    painting = noise(1, 3, side, side).requires_grad_()
    network(painting, torch.zeros(1)).width[0, 0, block, block].backward()
    first, last = (reach(painting, pixel, pixel) for pixel in (8 * block, 8 * block + 7))
    assert max(first, last) <= halo
