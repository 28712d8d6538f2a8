"""What tests of pictures share."""

from pathlib import Path

import pytest

from sinct.pictures.picture import (
    Picture,
    read_picture,
)
from tests.support.picture_files import Read


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_bytes(data: bytes) -> Picture:
        path = tmp_path / "picture"
        path.write_bytes(data)
        return read_picture(path)

    return read_bytes
