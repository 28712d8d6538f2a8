"""Label maps: their numbers as they are stored, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.label_maps import read_label_map

NUMBERS = np.array([[7, 7, 255], [0, 33, 11]], dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    def written(image, name="map.png"):
        image.save(tmp_path / name)
        return tmp_path / name

    return written


def with_palette():
    image = Image.fromarray(NUMBERS).convert("P")
    image.putpalette([255 - value // 3 for value in range(768)])
    image.putdata(NUMBERS.flatten().tolist())
    return image


@pytest.mark.parametrize(
    "image",
    [Image.fromarray(NUMBERS), with_palette(), Image.fromarray(NUMBERS.astype(np.uint16))],
    ids=["8 bits", "palette", "16 bits"],
)
def test_numbers_are_those_stored(save, image):
    assert np.array_equal(read_label_map(save(image)), NUMBERS)


def test_reducing_takes_the_nearest_and_mixes_nothing(save):
    numbers = np.random.default_rng(0).integers(0, 34, (32, 64)).astype(np.uint8)
    found = read_label_map(save(Image.fromarray(numbers)), (16, 8))
    assert np.array_equal(found, numbers[2::4, 2::4])


@pytest.mark.parametrize(
    ("image", "name", "message"),
    [
        (Image.new("RGB", (4, 4)), "map.png", "map.png has 3 channels; give a PNG with one"),
        (Image.new("LA", (4, 4)), "map.png", "has 2 channels"),
        (Image.new("L", (4, 4)), "map.jpg", "map.jpg is no PNG"),
    ],
    ids=["colours", "transparency", "JPEG"],
)
def test_what_holds_no_numbers_is_refused(save, image, name, message):
    with pytest.raises(InputError, match=message):
        read_label_map(save(image, name))


def test_a_missing_map_is_named(tmp_path):
    with pytest.raises(InputError, match=r"map\.png does not exist"):
        read_label_map(tmp_path / "map.png")


def test_a_damaged_map_is_named(save):
    path = save(Image.fromarray(np.random.default_rng(0).integers(0, 34, (64, 64)).astype(np.uint8)))
    path.write_bytes(path.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"the label map .*map\.png is damaged"):
        read_label_map(path)
