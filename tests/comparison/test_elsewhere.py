"""Pictures that were made elsewhere."""

import json
import shutil

import pytest

from sinct.comparison import elsewhere, outcomes
from sinct.comparison.pairs import compare_pairs
from sinct.errors import ConfigError, InputError
from sinct.measures.evaluate import evaluate
from sinct.pictures.picture import read_picture
from sinct.runtime.files import file_key
from tests.support.comparison import CONTROLS, quick


def rows(done) -> dict:
    return {row.name: row for row in done.comparison.results}


@pytest.fixture
def other(make_picture):
    return make_picture("sdxl.png", 72, 60, seed=5)


def test_added_picture_is_shown_and_measured_as_evaluate_does(tmp_path, pair, other):
    done = quick(pair, tmp_path / "out", names=[], added={"SDXL 1.0": other})
    row = rows(done)["SDXL 1.0"]
    assert dict(row.measures) == pytest.approx(evaluate(*pair, [other], device="cpu").rows[str(other)])
    assert read_picture(tmp_path / "out" / row.file).pixels.equal(read_picture(other).pixels)
    page = done.report.read_text("utf-8")
    assert '<span class="tag">made elsewhere</span>' in page
    assert (row.elsewhere, row.counts, row.steps, row.seconds) == (True, True, None, None)


def test_stages_count_methods_alone(tmp_path, pair, other):
    stages = []
    quick(pair, tmp_path / "out", names=[], added={"SDXL": other}, on_stage=stages.append)
    assert {(stage.name, stage.index, stage.count) for stage in stages} == {
        *((name, index, 4) for index, name in enumerate(CONTROLS)), ("measuring", 3, 4)
    }  # fmt: skip


def test_what_is_told_of_an_added_picture_is_in_its_row(tmp_path, pair, other):
    told = {"SDXL": {"steps": 30, "seconds": 12, "source": "Podell et al. 2023"}}
    row = rows(quick(pair, tmp_path / "out", names=[], added={"SDXL": other}, settings=told))["SDXL"]
    assert (row.steps, row.seconds, row.source) == (30, 12, "Podell et al. 2023")


def test_added_picture_stays_until_it_is_replaced_or_left_out(
    tmp_path, pair, other, make_picture, monkeypatch
):
    quick(pair, tmp_path / "out", names=[], added={"SDXL": other})
    monkeypatch.setattr(outcomes, "perform", lambda *_args, **_options: pytest.fail("was done before"))
    other.unlink()
    again = rows(quick(pair, tmp_path / "out", names=[]))["SDXL"]
    assert again.kept
    newer = make_picture("newer.png", 72, 60, seed=6)
    replaced = rows(quick(pair, tmp_path / "out", names=[], added={"SDXL": newer}))["SDXL"]
    assert not replaced.kept
    assert replaced.measures != again.measures
    assert list(rows(quick(pair, tmp_path / "out", names=[], without=["SDXL"]))) == CONTROLS
    assert not list((tmp_path / "out" / "results").glob("added-*"))


def test_added_picture_of_another_size_is_fitted_with_a_warning(tmp_path, pair, make_picture):
    small = make_picture("small.png", 36, 30)
    row = rows(quick(pair, tmp_path / "out", names=[], added={"small": small}))["small"]
    assert "was resized from 36x30 to 72x60 px" in row.warnings[0]
    assert read_picture(tmp_path / "out" / row.file).pixels.shape == (3, 60, 72)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sinct", "'sinct' is the name of a method; give the picture made elsewhere another name"),
        ("WCT²", "is the name of a method"),
        ("All", "is the name of a method"),
        ("", "cannot name a picture; give 1 to 60 letters"),
        ("a,b", "cannot name a picture"),
        ("a\nb", "cannot name a picture"),
        ("x" * 61, "cannot name a picture"),
    ],
)
def test_names_that_clash_or_cannot_be_shown_are_refused(tmp_path, pair, other, name, message):
    with pytest.raises(ConfigError, match=message) as caught:
        quick(pair, tmp_path / "out", names=[], added={name: other})
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "told", [{"steps": "many"}, {"steps": 1.5}, {"seconds": -1}, {"file": "x"}, {"source": 3}]
)
def test_wrong_word_about_an_added_picture_is_refused(tmp_path, pair, other, told):
    with pytest.raises(ConfigError, match="give steps, a whole number, seconds, or source, a text"):
        quick(pair, tmp_path / "out", names=[], added={"SDXL": other}, settings={"SDXL": told})


def test_added_picture_of_another_shape_is_refused_before_any_work(tmp_path, pair, make_picture):
    square = make_picture("square.png", 60, 60)
    with pytest.raises(InputError, match="is 60x60 px, the painting 72x60 px: not the same shape"):
        quick(pair, tmp_path / "out", names=[], added={"square": square})
    assert not (tmp_path / "out").exists()


def test_folder_for_a_single_pair_is_refused(tmp_path, pair):
    with pytest.raises(InputError, match="is a folder; give a picture for a single pair"):
        quick(pair, tmp_path / "out", names=[], added={"SDXL": tmp_path})


def test_names_that_look_alike_have_files_of_their_own():
    assert len({file_key(name) for name in ("a b", "a-b", "a/b", "张", "千", "..")}) == 6


def test_damaged_entry_is_left_out(tmp_path, pair, other):
    quick(pair, tmp_path / "out", names=[], added={"SDXL": other})
    (place,) = (tmp_path / "out" / "work" / "added").glob("*.json")
    place.write_text(json.dumps({"name": "../../x", "file": 3}))
    assert list(rows(quick(pair, tmp_path / "out", names=[]))) == CONTROLS


def test_pairs_take_their_pictures_from_a_folder_by_name(tmp_path, pair, other):
    (tmp_path / "pairs.csv").write_text(
        "name,painting,photo\na,painting.png,photo.png\nb,painting.png,photo.png\n"
    )
    (tmp_path / "sdxl").mkdir()
    shutil.copy(other, tmp_path / "sdxl" / "a.png")
    done = compare_pairs(
        tmp_path / "pairs.csv", tmp_path / "out", names=[], isolate=False, device="cpu",
        added={"SDXL": tmp_path / "sdxl"},
    )  # fmt: skip
    assert rows(done["a"])["SDXL"].file
    assert rows(done["b"])["SDXL"].reason == "there is no picture made elsewhere for this pair"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (None, "is no folder; for several pairs, give one with a picture named after each, such as a.png"),
        ([], "has no picture named after a pair; name them after the pairs, such as a.png"),
        (["a.png", "a.jpg"], "has 2 pictures of the pair a; leave one"),
    ],
)
def test_folder_without_the_pairs_pictures_is_one_line(tmp_path, files, message):
    if files is not None:
        (tmp_path / "sdxl").mkdir()
        for name in files:
            (tmp_path / "sdxl" / name).touch()
    with pytest.raises(InputError, match=message):
        elsewhere.of_pairs({"SDXL": tmp_path / "sdxl"}, ["a", "b"])
