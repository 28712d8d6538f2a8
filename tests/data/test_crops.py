import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sinct.data.crops import (
    first_enough,
    freely_zoomed_crops,
    random_crops,
    shown_share,
    shown_sums,
    tiles,
    uniform,
    width_range,
)
from sinct.errors import ConfigError

few = settings(max_examples=25, deadline=None, derandomize=True)
lengths = st.integers(8, 41)
seeds = st.integers(0, 2**31)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=seeded()) * 2 - 1


def numbered(height: int, width: int) -> Tensor:
    """Each pixel holds its own row and column."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return torch.stack([rows, columns]).float()


@pytest.mark.parametrize(("height", "width"), [(45, 3), (60, 2), (1, 1)])
def test_crops_of_a_picture_of_few_pixels(height: int, width: int) -> None:
    crops = random_crops(noise(height, width), count=4, size=32, width=384, generator=seeded())
    assert crops.shape == (4, 3, 32, 32)
    assert crops.isfinite().all()


# Widths


@pytest.mark.parametrize(
    ("kind", "height", "width", "expected"),
    [
        ("landscape", 600, 800, (384, 1024)),
        ("portrait", 2000, 600, (384, 1024)),
        ("smaller than a crop", 20, 30, (384, 1024)),
        ("panorama", 120, 900, (960, 1024)),  # at 960 px width it is 128 px high
        ("large panorama", 160, 3000, (2400, 2400)),  # 128 px high, above max_width but below its own
    ],
)
def test_width_range(kind: str, height: int, width: int, expected: tuple[int, int]) -> None:
    found = width_range(height, width, crop_size=128, min_width=384, max_width=1024)
    assert found == expected, kind


def test_width_range_is_never_narrower_than_a_crop() -> None:
    assert width_range(900, 300, crop_size=64, min_width=16, max_width=32 * 4) == (64, 128)


def test_picture_too_narrow_for_a_crop_is_refused() -> None:
    message = "crop size 128 px does not fit a picture of 900x100 px scaled to a width of 1024 px; give"
    with pytest.raises(ConfigError, match=message):
        width_range(100, 900, crop_size=128, min_width=384, max_width=1024)


@few
@given(height=lengths, width=lengths)
def test_crop_fits_at_every_width_of_the_range(height: int, width: int) -> None:
    try:
        low, high = width_range(height, width, crop_size=16, min_width=20, max_width=50)
    except ConfigError:
        assert 50 * height / width < 16
    else:
        assert low <= high
        assert low >= 16
        assert low * height / width >= 16


@few
@given(seed=seeds)
def test_uniform_lies_between_its_limits(seed: int) -> None:
    assert 3 <= uniform(3, 5, seeded(seed)) < 5


# Crops


@few
@given(height=lengths, width=lengths, zoom=st.floats(0.4, 3), seed=seeds)
def test_crops_have_the_size_asked_for(height: int, width: int, zoom: float, seed: int) -> None:
    crops = random_crops(noise(height, width), count=2, size=8, width=zoom * width, generator=seeded(seed))
    assert crops.shape == (2, 3, 8, 8)
    assert crops.dtype == torch.float32


@few
@given(height=lengths, width=lengths, zoom=st.floats(0.4, 3), seed=seeds)
def test_crops_stay_near_the_pictures_range(height: int, width: int, zoom: float, seed: int) -> None:
    """Catmull-Rom's weights add up to 1.25 in magnitude at most, so in two dimensions to 1.5625."""
    picture = noise(height, width)
    crops = random_crops(picture, count=2, size=8, width=zoom * width, generator=seeded(seed))
    overshoot = (1.5625 - 1) / 2 * (picture.max() - picture.min())
    assert picture.min() - overshoot <= crops.min()
    assert crops.max() <= picture.max() + overshoot


@few
@given(height=lengths, width=lengths, seed=seeds, overhang=st.sampled_from([0.0, 1.0]))
def test_crops_at_native_width_are_windows_of_the_picture(
    height: int, width: int, seed: int, overhang: float
) -> None:
    picture = numbered(height, width)
    for crop in random_crops(
        picture, count=3, size=8, width=width, generator=seeded(seed), overhang=overhang
    ):
        top, left = int(crop[0].min()), int(crop[1].min())
        window = picture[:, top : top + 8, left : left + 8]
        assert torch.equal(crop, window) or torch.equal(crop, window.flip(-1))


def test_crops_reach_every_place_and_both_flips() -> None:
    crops = random_crops(numbered(9, 10), count=300, size=8, width=10, generator=seeded())
    places = {(int(crop[0, 0, 0]), int(crop[1].min()), bool(crop[1, 0, 0] < crop[1, 0, 1])) for crop in crops}
    assert len(places) == 2 * 3 * 2


def test_overhang_shows_edges_nearly_as_often_as_the_middle() -> None:
    shares = []
    for overhang in (0.0, 1.0):
        crops = random_crops(
            numbered(40, 40), count=2000, size=8, width=40, generator=seeded(), overhang=overhang
        )
        rows = crops[:, 0, :, 0]
        edge, middle = ((rows == row).any(dim=1).float().mean() for row in (0, 20))
        shares.append(float(edge / middle))
    assert shares[0] < 0.2
    assert 0.4 < shares[1] < 0.7  # a pixel at the border has a neighbourhood on one side only


def test_crop_of_a_shrunk_picture_sees_more_of_it() -> None:
    crop = random_crops(numbered(40, 40), count=1, size=8, width=20, generator=seeded())[0]
    # 8 px at half size span 7 steps of 2 px; the border's bicubic kernel is cut, which moves it a little
    assert (crop[0, -1, 0] - crop[0, 0, 0]).item() == pytest.approx(14, abs=0.5)


def test_constant_picture_gives_constant_crops() -> None:
    crops = random_crops(torch.full((3, 30, 30), 0.3), count=2, size=8, width=47, generator=seeded())
    torch.testing.assert_close(crops, torch.full_like(crops, 0.3))


def test_same_seed_cuts_the_same_crops() -> None:
    first, second, other = (
        random_crops(noise(30, 41), count=3, size=8, width=50, generator=seeded(seed)) for seed in (1, 1, 2)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_crops_leave_the_picture_alone() -> None:
    picture = noise(12, 12)
    random_crops(picture, count=2, size=8, width=12, generator=seeded()).zero_()
    assert torch.equal(picture, noise(12, 12))


# Crops with a zoom of their own


def spans_of(height: int, width: int, size: int, count: int) -> Tensor:
    """First and last row, first and last column of each crop in the picture, (count, 4)."""
    crops = freely_zoomed_crops(numbered(height, width), count=count, size=size, generator=seeded())
    rows, columns = crops[:, 0].mean(dim=2), crops[:, 1].mean(dim=1)
    columns = torch.where((columns[:, :1] > columns[:, -1:]), columns.flip(1), columns)
    return torch.stack([rows[:, 0], rows[:, -1], columns[:, 0], columns[:, -1]], dim=1)


@few
@given(height=lengths, width=lengths, seed=seeds)
def test_freely_zoomed_crops_of_any_picture_have_their_size(height: int, width: int, seed: int) -> None:
    crops = freely_zoomed_crops(noise(height, width), count=3, size=16, generator=seeded(seed))
    assert crops.shape == (3, 3, 16, 16)
    assert crops.isfinite().all()


def test_freely_zoomed_crops_scale_height_and_width_apart_by_a_third_to_1() -> None:
    top, bottom, left, right = spans_of(300, 400, 20, 400).unbind(dim=1)
    for begin, end in ((top, bottom), (left, right)):
        factors = 19 / (end - begin)  # pixels of the crop for each of the picture's
        assert factors.min() > 1 / 3 - 0.03
        assert factors.max() < 1 + 0.03
        assert float(factors.mean()) == pytest.approx(2 / 3, abs=0.05)
    heights, widths = bottom - top, right - left
    assert abs(float(torch.corrcoef(torch.stack([heights, widths]))[0, 1])) < 0.2


def test_freely_zoomed_crops_reach_every_part_of_the_picture() -> None:
    top, bottom, left, right = spans_of(90, 120, 20, 400).unbind(dim=1)
    assert top.min() < 4
    assert bottom.max() > 85
    assert left.min() < 4
    assert right.max() > 115


def test_freely_zoomed_crops_are_flipped_half_of_the_time() -> None:
    crops = freely_zoomed_crops(numbered(60, 80), count=400, size=16, generator=seeded())
    flipped = (crops[:, 1, :, 0] > crops[:, 1, :, -1]).all(dim=1).float().mean()
    assert float(flipped) == pytest.approx(0.5, abs=0.1)


def test_crop_at_full_size_is_cut_from_the_picture_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinct.data.crops.SMALLEST_SHARE", 1.0)
    picture = noise(40, 56)
    cells = [picture[:, top : top + 16, left : left + 16] for top in range(25) for left in range(41)]
    for crop in freely_zoomed_crops(picture, count=8, size=16, generator=seeded()):
        assert any(crop.equal(cell) or crop.flip(2).equal(cell) for cell in cells)


# Tiles


@few
@given(count=st.integers(1, 3), across=st.integers(1, 4), size=st.integers(1, 5))
def test_tiles_put_together_give_the_crops(count: int, across: int, size: int) -> None:
    crops = torch.arange(count * 3 * (across * size) ** 2).view(count, 3, across * size, across * size)
    parts = iter(tiles(crops.float(), size))
    for crop in crops.float():
        rows = [torch.cat([next(parts) for _ in range(across)], dim=2) for _ in range(across)]
        assert torch.equal(torch.cat(rows, dim=1), crop)
    assert next(parts, None) is None


@pytest.mark.parametrize("shift", [0, 3, 8])
def test_tiles_with_play_are_shifted_and_overlap(shift: int) -> None:
    crop = torch.arange(3 * 32**2).view(1, 3, 32, 32).float()
    parts = tiles(crop, 16, shift, 8)
    starts = (shift, shift + 8)
    expected = [crop[0, :, top : top + 16, left : left + 16] for top in starts for left in starts]
    assert parts.equal(torch.stack(expected))


# Where only some of a picture shows


def shown_right(height: int, width: int, share: float) -> Tensor:
    shown = torch.zeros(height, width, dtype=torch.bool)
    shown[:, int(width * (1 - share)) :] = True
    return shown


def test_crops_lie_where_the_picture_shows() -> None:
    picture, sums = numbered(64, 200), shown_sums(shown_right(64, 200, 0.5))
    crops = random_crops(picture, count=40, size=16, width=200, generator=seeded(), shown=sums)
    assert crops[:, 1].min() >= 99
    assert crops[:, 1].max() > 190


def test_freely_zoomed_crops_lie_where_the_picture_shows() -> None:
    picture, sums = numbered(64, 200), shown_sums(shown_right(64, 200, 0.5))
    crops = freely_zoomed_crops(picture, count=40, size=16, generator=seeded(), shown=sums)
    assert crops[:, 1].mean() > 120
    assert (crops[:, 1].amin(dim=(1, 2)) > 90).float().mean() > 0.9


def test_where_no_crop_shows_enough_that_with_most_is_taken() -> None:
    shares = torch.tensor([[0.1, 0.5, 0.3], [0.2, 0.96, 1.0]])
    assert first_enough(shares).tolist() == [1, 1]


def test_share_that_shows_is_that_counted_pixel_by_pixel() -> None:
    shown = torch.rand(9, 7, generator=seeded()) < 0.5
    sides = torch.tensor([[0, 0, 9, 7], [2, 3, 4, 7], [8, 6, 9, 7]])
    wanted = [shown[top:bottom, left:right].double().mean() for top, left, bottom, right in sides.tolist()]
    assert torch.allclose(shown_share(shown_sums(shown), *sides.T), torch.stack(wanted))
