"""The bar chart of shares of classes."""

import pytest
from matplotlib.patches import Rectangle
from PIL import Image

from sinct.errors import OutputError
from sinct.report.share_chart import FORMATS, check_chart, draw_shares, write_shares

SHARES = {
    "horses": {"horse": 17.9, "zebra": 0.2},
    "zebras": {"horse": 0.5, "zebra": 36.8},
    "CUT": {"horse": 1.0, "zebra": 31.0},
}
CLASSES = ("horse", "zebra")


def test_bars_are_as_long_as_the_shares_and_stand_behind_one_another():
    (axes,) = draw_shares(SHARES, CLASSES).axes
    bars = [each for each in axes.patches if isinstance(each, Rectangle)]
    assert [bar.get_width() for bar in bars] == pytest.approx(
        [s[c] for c in CLASSES for s in SHARES.values()]
    )
    assert [bar.get_x() for bar in bars] == pytest.approx([0, 0, 0, 17.9, 0.5, 1.0])


def test_sums_are_written_at_the_bars_ends():
    (axes,) = draw_shares(SHARES, CLASSES).axes
    assert [text.get_text().strip() for text in axes.texts] == ["18.1 %", "37.3 %", "32.0 %"]


def test_folders_stand_from_top_to_bottom_by_name():
    (axes,) = draw_shares(SHARES, CLASSES).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == list(SHARES)
    assert axes.yaxis_inverted()


def test_names_with_dollars_are_no_formulas(tmp_path):
    write_shares(tmp_path / "a.svg", {"a$b$_c": {"horse": 1.0}}, ["horse"])


def test_long_names_leave_room_for_bars():
    (axes,) = draw_shares({"n" * 200: {"horse": 1.0}}, ["horse"]).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["n" * 39 + "…"]


def test_a_share_of_nothing_is_drawn(tmp_path):
    write_shares(tmp_path / "a.png", {"a": {"horse": 0.0}}, ["horse"])
    with Image.open(tmp_path / "a.png") as image:
        assert image.width == 1200


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_shares_give_the_same_bytes(tmp_path, suffix):
    paths = [tmp_path / f"{n}{suffix}" for n in range(2)]
    for path in paths:
        write_shares(path, SHARES, CLASSES)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(
    ("name", "message"), [("a.jpg", "is no chart; give a name"), ("a.png", "already exists")]
)
def test_charts_that_cannot_be_written_are_refused_before_the_work(tmp_path, name, message):
    (tmp_path / "a.png").write_text("mine")
    with pytest.raises(OutputError, match=message):
        check_chart(tmp_path / name, overwrite=False)
