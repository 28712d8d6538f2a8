import numpy as np
import torch

from sinct.data.colours import (
    KNOTS,
    NUMBERS,
    OPPONENT,
    RANGE,
    ROUGHNESS_REACH,
    Spread,
    recolour,
    roughness,
    spread_of,
)
from sinct.data.content import Content, prepare, prepared, separate
from sinct.data.pair_content import prepare_pair
from sinct.data.palette import quadratic


def scene(seed=0, height=64, width=80):
    """A smooth random picture of three hues."""
    random = torch.Generator().manual_seed(seed)
    small = torch.rand(1, 3, 4, 5, generator=random) * 1.6 - 0.8
    return torch.nn.functional.interpolate(small, (height, width), mode="bilinear")[0]


def noise(deviation, height=64, width=80):
    """Roughness without hue."""
    random = torch.Generator().manual_seed(5)
    return deviation * torch.randn(1, height, width, generator=random)


def mapped(painting, photo):
    """The painting in the photo's colours, its strokes kept."""
    return pair(painting, photo, Content(smoothing=0.3)).paintings[0][0]


def pair(painting, photo, content):
    return prepare_pair([painting], [photo], content, in_photos_colours=True, repaint=True)


def test_the_map_is_the_polynomial_that_its_coefficients_say():
    picture = scene()
    rough = torch.linspace(-6, 2, 64 * 80).view(1, 64, 80)
    colours = torch.linspace(-0.2, 0.2, 45).tolist()
    standard = ((rough + 3) / 2).clamp(-RANGE, RANGE)
    expected = torch.tensor(colours).view(3, 15) @ quadratic(torch.cat([picture, standard]).flatten(1))
    found = recolour(picture, rough, colours, Spread(-3, 2))
    assert torch.allclose(found, expected.view_as(picture).clamp(-1, 1), atol=1e-6)


def test_curves_run_along_the_opponent_axes():
    picture, rough = scene(), torch.zeros(1, 64, 80)
    same = torch.zeros(3, 15)
    same[:, 1:4] = torch.eye(3)
    heights = [torch.linspace(-0.5, 1, KNOTS) ** 3 + number / 10 for number in range(3)]
    ends = [(-1.2, 1.5), (-0.4, 0.6), (-1.0, 1.0)]  # the second ends before the colours do
    curves = [[*end, *each.tolist()] for end, each in zip(ends, heights, strict=True)]
    axes = np.array(OPPONENT)
    along = axes @ picture.flatten(1).double().numpy()
    for number, (end, each) in enumerate(zip(ends, heights, strict=True)):
        along[number] = np.interp(along[number], np.linspace(*end, KNOTS), each.numpy())
    expected = torch.from_numpy(axes.T @ along).view_as(picture).clamp(-1, 1)
    found = recolour(
        picture,
        rough,
        [*same.flatten().tolist(), *(number for curve in curves for number in curve)],
        Spread(),
    )
    assert np.allclose(axes @ axes.T, np.eye(3))
    assert torch.allclose(found.double(), expected, atol=1e-5)


def test_a_photos_own_colours_come_back_with_its_shadows_and_whites():
    """A photo of a few deep shadows and whites, as of chalk above a dark sea, painted in a pale palette."""
    random = torch.Generator().manual_seed(3)
    light = torch.rand(1, 1, 24, 30, generator=random) ** 4 * 1.8 - 0.9
    light = torch.nn.functional.interpolate(light, (96, 120), mode="bilinear")[0]
    photo = (light + 0.3 * scene(4, 96, 120)).clamp(-1, 1)
    painting = 0.4 * scene(7, 96, 120) + 0.5
    found = pair(painting, photo, Content(smoothing=0.3))
    assert len(found.content.colours) == NUMBERS
    ends = torch.tensor([0.01, 0.05, 0.5, 0.95, 0.99])
    light, wanted = (torch.quantile(each.mean(dim=0), ends) for each in (found.painted[0], photo))
    assert (light - wanted).abs().max() < 0.15


def test_equal_palettes_need_hardly_any_change():
    picture = scene()
    assert (mapped(picture, picture) - picture).abs().mean() < 0.02


def test_a_tinted_painting_gets_the_photos_colours_back():
    photo = scene()
    tint = torch.tensor([0.25, 0.0, -0.2])[:, None, None]
    painting = (0.6 * photo + tint).clamp(-1, 1)
    assert (mapped(painting, photo) - photo).abs().mean() < 0.3 * (painting - photo).abs().mean()


def test_one_white_becomes_two_colours_where_only_roughness_tells_them_apart():
    """A pale sky over pale chalk, as Monet painted them; in the photo the smooth half is blue."""
    smooth = torch.arange(128) < 64
    rough = noise(0.15, 96, 128).masked_fill(smooth, 0) + noise(0.03, 96, 128)
    painting = (torch.full((3, 96, 128), 0.7) + rough).clamp(-1, 1)
    blue, chalk = torch.tensor([-0.6, -0.1, 0.6]), torch.tensor([0.6, 0.55, 0.5])
    photo = (torch.where(smooth, blue[:, None, None], chalk[:, None, None]) + rough).clamp(-1, 1)
    halves = mapped(painting, photo).split(64, dim=2)
    sky, cliff = (half[:, :, 16:48].mean(dim=(1, 2)) for half in halves)
    assert sky[2] - sky[0] > 0.6
    assert (cliff[2] - cliff[0]).abs() < 0.3


def test_the_map_stays_in_range_beyond_the_colours_it_was_fitted_to():
    colours = pair(0.1 * scene(1), scene(2), Content(smoothing=0.3)).content.colours
    corners = torch.tensor([[-1.0, 1, -1, 1], [-1, -1, 1, 1], [1, -1, -1, 1]]).view(3, 2, 2)
    found = recolour(corners, torch.tensor([-9.0, 9, 9, -9]).view(1, 2, 2), colours, Spread())
    assert found.isfinite().all()
    assert found.abs().max() <= 1


def test_a_grey_picture_has_a_map():
    assert mapped(torch.full((3, 40, 40), 0.2), scene()).isfinite().all()


def test_a_tiny_picture_has_roughness():
    picture = scene(height=9, width=7)
    assert roughness(picture, picture).isfinite().all()


def test_roughness_rises_with_contrast_and_reaches_as_far_as_it_says():
    smooth = scene(height=200, width=200)
    calm, rough = (roughness(smooth + noise(deviation, 200, 200), smooth) for deviation in (0.02, 0.2))
    assert (rough > calm + 1).all()
    changed = noise(0.02, 200, 200)
    changed[:, 100, 100] = 1
    touched = (roughness(smooth + changed, smooth) != calm)[0].nonzero()
    assert (touched - 100).abs().max() <= ROUGHNESS_REACH


def test_a_smooth_sky_is_smooth_up_to_the_rough_rock_below_it():
    rock = torch.arange(200)[:, None] >= 100
    smooth = torch.where(rock, -0.3, 0.6).expand(3, 200, 200)
    contrast = torch.where(rock, noise(0.2, 200, 200), noise(0.02, 200, 200))
    contrast[:, 98:102] = 0.5  # what smoothing takes away at an edge
    rough = roughness(smooth + contrast, smooth)[0].mean(dim=1)
    sky, cliff = rough[40:60].mean(), rough[140:160].mean()
    assert cliff > sky + 1
    assert (rough[60:98] - sky).abs().max() < 0.25 * (cliff - sky)
    assert (rough[102:140] - cliff).abs().max() < 0.25 * (cliff - sky)


def test_the_spread_of_a_series_counts_its_pictures_alike():
    spread = spread_of([torch.zeros(1, 4, 4), torch.full((1, 40, 40), 2.0)])
    assert abs(spread.mean - 1) < 1e-6
    assert abs(spread.deviation - 1) < 1e-3


def test_what_the_generator_sees_and_keeps_is_recoloured_and_cuts_are_those_of_the_whole():
    picture = scene(height=300, width=400) + noise(0.2, 300, 400)
    plain = Content(smoothing=0.3, detail=0.3)
    found = pair(picture, scene(3), plain)
    content, ((seen, kept),) = found.content, found.paintings
    own = separate(picture, plain)
    rough = roughness(picture, own.kept)
    spread = Spread(*content.spread)
    assert seen.equal(recolour(own.seen, rough, content.colours, spread))
    assert kept.equal(recolour(own.kept, rough, content.colours, spread))
    assert prepare(picture, content).equal(seen)
    cut = prepared(lambda rows, columns: picture[:, rows, columns], 300, 400, content)
    part = cut(slice(150, 180), slice(130, 200))
    torch.testing.assert_close(part, seen[:, 150:180, 130:200], rtol=0, atol=1e-4)


def test_a_painted_photo_gets_its_own_colours_back():
    photo = scene(3)
    painted = pair(0.6 * scene(1) + 0.2, photo, Content(smoothing=0.3)).painted[0]
    assert (painted - photo).abs().mean() < 0.1
