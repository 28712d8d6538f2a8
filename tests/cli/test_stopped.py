"""Commands that were interrupted say with which command they go on."""

import contextlib

import pytest
from sinct_cli import folders as folders_command

from sinct import folders
from sinct.comparison import compare
from sinct.errors import Interrupted
from tests.cli.test_cli import pair, sinct_command  # noqa: F401


class Stopped:
    """A stop that Ctrl-C has asked for."""

    exit_code = 130

    def __call__(self) -> bool:
        return True


@pytest.fixture
def typed(monkeypatch):
    """Run a command as if it had been typed."""

    def run(*words):
        words = [str(word) for word in words]
        monkeypatch.setattr("sys.argv", ["sinct", *words])
        code, out, err = sinct_command(*words)
        return code, out.replace("\n", " "), err.replace("\n", " ")

    return run


def test_comparison_tells_its_command_without_what_would_begin_again(typed, pair, tmp_path, monkeypatch):  # noqa: F811
    def interrupted(*_args, **_options):
        raise Interrupted("stopped")

    monkeypatch.setattr(compare, "compare", interrupted)
    _, out, _ = typed("compare", *pair, "-o", tmp_path / "out", "--time", "9s", "--overwrite")
    assert out.strip() == (
        f"stopped; what is finished is saved. To continue: sinct compare {pair[0]} {pair[1]} -o {tmp_path / 'out'} "
        "--time 9s"
    )


def test_report_on_folders_tells_its_command(typed, monkeypatch):
    monkeypatch.setattr(folders, "report", lambda *_args, **_options: None)
    _, out, _ = typed(
        "folders", "report", "A=a", "--source", "s", "--target", "t", "-o", "out", "--overwrite"
    )
    assert out.strip().endswith("To continue: sinct folders report A=a --source s --target t -o out")


def test_translations_of_folders_tell_the_command_for_the_rest(typed, monkeypatch):
    monkeypatch.setattr(folders, "apply", lambda *_args, **_options: folders.Applied((), (), {}, ()))
    monkeypatch.setattr(folders_command, "stopping", lambda: contextlib.nullcontext(Stopped()))
    code, out, _ = typed("folders", "apply", "run", "pictures", "-o", "out")
    assert (code, "to translate the rest: sinct folders apply run pictures -o out --resume" in out) == (
        130,
        True,
    )
