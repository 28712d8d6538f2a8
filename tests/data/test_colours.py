import torch

from sinct.data.colours import fit_colours, recolour
from sinct.data.content import Content, prepare, without_strokes
from sinct.data.palette import quadratic


def scene(seed=0, height=64, width=80):
    """A smooth random picture of three hues."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 4, 5, generator=random) * 1.6 - 0.8
    return torch.nn.functional.interpolate(small, (height, width), mode="bilinear")[0]


def test_no_coefficients_leave_a_picture_as_it_is():
    picture = scene()
    assert recolour(picture, ()) is picture


def test_the_map_is_the_polynomial_that_its_coefficients_say():
    picture = scene()
    colours = torch.linspace(-0.2, 0.2, 30).tolist()
    expected = torch.tensor(colours).view(3, 10) @ quadratic(picture.flatten(1))
    assert torch.allclose(recolour(picture, colours), expected.view_as(picture).clamp(-1, 1), atol=1e-6)


def test_equal_palettes_need_hardly_any_change():
    picture = scene()
    assert (recolour(picture, fit_colours([picture], [picture])) - picture).abs().mean() < 0.02


def test_a_tinted_painting_gets_the_photos_colours_back():
    photo = scene()
    tint = torch.tensor([0.25, 0.0, -0.2])[:, None, None]
    painting = (0.6 * photo + tint).clamp(-1, 1)
    restored = recolour(painting, fit_colours([painting], [photo]))
    assert (restored - photo).abs().mean() < 0.3 * (painting - photo).abs().mean()


def test_the_map_stays_in_range_beyond_the_colours_it_was_fitted_to():
    colours = fit_colours([0.1 * scene(1)], [scene(2)])
    corners = torch.tensor([[-1.0, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]]).view(3, 2, 2)
    found = recolour(corners, colours)
    assert found.isfinite().all()
    assert found.abs().max() <= 1


def test_a_grey_picture_has_a_map():
    grey = torch.full((3, 40, 40), 0.2)
    assert recolour(grey, fit_colours([grey], [scene()])).isfinite().all()


def test_what_the_generator_sees_and_keeps_is_recoloured():
    colours = tuple(torch.linspace(-0.2, 0.2, 30).tolist())
    picture = scene()
    plain = without_strokes(picture, Content(smoothing=0.3, detail=0.3))
    seen, kept = without_strokes(picture, Content(smoothing=0.3, detail=0.3, colours=colours))
    assert seen.equal(recolour(plain[0], colours))
    assert kept.equal(recolour(plain[1], colours))
    assert prepare(picture, Content(smoothing=0.3, detail=0.3, colours=colours)).equal(seen)
    assert prepare(picture, Content(colours=colours)).equal(recolour(picture, colours))
