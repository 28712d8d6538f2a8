"""Help and completion: what a person reads before anything runs."""

import os
import re
import shlex
import subprocess
import sys
from unittest.mock import patch

import pytest
from rich.console import Console
from sinct_cli import display
from sinct_cli.help import GROUPS, NARROW
from sinct_cli.main import app
from typer.main import get_command
from typer.testing import CliRunner

WIDTHS = (40, 80)


def commands(group=None, words=()):
    """Every command with the words that call it, groups too."""
    group = group or get_command(app)
    yield words, group
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, (*words, name))


COMMANDS = {" ".join(words): command for words, command in commands()}


def help_of(words, option="--help", width=80):
    # Its width is known from when it was made, which may have been in another test.
    console = Console(width=width, soft_wrap=True, markup=False, emoji=False)
    with patch.object(display, "out", console):
        result = CliRunner().invoke(app, [*words.split(), option], env={"COLUMNS": str(width)})
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("words", COMMANDS)
def test_h_is_short_for_help(words):
    assert help_of(words, "-h") == help_of(words)


def test_capital_v_is_short_for_version():
    results = [CliRunner().invoke(app, [option]) for option in ("-V", "--version")]
    assert results[0].stdout == results[1].stdout
    assert results[0].stdout.startswith("sinct ")


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_is_in_a_group(words):
    command = COMMANDS[words]
    with command.make_context("sinct", [], resilient_parsing=True) as context:
        found = {
            param.opts[-1]: param.rich_help_panel
            for param in command.get_params(context)
            if param.param_type_name == "option"
        }
    assert {name: group for name, group in found.items() if group not in GROUPS} == {}
    assert list(found.values()) == sorted(found.values(), key=list(GROUPS).index)


@pytest.mark.parametrize(
    ("words", "line"),
    [(words, line) for words, command in COMMANDS.items() for line in (command.epilog or "").splitlines()],
)
def test_examples_name_commands_and_options_that_there_are(words, line):
    name, *rest = shlex.split(line)
    assert name == "sinct"
    command = get_command(app)
    while rest and rest[0] in getattr(command, "commands", {}):
        command = command.commands[rest.pop(0)]
    if words == "batch" and "run" in getattr(command, "commands", {}):  # `sinct batch FOLDER`
        command = command.commands["run"]
    command.make_context(name, rest)  # parses, without calling


@pytest.mark.parametrize("words", COMMANDS)
def test_every_help_ends_with_examples(words):
    text = help_of(words)
    assert "\nExamples:\n  sinct " in text


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_help_fits_the_terminal(words, width):
    lines = help_of(words, width=width).partition("\nExamples:")[0].splitlines()
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("words", ["translate", "batch run", "folders train", "compare"])
@pytest.mark.parametrize("width", WIDTHS)
def test_help_cuts_no_word(words, width):
    text = help_of(words, width=width)
    command = COMMANDS[words]
    assert "…" not in text
    for param in command.params:
        for name in param.opts:
            assert name in text
        for word in (param.help or "").split():
            assert word.strip("`") in text, word
    assert NARROW in range(*WIDTHS)  # one width is narrow, the other is not


@pytest.mark.parametrize(
    ("words", "needed"),
    [
        ("translate a b -o c.png --steps x", "'--steps': a whole number is needed"),
        ("translate a b -o c.png --steps 1.5", "'--steps': a whole number is needed"),
        ("translate a b -o c.png --strength high", "'--strength': a number is needed"),
        ("apply a b -o c.png --strength 1.5", "'--strength': it must be 1 or less"),
        ("translate a b -o c.png --seed -1", "'--seed': it must be 0 or more"),
        ("batch retry out --workers 0", "'--workers': it must be 1 or more"),
        ("studio --port 99999", "'--port': it must be 65535 or less"),
    ],
)
def test_numbers_that_do_not_fit_are_told_in_plain_words(words, needed):
    result = CliRunner().invoke(app, words.split())
    assert result.exit_code == 2
    assert f"Invalid value for {needed}" in " ".join(result.output.split())


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("width", WIDTHS)
def test_help_names_no_type_of_python(words, width):
    text = help_of(words, width=width)
    assert re.findall(r"<(?:path|str|int|int range|float|list\[\w+\])>", text) == []


@pytest.mark.parametrize("words", COMMANDS)
def test_help_offers_no_default_that_its_words_deny(words):
    assert not re.search(r"by default[^.]*\.\s+\[default:", " ".join(help_of(words, width=40).split()))


def completed(words):
    """What the shell is offered for the last word, and whether torch was imported for it."""
    code = (
        "import sys\nfrom sinct_cli.main import run\nsys.argv = ['sinct']\n"
        "try: run()\nfinally: print('torch' in sys.modules, file=sys.stderr)"
    )
    environment = {
        **os.environ, "_SINCT_COMPLETE": "complete_bash", "COMP_WORDS": words, "PYTHONWARNINGS": "ignore",
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment, text=True)
    return done.stdout.split(), done.stderr.strip()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("sinct tr", ["translate", "train"]),
        ("sinct translate a b --preset d", ["draft"]),
        ("sinct folders train --method cut-", ["cut-moco", "cut-separate", "cut-detached"]),
    ],
)
def test_shells_complete_words_without_torch(words, offered):
    assert completed(words) == (offered, "False")
