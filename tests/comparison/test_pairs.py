"""Several pairs of pictures."""

import pytest

from sinct.comparison.pairs import compare_pairs, read_pairs
from sinct.errors import InputError


def test_pairs_give_a_summary_and_a_broken_one_is_told(tmp_path, pair):
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("name,painting,photo\nfirst,painting.png,photo.png\nsecond,absent.png,photo.png\n")
    done = compare_pairs(pairs, tmp_path / "out", names=[], isolate=False, device="cpu")
    assert (tmp_path / "out" / "summary.html").exists()
    assert (tmp_path / "out" / "first" / "report.html").exists()
    assert isinstance(done["second"], str)
    assert "absent.png" in done["second"]


def test_pairs_are_named_after_their_files(tmp_path):
    (tmp_path / "pairs.csv").write_text("painting,photo\na/monet.jpg,coast.jpg\n")
    rows = read_pairs(tmp_path / "pairs.csv")
    assert rows == {"monet--coast": {"painting": tmp_path / "a/monet.jpg", "photo": tmp_path / "coast.jpg"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs a first line 'painting,photo'"),
        ("a,b\n1,2\n", "needs a first line 'painting,photo'"),
        ("painting,photo\nmonet.jpg,\n", "line 2 of .* lacks a painting or a photo"),
        ("painting,photo\na.jpg,b.jpg\na.jpg,b.jpg\n", "line 3 of .* is taken or cannot be a folder's name"),
        ("name,painting,photo\n../x,a.jpg,b.jpg\n", "line 2 of .* is taken or cannot be a folder's name"),
    ],
)
def test_wrong_list_of_pairs_is_one_line(tmp_path, text, message):
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        read_pairs(tmp_path / "pairs.csv")
    assert "\n" not in str(caught.value)


def test_absent_list_of_pairs_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"cannot read the list of pairs .*: No such file"):
        read_pairs(tmp_path / "pairs.csv")
