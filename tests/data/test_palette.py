import pytest
import torch

from sinct.data.palette import SAMPLES, match_palette, palette_of, texture


def picture(seed: int, scale: float, shift: float) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    mix = torch.linalg.qr(torch.randn(3, 3, generator=random))[0] * torch.tensor([3.0, 2.0, 1.0])
    colours = (mix @ torch.randn(3, 120 * 160, generator=random)) * scale + shift
    return colours.view(3, 120, 160)


def halves(smooth: float, rough: float) -> torch.Tensor:
    """A grey picture whose left half is smooth and whose right half is rough, of other lightness each."""
    random = torch.Generator().manual_seed(0)
    result = torch.full((3, 128, 256), smooth)
    result[:, :, 128:] = rough + 0.2 * torch.randn(1, 128, 128, generator=random)
    return result.clamp(-1, 1)


def test_mean_and_covariance_become_the_palettes():
    target = picture(1, 0.04, -0.2)
    moved = match_palette(picture(0, 0.05, 0.1), palette_of([target])).flatten(1)
    torch.testing.assert_close(moved.mean(dim=1), target.flatten(1).mean(dim=1), rtol=0, atol=5e-3)
    torch.testing.assert_close(torch.cov(moved), torch.cov(target.flatten(1)), rtol=0, atol=2e-3)


def test_a_pictures_own_palette_changes_nothing():
    x = picture(0, 0.1, 0.0)
    torch.testing.assert_close(match_palette(x, palette_of([x])), x.clamp(-1, 1), rtol=0, atol=1e-3)


def test_smooth_goes_to_smooth_even_where_light_and_dark_are_swapped():
    painted = match_palette(halves(smooth=-0.1, rough=0.1), palette_of([halves(smooth=0.1, rough=-0.1)]))
    assert painted[:, :, :96].mean() > 0.05
    assert painted[:, :, 160:].mean() < -0.05


def test_where_texture_is_alike_light_stays_light():
    painted = match_palette(picture(0, 0.1, 0.0), palette_of([picture(0, 0.05, 0.4)]))
    assert torch.corrcoef(torch.stack([painted.flatten(), picture(0, 0.1, 0.0).flatten()]))[0, 1] > 0.95


def test_grey_and_flat_pictures_give_finite_colours():
    grey = torch.linspace(-1, 1, 12).view(1, 3, 4).expand(3, 3, 4)
    for source, target in (
        (grey, picture(0, 0.1, 0)),
        (torch.zeros(3, 4, 4), grey),
        (grey, torch.ones(3, 2, 2)),
        (torch.zeros(3, 1, 1), torch.ones(3, 1, 1)),
    ):
        moved = match_palette(source, palette_of([target]))
        assert moved.shape == source.shape
        assert moved.isfinite().all()


def test_every_picture_counts_alike_whatever_its_size():
    palette = palette_of([torch.full((3, 10, 10), -1.0), torch.full((3, 300, 200), 1.0)])
    assert palette.shape == (4, 2 * SAMPLES)
    assert float(palette[:3].mean()) == 0


@pytest.mark.parametrize("size", [(60, 80), (1300, 70)])
def test_texture_is_large_where_contrast_is(size):
    height, width = size
    x = torch.zeros(3, height, width)
    x[:, : height // 3] = 0.3 * torch.randn(1, height // 3, width, generator=torch.Generator().manual_seed(0))
    found = texture(x)
    assert found.shape == (1, height, width)
    assert found[0, 0].mean() > found[0, -1].mean() + 1
