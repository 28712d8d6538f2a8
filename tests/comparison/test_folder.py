"""The folder of a comparison."""

import pytest

from sinct.comparison.pairs import compare_pairs
from sinct.errors import OutputError
from sinct.runtime.locks import LOCK, alone
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


def test_two_comparisons_in_one_folder_are_one_line(tmp_path, pair):
    message = r"another sinct \(process \d+\) is working in .*out; .*give another `output`"
    with pytest.raises(OutputError, match=message):
        quick(
            pair, tmp_path / "out", names=[], on_stage=lambda stage: quick(pair, tmp_path / "out", names=[])
        )
    assert not (tmp_path / "out" / LOCK).exists()


def test_two_comparisons_of_pairs_in_one_folder_are_one_line(tmp_path, pair):
    (tmp_path / "pairs.csv").write_text("painting,photo\npainting.png,photo.png\n")
    with (
        alone(tmp_path / "out", "wait"),
        pytest.raises(OutputError, match=r"is working in .*out; .*`output`"),
    ):
        compare_pairs(tmp_path / "pairs.csv", tmp_path / "out", names=[], isolate=False, device="cpu")


def test_persons_file_named_lock_stays(tmp_path, pair):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "lock").write_text("mine")
    with pytest.raises(OutputError, match="is not empty and holds no comparison"):
        quick(pair, tmp_path / "out", names=[])
    assert (tmp_path / "out" / "lock").read_text() == "mine"
