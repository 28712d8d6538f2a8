"""What the tests of batches share."""

import pytest

from sinct.batch.collection import read_collection
from tests.support.batch_fake import SETTINGS, make_collection


@pytest.fixture
def collection(make_picture, tmp_path):
    """The jobs of three paintings and a photo, read anew at each call."""
    make_collection(make_picture, tmp_path, "p{}")

    def jobs(settings=SETTINGS, **options):
        options = {"photo": [str(tmp_path / "photo.png")], **options}
        return read_collection(
            str(tmp_path / "paintings"), str(tmp_path / "out"), settings, cache=tmp_path / "cache", **options
        )

    return jobs


@pytest.fixture
def out(tmp_path):
    """Folder of a batch that is not there yet."""
    return tmp_path / "out"


@pytest.fixture
def folder(make_picture, tmp_path):
    """Two paintings, one in a sub-folder and with an umlaut, a hidden one, and something else."""
    place = tmp_path / "paintings"
    (place / "früh").mkdir(parents=True)
    make_picture("paintings/monet.png")
    make_picture("paintings/früh/étretat 1.JPG")
    make_picture("paintings/.hidden.png")
    (place / "notes.txt").write_text("no picture")
    return place


@pytest.fixture
def photo(make_picture):
    """Path of a photo."""
    return str(make_picture("photo.png"))
