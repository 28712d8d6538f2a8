import math

import pytest
import torch
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d, median_blur
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.familiarity import (
    Textures,
    differences,
    familiarity,
    nearest,
    on_scale,
    own_unfamiliarity,
    textures,
    unfamiliarity,
)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def blur(x: Tensor, sigma: float) -> Tensor:
    return gaussian_blur2d(x[None], (25, 25), (sigma, sigma))[0]


def photo(height: int = 160, width: int = 193, seed: int = 0) -> Tensor:
    """Grain at every scale, like 1/f noise, rougher to the right, in tinted grey."""
    grain = sum(
        blur(noise(1, height, width, seed=seed + k), s) * s for k, s in enumerate((0.6, 1.2, 2.5, 5.0))
    )
    roughness = torch.linspace(0.3, 1, width)
    return (grain * roughness * 0.25 * torch.tensor([1, 0.9, 0.7]).view(3, 1, 1)).clamp(-1, 1)


def painting(height: int = 150, width: int = 170) -> Tensor:
    """Flat dabs of random colour, 7 px wide and 2 px high."""
    cells = noise(3, height // 2 + 1, width // 7 + 1, seed=9) * 0.3
    return cells.repeat_interleave(2, 1).repeat_interleave(7, 2)[:, :height, :width].clamp(-1, 1)


# Descriptions


def test_differences_equal_a_slow_loop() -> None:
    x = noise(2, 4, 5)
    found = differences(x)
    assert found.shape == (4, 2, 3, 4)
    for c in range(2):
        for i in range(3):
            for j in range(4):
                expected = [
                    x[c, i, j + 1] - x[c, i, j],
                    x[c, i + 1, j] - x[c, i, j],
                    (x[c, i + 1, j + 1] - x[c, i, j]) / math.sqrt(2),
                    (x[c, i + 1, j] - x[c, i, j + 1]) / math.sqrt(2),
                ]
                torch.testing.assert_close(found[:, c, i, j], torch.stack(expected))


def test_textures_of_a_flat_picture_are_the_floors() -> None:
    contrasts = textures(torch.full((3, 64, 80), 0.2)).contrasts
    assert contrasts.shape == (3 * 4, 28)
    expected = torch.tensor([0.0] * 4 + ([0.0] * 4 + [20 * math.log10(2)] * 4) * 3)
    torch.testing.assert_close(contrasts, expected.expand_as(contrasts), atol=1e-2, rtol=0)  # rounding in Lab


def test_finest_contrast_of_vertical_stripes_is_their_step() -> None:
    grey = torch.tensor([-0.1, 0.1]).repeat(32).expand(3, 64, 64)
    step = float((rgb_to_lab((grey + 1) / 2)[0, 0, 1] - rgb_to_lab((grey + 1) / 2)[0, 0, 0]).abs())
    across, along, *diagonal = textures(grey).contrasts[0, :4].tolist()
    assert across == pytest.approx(10 * math.log10(step**2 + 1), rel=1e-3)
    assert along == pytest.approx(0, abs=1e-3)
    assert diagonal == pytest.approx([10 * math.log10(step**2 / 2 + 1)] * 2, rel=1e-3)


def test_textures_do_not_see_a_shift_of_lightness() -> None:
    grey = blur(noise(1, 64, 64), 1.0).expand(3, -1, -1) * 0.1
    lab = rgb_to_lab((grey + 1) / 2)[0]
    assert lab.std() > 1
    brighter = textures(grey + 0.05).contrasts - textures(grey).contrasts
    assert brighter.abs().max() < 0.5  # dB; lightness is not quite linear in sRGB


@pytest.mark.parametrize(("height", "width"), [(32, 32), (33, 47), (101, 64)])
def test_textures_take_any_size(height: int, width: int) -> None:
    described = textures(photo(height, width))
    assert described.contrasts.shape == ((height // 16 - 1) * (width // 16 - 1), 28)
    assert len(described.positions.unique(dim=0)) == len(described.contrasts)


def test_textures_refuse_a_picture_smaller_than_a_patch() -> None:
    with pytest.raises(
        ConfigError, match="picture of 90x31 px is too small to measure; give one of at least 32"
    ):
        textures(torch.zeros(3, 31, 90))


# Nearest patches


def test_nearest_equals_a_slow_loop() -> None:
    queries = Textures(noise(30, 5), torch.cartesian_prod(torch.arange(5), torch.arange(6)))
    expected = []
    for contrast, position in zip(queries.contrasts, queries.positions, strict=True):
        distances = [
            math.sqrt(sum((contrast - other) ** 2) / 5)
            for other, place in zip(queries.contrasts, queries.positions, strict=True)
            if max(abs(position[0] - place[0]), abs(position[1] - place[1])) >= 3
        ]
        expected.append(min(distances))
    torch.testing.assert_close(nearest(queries, queries, apart=3), torch.tensor(expected))


def test_nearest_of_patches_among_themselves_is_0() -> None:
    described = textures(photo())
    assert nearest(described, described).max() == 0


def test_own_unfamiliarity_needs_patches_apart() -> None:
    with pytest.raises(
        ConfigError, match=r"the photo is too small .* give one of at least 112 px on its longer"
    ):
        own_unfamiliarity(textures(photo(100, 100)))


def test_photo_of_that_size_is_large_enough() -> None:
    assert own_unfamiliarity(textures(photo(32, 112))) > 0


# The scale


def test_familiarity_of_the_painting_is_1() -> None:
    assert familiarity(painting(), photo(), painting()) == pytest.approx(1)


def test_familiarity_of_the_photo_itself_is_below_0() -> None:
    assert familiarity(photo(), photo(), painting()) < 0


def test_familiarity_of_another_photo_of_the_same_kind_is_near_0() -> None:
    assert familiarity(photo(seed=20), photo(), painting()) == pytest.approx(0, abs=0.1)


def test_familiarity_of_the_photo_in_another_colour_is_below_0() -> None:
    assert familiarity(photo() + torch.tensor([0, 0.02, 0.04]).view(3, 1, 1), photo(), painting()) < 0


def test_familiarity_grows_with_blur() -> None:
    x = photo(seed=20)
    found = [
        familiarity(y, photo(), painting()) for y in (x, blur(x, 0.7), blur(x, 1), blur(x, 2), blur(x, 4))
    ]
    assert found == sorted(found)
    assert found[2] > found[0] + 0.05


def test_familiarity_grows_with_smearing() -> None:
    x = photo(seed=20)
    found = [
        familiarity(y, photo(), painting())
        for y in (x, median_blur(x[None], 3)[0], median_blur(x[None], 7)[0])
    ]
    assert found == sorted(found)


def test_familiarity_grows_as_strokes_come_in() -> None:
    x, strokes = photo(150, 170, seed=20), painting()
    found = [familiarity((1 - a) * x + a * strokes, photo(), painting()) for a in (0, 0.3, 0.6, 1.0)]
    assert found == sorted(found)


def test_mild_grain_is_more_familiar_than_strokes_and_blur() -> None:
    x = photo(150, 170, seed=20)
    grain = familiarity(x + noise(*x.shape) * 2 / 127.5, photo(), painting())
    assert grain < familiarity(blur(x, 1.5), photo(), painting())
    assert grain < familiarity(painting(), photo(), painting())


def test_familiarity_does_not_depend_on_global_randomness() -> None:
    torch.manual_seed(1)
    first = familiarity(painting(), photo(), photo(seed=3) * 0.2)
    torch.manual_seed(2)
    assert familiarity(painting(), photo(), photo(seed=3) * 0.2) == first


def test_unfamiliarity_is_symmetric() -> None:
    a, b = textures(photo()), textures(painting())
    assert unfamiliarity(a, b) == pytest.approx(unfamiliarity(b, a))


def test_scale_is_linear() -> None:
    assert [on_scale(x, 2, 4) for x in (1, 2, 3, 4, 6)] == [-0.5, 0, 0.5, 1, 2]


def test_scale_needs_a_painting_that_differs() -> None:
    with pytest.raises(
        ConfigError, match=r"painting's texture is as near .*\(0.00 dB\).*measure with another photo"
    ):
        familiarity(photo(), photo(), photo())
