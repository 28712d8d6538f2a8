"""Tables for other programs."""

import csv
import dataclasses
import io
import re

import pytest

from sinct.report.tables import escape_latex, to_csv, to_latex
from tests.support.report_example import EXAMPLE


def test_csv_holds_full_precision_and_says_why_a_method_failed() -> None:
    rows = {row["method"]: row for row in csv.DictReader(io.StringIO(to_csv(EXAMPLE)))}
    assert float(rows["sinct"]["gram"]) == EXAMPLE.results[2].measures["gram"]
    assert rows["gpnn"]["status"].startswith("failed: out of memory")
    assert rows["gpnn"]["gram"] == ""
    assert rows["wct2"]["random_weights"] == "true"


def test_latex_marks_best_and_second_and_what_is_not_ranked() -> None:
    source = to_latex(EXAMPLE)
    assert re.search(r"sinct & \\textbf\{", source)
    assert re.search(r"GPDM & \\underline\{", source)
    assert re.search(r"Gatys et al\. & [\d.]+\$\^\\dagger\$", source)
    assert "WCT2*" in source
    assert "GPNN (failed)" in source


def test_latex_has_as_many_cells_as_columns_in_every_row() -> None:
    for columns, body in re.findall(
        r"\\begin\{tabular\}\{(l(?:r)*)\}(.*?)\\end\{tabular\}", to_latex(EXAMPLE), re.S
    ):
        rows = [line for line in body.split("\n") if line.endswith(r"\\") and "multicolumn" not in line]
        assert rows
        assert {row.count(" & ") + 1 for row in rows} == {len(columns)}


def test_latex_without_measures_has_no_tabular() -> None:
    assert "tabular" not in to_latex(dataclasses.replace(EXAMPLE, measures=()))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & more_#1", r"50 \% \& more\_\#1"),
        ("a\\b{c}", r"a\textbackslash{}b\{c\}"),
        ("~^<>|", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"),
        ("two\nlines\t\x07", "two lines"),
    ],
)
def test_latex_escapes_names(text: str, escaped: str) -> None:
    assert escape_latex(text) == escaped
