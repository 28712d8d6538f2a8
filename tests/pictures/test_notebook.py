import io

import numpy as np
import pytest
from PIL import Image

from sinct.pictures.notebook import SHOWN_SIDE, shown_png


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_a_picture_is_shown_as_it_is(make_picture):
    path = make_picture("picture.png")
    shown = opened(shown_png(path))
    assert np.array_equal(np.asarray(shown), np.asarray(Image.open(path).convert("RGB")))


def test_a_large_picture_is_shown_small(tmp_path):
    Image.new("RGB", (3000, 1500), (9, 90, 200)).save(tmp_path / "large.png")
    assert opened(shown_png(tmp_path / "large.png")).size == (SHOWN_SIDE, SHOWN_SIDE // 2)


@pytest.mark.parametrize("content", [None, b"", b"no picture"])
def test_what_cannot_be_shown_is_left_out(content, tmp_path):
    if content is not None:
        (tmp_path / "picture.png").write_bytes(content)
    assert shown_png(tmp_path / "picture.png") is None
