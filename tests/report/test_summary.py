"""The summary over pairs."""

import csv
import dataclasses
import io
import math
from pathlib import Path

import pytest

from sinct.measures import Measure
from sinct.report import write_summary
from sinct.report.aggregate import aggregate, leaders_by_mean, statistic
from sinct.report.results import Comparison, MethodResult
from tests.support.report_example import EXAMPLE, example
from tests.support.report_results import GRAM, SSIM, Outline, result, valued


def test_statistic_is_mean_and_sample_deviation() -> None:
    found = statistic([1.0, 2.0, 4.0, math.nan])
    assert found is not None
    assert found.mean == pytest.approx(7 / 3)
    assert found.deviation == pytest.approx(math.sqrt(((4 / 3) ** 2 + (1 / 3) ** 2 + (5 / 3) ** 2) / 2))
    assert found.pairs == 3


def test_statistic_of_one_value_has_no_deviation() -> None:
    found = statistic([3.0])
    assert found is not None
    assert found.deviation is None


def test_statistic_of_nothing_is_none() -> None:
    assert statistic([math.inf]) is None


def pairs(*rows: list[MethodResult], measures: tuple[Measure, ...] = (GRAM,)) -> list[Comparison]:
    return [dataclasses.replace(EXAMPLE, measures=measures, results=tuple(row)) for row in rows]


def test_aggregate_takes_means_and_mean_ranks_over_pairs() -> None:
    rows = {row.name: row for row in aggregate(pairs(valued(a=1, b=2, c=2), valued(a=5, b=2, c=3)))}
    assert rows["a"].measures["gram"].mean == 3
    assert [rows[name].measures["gram"].rank for name in "abc"] == [(1 + 3) / 2, (2.5 + 1) / 2, (2.5 + 2) / 2]
    assert rows["b"].ranks == {"style": 1.75}


def test_aggregate_counts_pairs_with_a_value_only() -> None:
    failed = result("a", file=None, reason="no memory")
    rows = {row.name: row for row in aggregate(pairs([*valued(a=1, b=2)], [failed, *valued(b=4)]))}
    assert (rows["a"].measures["gram"].pairs, rows["a"].pairs, rows["a"].failed) == (1, 1, 1)
    assert rows["b"].measures["gram"].mean == 3


def test_aggregate_leaves_random_weights_out() -> None:
    random = result("a", random_weights=True, measures={"gram": 0.0})
    row = aggregate(pairs([*valued(a=1, b=2)], [random, *valued(b=4)]))[0]
    assert (row.measures["gram"].mean, row.random, row.pairs) == (1, 1, 1)


def test_aggregate_leaves_undertrained_runs_out() -> None:
    short = result("a", undertrained="only 1 of the 9 steps", measures={"gram": 0.0})
    row = aggregate(pairs([*valued(a=1, b=2)], [short, *valued(b=4)]))[0]
    assert (row.measures["gram"].mean, row.undertrained, row.pairs) == (1, 1, 1)


def test_aggregate_does_not_rank_a_method_by_what_it_minimises() -> None:
    own = result("own", measures={"gram": 0.0}, optimises=("gram",))
    rows = {row.name: row for row in aggregate(pairs([own, *valued(a=1, b=2)]))}
    assert rows["own"].measures["gram"].rank is None
    assert rows["a"].measures["gram"].rank == 1


def test_aggregate_joins_measures_that_only_some_pairs_have() -> None:
    one, two = pairs(valued(a=1))[0], pairs([result("a", measures={"ssim": 0.5})], measures=(SSIM,))[0]
    row = aggregate([one, two])[0]
    assert {name: value.pairs for name, value in row.measures.items()} == {"gram": 1, "ssim": 1}


def test_mean_over_fewer_pairs_does_not_lead() -> None:
    rows = aggregate(pairs(valued(a=1, b=2, c=3, d=4), valued(b=2, c=3, d=4)))
    assert leaders_by_mean(rows, GRAM, 2) == ({"b"}, {"c"})


def test_summary_links_to_the_reports_by_relative_addresses(tmp_path: Path) -> None:
    page = write_summary(tmp_path, {"javascript:alert(1)": EXAMPLE, "a b/c": EXAMPLE})
    links = [a["href"] for a in Outline(page.read_text(encoding="utf-8")).all("a")]
    assert links[1:] == ["./javascript%3Aalert%281%29/report.html", "./a%20b/c/report.html"]


def test_summary_writes_page_and_tables(tmp_path: Path) -> None:
    write_summary(tmp_path, {"one": EXAMPLE, "two": example(seed=1)})
    assert {p.name for p in tmp_path.iterdir()} == {"summary.html", "summary.csv", "summary.tex"}
    text = (tmp_path / "summary.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    mean = sum(c.results[2].measures["gram"] for c in (EXAMPLE, example(seed=1))) / 2
    found = next(row for row in rows if (row["method"], row["measure"]) == ("sinct", "gram"))
    assert float(found["mean"]) == pytest.approx(mean, rel=1e-12)
    assert found["pairs"] == "2"
    assert r"$\pm$" in (tmp_path / "summary.tex").read_text(encoding="utf-8")


def test_summary_of_no_pairs_is_a_page(tmp_path: Path) -> None:
    assert "0 pairs" in write_summary(tmp_path, {}).read_text(encoding="utf-8")
