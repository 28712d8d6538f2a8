"""How long a training is: in steps, by the clock, both, or not at all."""

import json
import re
from types import SimpleNamespace

import pytest
from PIL import Image

import sinct
from sinct.training.loop import share_done


@pytest.fixture
def pair(make_picture):
    return make_picture("painting.png", seed=0), make_picture("photo.png", 64, 50, seed=1)


@pytest.fixture
def second_a_step(monkeypatch):
    """Let every step take a second."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("sinct.training.loop.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


@pytest.mark.parametrize(
    ("steps", "seconds", "share"),
    [
        (100, None, 0.2),
        (None, 50.0, 0.6),
        (100, 50.0, 0.6),
        (100, 3000.0, 0.2),
        (100, 1.0, 1.0),
        (0, None, 1.0),
    ],
)
def test_share_is_the_larger_of_steps_and_time(steps, seconds, share):
    assert share_done(20, 30.0, steps=steps, seconds=seconds) == share


def test_training_without_steps_is_done_before_it_begins():
    assert share_done(0, 0.0, steps=0, seconds=None) == 1


def test_time_ends_a_training_and_its_learning_rate_before_the_steps_are_done(
    pair, tiny, tmp_path, second_a_step
):
    fractions = []
    done = sinct.train(
        *pair, tmp_path / "run", config=tiny.replace(steps=100, seconds=10.0),
        on_progress=lambda progress: fractions.append((progress.step, progress.fraction)),
    )  # fmt: skip
    assert (done.steps, done.planned) == (10, 100)
    assert done.capped
    assert done.finished
    assert fractions == [(5, 0.5), (10, 1.0)]


def test_steps_end_a_training_before_its_time_is_up(pair, tiny, tmp_path, second_a_step):
    done = sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=4, seconds=10.0))
    assert (done.steps, done.planned, done.capped, done.finished) == (4, 4, False, True)


def test_interrupted_training_is_not_capped(pair, tiny, tmp_path):
    asked = iter([False, False, True])
    config = tiny.replace(seconds=1000.0)
    done = sinct.train(*pair, tmp_path / "run", config=config, should_stop=lambda: next(asked))
    assert (done.capped, done.finished) == (False, False)


def test_capped_run_resumes_to_all_its_steps(pair, tiny, tmp_path, second_a_step):
    config = tiny.replace(steps=8, seconds=3.0)
    sinct.train(*pair, tmp_path / "run", config=config)
    again = sinct.train(*pair, tmp_path / "run", resume=True)  # its time is up: nothing to do
    assert (again.steps, again.capped) == (3, True)
    longer = sinct.train(*pair, tmp_path / "run", config=config.replace(seconds=6.0), resume=True)
    assert (longer.steps, longer.capped) == (6, True)
    done = sinct.train(*pair, tmp_path / "run", config=config.replace(seconds=None), resume=True)
    assert (done.steps, done.capped, done.finished) == (8, False, True)


def test_time_that_is_not_reached_changes_no_weight(pair, tiny, tmp_path):
    config = tiny.replace(steps=6)
    sinct.translate(*pair, tmp_path / "a.png", config=config)
    asked = iter([False] * 3 + [True])
    capped = config.replace(seconds=10_000.0)
    sinct.translate(*pair, tmp_path / "b.png", config=capped, should_stop=lambda: next(asked))
    done = sinct.translate(*pair, tmp_path / "b.png", resume=True)
    assert done.training.steps == 6
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("patience", [0.0, 1.0])
def test_without_training_there_are_a_picture_a_model_and_a_preview(
    patience, pair, tiny_warm_start, tmp_path
):
    events = []
    config = tiny_warm_start.replace(steps=0, patience=patience)
    done = sinct.translate(*pair, tmp_path / "out.png", config=config, on_progress=events.append)
    assert (done.training.steps, done.training.kept, done.training.finished) == (0, 0, True)
    assert not done.training.capped
    assert events == []
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (60, 45)
    run = tmp_path / "out.sinct"
    assert {path.name for path in run.iterdir()} == {
        "config.json", "checkpoint.safetensors", "model.safetensors", "preview.png",
    }  # fmt: skip
    sinct.apply(run, pair[0], tmp_path / "again.png")
    assert (tmp_path / "again.png").exists()


def test_training_may_follow_where_there_was_none(pair, tiny_warm_start, tmp_path):
    sinct.train(*pair, tmp_path / "straight", config=tiny_warm_start)
    sinct.train(*pair, tmp_path / "run", config=tiny_warm_start.replace(steps=0))
    done = sinct.train(*pair, tmp_path / "run", config=tiny_warm_start, resume=True)
    assert done.steps == 4
    models = [(tmp_path / name / "checkpoint.safetensors").read_bytes() for name in ("straight", "run")]
    tensors = [
        model[8 + int.from_bytes(model[:8], "little") :] for model in models
    ]  # the header holds the time
    assert tensors[0] == tensors[1]


def test_overwriting_a_run_without_training_leaves_no_old_log(pair, tiny_warm_start, tmp_path):
    sinct.train(*pair, tmp_path / "run", config=tiny_warm_start)
    sinct.train(*pair, tmp_path / "run", config=tiny_warm_start.replace(steps=0), overwrite=True)
    assert not (tmp_path / "run" / "log.jsonl").exists()
    assert not (tmp_path / "run" / "losses.png").exists()


def test_first_report_says_what_the_training_will_take(pair, tiny, tmp_path):
    events = []
    sinct.train(
        *pair, tmp_path / "run", config=tiny.replace(steps=20), preset="draft", on_progress=events.append
    )
    assert [event.step for event in events if event.outlook] == [5]
    assert re.fullmatch(
        r"[\d.]+ s a step on this machine: draft, 20 steps, about \d+ seconds?", events[0].outlook
    )
    assert set(events[0].losses) == set(events[1].losses)
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [10, 20]


def test_training_that_ends_with_its_first_steps_has_no_outlook(pair, tiny, tmp_path):
    events = []
    sinct.train(*pair, tmp_path / "run", config=tiny.replace(steps=5), on_progress=events.append)
    assert [event.outlook for event in events] == [None]


def test_run_of_an_earlier_version_keeps_its_length_by_the_clock(pair, tiny, tmp_path, second_a_step):
    config = tiny.replace(steps=None, seconds=6.0)
    asked = iter([False] * 2 + [True])
    sinct.train(*pair, tmp_path / "run", config=config, should_stop=lambda: next(asked))
    stored = json.loads((tmp_path / "run" / "config.json").read_text())["config"]
    assert (stored["steps"], stored["seconds"]) == (None, 6.0)
    done = sinct.train(*pair, tmp_path / "run", resume=True)
    assert (done.steps, done.planned, done.capped, done.finished) == (6, None, False, True)
