"""Choosing the reference photo that looks most like a painting."""

import json
import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinct.batch import matching
from sinct.batch.matching import Candidates, Description, Descriptions, choose, describe, photos_by_look
from sinct.errors import ConfigError, InputError
from sinct.pictures import glance as pictures
from sinct.pictures.picture import MAX_PIXELS

BLUE, GREEN, RED = (40, 70, 190), (50, 140, 60), (190, 50, 40)


def paint(path: Path, colour, *, seed=0, spread=12.0, size=(120, 90), blur=False) -> str:
    """Write grains of a colour, or if `blur` the same colours in smooth areas."""
    random = np.random.default_rng(seed)
    width, height = size
    samples = np.array(colour) + random.normal(0, spread, (height, width, 1))
    if blur:  # the same values, sorted into a gradient: equal colours, no texture
        samples = np.sort(samples.reshape(-1, 3), axis=0).reshape(height, width, 3)
    Image.fromarray(samples.clip(0, 255).round().astype(np.uint8)).save(path)
    return str(path)


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


def test_a_description_is_the_same_each_time_small_and_comes_back_from_json(tmp_path):
    place = paint(tmp_path / "a.png", BLUE)
    first = describe(place, tmp_path)
    text = json.dumps(first.to_json())
    assert describe(place, tmp_path) == first
    assert Description.from_json(json.loads(text)) == first
    assert len(text) < 8000


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (2000, 12)])
def test_tiny_and_narrow_pictures_can_be_compared(tmp_path, size):
    description = describe(paint(tmp_path / "a.png", BLUE, size=size), tmp_path)
    assert choose(description, {"only": description}, "nearest") == "only"


def test_other_ways_to_choose_and_no_photos_are_refused(tmp_path):
    description = describe(paint(tmp_path / "a.png", BLUE), tmp_path)
    with pytest.raises(ConfigError, match="palette or nearest, got 'name'"):
        choose(description, {"a": description}, "name")
    with pytest.raises(InputError, match="no photo"):
        Candidates({})


# Pictures that are large, remote or damaged


def test_a_large_picture_is_read_in_rows_and_looks_the_same(tmp_path, monkeypatch):
    pytest.importorskip("pyvips")
    place = paint(tmp_path / "a.png", RED, size=(400, 300), spread=40)
    whole = describe(place, tmp_path)
    monkeypatch.setattr(pictures, "ROWS_ABOVE", 1000)
    monkeypatch.setattr(pictures, "read_picture", None)
    assert describe(place, tmp_path) == whole


def test_without_pyvips_a_picture_is_read_whole_up_to_the_limit(tmp_path, monkeypatch):
    place = paint(tmp_path / "a.png", RED)
    whole = describe(place, tmp_path)

    def lacking(path):
        raise InputError("needs pyvips, which is not installed")

    monkeypatch.setattr(pictures, "ROWS_ABOVE", 1000)
    monkeypatch.setattr(pictures, "open_source", lacking)
    assert describe(place, tmp_path) == whole
    monkeypatch.setattr(pictures, "MAX_PIXELS", 1000)
    with pytest.raises(InputError, match="needs pyvips"):
        describe(place, tmp_path)


def test_the_limit_is_that_of_reading_in_memory():
    assert pictures.ROWS_ABOVE < pictures.MAX_PIXELS == MAX_PIXELS


def test_a_remote_picture_is_fetched_described_and_its_copy_removed(tmp_path):
    pytest.importorskip("fsspec")
    place = paint(tmp_path / "a.png", BLUE)
    copies = tmp_path / "copies"
    assert describe(f"file://{place}", copies) == describe(place, tmp_path)
    assert list(copies.iterdir()) == []


def test_an_error_names_the_address_of_a_remote_picture(tmp_path):
    pytest.importorskip("fsspec")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(InputError, match=r"^file://\S+/a\.png is no picture"):
        describe(f"file://{tmp_path}/a.png", tmp_path / "copies")


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


# What is kept


@pytest.fixture
def counted(monkeypatch):
    """Places that were looked at, as they were."""
    seen: list[str] = []

    def count(place: str, folder: Path) -> Description:
        seen.append(place)
        return describe(place, folder)

    monkeypatch.setattr(matching, "describe", count)
    return seen


def test_a_description_is_kept_until_the_file_changes(tmp_path, counted):
    place, kept = paint(tmp_path / "a.png", BLUE), tmp_path / "deep" / "looks.json"
    cache = Descriptions(kept)
    first = cache.of(place, tmp_path)
    cache.save()
    assert Descriptions(kept).of(place, tmp_path) == first
    assert counted == [place]

    paint(tmp_path / "a.png", RED)
    os.utime(place, ns=(1, 1))
    again = Descriptions(kept)
    assert again.of(place, tmp_path) == describe(place, tmp_path) != first
    assert again.of(place, tmp_path) != first
    assert counted == [place, place]


def test_nothing_is_written_where_nothing_is_new(tmp_path):
    place, kept = paint(tmp_path / "a.png", BLUE), tmp_path / "looks.json"
    cache = Descriptions(kept)
    cache.of(place, tmp_path)
    cache.save()
    kept_at = kept.stat().st_mtime_ns
    again = Descriptions(kept)
    again.of(place, tmp_path)
    again.save()
    assert kept.stat().st_mtime_ns == kept_at


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"version": 0, "pictures": {}}', '{"version": 1}'])
def test_a_damaged_or_foreign_file_is_begun_anew(tmp_path, text):
    place, kept = paint(tmp_path / "a.png", BLUE), tmp_path / "looks.json"
    kept.write_text(text)
    cache = Descriptions(kept)
    made = cache.of(place, tmp_path)
    cache.save()
    assert Descriptions(kept).of(place, tmp_path) == made


def test_new_descriptions_are_saved_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(matching, "SAVE_EVERY", 2)
    cache = Descriptions(tmp_path / "looks.json")
    for name in "ab":
        cache.of(paint(tmp_path / f"{name}.png", BLUE), tmp_path)
    assert len(json.loads((tmp_path / "looks.json").read_text())["pictures"]) == 2


@pytest.mark.slow
def test_ten_thousand_known_pictures_are_looked_up_in_seconds(tmp_path, counted):
    place = paint(tmp_path / "0.png", BLUE)
    places = [place]
    for number in range(1, 10_000):
        os.link(place, tmp_path / f"{number}.png")
        places.append(str(tmp_path / f"{number}.png"))
    cache = Descriptions(tmp_path / "looks.json")
    description = cache.of(place, tmp_path)
    cache._known = dict.fromkeys(places, (cache._known[place][0], description))
    cache.save()
    start = time.monotonic()
    found, remarks = Descriptions(tmp_path / "looks.json").of_all(places, tmp_path)
    assert choose(description, found, "nearest") == min(places)
    assert time.monotonic() - start < 10
    assert (len(found), remarks, counted) == (10_000, [], [place])
