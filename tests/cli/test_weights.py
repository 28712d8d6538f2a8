import hashlib
import json
from pathlib import Path

import pytest
import typer
from sinct_cli.weights import weights_app
from typer.testing import CliRunner

from sinct.weights import registry
from sinct.weights.registry import FILES, WeightFile

app = typer.Typer()
app.add_typer(weights_app, name="weights")

DATA = bytes(range(256))
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source" / "tiny.pth"
    path.parent.mkdir()
    path.write_bytes(DATA)
    return path


@pytest.fixture(autouse=True)
def table(source, monkeypatch) -> None:
    """Two small files instead of the real ones: tiny has a published checksum, plain has none."""
    rows = {
        name: WeightFile(name, f"{name}.pth", source.as_uri(), size, sha256, "CC0-1.0", "a test", "tests")
        for name, size, sha256 in (("tiny", len(DATA), SHA256), ("plain", None, None))
    }
    monkeypatch.setattr(registry, "FILES", rows)


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(tmp_path / "weights")


def run(*arguments: str) -> tuple[int, str, str]:
    """Run one command in this process; returns exit code, stdout, stderr."""
    result = CliRunner().invoke(app, ["weights", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def listed(folder: str) -> dict[str, dict[str, object]]:
    code, out, _ = run("list", "--weights-dir", folder, "--json")
    assert code == 0
    return {row["name"]: row for row in json.loads(out)["files"]}


@pytest.mark.parametrize("command", ["list", "fetch", "path"])
def test_help_says_what_a_command_does(command: str) -> None:
    code, out, _ = run(command, "--help")
    assert code == 0
    assert "--weights-dir" in out


def test_list_shows_files_that_are_missing(folder) -> None:
    code, out, _ = run("list", "--weights-dir", folder)
    assert code == 0
    assert "tiny   missing\n  tiny.pth, 0.3 KB\n" in out
    assert f"  sha256 {SHA256}\n" in out
    assert "plain  missing\n  plain.pth, size not published\n  sha256 not published\n" in out
    assert out.replace("\n", "").endswith(f"folder: {folder}")


def test_list_of_the_real_table_names_every_file(folder, monkeypatch) -> None:
    monkeypatch.setattr(registry, "FILES", FILES)
    _, out, _ = run("list", "--weights-dir", folder)
    assert all(row.file in out and row.url in out for row in FILES.values())


def test_list_tells_present_missing_and_damaged_apart(folder) -> None:
    assert listed(folder)["tiny"]["state"] == "missing"
    run("fetch", "tiny", "--weights-dir", folder)
    assert listed(folder)["tiny"]["state"] == "present"
    (Path(folder) / "tiny.pth").write_bytes(b"")
    assert listed(folder)["tiny"]["state"] == "damaged"


def test_list_as_json_has_all_facts(folder) -> None:
    run("fetch", "tiny", "--weights-dir", folder)
    row = listed(folder)["tiny"]
    assert (row["file"], row["size"], row["sha256"]) == ("tiny.pth", len(DATA), SHA256)
    assert row["path"] == str(Path(folder) / "tiny.pth")
    assert listed(folder)["plain"]["path"] is None


def test_list_shows_the_checksum_of_a_first_download(folder) -> None:
    run("fetch", "plain", "--weights-dir", folder)
    assert listed(folder)["plain"]["recorded"] == SHA256
    _, out, _ = run("list", "--weights-dir", folder)
    assert f"sha256 {SHA256} at its first download" in out


def test_fetch_says_where_the_file_is(folder) -> None:
    code, out, _ = run("fetch", "tiny", "--weights-dir", folder)
    assert code == 0
    assert out == f"tiny: {Path(folder) / 'tiny.pth'}\n"
    assert (Path(folder) / "tiny.pth").read_bytes() == DATA


def test_fetch_all_takes_every_file(folder) -> None:
    code, out, _ = run("fetch", "all", "--weights-dir", folder, "--json")
    assert code == 0
    assert json.loads(out) == {name: str(Path(folder) / f"{name}.pth") for name in ("tiny", "plain")}


def test_fetch_quiet_prints_nothing(folder) -> None:
    assert run("fetch", "tiny", "--weights-dir", folder, "--quiet") == (0, "", "")


def test_slip_in_a_name_is_told_before_anything_is_fetched(folder) -> None:
    code, _, err = run("fetch", "tiny", "tinny", "--weights-dir", folder)
    assert code == 1
    assert "error: unknown weights 'tinny'; there are tiny, plain" in err
    assert not Path(folder).exists()


def test_failed_fetch_is_one_line_and_exit_code_1(folder, source) -> None:
    source.unlink()
    code, out, err = run("fetch", "tiny", "--weights-dir", folder)
    assert (code, out) == (1, "")
    assert err.startswith("error: cannot reach file:")
    assert err.count("\n") == 1


def test_failed_fetch_as_json_is_one_object(folder, source) -> None:
    source.unlink()
    code, out, _ = run("fetch", "tiny", "--weights-dir", folder, "--json")
    assert code == 1
    assert json.loads(out)["error"].startswith("cannot reach file:")


def test_path_prints_the_path_and_nothing_else(folder) -> None:
    run("fetch", "tiny", "--weights-dir", folder)
    assert run("path", "tiny", "--weights-dir", folder) == (0, f"{Path(folder) / 'tiny.pth'}\n", "")


def test_path_as_json(folder) -> None:
    run("fetch", "tiny", "--weights-dir", folder)
    _, out, _ = run("path", "tiny", "--weights-dir", folder, "--json")
    assert json.loads(out) == {"tiny": str(Path(folder) / "tiny.pth")}


def test_path_of_a_missing_file_fails_with_the_remedy(folder) -> None:
    code, out, err = run("path", "tiny", "--weights-dir", folder)
    assert (code, out) == (1, "")
    assert f"run `sinct weights fetch tiny --weights-dir {folder}`" in err


def test_folder_comes_from_the_environment(folder, monkeypatch) -> None:
    monkeypatch.setenv("SINCT_WEIGHTS", folder)
    run("fetch", "tiny")
    assert run("path", "tiny") == (0, f"{Path(folder) / 'tiny.pth'}\n", "")


def test_progress_bar_is_shown_on_a_terminal(folder, monkeypatch) -> None:
    from rich.console import Console
    from sinct_cli import display

    monkeypatch.setattr(display, "err", Console(stderr=True, force_terminal=True, width=80))
    code, _, err = run("fetch", "tiny", "--weights-dir", folder)
    assert code == 0
    assert "256/256 bytes" in err
