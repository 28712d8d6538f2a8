"""Reading Deep Zoom."""

import numpy as np
import pytest
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.deep_zoom import read_deep_zoom
from sinct.pictures.rows_to_file import _write_deep_zoom

GOOD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" '
    'Format="jpg" Overlap="1" TileSize="254"><Size Height="400" Width="900"/></Image>'
)


@pytest.fixture
def written(tmp_path):
    """What sinct writes of a picture of 900 x 400 px."""
    pyvips = pytest.importorskip("pyvips")
    pixels = np.random.default_rng(0).integers(0, 256, (400, 900, 3), dtype=np.uint8)
    _write_deep_zoom(pyvips.Image.new_from_memory(pixels.tobytes(), 900, 400, 3, "uchar"), tmp_path / "a.dzi")
    return tmp_path / "a.dzi"


def test_what_sinct_writes_is_read(written):
    found = read_deep_zoom(written)
    assert (found.width, found.height, found.tile_size, found.overlap, found.kind) == (
        900,
        400,
        254,
        1,
        "jpg",
    )
    assert sorted(path.name for path in found.tiles.iterdir() if path.is_dir()) == sorted(
        str(level) for level in range(found.levels)
    )
    with Image.open(found.tile(10, 3, 1)) as tile:
        assert tile.size == (900 - 3 * 254 + 1, 400 - 254 + 1)


def test_the_overview_is_one_tile_that_shows_the_whole_picture(written):
    with Image.open(read_deep_zoom(written).overview()) as picture:
        assert picture.size == (113, 50)


def test_only_tiles_that_are_there_and_no_links_out_are_given(written, tmp_path):
    found = read_deep_zoom(written)
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (found.tiles / "10" / "9_9.jpg").symlink_to(tmp_path / "secret.jpg")
    for place in ((10, 9, 9), (10, 4, 0), (11, 0, 0), (-1, 0, 0)):
        with pytest.raises(InputError, match=r"a\.dzi has no such tile"):
            found.tile(*place)


def test_a_folder_of_tiles_that_leads_elsewhere_is_not_followed(written, tmp_path):
    found = read_deep_zoom(written)
    (tmp_path / "elsewhere").mkdir()
    found.tiles.rename(tmp_path / "elsewhere" / "tiles")
    found.tiles.symlink_to(tmp_path / "elsewhere" / "tiles")
    with pytest.raises(InputError, match="no such tile"):
        found.tile(10, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<Image/>",
        "no XML",
        GOOD.replace("Image", "Picture"),
        GOOD.replace('Width="900"', 'Width="0"'),
        GOOD.replace('Width="900"', 'Width="-5"'),
        GOOD.replace('Width="900"', 'Width="9e9"'),
        GOOD.replace('Width="900"', f'Width="{10**30}"'),
        GOOD.replace('TileSize="254"', 'TileSize="1"'),
        GOOD.replace('TileSize="254"', 'TileSize="1000000"'),
        GOOD.replace('Overlap="1"', 'Overlap="-1"'),
        GOOD.replace('Overlap="1"', 'Overlap="200"'),
        GOOD.replace('Format="jpg"', 'Format="../../x"'),
        GOOD.replace('Format="jpg"', 'Format="html"'),
        GOOD.replace("<Image", '<!DOCTYPE a [<!ENTITY b "c">]><Image'),
        GOOD + " " * 10_000,
    ],
)
def test_what_is_no_deep_zoom_gives_one_line(tmp_path, text):
    (tmp_path / "a.dzi").write_text(GOOD)
    assert read_deep_zoom(tmp_path / "a.dzi").width == 900
    (tmp_path / "a.dzi").write_text(text)
    with pytest.raises(InputError, match=r"a\.dzi is no Deep Zoom that can be shown"):
        read_deep_zoom(tmp_path / "a.dzi")


def test_a_missing_description_gives_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot read a\.dzi: No such file"):
        read_deep_zoom(tmp_path / "a.dzi")
