"""A quick look at pictures."""

import pytest
from PIL import Image

import sinct
from sinct.pictures import glance


def test_size_of_a_sound_picture_is_read_from_its_header_alone(make_picture, monkeypatch):
    monkeypatch.setattr(glance, "read_picture", None)
    for name in ("a.png", "a.jpg", "a.tif", "a.webp"):
        assert glance.sound_size(make_picture(name, width=70, height=50)) == (70, 50)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_picture_that_is_cut_off_is_told_by_name(make_picture, name):
    path = make_picture(name, width=300, height=200)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(sinct.InputError, match=rf"{name} is damaged or cut off"):
        glance.sound_size(path)


def test_whole_picture_with_something_behind_it_is_sound(make_picture):
    path = make_picture("a.jpg", width=70, height=50)
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert glance.sound_size(path) == (70, 50)


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "is empty"), (b"words", "is not a picture"), (None, "does not exist")]
)
def test_what_is_no_picture_is_told(tmp_path, content, message):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(sinct.InputError, match=f"a.png {message}"):
        glance.sound_size(path)


def test_size_is_that_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    Image.new("RGB", (70, 50)).save(tmp_path / "a.jpg", exif=exif)
    assert glance.sound_size(tmp_path / "a.jpg") == (50, 70)
