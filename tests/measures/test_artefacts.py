import cmath
import math

import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.artefacts import checkerboard, grid_peaks, power_spectrum, seams


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def scene(height: int = 200, width: int = 261, seed: int = 0) -> Tensor:
    smooth = gaussian_blur2d(noise(1, 3, height, width, seed=seed), (31, 31), (5, 5))[0] * 3
    return (smooth + 0.02 * noise(3, height, width, seed=seed + 1)).clamp(-0.9, 0.9)


def grid(height: int, width: int, period: int) -> Tensor:
    """A lattice of dots, one in period² pixels, without its mean."""
    dots = torch.zeros(height, width)
    dots[::period, ::period] = 1
    return dots - dots.mean()


# Checkerboard


def test_power_spectrum_equals_a_slow_transform() -> None:
    x = noise(2, 8, 12).double()
    window = [0.5 - 0.5 * math.cos(2 * math.pi * k / 8) for k in range(8)]
    expected = torch.zeros(8, 8, dtype=torch.float64)
    for c in range(2):
        for left in (0, 4):
            block = x[c, :, left : left + 8]
            block = block - block.mean()
            for i in range(8):
                for j in range(8):
                    value = sum(
                        float(block[y, k])
                        * window[y]
                        * window[k]
                        * cmath.exp(-2j * math.pi * (i * y + j * k) / 8)
                        for y in range(8)
                        for k in range(8)
                    )
                    expected[i, j] += abs(value) ** 2 / 4
    torch.testing.assert_close(power_spectrum(x, block=8), expected)


def test_grid_peaks_of_white_noise_are_low() -> None:
    assert grid_peaks(noise(3, 512, 512)).abs().max() < 1.5  # dB; 675 blocks and channels, about 0.2 each


def test_grid_of_2_px_peaks_at_its_three_frequencies() -> None:
    peaks = grid_peaks(scene() + 0.1 * grid(200, 261, 2))
    high = {index + 1 for index in range(15) if peaks[index] > 10}
    assert high == {4 * 0 + 2, 4 * 2 + 0, 4 * 2 + 2}


def test_grid_of_4_px_peaks_at_all_frequencies() -> None:
    assert grid_peaks(scene() + 0.3 * grid(200, 261, 4)).min() > 10


def test_checkerboard_of_the_photo_itself_is_0() -> None:
    assert checkerboard(scene(), scene()) == 0


@pytest.mark.parametrize("period", [2, 4])
def test_checkerboard_grows_with_a_grid(period: int) -> None:
    found = [checkerboard(scene() + a * grid(200, 261, period), scene(seed=4)) for a in (0, 0.1, 0.2, 0.4)]
    assert found == sorted(found)
    assert found[0] < 2
    assert found[1] > 5


def test_checkerboard_sees_a_grid_in_colour_alone() -> None:
    tint = torch.tensor([0.299, -0.2, 0.0]).view(3, 1, 1)
    assert checkerboard(scene() + 0.5 * tint * grid(200, 261, 2), scene(seed=4)) > 10


def test_checkerboard_does_not_count_what_the_photo_has() -> None:
    found = [
        checkerboard(scene() + 0.1 * grid(200, 261, 2), scene(seed=4) + a * grid(200, 261, 2))
        for a in (0, 0.1)
    ]
    assert found[1] < 3 < found[0]


def test_checkerboard_refuses_pictures_smaller_than_a_block() -> None:
    with pytest.raises(
        ConfigError, match="picture of 90x63 px is too small to look for a grid; give one of at least 64 px"
    ):
        checkerboard(scene(63, 90), scene())


# Seams


def with_window(x: Tensor, levels: float, *, top: int = 30, left: int = 50, side: int = 140) -> Tensor:
    shifted = x.clone()
    shifted[:, top : top + side, left : left + side] += levels / 127.5
    return shifted


def test_seams_of_the_painting_itself_are_0() -> None:
    assert seams(scene(), scene()) == 0


def test_seams_of_an_unrelated_natural_picture_are_small() -> None:
    assert seams(scene(seed=7), scene()) < 1


def test_seam_of_a_shifted_window_on_a_plane_is_the_shift() -> None:
    assert seams(with_window(torch.zeros(3, 200, 261), 3), torch.zeros(3, 200, 261)) == pytest.approx(
        3, rel=1e-5
    )


def test_seams_grow_with_the_shift_of_a_window_and_stay_below_it() -> None:
    found = [seams(with_window(0.3 * scene(), levels), 0.3 * scene()) for levels in (0, 4, 8, 16)]
    assert found == sorted(set(found))
    assert all(value <= levels for value, levels in zip(found, (0, 4, 8, 16), strict=True))
    assert found[-1] > 10


def test_seams_see_rows_as_columns() -> None:
    x = 0.3 * scene()
    shifted = x.clone()
    shifted[:, :90] += 6 / 127.5
    assert seams(shifted, x) == pytest.approx(seams(shifted.mT, x.mT), rel=1e-4)
    assert seams(shifted, x) > 2


def test_seams_do_not_count_a_slope() -> None:
    slope = torch.linspace(-0.5, 0.5, 261).expand(3, 200, 261)
    assert seams(scene() * 0.1 + slope, scene() * 0.1) < 0.5


def test_seams_do_not_count_a_sharper_horizon_of_the_painting() -> None:
    horizon = torch.full((1, 3, 200, 261), 0.4)
    horizon[:, :, 80:] = -0.4
    soft = gaussian_blur2d(horizon, (13, 13), (1.5, 1.5))[0]
    grain = 0.02 * noise(3, 200, 261)
    assert seams(horizon[0] + grain, soft + grain) < 5  # of a step of 102 grey levels
    assert seams(horizon[0] + grain, grain) > 80


def test_seams_refuse_tiny_pictures() -> None:
    with pytest.raises(
        ConfigError,
        match="pictures of 90x15 px are too small to look for seams; give pictures of at least 16 px per side",
    ):
        seams(torch.zeros(3, 15, 90), torch.zeros(3, 15, 90))


@pytest.mark.parametrize(("height", "width"), [(16, 16), (17, 300), (129, 65)])
def test_seams_take_any_size(height: int, width: int) -> None:
    x = 0.3 * noise(3, height, width)
    assert seams(x, x) == 0
