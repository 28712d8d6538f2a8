"""The folder of a comparison."""

import pytest

from sinct.errors import OutputError
from tests.support.comparison import quick


def test_other_pictures_are_refused_and_replaced_when_asked(tmp_path, pair):
    quick(pair, tmp_path / "out", names=[])
    with pytest.raises(OutputError, match="holds a comparison of other pictures; give another `output`"):
        quick(pair[::-1], tmp_path / "out", names=[])
    done = quick(pair[::-1], tmp_path / "out", names=[], overwrite=True)
    assert done.comparison.painting.name == "photo.png"


def test_foreign_folder_is_refused(tmp_path, pair):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and holds no comparison; give another `output`"):
        quick(pair, tmp_path / "out", names=[], overwrite=True)
