"""Tables and facts on terminals of two widths, and elsewhere."""

import io

import pytest
from rich.console import Console
from sinct_cli import compared, display, folders, tables

from sinct.batch.coordinator import run_batch
from sinct.doctor import examine
from sinct.folders.scoring import Scored
from sinct.measures import MEASURES
from tests.cli.test_cli import sinct_command
from tests.support.batch_fake import Fake, failing, make_collection

WIDTHS = (40, 80)


@pytest.fixture
def screen(monkeypatch):
    """Make output go to a terminal of a width, or with None elsewhere; returns what is on it."""

    def of(width):
        console = Console(
            file=io.StringIO(), force_terminal=width is not None, width=width or 80, markup=False, soft_wrap=True,
            color_system=None,
        )  # fmt: skip
        monkeypatch.setattr(display, "out", console)
        return console.file

    return of


def check(text, width, words):
    """Nothing is wider than the terminal but a single word, and every word is there whole."""
    assert [line for line in text.splitlines() if len(line) > width and len(line.split()) > 1] == []
    assert "…" not in text
    assert [word for word in words if word not in text.split()] == []


@pytest.mark.parametrize("width", WIDTHS)
def test_doctor_breaks_no_word(width, screen):
    facts = examine("cpu")
    shown = screen(width)
    tables.facts(facts)
    check(shown.getvalue(), width, [word for fact in facts.items() for part in fact for word in part.split()])


def test_doctor_is_a_line_a_fact_elsewhere(screen):
    shown = screen(None)
    tables.facts({"device": "cpu" * 40, "memory": "1 GB"})
    assert shown.getvalue().splitlines() == ["device  " + "cpu" * 40, "memory  1 GB"]


NAMES = [measure.name for measure in MEASURES]
MANY = {f"folder/picture-{n}.png": dict.fromkeys(NAMES, 0.1234 * n) for n in range(1, 6)}
FEW = dict(list(MANY.items())[:1])


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rows", [FEW, MANY], ids=["few", "many"])
def test_measures_break_no_word(rows, width, screen):
    shown = screen(width)
    compared.show(MEASURES, rows)
    names = [word for measure in MEASURES for word in measure.title.split()]
    text = shown.getvalue()
    check(text, width, [*names, *(f"{row[NAMES[0]]:.3g}" for row in rows.values())])
    listed = width == 40 or rows is MANY
    assert ("picture-1.png: 0.123" in text) == listed


@pytest.fixture
def batch(make_picture, tmp_path):
    """A batch with a long fault and a picture without anything to say of it."""
    make_collection(make_picture, tmp_path, "scan-{}")
    from sinct.batch.collection import read_collection
    from sinct.batch.settings import Settings

    jobs = read_collection(
        str(tmp_path / "paintings"), str(tmp_path / "out"), Settings(steps=4), photo=[str(tmp_path / "photo.png")],
        photos=None, match="name", shared_model=False, suffix=".png", cache=tmp_path / "m.json",
    )  # fmt: skip
    fault = "the disk is full while scan-0.png.part was written; free some space"
    run_batch(jobs, tmp_path / "out", Fake({jobs[0].name: [failing(fault)]}), retries=0)
    return tmp_path / "out", [*(job.name for job in jobs), *fault.split()]


@pytest.mark.parametrize("width", WIDTHS)
def test_status_of_a_batch_breaks_no_word(width, batch, screen):
    folder, words = batch
    shown = screen(width)
    assert sinct_command("batch", "status", folder)[0] == 0
    text = shown.getvalue()
    check(text, width, words)
    assert ("state: failed" in text) == (width == 40)
    assert ("job  " in text) == (width == 80)


def test_status_of_a_batch_is_a_line_a_job_elsewhere(batch, screen):
    folder, words = batch
    shown = screen(None)
    sinct_command("batch", "status", folder)
    lines = shown.getvalue().splitlines()
    assert len(lines) == 1 + 3 + 1
    assert lines[1].split() == [words[0], "failed", "1", *words[3:]]


def test_numbers_are_aligned_at_their_right(screen):
    shown = screen(80)
    tables.show(["measure", "a.png"], [["structure", "0.5"], ["colours of 日本", "12.25"]], numbers=True)
    assert shown.getvalue().splitlines() == [
        "measure          a.png",
        "structure          0.5",
        "colours of 日本  12.25",
    ]


def test_names_of_columns_break_before_a_table_becomes_a_list(screen):
    shown = screen(30)
    tables.show(["", "Colours and textures (ΔE)", "FID"], [["out", "not measured", "1.5"]], numbers=True)
    assert shown.getvalue().splitlines() == [
        "     Colours and textures",
        "                     (ΔE)  FID",
        "out          not measured  1.5",
    ]


@pytest.mark.parametrize("width", [36, 40, 80, None])
def test_scores_of_folders_leave_no_blanks_and_name_their_units(width, screen):
    scores = {"distance": 1.5, "fid": 30.0, "clean_fid": 31.0, "kid": 0.02}
    found = Scored({"a": scores, "b": scores}, scores, scores, {"distance": 9.25, "fid": 50.0}, {}, {})
    shown = screen(width)
    folders._show(found)
    text = shown.getvalue()
    assert text.count("not measured") == 2
    assert "(ΔE)" in text
    if width is not None:
        check(text, width, ["9.250", "clean-FID", "30.000"])
    assert found.to_json()["units"] == {"distance": "ΔE", "fid": "", "clean_fid": "", "kid": ""}


def test_two_results_beside_painting_and_photo_fit_80_columns(screen):
    names = ("painting, unchanged", "photo, unchanged", "out.png", "b.png")
    rows = {name: dict.fromkeys(NAMES, 0.1234) for name in names}
    shown = screen(80)
    compared.show(MEASURES, rows)
    assert "out.png: " not in shown.getvalue()
    assert max(map(len, shown.getvalue().splitlines())) <= 80
