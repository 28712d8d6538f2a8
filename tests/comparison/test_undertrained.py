"""Methods that had too few steps."""

import csv
import json

import pytest

from sinct.comparison.methods import Work
from sinct.comparison.undertrained import undertrained
from sinct.comparison.worker import Outcome
from sinct.report.results import Comparison
from tests.support.comparison import quick


@pytest.mark.parametrize(
    ("work", "text"),
    [
        ((), None),
        ((Work(0, 0),), None),
        ((Work(40, 100),), None),
        ((Work(900, 100),), None),
        ((Work(39, 100),), "only 39 of the 100 steps that it needs, less than 40%"),
        ((Work(1, 250),), "only 1 of the 250 steps that it needs, less than 40%"),
        (
            (Work(200, 200), Work(1, 200), Work(3, 200)),
            "only 1 of the 200 steps that it needs at scale 2 of 3,",
        ),
        ((Work(1000, 100_000),), "only 1,000 of the 100,000 steps that it needs"),
    ],
)
def test_a_method_needs_its_share_of_steps_at_every_scale(work, text):
    found = undertrained(work)
    assert (found is None) if text is None else found.startswith(text)


def test_the_cure_of_too_few_steps_is_more_of_them_and_no_seed():
    line = undertrained([Work(1, 100)])
    assert line.endswith("give it more steps or time")
    assert "seed" not in line


@pytest.fixture(scope="module")
def tried(tmp_path_factory):
    """A comparison with one iteration at each scale of two methods."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("tried")
    for name, size in (("painting.png", (72, 60)), ("photo.png", (80, 64))):
        Image.linear_gradient("L").resize(size).convert("RGB").save(folder / name)
    pair = folder / "painting.png", folder / "photo.png"
    done = quick(pair, folder / "out", names=["gpdm", "gpnn"], settings={"gpdm": {"steps": 1}})
    return folder / "out", {row.name: row for row in done.comparison.results}


def test_a_try_of_one_iteration_is_undertrained_whatever_the_settings_ask_for(tried):
    _, rows = tried
    assert (rows["gpdm"].steps, rows["gpdm"].steps_needed) == (1, 200)
    assert (rows["gpnn"].steps, rows["gpnn"].steps_needed) == (1, 10)
    assert rows["gpdm"].undertrained
    assert rows["gpnn"].undertrained


def test_training_takes_less_time_than_all_with_loading(tried):
    _, rows = tried
    assert 0 < rows["gpdm"].training_seconds < rows["gpdm"].seconds


def test_a_method_in_closed_form_has_neither_steps_nor_training(tried):
    _, rows = tried
    row = rows["colour_transfer"]
    assert (row.steps, row.steps_needed, row.training_seconds, row.undertrained) == (None, None, None, None)


def test_undertrained_methods_are_told_and_marked_as_best_nowhere(tried):
    folder, _ = tried
    page = (folder / "report.html").read_text("utf-8")
    assert "<strong>Undertrained:</strong> GPDM took only 1 of the 200 steps" in page
    assert '<span class="hidden"> best</span>' not in page
    source = (folder / "table.tex").read_text("utf-8")
    assert r"GPDM$^\ddagger$" in source
    assert not any(mark in line for line in source.split("\n") for mark in (r"\textbf{", r"\underline{"))
    lines = (folder / "table.csv").read_text("utf-8").splitlines()
    rows = {row["method"]: row for row in csv.DictReader(lines)}
    assert [rows[name]["undertrained"] for name in ("gpdm", "colour_transfer")] == ["true", "false"]


def test_results_without_steps_are_read(tried):
    """As version 0.2 wrote them."""
    folder, rows = tried
    new = ("training_seconds", "steps", "steps_needed", "need", "undertrained")
    stored = json.loads((folder / "results.json").read_text("utf-8"))
    stored["results"] = [{k: v for k, v in row.items() if k not in new} for row in stored["results"]]
    (folder.parent / "old.json").write_text(json.dumps(stored))
    found = Comparison.load(folder.parent / "old.json")
    assert [row.name for row in found.results] == list(rows)


def test_outcome_without_steps_is_read_and_its_method_not_ranked(tmp_path, pair):
    """As version 0.2 wrote it."""
    first = quick(pair, tmp_path / "out", names=["gpnn"])
    place = tmp_path / "out" / "work" / "gpnn" / "outcome.json"
    stored = json.loads(place.read_text())
    place.write_text(json.dumps({k: v for k, v in stored.items() if k not in ("work", "training_seconds")}))
    assert Outcome.load(place) is not None
    again = quick(pair, tmp_path / "out", names=["gpnn"])
    rows = [done.comparison.results[-1] for done in (first, again)]
    assert [row.steps for row in rows] == [1, None]
    assert rows[1].steps_unknown
    assert not rows[1].counts
