"""Methods that were finished by an earlier call in the same folder."""

import json

import pytest

from sinct.comparison import outcomes
from sinct.comparison.kept import difference
from sinct.errors import ConfigError
from tests.support.comparison import CONTROLS, make_request, quick, stand_in


def names(done) -> list[str]:
    return [row.name for row in done.comparison.results]


def test_finished_methods_stay_in_the_report_when_others_are_asked_for(tmp_path, pair, monkeypatch):
    first = quick(pair, tmp_path / "out", names=["gpnn"])
    asked: list[str] = []
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0], asked))
    again = quick(pair, tmp_path / "out", names=["gpdm"])
    assert asked == ["gpdm"]
    assert names(again) == [*CONTROLS, "gpdm", "gpnn"]
    row = again.comparison.results[-1]
    assert (row.kept, row.differs) == (True, "")
    assert row.measures == first.comparison.results[-1].measures
    assert (tmp_path / "out" / "results" / "gpnn.png").exists()
    assert "earlier call" in again.report.read_text("utf-8")


def test_finished_method_is_left_out_on_purpose_and_comes_back(tmp_path, pair, monkeypatch):
    quick(pair, tmp_path / "out", names=["gpnn"])
    monkeypatch.setattr(outcomes, "perform", lambda *_args, **_options: pytest.fail("was done before"))
    assert names(quick(pair, tmp_path / "out", names=[], without=["gpnn"])) == CONTROLS
    assert not (tmp_path / "out" / "results" / "gpnn.png").exists()
    assert names(quick(pair, tmp_path / "out", names=[])) == [*CONTROLS, "gpnn"]
    assert (tmp_path / "out" / "results" / "gpnn.png").exists()


def test_method_left_out_does_not_run(tmp_path, pair, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0], asked))
    quick(pair, tmp_path / "out", names=["gpdm", "gpnn"], without=["gpdm"])
    assert asked == [*CONTROLS, "gpnn"]


def test_method_finished_on_other_terms_is_told_and_not_ranked(tmp_path, pair, monkeypatch):
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0]))
    quick(pair, tmp_path / "out", names=["wct2"], random_weights=True, seconds=60)
    again = quick(pair, tmp_path / "out", names=[], random_weights=True, seconds=5)
    row = again.comparison.results[-1]
    assert row.differs == "60 s of time instead of 5 s of time"
    assert not row.counts
    assert "was finished by an earlier call with 60 s of time" in again.report.read_text("utf-8")


@pytest.mark.parametrize("damage", ["reason", "request", "picture"])
def test_what_is_not_finished_is_not_kept(tmp_path, pair, damage):
    quick(pair, tmp_path / "out", names=["gpnn"])
    folder = tmp_path / "out" / "work" / "gpnn"
    if damage == "reason":
        values = json.loads((folder / "outcome.json").read_text()) | {"reason": "out of memory"}
        (folder / "outcome.json").write_text(json.dumps(values))
    elif damage == "request":
        (folder / "request.json").write_text('{"method": 3}')
    else:
        (folder / "output.png").unlink()
    assert names(quick(pair, tmp_path / "out", names=[])) == CONTROLS


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({}, ""),
        ({"method": "gpdm", "settings": {"steps": 3}, "weights_dir": None}, ""),
        ({"seed": 4}, "seed 4 instead of seed 0"),
        ({"seconds": 90, "version": "0.1.0"}, "90 s of time instead of no limit to the time, sinct 0.1.0 instead"),
        ({"iterations": None}, "no limit to the iterations instead of 1 iteration at most"),
        ({"regions": ("a", "b"), "sha256": ("", "", "c" * 64, "d" * 64)}, "region maps cccccccc-dddddddd instead"),
    ],
)  # fmt: skip
def test_other_terms_are_told_in_words(tmp_path, pair, change, text):
    now = make_request(tmp_path, pair, "gpnn")
    found = difference(make_request(tmp_path, pair, **{"method": "gpnn", **change}), now)
    assert found.startswith(text)
    assert bool(found) == bool(text)


@pytest.mark.parametrize(
    ("without", "message"),
    [(["pix2pix"], "unknown method 'pix2pix'"), (["photo"], "photo cannot be left out; controls always run")],
)
def test_wrong_names_to_leave_out_are_refused(tmp_path, pair, without, message):
    with pytest.raises(ConfigError, match=message):
        quick(pair, tmp_path / "out", names=[], without=without)
