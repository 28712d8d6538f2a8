"""`--open`."""

import os
import sys
from pathlib import Path

import pytest
from sinct_cli import viewing

from tests.cli.test_cli import TINY, pair, sinct_command  # noqa: F401
from tests.cli.test_compare import QUICK, _in_this_process  # noqa: F401
from tests.support.platforms import needs_signals
from tests.support.variations import draw


@pytest.fixture
def shown(monkeypatch):
    """What was to be opened."""
    found = []

    def fault(path):
        assert path.exists()
        found.append(path)
        return ""

    monkeypatch.setattr(viewing, "fault", fault)
    return found


@pytest.fixture
def opener(monkeypatch, tmp_path):
    """Make a program the system's opener; it notes what it was given in the file that is returned."""

    def of(body):
        folder = tmp_path / "bin"
        folder.mkdir()
        (folder / "xdg-open").write_text(f'#!/bin/sh\nprintf "%s" "$1" > {folder}/given\n{body}\n')
        (folder / "xdg-open").chmod(0o755)
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setenv("DISPLAY", ":0")
        return folder / "given"

    return of


def test_picture_is_opened_when_it_is_written(pair, tmp_path, shown):  # noqa: F811
    code, _, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=1", "--open", *TINY)
    assert (code, shown) == (0, [tmp_path / "out.png"])
    assert "cannot open" not in err
    sinct_command("apply", tmp_path / "out.sinct", pair[0], "-o", tmp_path / "other.png", "--open")
    assert shown[1:] == [tmp_path / "other.png"]


def test_nothing_is_opened_unasked(pair, tmp_path, shown):  # noqa: F811
    sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=1", *TINY)
    assert shown == []


def test_picture_that_was_stopped_is_not_opened(pair, tmp_path, shown, monkeypatch):  # noqa: F811
    monkeypatch.setattr("sinct_cli.stopping.Stop.__call__", lambda self: True)
    sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=5", "--open", *TINY)
    assert shown == []


def test_candidates_are_opened_as_their_sheet(tmp_path, shown):
    draw(tmp_path / "painting.png", 0)
    draw(tmp_path / "photo.png", 1, (64, 50))
    command = ["translate", tmp_path / "painting.png", tmp_path / "photo.png", "-o", tmp_path / "out.png"]
    code, _, err = sinct_command(*command, "--seeds=2", "--steps=20", "--open", *TINY)
    assert code == 0, err
    assert shown == [tmp_path / "out.sinct" / "variations" / "sheet.png"]
    sinct_command(*command, "--continue=1", "--open", "--device=cpu")
    assert shown[1:] == [tmp_path / "out.png"]


def test_demo_opens_its_result(tmp_path, shown, monkeypatch):
    def made(painting, photos, output, **_):
        output.parent.mkdir()
        output.touch()

    monkeypatch.setattr("sinct_cli.demo.translate_one", made)  # the pair that is shipped takes half a minute
    code, _, err = sinct_command("demo", "-o", tmp_path / "demo", "--open")
    assert (code, shown) == (0, [tmp_path / "demo" / "result.png"]), err


def test_comparison_opens_its_report(pair, tmp_path, shown):  # noqa: F811
    code, _, _ = sinct_command("compare", *pair, "-o", tmp_path / "out", "--open", *QUICK)
    assert (code, shown) == (0, [tmp_path / "out" / "report.html"])


def test_comparison_on_pairs_opens_their_summary(pair, tmp_path, shown):  # noqa: F811
    painting, photo = pair
    table = tmp_path / "pairs.csv"
    table.write_text(f"name,painting,photo\na,{painting},{photo}\nb,{painting},{photo}\n")
    sinct_command("compare", "--pairs", table, "-o", tmp_path / "out", "--open", *QUICK)
    assert shown == [tmp_path / "out" / "summary.html"]


def test_picture_that_cannot_be_opened_is_one_line_and_no_failure(pair, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setattr(viewing, "fault", lambda path: "there is no display")
    command = ["translate", *pair, "-o", tmp_path / "out.png", "--steps=1", "--open", *TINY]
    code, out, err = sinct_command(*command)
    assert code == 0
    assert "out.png (60x45 px)" in out
    line = f"warning: cannot open {tmp_path / 'out.png'} here: there is no display; it is written"
    assert err.splitlines()[-1] == line


@needs_signals
@pytest.mark.parametrize(
    ("body", "why"),
    [("exit 0", ""), ("exit 3", "xdg-open found no program for it (exit code 3)"), ("sleep 9", "")],
)
def test_opener_gets_the_whole_path_and_may_stay(body, why, opener, tmp_path, monkeypatch):
    given = opener(body)
    monkeypatch.setattr(viewing, "PATIENCE", 0.5)
    monkeypatch.chdir(tmp_path)
    assert viewing.fault(Path("-o.png").absolute()) == why
    assert given.read_text() == str(tmp_path / "-o.png")


@needs_signals
def test_nothing_is_started_where_there_is_no_display(opener, tmp_path, monkeypatch):
    given = opener("exit 0")
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert viewing.fault(tmp_path / "out.png") == "there is no display"
    assert not given.exists()


@needs_signals
def test_system_without_an_opener_says_which_one_it_lacks(opener, tmp_path, monkeypatch):
    opener("exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert viewing.fault(tmp_path / "out.png") == "xdg-open is not installed"
