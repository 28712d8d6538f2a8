import torch

from sinct.palette import match_palette


def picture(seed: int, scale: float, shift: float) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    mix = torch.linalg.qr(torch.randn(3, 3, generator=random))[0] * torch.tensor([3.0, 2.0, 1.0])
    colours = (mix @ torch.randn(3, 30 * 40, generator=random)) * scale + shift
    return colours.view(3, 30, 40)


def test_mean_and_covariance_become_the_targets():
    moved = match_palette(picture(0, 0.05, 0.1), picture(1, 0.04, -0.2)).flatten(1)
    target = picture(1, 0.04, -0.2).flatten(1)
    torch.testing.assert_close(moved.mean(dim=1), target.mean(dim=1), rtol=0, atol=1e-3)
    torch.testing.assert_close(torch.cov(moved), torch.cov(target), rtol=0.02, atol=1e-4)


def test_a_pictures_own_palette_changes_nothing():
    x = picture(0, 0.1, 0.0)
    torch.testing.assert_close(match_palette(x, x), x.clamp(-1, 1), rtol=0, atol=1e-3)


def test_colours_move_as_little_as_they_must():
    # Between Gaussians that differ by a scale, the transport is that scale; a rotation would do as well otherwise.
    x = picture(0, 0.05, 0.0)
    torch.testing.assert_close(match_palette(x, 2 * x), (2 * x).clamp(-1, 1), rtol=0, atol=1e-2)


def test_grey_and_flat_pictures_give_finite_colours():
    grey = torch.linspace(-1, 1, 12).view(1, 3, 4).expand(3, 3, 4)
    for source, target in (
        (grey, picture(0, 0.1, 0)),
        (torch.zeros(3, 4, 4), grey),
        (grey, torch.ones(3, 2, 2)),
    ):
        assert match_palette(source, target).isfinite().all()
