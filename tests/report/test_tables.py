"""Tables for other programs."""

import csv
import dataclasses
import io
import re

import pytest

from sinct.measures import MEASURES
from sinct.report.columns import COLUMNS, heading, manual
from sinct.report.manual import MANUAL, in_manual
from sinct.report.tables import to_csv
from tests.support.report_example import EXAMPLE


def test_csv_holds_full_precision_and_says_why_a_method_failed() -> None:
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(to_csv(EXAMPLE)))}
    assert float(rows["sinct"]["gram"]) == EXAMPLE.results[2].measures["gram"]
    assert rows["gpnn"]["status"].startswith("failed: out of memory")
    assert rows["gpnn"]["gram"] == ""
    assert rows["wct2"]["random_weights"] == "true"
    assert [rows[name]["ranked"] for name in ("sinct", "wct2", "painting")] == ["true", "false", "false"]


def test_csv_has_the_columns_that_the_manual_describes_in_its_order() -> None:
    every = dataclasses.replace(EXAMPLE, measures=MEASURES)
    head = to_csv(every).split("\n")[0].split(",")
    assert head == re.findall(r"^\| `(\w+)` \|", manual(), re.M)


def test_manual_has_the_table_that_the_code_makes() -> None:
    text = MANUAL.read_text("utf-8")
    assert in_manual(text) == text


def test_columns_are_unique_and_need_no_quotes() -> None:
    names = [column.name for column in COLUMNS] + [heading(measure) for measure in MEASURES]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+", name) for name in names)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_column_of_a_measure_with_a_unit_names_it(measure) -> None:
    bracket = re.search(r"\((.+)\)", measure.title)
    units = {
        "grey levels": "grey_levels", "ΔE": "delta_e", "dB": "db", "points": "points", "px in 1000": "px_per_1000",
        "% of the step": "percent",
    }  # fmt: skip
    if bracket:
        assert heading(measure).endswith(units[bracket[1]])
        assert measure.unit


def test_column_of_unfamiliar_texture_does_not_say_the_opposite() -> None:
    assert (
        heading(next(measure for measure in MEASURES if measure.name == "familiarity"))
        == "unfamiliar_texture"
    )


def test_measure_of_an_earlier_version_has_its_name_as_heading() -> None:
    assert [heading(measure) for measure in EXAMPLE.measures] == ["gram", "swd", "ssim", "clipped"]
