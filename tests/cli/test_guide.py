"""`sinct help`, and the guide to pictures that are not good."""

import io
import re
from pathlib import Path

import pytest
import sinct_assets
from rich.console import Console
from sinct_assets.guide_pictures import FIGURES, RESULTS
from typer.testing import CliRunner

from cli import display
from cli.guide import PAGES, plain
from cli.main import app
from sinct import Config

ROOT = Path(__file__).parents[2]
FOLDER = Path(next(iter(sinct_assets.__path__)))
GUIDE = (FOLDER / "guide.md").read_text(encoding="utf-8")
LINKS = re.findall(r"\]\(([^)]*)\)", GUIDE)


def helped(*words):
    return CliRunner().invoke(app, ["help", *words])


@pytest.fixture(params=[40, 80])
def page(request, monkeypatch):
    """The page as a terminal of so many columns shows it."""
    shown = io.StringIO()
    monkeypatch.setattr(
        display, "out", Console(file=shown, width=request.param, soft_wrap=True, markup=False)
    )
    assert helped("picture").exit_code == 0
    *lines, where = shown.getvalue().rstrip("\n").split("\n")
    return request.param, lines, where


def test_the_page_fits_the_terminal(page):
    width, lines, _ = page
    assert max(map(len, lines)) <= width


def test_the_page_has_every_word_of_the_guide(page):
    _, lines, _ = page
    assert re.findall(r"\w+", " ".join(lines)) == re.findall(r"\w+", plain(GUIDE))


def test_the_page_says_where_its_pictures_are(page):
    _, lines, where = page
    folder = Path(where.removeprefix("The pictures are in "))
    named = re.findall(r"guide-\w+\.jpg", " ".join(lines))
    assert sorted(named) == sorted(link for link in LINKS if link.endswith(".jpg"))
    assert all((folder / name).exists() for name in named)


def test_the_readme_leads_to_the_guide():
    assert "](assets/guide.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert FOLDER / PAGES["picture"] == FOLDER / "guide.md"


def test_the_guide_leads_to_what_exists():
    assert [link for link in LINKS if not (ROOT / "assets" / link.partition("#")[0]).exists()] == []


def test_the_guide_advises_only_options_and_settings_that_there_are():
    options = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", GUIDE)) - {"--this"}
    told = CliRunner().invoke(app, ["translate", "--help"], env={"COLUMNS": "200"}).stdout
    assert {option for option in options if option not in told} == set()
    settings = set(re.findall(r"--set (\w+)=", GUIDE))
    assert settings
    assert settings <= set(Config.names())


def test_the_pictures_are_those_that_the_script_makes_and_small():
    pictures = {path.name: path.stat().st_size for path in FOLDER.glob("guide-*.jpg")}
    assert set(pictures) == {f"guide-{name}.jpg" for name in FIGURES}
    assert set(pictures) == {link for link in LINKS if link.endswith(".jpg")}
    assert max(pictures.values()) <= 60_000
    assert sum(pictures.values()) <= 400_000


def test_every_result_is_shown():
    assert {name for figure in FIGURES.values() for name in (figure.before, figure.after)} == set(RESULTS)


@pytest.mark.parametrize("command", [[], ["doctor"], ["batch"], ["batch", "retry"]])
def test_help_of_a_command_is_its_own(command):
    runner = CliRunner()
    shown = runner.invoke(app, ["help", *command]).stdout
    assert shown.startswith(runner.invoke(app, [*command, "--help"]).stdout)
    assert ("sinct help picture" in shown) is (not command)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nope"], "sinct has no command nope; there are translate, "),
        (["batch", "nope"], "sinct batch has no command nope; there are run, "),
        (["doctor", "nope"], "sinct doctor has no command nope; it has no further commands"),
    ],
)
def test_unknown_command_is_told_in_one_line(words, message):
    result = helped(*words)
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
