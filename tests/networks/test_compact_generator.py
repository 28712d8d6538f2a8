import pytest
import torch
from torch.autograd import gradgradcheck

from sinct.inference.whole import translate_whole
from sinct.networks.compact_generator import CompactGenerator, CrispGenerator, QuarterGenerator, without_grid
from sinct.networks.layers import blur
from tests.support.networks import noise, with_random_biases

both = pytest.mark.parametrize("kind", [CompactGenerator, CrispGenerator])


def generator(kind: type[QuarterGenerator], width: int = 2) -> QuarterGenerator:
    """A tiny one with random biases, in float64."""
    return with_random_biases(lambda: kind(width))


@pytest.mark.parametrize("size", [(4, 4), (8, 12), (20, 16)])
@both
def test_generator_keeps_the_size(kind, size):
    assert generator(kind)(noise(2, 3, *size)).shape == (2, 3, *size)


@both
def test_generator_refuses_sizes_off_its_stride(kind):
    with pytest.raises(ValueError, match=r"needs multiples of 4 px, got \(1, 3, 8, 6\); pad"):
        generator(kind)(noise(1, 3, 8, 6))


@both
def test_encode_equals_the_features_of_translate(kind):
    network, x = generator(kind), noise(1, 3, 16, 16)
    for encoded, met in zip(network.encode(x), network.translate(x)[1], strict=True):
        torch.testing.assert_close(encoded, met, rtol=0, atol=0)
    assert tuple(f.shape[1] for f in network.encode(x)) == network.feature_channels


@pytest.mark.parametrize("offset", [0, 1, 2, 3])  # of the pixel in the downsampling grid
@both
def test_halo_covers_the_receptive_radius_and_little_more(kind, offset):
    network = generator(kind)
    centre = network.halo + 4 + offset
    x = noise(1, 3, 2 * network.halo + 12, 2 * network.halo + 12).requires_grad_()
    network(x)[0, :, centre, centre].sum().backward()
    rows, columns = x.grad[0].abs().sum(dim=0).nonzero(as_tuple=True)
    reach = max((rows - centre).abs().max().item(), (columns - centre).abs().max().item())
    assert network.halo - 8 <= reach <= network.halo


@both
def test_windows_give_the_picture_of_the_whole(kind):
    torch.manual_seed(0)
    network = kind(2)
    picture = noise(3, 203, 301).float()
    whole, windowed = (
        translate_whole(network, lambda rows, columns: picture[:, rows, columns], 203, 301, window=window)
        for window in (1024, 172)
    )
    torch.testing.assert_close(windowed, whole, rtol=0, atol=1e-5)


@both
def test_fresh_generator_lays_no_grid(kind):
    torch.manual_seed(0)
    flat = torch.full((1, 3, 192, 192), 0.3)
    inner = kind(8)(flat)[0, :, 80:112, 80:112]
    torch.testing.assert_close(inner, inner[:, :1, :1].expand_as(inner), rtol=0, atol=1e-4)


def test_only_the_crisp_generator_can_show_detail_of_one_pixel():
    """Share of the spectrum's power at the highest frequencies, of what random weights make of white noise."""
    white, window = noise(1, 3, 128, 128), torch.hann_window(80).double()

    @torch.no_grad()
    def finest(kind: type[QuarterGenerator]) -> float:
        made = generator(kind, 8)(white)[..., 24:-24, 24:-24]
        power = (
            torch.fft.rfft((made - made.mean(dim=-1, keepdim=True)) * window).abs().square().mean((0, 1, 2))
        )
        return float(power[-4:].mean() / power.mean())

    assert 50 * finest(CompactGenerator) < finest(CrispGenerator)


def test_crisp_generator_changes_as_much_between_blocks_as_in_them():
    made = generator(CrispGenerator, 16)(noise(1, 3, 256, 256))[0, :, 40:-40, 40:-40]
    change = (made[..., 1:] - made[..., :-1]).abs()
    by_phase = torch.stack([change[..., phase::4].mean() for phase in range(4)])
    assert by_phase.max() < 1.05 * by_phase.min()


def test_without_grid_removes_period_two_and_keeps_flat_areas():
    grid = torch.ones(1, 2, 9, 9)
    grid[..., ::2, :] = -1
    torch.testing.assert_close(without_grid(grid)[..., 1:-1, :], torch.zeros(1, 2, 7, 9))
    torch.testing.assert_close(without_grid(torch.ones(1, 2, 5, 5)), torch.ones(1, 2, 5, 5))


@pytest.mark.parametrize("padding", [1, 2])
def test_blur_can_be_differentiated_twice(padding):
    x = noise(1, 2, 5, 6).requires_grad_()
    assert gradgradcheck(lambda x: blur(x, padding).square(), (x,))
