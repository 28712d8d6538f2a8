from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.regions import read_regions

SKY, SEA, ROCK = (0, 128, 255), (0, 0, 128), (90, 60, 30)


def saved(path: Path, rows: list[list[tuple[int, int, int]]]) -> Path:
    Image.fromarray(np.array(rows, dtype=np.uint8)).save(path)
    return path


def test_same_colours_get_the_same_numbers(tmp_path):
    first = saved(tmp_path / "a.png", [[SKY, SKY], [SEA, ROCK]])
    second = saved(tmp_path / "b.png", [[SEA, SEA], [SKY, SEA]])
    a, b = read_regions(first, second, painting_size=(2, 2), photo_size=(2, 2))
    assert a[0, 0] == a[0, 1] == b[1, 0]
    assert a[1, 0] == b[0, 0] == b[0, 1] == b[1, 1]
    assert len({int(a[0, 0]), int(a[1, 0]), int(a[1, 1])}) == 3
    assert int(a[1, 1]) not in b


def test_map_is_brought_to_its_pictures_size_without_new_labels(tmp_path):
    path = saved(tmp_path / "a.png", [[SKY, SKY], [SEA, ROCK]])
    a, b = read_regions(path, path, painting_size=(7, 7), photo_size=(4, 4))
    assert a.shape == (7, 7)
    assert b.shape == (4, 4)
    assert set(a.unique().tolist()) == set(b.unique().tolist()) == {0, 1, 2}


def test_too_many_colours_are_refused(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png")
    with pytest.raises(InputError, match="have 400 colours, but at most 64 can be regions; paint them flat"):
        read_regions(tmp_path / "a.png", tmp_path / "a.png", painting_size=(20, 20), photo_size=(20, 20))


def test_map_of_another_shape_is_refused(tmp_path):
    path = saved(tmp_path / "a.png", [[SKY, SKY], [SEA, ROCK]])
    with pytest.raises(
        InputError, match="has 2x2 px and its picture 9x4 px; give a map with the picture's aspect ratio"
    ):
        read_regions(path, path, painting_size=(4, 9), photo_size=(2, 2))


@pytest.mark.parametrize("content", [None, b"no picture"])
def test_unreadable_map_is_one_line(tmp_path, content):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"^the region map .* (does not exist|is not a picture)") as caught:
        read_regions(path, path, painting_size=(4, 4), photo_size=(2, 2))
    assert "\n" not in str(caught.value)
