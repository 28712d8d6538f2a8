"""Choosing the reference photo that looks most like a painting."""

from pathlib import Path

import pytest
from PIL import Image

from sinct.batch.descriptions import Description, Descriptions, describe
from sinct.batch.matching import Candidates, choose, photos_by_look
from sinct.errors import ConfigError, InputError
from tests.support.grains import BLUE, GREEN, RED, paint


@pytest.fixture
def looked(tmp_path):
    """Describe pictures by their names."""

    def look(**places: str) -> dict[str, Description]:
        return {name: describe(place, tmp_path) for name, place in places.items()}

    return look


def test_a_blue_painting_gets_the_blue_photo_by_palette(tmp_path, looked):
    colours = {"blue": BLUE, "green": GREEN, "red": RED}
    photos = looked(**{name: paint(tmp_path / f"{name}.png", c, seed=1) for name, c in colours.items()})
    painting = describe(paint(tmp_path / "painting.png", (50, 80, 170)), tmp_path)
    assert choose(painting, photos, "palette") == "blue"
    assert choose(painting, photos, "nearest") == "blue"


@pytest.mark.parametrize("blur", [False, True])
def test_of_two_photos_of_equal_colours_the_one_of_like_texture_is_nearest(tmp_path, looked, blur):
    photos = looked(
        rough=paint(tmp_path / "rough.png", GREEN, seed=1, spread=40),
        smooth=paint(tmp_path / "smooth.png", GREEN, seed=1, spread=40, blur=True),
    )
    painting = describe(paint(tmp_path / "painting.png", GREEN, spread=40, blur=blur), tmp_path)
    assert choose(painting, photos, "nearest") == ("smooth" if blur else "rough")


def test_a_picture_is_nearest_to_itself_whatever_its_size(tmp_path, looked):
    small = paint(tmp_path / "small.png", RED, size=(90, 120), spread=30)
    large = tmp_path / "large.png"
    Image.open(small).resize((900, 1200), Image.Resampling.BICUBIC).save(large)
    photos = looked(itself=small, other=paint(tmp_path / "other.png", RED, size=(90, 120), spread=5))
    for match in ("palette", "nearest"):
        assert choose(describe(str(large), tmp_path), photos, match) == "itself"


def test_of_equal_photos_the_first_by_name_is_chosen(tmp_path):
    description = describe(paint(tmp_path / "a.png", BLUE), tmp_path)
    for match in ("palette", "nearest"):
        assert choose(description, dict.fromkeys("cab", description), match) == "a"


def test_the_order_of_the_photos_does_not_matter(tmp_path, looked):
    photos = looked(**{f"p{i}": paint(tmp_path / f"{i}.png", GREEN, seed=i) for i in range(8)})
    painting = describe(paint(tmp_path / "painting.png", GREEN, seed=99), tmp_path)
    turned = dict(reversed(photos.items()))
    for match in ("palette", "nearest"):
        assert choose(painting, photos, match) == choose(painting, turned, match)


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (2000, 12)])
def test_tiny_and_narrow_pictures_can_be_compared(tmp_path, size):
    description = describe(paint(tmp_path / "a.png", BLUE, size=size), tmp_path)
    assert choose(description, {"only": description}, "nearest") == "only"


def test_other_ways_to_choose_and_no_photos_are_refused(tmp_path):
    description = describe(paint(tmp_path / "a.png", BLUE), tmp_path)
    with pytest.raises(ConfigError, match="by look with 'name'; give palette or nearest"):
        choose(description, {"a": description}, "name")
    with pytest.raises(InputError, match="no photo"):
        Candidates({})


def test_an_unreadable_photo_costs_only_itself(tmp_path):
    good = paint(tmp_path / "good.png", BLUE)
    bad = tmp_path / "bad.png"
    bad.write_bytes(Path(good).read_bytes()[:200])
    gone = str(tmp_path / "gone.png")
    cache = Descriptions(tmp_path / "looks.json")
    chosen, remarks = photos_by_look([str(bad), gone, good], "palette", cache, tmp_path)
    assert chosen(good) == (good,)
    assert len(remarks) == 2
    assert "bad.png is damaged" in remarks[0]
    assert f"cannot read {gone}: No such file" in remarks[1]


def test_an_unreadable_painting_is_an_error_of_its_own(tmp_path):
    photo = paint(tmp_path / "photo.png", BLUE)
    (tmp_path / "bad.png").write_bytes(b"")
    chosen, remarks = photos_by_look([photo], "nearest", Descriptions(tmp_path / "looks.json"), tmp_path)
    assert remarks == []
    with pytest.raises(InputError, match=r"bad\.png is empty"):
        chosen(str(tmp_path / "bad.png"))
    assert chosen(photo) == (photo,)


def test_photos_of_which_none_can_be_read_are_an_error_with_the_first_reason(tmp_path):
    with pytest.raises(InputError, match=r"no photo can be read; cannot read \S+gone.png"):
        photos_by_look([str(tmp_path / "gone.png")], "palette", Descriptions(tmp_path / "d"), tmp_path)
