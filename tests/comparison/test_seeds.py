"""Several seeds: means and spread."""

import csv
import dataclasses
import statistics

import pytest
import torch

from sinct.comparison import methods, outcomes
from sinct.comparison.methods import Job
from sinct.comparison.seeds import combined, places
from sinct.errors import ConfigError
from sinct.report.results import Comparison, MethodResult
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights
from tests.support.comparison import quick, stand_in


def run(seed: int, value: float, **changes) -> MethodResult:
    given = {"file": f"results/a-{seed}.png", "seconds": 10.0 + seed, "steps": 100 + seed, "memory": 5 + seed}
    return MethodResult("a", "A", "", False, seed=seed, measures={"gram": value}, **{**given, **changes})


def test_measures_times_and_steps_are_means_with_deviations():
    (row,) = combined([run(0, 1.0), run(1, 2.0), run(2, 6.0)])
    assert row.measures == {"gram": 3.0}
    assert row.deviations["gram"] == pytest.approx(statistics.stdev([1, 2, 6]))
    assert (row.seconds, row.deviations["seconds"]) == (11.0, 1.0)
    assert (row.steps, row.memory, row.file) == (101, 7, "results/a-0.png")
    assert [each.seed for each in row.runs] == [0, 1, 2]


def test_a_single_run_stays_as_it_is():
    assert combined([run(0, 1.0)]) == (run(0, 1.0),)


def test_one_undertrained_run_makes_its_method_undertrained():
    (row,) = combined([run(0, 1.0), run(1, 2.0, undertrained="only 1 of the 9 steps")])
    assert row.undertrained == "only 1 of the 9 steps"


def test_failed_run_is_told_and_not_in_the_mean():
    failed = dataclasses.replace(
        run(1, 2.0), file=None, reason="no memory", measures={}, seconds=None, steps=None
    )
    (row,) = combined([failed, run(2, 3.0), run(3, 5.0)])
    assert (row.measures["gram"], row.file) == (4.0, "results/a-2.png")
    assert row.warnings == ("seed 1: no picture: no memory",)
    assert combined([failed, failed])[0].reason == "no memory"


@pytest.mark.parametrize(
    ("name", "random_weights", "count"),
    [
        ("sinct", False, 3),
        ("colour_transfer", False, 3),
        ("photo", True, 1),
        ("wct2", False, 1),
        ("wct2", True, 3),
    ],
)
def test_only_methods_that_draw_random_numbers_run_several_times(name, random_weights, count):
    found = places(name, 4, 3, random_weights=random_weights)
    assert next(iter(found.items())) == (name, 4)
    assert list(found.values()) == [4, 5, 6][:count]


UNSEEDED = [name for name in methods.names() if not (methods.find(name).seeded or methods.find(name).weights)]


@pytest.mark.parametrize("name", UNSEEDED)
def test_methods_without_random_numbers_ignore_the_seed(name, tmp_path):
    pictures = torch.rand(2, 3, 20, 24, generator=torch.Generator().manual_seed(0)) * 2 - 1
    jobs = [Job(Budget(iterations=1), torch.device("cpu"), seed, tmp_path, Weights()) for seed in (0, 1)]
    first, second = (methods.find(name).run(*pictures, job).pixels for job in jobs)
    assert first.equal(second)


def test_three_seeds_end_in_one_row_with_mean_and_spread(tmp_path, pair):
    done = quick(pair, tmp_path / "out", names=["gpnn"], seeds=3)
    row = done.comparison.results[-1]
    assert [each.seed for each in row.runs] == [0, 1, 2]
    for name, value in row.measures.items():
        values = [each.measures[name] for each in row.runs]
        assert value == pytest.approx(statistics.fmean(values))
        assert row.deviations[name] == pytest.approx(statistics.stdev(values))
    assert row.deviations["colour"] > 0
    assert not done.comparison.results[0].runs  # the painting is the same with every seed
    folder = tmp_path / "out"
    assert {path.name for path in (folder / "results").glob("gpnn*")} == {
        "gpnn.png", "gpnn-seed-1.png", "gpnn-seed-2.png"
    }  # fmt: skip
    page = done.report.read_text("utf-8")
    assert "<dt>Seeds</dt><dd>0, 1, 2</dd>" in page
    assert "GPNN, seed 2" in page
    assert r"{\tiny$\pm$" in (folder / "table.tex").read_text("utf-8")
    (line,) = [
        r
        for r in csv.DictReader((folder / "table.csv").read_text("utf-8").splitlines())
        if r["method"] == "gpnn"
    ]
    assert line["seeds"] == "3"
    assert float(line["colour_delta_e_deviation"]) == row.deviations["colour"]
    assert float(line["whole_seconds_deviation"]) == row.deviations["seconds"]
    assert Comparison.load(folder / "results.json") == done.comparison


def test_more_seeds_keep_the_first_and_fewer_take_the_others_out(tmp_path, pair, monkeypatch):
    asked: list[str] = []
    monkeypatch.setattr(outcomes, "perform", stand_in(pair[0], asked))
    quick(pair, tmp_path / "out", names=["gpnn"])
    asked.clear()
    done = quick(pair, tmp_path / "out", names=["gpnn"], seeds=2)
    assert asked == ["colour_transfer", "gpnn"]
    assert len(done.comparison.results[-1].runs) == 2
    asked.clear()
    again = quick(pair, tmp_path / "out", names=[], seeds=2)
    assert asked == []
    assert again.comparison.results[-1].kept
    assert len(again.comparison.results[-1].runs) == 2
    one = quick(pair, tmp_path / "out", names=["gpnn"])
    assert not one.comparison.results[-1].runs
    assert not (tmp_path / "out" / "results" / "gpnn-seed-1.png").exists()


def test_no_seeds_are_refused(tmp_path, pair):
    with pytest.raises(ConfigError, match="`seeds` 0 must be 1 or more"):
        quick(pair, tmp_path / "out", names=[], seeds=0)
