import json
import re
from pathlib import Path

import pytest
from sinct_cli import display
from sinct_cli.wording import as_options


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("pass `resume=True` or another `run_dir`", "pass --resume or another --run-dir"),
        ("give `device='cpu'` or `max_memory=1.5e9`", "give --device cpu or --max-memory 1.5GB"),
        ("needs about half with `crops=2`", "needs about half with --set crops=2"),
        ("try a larger `r1_weight`", "try a larger --set r1_weight=VALUE"),
        ("run `sinct weights fetch vgg16`", "run `sinct weights fetch vgg16`"),
        ("neither `this` nor `that=3`", "neither `this` nor `that=3`"),
    ],
)
def test_arguments_become_options(message: str, told: str) -> None:
    assert as_options(message) == told


def test_the_library_speaks_of_no_option() -> None:
    import sinct

    option = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
    # Commands to type are another matter.
    commands = re.compile(r"`(?:sinct|ray|pip) [^`]*`|(?:pip|ray) \w+ --[a-z-]+|--help|\[\"sinct\", .*")
    found = [
        f"{path.name}:{number}: {line.strip()}"
        for path in sorted(Path(sinct.__file__).parent.rglob("*.py"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if option.search(commands.sub("", line.partition("  # ")[0]))
    ]
    assert found == []


def test_results_for_programs_speak_of_options_too(capsys: pytest.CaptureFixture[str]) -> None:
    display.emit(
        {"warnings": ["try another `seed`"], "rows": {"a": {"reason": "give `weights_dir`"}}, "steps": 3}
    )
    expected = {
        "warnings": ["try another --seed"],
        "rows": {"a": {"reason": "give --weights-dir"}},
        "steps": 3,
    }
    assert json.loads(capsys.readouterr().out) == expected
