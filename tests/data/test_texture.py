import pytest
import torch
import torch.nn.functional as F

from sinct.data.texture import (
    MORE,
    PATCHES,
    SIDE,
    STEP,
    TEXTURE_REACH,
    _evenness,
    _looseness,
    find_texture,
    lay_texture,
)

GREEN, BLUE = torch.tensor([-0.6, 0.2, -0.7]), torch.tensor([-0.7, -0.2, 0.6])


def find(smooth, detail):
    """The texture of photos that are equally rough everywhere."""
    return find_texture(smooth, [torch.zeros_like(each[:1]) for each in smooth], detail)


def lay(texture, smooth, top=0, left=0, seed=0):
    """Lay it over a picture that is equally rough everywhere."""
    return lay_texture(texture, smooth, torch.zeros_like(smooth[:1]), top, left, seed)


def halves(height: int = 320, width: int = 320) -> torch.Tensor:
    """A picture whose upper half is green and whose lower half is blue, (3, H, W)."""
    picture = GREEN[:, None, None].repeat(1, height, width)
    picture[:, height // 2 :] = BLUE[:, None, None]
    return picture


def grown(height: int = 320, width: int = 320, seed: int = 0) -> torch.Tensor:
    """Detail for `halves`: upright dashes in the green half, level ones in the blue half, (3, H, W)."""
    random = torch.Generator().manual_seed(seed)
    noise = 0.4 * torch.randn(1, height + 3, width + 3, generator=random)
    upright, level = F.avg_pool2d(noise, (4, 1), 1), F.avg_pool2d(noise, (1, 4), 1)
    detail = torch.cat([upright[:, : height // 2, :width], level[:, height // 2 : height, :width]], dim=1)
    return detail.expand(3, -1, -1)


def steps(detail: torch.Tensor) -> tuple[float, float]:
    """Mean absolute differences from row to row and from column to column."""
    return float(detail.diff(dim=1).abs().mean()), float(detail.diff(dim=2).abs().mean())


def test_each_kind_of_surface_gets_the_texture_that_it_has_in_the_photo():
    texture = find([halves()], [grown()])
    painting = halves(200, 240).flip(1)  # blue above green
    laid = lay(texture, painting)
    down, across = steps(laid[:, :90])
    assert down > 1.5 * across  # level dashes where it is blue
    down, across = steps(laid[:, 110:])
    assert across > 1.5 * down  # upright dashes where it is green


def test_contrast_is_the_photos_also_where_patches_overlap():
    noise = 0.2 * torch.randn(3, 512, 512, generator=torch.Generator().manual_seed(0))
    texture = find([torch.zeros(3, 512, 512)], [noise])
    laid = lay(texture, torch.zeros(3, 8 * STEP, 8 * STEP))
    assert float(laid.std()) == pytest.approx(0.2, rel=0.1)
    joints = laid[:, STEP // 2 :: STEP, :]  # halfway between patches
    assert float(joints.std()) == pytest.approx(0.2, rel=0.1)


def test_lines_are_not_laid_where_the_surface_has_anything_else():
    random = torch.Generator().manual_seed(0)
    detail = 0.2 * torch.randn(3, 320, 320, generator=random)
    detail[:, 160:] = 0.2 * torch.randn(1, 160, 1, generator=random)  # carved
    down, across = steps(lay(find([torch.zeros(3, 320, 320)], [detail]), torch.zeros(3, 200, 200)))
    assert across == pytest.approx(down, rel=0.15)


def test_texture_is_loose_and_lines_are_not():
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 3, SIDE, SIDE, generator=random)
    assert _looseness(noise) == 1
    assert _looseness(noise[:, :, :, :1].expand(-1, -1, -1, SIDE)) == 0


def test_texture_is_without_a_mean():
    texture = find([halves()], [grown() + 0.3])
    assert abs(float(lay(texture, halves()).mean())) < 0.05


def test_a_window_gets_what_the_whole_picture_gets():
    texture = find([halves()], [grown()])
    painting = halves(200, 240) + 0.1 * torch.rand(3, 200, 240)
    whole = lay(texture, painting, seed=3)
    part = lay(texture, painting[:, 61:150, 70:201], 61, 70, seed=3)
    inner = slice(TEXTURE_REACH, -TEXTURE_REACH)
    torch.testing.assert_close(
        part[:, inner, inner], whole[:, 61:150, 70:201][:, inner, inner], rtol=0, atol=1e-5
    )


def test_bands_do_not_show(monkeypatch):
    texture = find([halves()], [grown()])
    painting = halves(200, 240) + 0.1 * torch.rand(3, 200, 240)
    whole = lay(texture, painting)
    monkeypatch.setattr("sinct.data.texture.BAND", 37)
    torch.testing.assert_close(lay(texture, painting), whole, rtol=0, atol=1e-5)


def test_same_seed_same_texture_and_another_seed_another():
    texture = find([halves()], [grown()])
    first, again, other = (lay(texture, halves(), seed=seed) for seed in (1, 1, 2**62))
    assert first.equal(again)
    assert not first.equal(other)


def test_a_texture_does_not_repeat_from_patch_to_patch():
    random = torch.Generator().manual_seed(0)
    noise = 0.2 * torch.randn(3, 512, 512, generator=random)
    texture = find([torch.zeros(3, 512, 512)], [noise])
    laid = lay(texture, torch.zeros(3, 8 * STEP, 8 * STEP))
    cells = laid.unfold(1, STEP, STEP).unfold(2, STEP, STEP).permute(1, 2, 0, 3, 4).flatten(0, 1).flatten(1)
    alike = torch.corrcoef(cells).fill_diagonal_(0)
    assert float((alike > 0.5).float().mean()) < 0.05


def test_what_stands_out_is_not_laid():
    detail = 0.1 * torch.randn(3, 400, 400, generator=torch.Generator().manual_seed(0))
    detail[:, 200:206, 200:204] = 1.5  # a sail
    texture = find([torch.zeros(3, 400, 400)], [detail])
    assert int(texture.patches.max()) < 127 * 0.7


def test_a_photo_of_one_kind_has_one_texture():
    texture = find([torch.zeros(3, 128, 128)], [0.1 * torch.randn(3, 128, 128)])
    assert texture.kinds.shape == (1, 4)
    assert texture.patches.shape == (1, PATCHES, 3, SIDE, SIDE)


@pytest.mark.parametrize("size", [(20, 30), (64, 64), (65, 300), (2, 70)])
def test_a_small_photo_has_a_texture_as_well(size):
    picture = torch.rand(3, *size) * 2 - 1
    texture = find([picture], [0.1 * torch.randn(3, *size)])
    laid = lay(texture, torch.rand(3, 40, 50))
    assert laid.shape == (3, 40, 50)
    assert laid.isfinite().all()


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_a_small_painting_can_be_textured(size):
    texture = find([halves()], [grown()])
    assert lay(texture, torch.zeros(3, *size)).isfinite().all()


def test_several_photos_and_large_ones_form_one_texture():
    texture = find(
        [GREEN[:, None, None].repeat(1, 100, 100), BLUE[:, None, None].repeat(1, 1600, 1700)],
        [torch.zeros(3, 100, 100), 0.3 * torch.randn(3, 1600, 1700)],
    )
    green = (texture.kinds[:, :3] - GREEN).square().sum(dim=1).argmin()
    blue = (texture.kinds[:, :3] - BLUE).square().sum(dim=1).argmin()
    assert int(texture.patches[green].abs().max()) == 0
    assert int(texture.patches[blue].abs().max()) > 60


def test_a_photo_without_detail_gives_none():
    texture = find([halves()], [torch.zeros(3, 320, 320)])
    assert lay(texture, halves()).abs().max() == 0


def test_where_colours_are_the_same_roughness_tells_kinds_of_surface_apart():
    grey = torch.zeros(3, 320, 320)
    rough = torch.ones(1, 320, 320)
    rough[:, 160:] = -1
    texture = find_texture([grey], [rough], [grown()])
    laid = lay_texture(texture, grey, -rough, 0, 0, seed=0)
    down, across = steps(laid[:, :140])
    assert down > 1.5 * across
    down, across = steps(laid[:, 180:])
    assert across > 1.5 * down


def test_a_small_photo_does_not_become_wallpaper():
    """Where few patches fit, they may overlap and are mirrored."""
    noise = 0.2 * torch.randn(3, 96, 110, generator=torch.Generator().manual_seed(0))
    texture = find([torch.zeros(3, 96, 110)], [noise])
    laid = lay(texture, torch.zeros(3, 16 * STEP, 16 * STEP)).flatten(0, 1)
    repeated = torch.corrcoef(torch.stack([laid[:, STEP:].flatten(), laid[:, :-STEP].flatten()]))[0, 1]
    assert float(repeated) < 0.15


def test_too_few_patches_are_mirrored():
    noise = 0.2 * torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    (patches,) = find([torch.zeros(3, SIDE, SIDE)], [noise]).patches
    assert patches[1].equal(patches[0].flip(2))
    assert patches[2].equal(patches[0])


def noise(side: int = 192, seed: int = 0) -> torch.Tensor:
    """Even texture of contrast 0.2, (3, H, W)."""
    return 0.2 * torch.randn(3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def even():
    """The texture of a photo of one kind, without colour, see `noise`."""
    return find([torch.zeros(3, 256, 256)], [noise(256)])


def laid_beside(texture, own: torch.Tensor, **at) -> torch.Tensor:
    """What is laid over a grey picture that has detail of its own."""
    grey = torch.zeros_like(own)
    return lay_texture(texture, grey, grey[:1], at.get("top", 0), at.get("left", 0), 0, own=own)


def test_nothing_is_laid_where_the_picture_has_the_textures_contrast(even):
    laid = laid_beside(even, 1.3 * noise(seed=1))  # a little more, since 9x9 pixels vary by chance
    assert float(laid.std()) < 0.02
    assert laid_beside(even, 2 * noise(seed=1)).abs().max() == 0


@pytest.mark.parametrize("own", [0.4, 0.6, 0.9])
def test_own_detail_and_what_is_laid_have_the_textures_contrast_together(even, own):
    detail = own * noise(seed=1)
    total = detail + laid_beside(even, detail)
    assert float(total.std()) == pytest.approx(0.2, rel=0.1)


def test_little_own_detail_limits_what_is_laid(even):
    detail = 0.1 * noise(seed=1)  # a tenth of the texture's contrast; MORE times as much at most
    assert 0.7 < float(laid_beside(even, detail).std()) / (0.02 * MORE) < 1.1


def test_nothing_is_laid_where_the_picture_has_no_detail_of_its_own(even):
    assert laid_beside(even, torch.zeros(3, 90, 80)).abs().max() == 0
    half = 0.5 * noise(seed=1)
    half[:, :, 96:] = 0
    laid = laid_beside(even, half)
    assert float(laid[:, :, :80].std()) > 0.1
    assert laid[:, :, 96 + TEXTURE_REACH + 1 :].abs().max() == 0


def test_all_is_laid_where_own_detail_is_not_asked_about(even):
    grey = torch.zeros(3, 192, 192)
    assert float(lay(even, grey).std()) == pytest.approx(0.2, rel=0.1)


def test_a_window_beside_own_detail_gets_what_the_whole_picture_gets(even):
    own = noise(seed=1) * torch.linspace(0, 1, 192)
    whole = laid_beside(even, own)
    part = laid_beside(even, own[:, 61:150, 70:171], top=61, left=70)
    inner = slice(TEXTURE_REACH, -TEXTURE_REACH)
    torch.testing.assert_close(
        part[:, inner, inner], whole[:, 61:150, 70:171][:, inner, inner], rtol=0, atol=1e-4
    )


def test_bands_do_not_show_beside_own_detail(even, monkeypatch):
    own = noise(seed=1) * torch.linspace(0, 1, 192)[:, None]
    whole = laid_beside(even, own)
    monkeypatch.setattr("sinct.data.texture.BAND", 37)
    torch.testing.assert_close(laid_beside(even, own), whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (200, 2)])
def test_a_small_painting_with_own_detail_can_be_textured(even, size):
    assert laid_beside(even, 0.1 * torch.ones(3, *size)).isfinite().all()


def test_things_are_not_laid():
    """A few bright lines on an empty ground, such as twigs."""
    detail = torch.zeros(3, 320, 320)
    detail[:, :, 10::60] = 1.0
    assert find([torch.zeros(3, 320, 320)], [detail]).patches.abs().max() == 0


def test_even_texture_is_laid_fully(even):
    patches = even.patches / 127
    assert float(patches.std()) == pytest.approx(0.2, rel=0.05)


def test_evenness_falls_from_noise_to_things():
    random = torch.Generator().manual_seed(0)
    fine = torch.randn(4, 3, SIDE, SIDE, generator=random)
    shares = [
        _evenness(fine * (torch.rand(4, 1, SIDE, SIDE, generator=random) < share))
        for share in (1.0, 0.4, 0.02)
    ]
    assert shares[0] == 1
    assert 0 < shares[1] < 1
    assert shares[2] == 0


def test_no_detail_is_even_as_well():
    assert 0 <= _evenness(torch.zeros(2, 3, SIDE, SIDE)) <= 1
