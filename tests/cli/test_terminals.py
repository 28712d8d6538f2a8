"""The command in a shell as it comes: streams closed or full, few characters, odd names."""

import os
import subprocess
import sys

import pytest
from sinct_cli import display, streams
from sinct_cli.compared import _short

from tests.support.platforms import needs_links

pytestmark = needs_links  # a shell's redirections


def shell(line, *arguments, **environment):
    """Run sinct in a shell; `line` holds "sinct" with its redirections and takes arguments as $1 and so on."""
    command = line.replace("sinct", f"{sys.executable} -m sinct_cli")
    return subprocess.run(
        ["sh", "-c", command, "sh", *map(os.fsencode, arguments)],
        capture_output=True, env={**os.environ, **environment}, timeout=60, check=False,
    )  # fmt: skip


def test_full_standard_output_is_one_line():
    done = shell("sinct --version > /dev/full")
    assert done.returncode == 1
    assert done.stderr == b"error: cannot print: No space left on device; free some space\n"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "<&- 2>&-"])
def test_error_stream_that_takes_nothing_changes_nothing(redirection):
    done = shell(f"sinct batch status nowhere {redirection}")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"", b"")
    assert shell(f"sinct --version {redirection}").stdout.startswith(b"sinct ")


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_name_that_is_no_utf_8_is_shown_escaped(encoding):
    done = shell('sinct batch status "$1"', b"m\xfcller\n:smile:[red]", PYTHONIOENCODING=encoding)
    assert done.returncode == 1
    assert done.stderr.startswith(rb"error: m\xfcller :smile:[red] holds no batch; give".replace(b"\n", b""))
    assert done.stderr.count(b"\n") == 1


def test_characters_that_a_terminal_lacks_have_stand_ins_or_are_escaped():
    assert streams.STAND_INS["Δ"] == "d"
    assert "ΔE of WCT² é".encode("ascii", "sinct") == rb"dE of WCT2 \xe9"
    assert "ΔE ² é".encode("cp1252", "sinct") == b"dE \xb2 \xe9"


def test_name_that_is_too_long_is_one_line():
    done = shell('sinct batch status "$1"', "n" * 300)
    assert done.returncode == 1
    assert b"File name too long" in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_json_is_json_on_every_terminal(monkeypatch, capsys):
    monkeypatch.setattr(display, "_encodable", lambda text: text.isascii())
    display.emit({"name": "é\U0001f600"})
    assert capsys.readouterr().out == '{"name": "\\u00e9\\ud83d\\ude00"}\n'


def test_warning_ends_nothing():
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with display.errors(as_json=False, quiet=True):
            warnings.warn("transparency is left out", stacklevel=1)


def test_results_of_one_name_are_told_apart():
    assert _short(["painting, unchanged", "a/out.png", "b/out.png"]) == [
        "painting, unchanged",
        "a/out.png",
        "b/out.png",
    ]
    assert _short(["a/out.png", "a/other.png"]) == ["out.png", "other.png"]
    assert _short(["a.png"]) == ["a.png"]


def test_table_is_drawn_without_arrows_where_there_are_none(monkeypatch):
    monkeypatch.setattr("sys.stdout", type("Stream", (), {"encoding": "cp1252"}))
    assert display.able("↑↓", "^v") == "^v"
