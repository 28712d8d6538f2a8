"""Places where results differ, and pictures as a page and a contact sheet hold them."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from sinct.report.contact_sheet import contact_sheet
from sinct.report.crops import choose_places, disagreement, highest_places, similar_place
from sinct.report.pictures import Panel, embed
from tests.support.report_results import result


def blobs(width: int, height: int, seed: int = 0) -> Image.Image:
    coarse = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def test_places_lie_where_the_pictures_differ() -> None:
    painting = blobs(160, 120)
    other = np.array(painting)
    other[20:50, 100:130] = np.random.default_rng(1).integers(0, 256, (30, 30, 3))
    place = choose_places(painting, [painting, Image.fromarray(other)])[0]
    assert place.left <= 100 <= 130 <= place.left + place.size
    assert place.top <= 20 <= 50 <= place.top + place.size


def test_one_picture_is_held_against_the_painting() -> None:
    painting = blobs(160, 120)
    other = np.array(painting)
    other[80:110, 10:40] = 255
    place = choose_places(painting, [Image.fromarray(other)])[0]
    assert place.left < 25 < place.left + place.size
    assert place.top < 95 < place.top + place.size


def test_pictures_that_differ_in_tone_only_hardly_disagree() -> None:
    picture = torch.rand((3, 60, 80), generator=torch.Generator().manual_seed(0)) - 0.5
    toned = disagreement([picture, 0.8 * picture + 0.2])
    drawn = disagreement([picture, picture.flip(1)])
    assert toned.mean() < 0.01 * drawn.mean()


def test_disagreement_is_the_variance_of_locally_normalised_colours() -> None:
    pictures = torch.rand((3, 3, 9, 7), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    normal = []
    for picture in pictures:  # the neighbourhood of 31 px covers these pictures whole
        mean = picture.mean(dim=(1, 2), keepdim=True)
        deviation = picture.std(dim=(1, 2), keepdim=True, correction=0)
        normal.append((picture - mean) / (deviation + 0.1))
    expected = torch.stack(normal).var(dim=0, correction=0).mean(dim=0)
    torch.testing.assert_close(disagreement(pictures), expected)


def test_equal_pictures_do_not_disagree() -> None:
    picture = torch.rand((3, 20, 30), generator=torch.Generator().manual_seed(0))
    assert disagreement([picture, picture]).max() < 1e-5  # rounding of float32


@pytest.mark.parametrize(("width", "height"), [(161, 97), (64, 200), (33, 33)])
def test_places_stay_inside_and_do_not_overlap(width: int, height: int) -> None:
    score = torch.rand((height, width), generator=torch.Generator().manual_seed(0))
    places = highest_places(score, 16, 4)
    assert 1 <= len(places) <= 4
    for index, a in enumerate(places):
        assert 0 <= a.left <= width - a.size
        assert 0 <= a.top <= height - a.size
        assert all(abs(a.left - b.left) >= 16 or abs(a.top - b.top) >= 16 for b in places[:index])


def test_places_come_in_the_order_of_their_score() -> None:
    score = torch.zeros(90, 90)
    score[0:10, 0:10], score[60:70, 60:70] = 1, 2
    places = highest_places(score, 10, 2)
    assert [(round(p.left, -1), round(p.top, -1)) for p in places] == [(60, 60), (0, 0)]


def test_similar_place_finds_the_same_colour() -> None:
    photo = np.zeros((90, 120, 3), np.uint8)
    photo[40:80, 64:104] = (10, 200, 30)
    place = similar_place(Image.fromarray(photo), [Image.new("RGB", (32, 32), (10, 200, 30))], 32)
    assert 64 <= place.left <= 72
    assert 40 <= place.top <= 48


def test_a_picture_of_one_pixel_has_no_places() -> None:
    assert choose_places(Image.new("RGB", (1, 1)), [Image.new("RGB", (1, 1))]) == []


def test_pictures_are_embedded_without_loss() -> None:
    picture = blobs(40, 30)
    (source,), lossless = embed([picture])
    assert lossless
    assert source.startswith("data:image/webp;base64,")
    assert decode(source).convert("RGB").tobytes() == picture.tobytes()


def test_pictures_too_large_together_are_embedded_as_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sinct.report.pictures.LOSSLESS_BYTES", 10)
    sources, lossless = embed([blobs(40, 30), blobs(40, 30, seed=1)])
    assert not lossless
    assert [decode(source).format for source in sources] == ["JPEG", "JPEG"]


def test_pictures_too_long_for_webp_are_embedded_as_jpeg() -> None:
    sources, lossless = embed([blobs(4, 3), Image.new("RGB", (16384, 1))])
    assert not lossless
    assert [decode(source).size for source in sources] == [(4, 3), (16384, 1)]


def decode(source: str) -> Image.Image:
    return Image.open(io.BytesIO(base64.b64decode(source.split(",")[1])))


@pytest.mark.parametrize("count", [0, 1, 7, 15])
def test_contact_sheet_is_at_most_3000_pixels_wide(count: int) -> None:
    painting, photo = Panel("Painting", blobs(900, 60)), Panel("Photo", blobs(60, 40, seed=1))
    results = [Panel("a long name " * 20, painting.picture, result(str(i))) for i in range(count)]
    assert contact_sheet(painting, photo, results).width <= 3000


def test_contact_sheet_has_the_photo_at_the_top_left_of_results_only() -> None:
    grey = Image.new("RGB", (200, 100), (128, 128, 128))
    red = Image.new("RGB", (200, 100), (255, 0, 0))
    sheet = np.array(
        contact_sheet(Panel("Painting", grey), Panel("Photo", red), [Panel("m", grey, result("m"))])
    )
    assert (sheet[56 + 5, 16 + 5] == 128).all()
    assert tuple(sheet[56 + 156 + 5, 16 + 5]) == (255, 0, 0)
    assert (sheet[56 + 156 + 50, 16 + 100] == 128).all()
