import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.variations import trained_in


class Here(NamedTuple):
    """Paths of one job."""

    painting: Path
    photo: Path
    output: Path


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with two pictures and two trained candidates."""
    return trained_in(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def here(finished, tmp_path):
    """The paths of a copy of that folder: painting, photo and output."""
    folder = shutil.copytree(finished, tmp_path / "here")
    return Here(folder / "painting.png", folder / "photo.png", folder / "out.png")
