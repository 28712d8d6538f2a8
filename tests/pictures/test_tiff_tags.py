"""Tags added to finished TIFFs."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base

from sinct.pictures.exif import lasting_tags
from sinct.pictures.tiff_tags import add_tags


@pytest.fixture(params=["<", ">", "big"])
def tiff(request, tmp_path):
    """Two pages of a TIFF, in either byte order, or a BigTIFF."""
    path = tmp_path / "picture.tif"
    pages = np.random.default_rng(0).integers(0, 256, (2, 40, 50, 3), dtype=np.uint8)
    order = "<" if request.param == "big" else request.param
    tifffile.imwrite(
        path, pages, photometric="rgb", tile=(16, 16), bigtiff=request.param == "big", byteorder=order
    )
    return path, pages


def exif() -> Image.Exif:
    made = Image.Exif()
    made[Base.Artist] = "Claude Monet"
    made[Base.Copyright] = "none"
    made.get_ifd(IFD.Exif)[Base.DateTimeOriginal] = "1885:01:01 00:00:00"
    made.get_ifd(IFD.GPSInfo)[1] = "N"
    reread = Image.Exif()
    reread.load(made.tobytes())
    return reread


def test_tags_are_read_back_and_the_pages_are_as_before(tiff):
    path, pages = tiff
    with path.open("r+b") as file:
        add_tags(file, lasting_tags(exif()))
    with Image.open(path) as image:
        assert image.getexif()[Base.Artist] == "Claude Monet"
        assert image.getexif()[Base.Copyright] == "none"
        assert image.getexif().get_ifd(IFD.Exif)[Base.DateTimeOriginal] == "1885:01:01 00:00:00"
        assert image.getexif().get_ifd(IFD.GPSInfo)[1] == "N"
    with tifffile.TiffFile(path) as file:
        assert len(file.pages) == 2
        assert (file.asarray() == pages).all()
        tags = [tag.code for tag in file.pages.first.tags]
        assert tags == sorted(set(tags))


def test_tag_that_is_there_is_replaced(tiff):
    path, pages = tiff
    with path.open("r+b") as file:
        add_tags(file, {Base.Artist: "nobody"})
        add_tags(file, {Base.Artist: "somebody with a long name"})
    with Image.open(path) as image:
        assert image.getexif()[Base.Artist] == "somebody with a long name"
    assert (tifffile.imread(path) == pages).all()
