"""What is asked for, and what comes back."""

import json
from dataclasses import replace

import pytest

from sinct.batch.jobs import SERIES, Job, Outcome, Request, distinct
from sinct.batch.settings import Settings
from tests.support.batch_fake import jobs_of

JOB = Job(
    "a", "pair", ("a.png",), ("b.jpg", "c.jpg"), "out/a.png", Settings("draft", 4, changes={"width": 8})
)


def test_two_jobs_never_write_the_same_file(make_picture, photo, tmp_path):
    (tmp_path / "paintings").mkdir()
    make_picture("paintings/a.png")
    make_picture("paintings/a.jpg")
    first, second = jobs_of(tmp_path / "paintings", tmp_path, photo=[photo])
    assert first.fault is None
    assert second.name != first.name
    assert "is also the output for" in second.fault
    assert "rename one" in second.fault


@pytest.mark.parametrize("names", [("a", "A", "a"), (SERIES, "b", "B"), ("a", "a (2)", "a")])
def test_jobs_have_names_of_their_own(names):
    made = distinct([replace(JOB, name=name, output=f"{number}.png") for number, name in enumerate(names)])
    assert len({job.name.casefold() for job in made} | {SERIES}) == 4
    assert not any(job.fault for job in made)


@pytest.mark.parametrize(
    "value",
    [
        JOB,
        Request(JOB, "key", "runs/a", "runs/shared", "cpu", 2, 10**9, 1, 3),
        Outcome("key", "why", True, True, ("dark",), {"steps": 4}, "0f"),
    ],
)
def test_what_travels_comes_back_from_json(value):
    assert type(value).from_json(json.loads(json.dumps(value.to_json()))) == value


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"key": "a", "warnings": [], "colour": 1}'])
def test_damaged_outcome_is_none(tmp_path, text):
    (tmp_path / "outcome.json").write_text(text)
    assert Outcome.load(tmp_path / "outcome.json") is None
    assert Outcome.load(tmp_path / "absent.json") is None
