"""What a picture looks like, and the file that keeps it."""

import json
import os
import time
from pathlib import Path

import pytest

from sinct.batch import descriptions
from sinct.batch.descriptions import Description, Descriptions, describe
from sinct.batch.matching import choose
from sinct.errors import InputError
from sinct.pictures import glance as pictures
from sinct.pictures.limits import MAX_PIXELS
from tests.support.grains import BLUE, RED, paint


def test_a_description_is_the_same_each_time_small_and_comes_back_from_json(tmp_path):
    place = paint(tmp_path / "a.png", BLUE)
    first = describe(place, tmp_path)
    text = json.dumps(first.to_json())
    assert describe(place, tmp_path) == first
    assert Description.from_json(json.loads(text)) == first
    assert len(text) < 8000


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
    with pytest.raises(InputError, match=r"^file://\S+/a\.png is not a picture"):
        describe(f"file://{tmp_path}/a.png", tmp_path / "copies")


@pytest.fixture
def counted(monkeypatch):
    """Places that were looked at, as they were."""
    seen: list[str] = []

    def count(place: str, folder: Path) -> Description:
        seen.append(place)
        return describe(place, folder)

    monkeypatch.setattr(descriptions, "describe", count)
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
    monkeypatch.setattr(descriptions, "SAVE_EVERY", 2)
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
