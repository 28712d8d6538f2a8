"""Tables for papers."""

# ruff: noqa: RUF001 - letters are odd on purpose

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sinct.measures import MEASURES
from sinct.report import write_summary
from sinct.report.latex import escape, slug, to_latex
from sinct.report.results import Comparison
from tests.support.report_example import EXAMPLE

LATEX = shutil.which("pdflatex")

ODD = 'a_b%&#${}\\~^<>|`"--ΔÉñöçß 张 \u202e“x” 1½.jpg'
"""A name with all that LaTeX takes amiss."""


def odd() -> Comparison:
    """The example with odd names, all measures, and a method of every kind."""
    results = [
        dataclasses.replace(
            r,
            title=f"{r.name[:3]} {ODD[:20]}",
            measures={measure.name: 0.1 * len(r.name) for measure in MEASURES} if r.file else {},
            optimises=("familiarity",) if r.optimises else (),
        )
        for r in EXAMPLE.results
    ]
    results[2] = dataclasses.replace(
        results[2], steps=1, steps_needed=250, need="250", undertrained="only 1 of 250"
    )
    return dataclasses.replace(
        EXAMPLE,
        painting=dataclasses.replace(EXAMPLE.painting, name=ODD),
        environment={"device": "cpu 2 × ½ (as requested)", "threads": "2 of 2", "sinct": "0.2.0"},
        measures=MEASURES,
        results=tuple(results),
    )


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


def test_latex_is_pure_ascii_whatever_names_there_are(tmp_path: Path) -> None:
    write_summary(tmp_path, {"one": odd()})
    for source in (to_latex(odd()), (tmp_path / "summary.tex").read_text("utf-8")):
        assert source.isascii()
        assert r"a\_b\%\&\#\$\{\}\textbackslash{}" in source


def test_latex_has_caption_label_budget_seed_steps_and_machine() -> None:
    source = to_latex(odd())
    assert r"\label{tab:" in source
    assert "Each method had at most 10 min; seed 0." in source
    quick = dataclasses.replace(odd(), iterations=1, seeds=3)
    assert "at most 10 min and 1 iteration at each scale; seeds 0, 1, 2." in to_latex(quick)
    assert r"Machine: cpu 2 $\times$ ?, 2 of 2, sinct 0.2.0." in source
    assert re.search(r"\\ddagger\$ & 1 & 250 & ", source)
    assert "Steps" in source


def test_latex_has_a_dash_for_steps_that_are_not_known() -> None:
    other = dataclasses.replace(EXAMPLE.results[2], steps=None, steps_needed=None, elsewhere=True)
    source = to_latex(dataclasses.replace(EXAMPLE, results=(other,)))
    assert r"\textendash{} & \textendash{} & " in source
    assert "-{}-" not in source


def test_latex_explains_only_marks_that_it_has() -> None:
    plain = dataclasses.replace(EXAMPLE, results=EXAMPLE.results[2:3])
    assert not re.search(r"dagger|\*Random", to_latex(plain))
    assert "$^\\ddagger$Undertrained" in to_latex(odd())


@pytest.mark.skipif(LATEX is None, reason="no TeX is installed")
@pytest.mark.parametrize("kind", ["table", "summary"])
def test_latex_compiles(tmp_path: Path, kind: str) -> None:
    if kind == "table":
        (tmp_path / "table.tex").write_text(to_latex(odd()), "ascii")
    else:
        write_summary(tmp_path, {"one": odd(), "two": odd()})
    (tmp_path / "paper.tex").write_text(
        "\\documentclass[twocolumn]{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        f"See Table~\\ref{{{re.search('label{(.+?)}', (tmp_path / f'{kind}.tex').read_text())[1]}}}.\n"
        f"\\input{{{kind}}}\n\\end{{document}}\n"
    )
    command = [str(LATEX), "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):  # the second time, references are known
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout
    assert "Float too large" not in done.stdout
    assert (tmp_path / "paper.pdf").stat().st_size > 10_000
    assert "undefined" not in done.stdout


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % & more_#1", r"50 \% \& more\_\#1"),
        ("a\\b{c}", r"a\textbackslash{}b\{c\}"),
        ("~^<>|", r"\textasciitilde{}\textasciicircum{}\textless{}\textgreater{}\textbar{}"),
        ("two\nlines\t\x07", "two lines"),
        ("ΔE Δ α Α ο", r"$\Delta$E $\Delta$ $\alpha$ ? o"),
        ("Étretat, naïve, Ångström, č, œ", r"\'{E}tretat, na\"{\i}ve, \r{A}ngstr\"{o}m, \v{c}, \oe{}"),
        ("E\u0301", r"\'{E}"),
        ("monet--coast ---", "monet-{}-coast -{}-{}-"),
        ("a – b — c …", r"a \textendash{} b \textemdash{} c \dots{}"),
        ("张大千 🎨", "??? ?"),
        ("WCT² 3×3 ±1 −2", r"WCT$^2$ 3$\times$3 $\pm$1 $-$2"),
    ],
)
def test_latex_escapes_names(text: str, escaped: str) -> None:
    assert escape(text) == escaped


@pytest.mark.parametrize(
    ("name", "label"),
    [("painting.jpg", "painting"), ("Étretat 2.tif", "etretat-2"), ("张.jpg", "picture"), ("a_b", "a-b")],
)
def test_labels_are_letters_digits_and_hyphens(name: str, label: str) -> None:
    assert slug(name) == label
