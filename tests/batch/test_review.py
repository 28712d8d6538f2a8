"""Verdicts on pictures, and what is made anew after them."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import sinct
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import SERIES
from sinct.batch.ledger import Verdict, ledger_path, read_entries, run_folder
from sinct.batch.listing import export, facts
from sinct.batch.review import judge, only, other_seed, sharing, to_retry, undecided
from tests.support.batch_example import SEVEN, make_entry
from tests.support.batch_fake import SETTINGS, Fake, failing

ACCEPTED, REJECTED = Verdict.accepted, Verdict.rejected
OTHER = replace(SETTINGS, steps=8)


def verdicts(out):
    return {entry.name: entry.verdict for entry in read_entries(ledger_path(out))}


def seeds(workers):
    return {request.job.name: request.job.settings.seed for request in workers.requests}


def test_verdicts_are_kept_and_taken_back(collection, out):
    run_batch(collection(), out, Fake())
    judge(out, ["p0"], ACCEPTED)
    assert [entry.verdict for entry in judge(out, ["p1", "p2"], REJECTED)] == [ACCEPTED, REJECTED, REJECTED]
    judge(out, ["p2"], None)
    run_batch(collection(), out, Fake())
    assert verdicts(out) == {"p0": ACCEPTED, "p1": REJECTED, "p2": None}
    assert undecided(read_entries(ledger_path(out))) == ["p2"]


def test_only_finished_pictures_are_judged_all_or_none(collection, out):
    run_batch(collection(), out, Fake({"p1": [failing()]}))
    for names, message in ((["p0", "p1"], "p1 is failed"), (["p0", "nobody"], "no job 'nobody'")):
        with pytest.raises(sinct.InputError, match=message):
            judge(out, names, ACCEPTED)
    assert set(verdicts(out).values()) == {None}


def test_a_note_is_kept_on_one_line_and_ends_with_its_verdict(collection, out):
    run_batch(collection(), out, Fake())
    judge(out, ["p0", "p1"], REJECTED, "  sky\n too dark ")
    assert [entry.note for entry in judge(out, ["p1"], None)] == ["sky too dark", "", ""]
    summary = run_batch(None, out, Fake(), again=["p0"])
    assert [entry.note for entry in summary.entries] == ["", "", ""]


def test_a_note_that_is_too_long_is_refused_with_its_verdict(collection, out):
    run_batch(collection(), out, Fake())
    with pytest.raises(sinct.InputError, match="the note has 1001 characters; write at most 1000"):
        judge(out, ["p0"], REJECTED, "x" * 1001)
    assert set(verdicts(out).values()) == {None}


def test_judging_where_there_is_no_batch_makes_none(tmp_path):
    with pytest.raises(sinct.InputError, match="holds no batch"):
        judge(tmp_path, ["p0"], ACCEPTED)
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_judged_while_the_batch_runs(collection, out):
    class Judging(Fake):
        def start(self, request, need):
            if request.job.name == "p2":
                judge(out, ["p0"], REJECTED)
            super().start(request, need)

    run_batch(collection(), out, Judging())
    assert verdicts(out) == {"p0": REJECTED, "p1": None, "p2": None}


def test_what_failed_or_was_rejected_is_retried_and_only_the_rejected_get_another_seed(collection, out):
    run_batch(collection(), out, Fake({"p1": [failing()]}))
    judge(out, ["p0"], REJECTED)
    again = to_retry(read_entries(ledger_path(out)))
    assert again == ["p0", "p1"]
    workers = Fake()
    summary = run_batch(None, out, workers, again=again)
    assert seeds(workers) == {"p0": 1, "p1": 0}
    assert verdicts(out)["p0"] is None
    assert [entry.figures["seed"] for entry in summary.entries] == [1, 0, 0]


def test_another_seed_holds_until_the_collection_asks_for_another(collection, out):
    run_batch(collection(), out, Fake())
    judge(out, ["p0"], REJECTED)
    run_batch(None, out, Fake(), again=["p0"])
    assert run_batch(collection(), out, Fake()).made == ()
    workers = Fake()
    run_batch(collection(OTHER), out, workers)
    assert seeds(workers) == {"p0": 1, "p1": 0, "p2": 0}
    run_batch(collection(replace(SETTINGS, seed=7)), out, workers)
    assert seeds(workers) == {"p0": 7, "p1": 7, "p2": 7}


def test_each_rejection_gives_a_seed_that_was_not_tried(collection, out):
    run_batch(collection(), out, Fake())
    for seed in (1, 2, 3):
        judge(out, ["p0"], REJECTED)
        workers = Fake()
        run_batch(None, out, workers, again=["p0"])
        assert seeds(workers) == {"p0": seed}


def test_other_seeds_are_none_that_a_job_on_the_same_pictures_has():
    entries = [
        make_entry("a", "a.png", ("b.png",), settings=replace(SEVEN, seed=seed)) for seed in (2**63 - 1, 0, 1)
    ]
    assert other_seed(entries[0], [*entries, make_entry("c", "c.png", settings=replace(SEVEN, seed=2))]) == 2


def test_rejected_picture_stays_until_it_is_retried(collection, out):
    run_batch(collection(), out, Fake())
    judge(out, ["p0"], REJECTED)
    assert run_batch(collection(), out, Fake()).made == ()
    assert verdicts(out)["p0"] is REJECTED


def test_accepted_picture_stays_whatever_changes_and_that_is_told(collection, out, make_picture):
    run_batch(collection(), out, Fake())
    judge(out, ["p0", "p1"], ACCEPTED)
    before = (out / "p0.png").read_text()
    summary = run_batch(collection(OTHER), out, Fake())
    assert (summary.made, summary.kept) == (("p2",), ("p0", "p1"))
    assert (out / "p0.png").read_text() == before
    make_picture("paintings/p0.png", seed=5)
    summary = run_batch(collection(), out, Fake())
    assert (summary.made, summary.kept) == (("p2",), ("p0",))


def test_accepted_picture_that_is_gone_or_named_is_made_anew(collection, out):
    run_batch(collection(), out, Fake())
    judge(out, ["p0", "p1"], ACCEPTED)
    (out / "p0.png").unlink()
    assert run_batch(collection(), out, Fake(), again=["p1"]).made == ("p0", "p1")
    assert set(verdicts(out).values()) == {None}


def test_rejected_series_gets_another_seed_and_takes_along_what_is_not_accepted(collection, out):
    run_batch(collection(shared_model=True), out, Fake())
    judge(out, [SERIES, "p0"], REJECTED)
    judge(out, ["p1"], ACCEPTED)
    entries = read_entries(ledger_path(out))
    assert (to_retry(entries), sharing(entries)) == ([SERIES], ["p0"])
    workers = Fake()
    summary = run_batch(None, out, workers, again=[SERIES])
    assert seeds(workers) == {SERIES: 1, "p0": 0, "p2": 0}
    assert summary.kept == ("p1",)


def test_rejected_picture_of_a_series_cannot_have_a_seed_of_its_own(collection, out):
    run_batch(collection(shared_model=True), out, Fake())
    judge(out, ["p0"], REJECTED)
    with pytest.raises(sinct.InputError, match="was made with shared-model, so it would come out the same"):
        run_batch(None, out, Fake(), again=["p0"])
    with pytest.raises(sinct.InputError, match="shared-model is a model"):
        judge(out, [SERIES], ACCEPTED)


# Lists


def test_list_of_jobs_has_what_a_page_shows(collection, out):
    summary = run_batch(collection(), out, Fake({"p1": [failing("torn canvas")]}))
    judge(out, ["p0"], ACCEPTED)
    first, second, _ = [facts(entry, out) for entry in read_entries(ledger_path(out))]
    assert (first["state"], first["verdict"], first["seed"]) == ("done", "accepted", 0)
    assert first["shown"] == first["output"] == str(out / "p0.png")
    assert first["started"] <= first["ended"]
    assert (second["state"], second["error"], second["shown"]) == ("failed", "torn canvas", None)
    preview = run_folder(out, "p1") / "run" / "preview.png"
    preview.parent.mkdir(parents=True)
    preview.touch()
    assert facts(summary.entries[1], out)["shown"] == str(preview)


def test_jobs_are_chosen_by_their_verdicts(collection, out):
    run_batch(collection(), out, Fake({"p2": [failing()]}))
    entries = judge(out, ["p1"], REJECTED)
    named = {which: [entry.name for entry in only(entries, which)] for which in ("rejected", "undecided")}
    assert named == {"rejected": ["p1"], "undecided": ["p0"]}
    with pytest.raises(sinct.ConfigError, match="choose one of accepted, rejected, undecided"):
        only(entries, "good")


def test_jobs_are_exported_with_their_verdicts(collection, out, tmp_path):
    run_batch(collection(), out, Fake())
    entries = judge(out, ["p1"], REJECTED, "=too dark")
    export(tmp_path / "a.csv", entries, out)
    export(tmp_path / "a.json", entries, out)
    rows = csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text("utf-8-sig"), newline=""))
    assert [(row["verdict"], row["note"]) for row in rows] == [("", ""), ("rejected", "'=too dark"), ("", "")]
    listed = json.loads((tmp_path / "a.json").read_text("utf-8"))["jobs"]
    assert [(job["verdict"], job["note"]) for job in listed] == [
        (None, ""),
        ("rejected", "=too dark"),
        (None, ""),
    ]
    with pytest.raises(sinct.ConfigError, match=r"ends in \.csv or \.json"):
        export(Path("a.xls"), entries, out)
