"""`sinct translate` with candidates to choose from."""

import json
import shlex
import shutil
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image
from sinct_cli.main import app
from sinct_cli.stopping import choosing, repeating
from typer.testing import CliRunner

import sinct
from tests.support.platforms import needs_signals
from tests.support.variations import draw

TINY = [
    '--set=generator="sincut"', "--from-scratch", "--set=width=4", "--set=discriminator_widths=[4,8,8]",
    "--set=tile_size=16", "--set=crop_size=32", "--set=crops=2", "--set=identity_crops=2", "--set=min_width=32",
    "--set=max_width=48", "--set=projection_dimensions=8", "--set=mixed_precision=false",
    "--set=remove_strokes=false", "--device=cpu",
]  # fmt: skip
SEEDS = ["--seeds", "2", "--seed=7", "--steps=20", *TINY]


def sinct_command(*arguments):
    """Run one command in this process; returns exit code, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def drawn_in(folder):
    draw(folder / "painting.png", 0)
    draw(folder / "photo.png", 1, (64, 50))
    return job_in(folder)


def job_in(folder):
    """The command for the pictures in a folder, as far as it is always the same."""
    return [
        "translate",
        str(folder / "painting.png"),
        str(folder / "photo.png"),
        "-o",
        str(folder / "out.png"),
    ]


@pytest.fixture
def job(tmp_path):
    return drawn_in(tmp_path)


@pytest.fixture(scope="session")
def told(tmp_path_factory):
    """A folder with two trained candidates, and what the command said."""
    folder = tmp_path_factory.mktemp("told")
    job = drawn_in(folder)
    before, sys.argv = sys.argv, ["sinct", *job, *SEEDS]
    try:
        return folder, sinct_command(*job, *SEEDS)
    finally:
        sys.argv = before


@pytest.fixture
def varied(told, tmp_path):
    """The command for a copy of that folder."""
    return job_in(shutil.copytree(told[0], tmp_path / "here"))


def candidates_of(job):
    return sinct.read_variations(f"{job[-1].removesuffix('.png')}.sinct").candidates


def test_candidates_are_told_with_seed_steps_and_score(told):
    folder, (code, out, _) = told
    assert code == 0
    found = sinct.read_variations(folder / "out.sinct")
    for each in found.candidates:
        best = ", the best by score" if each.number == found.best else ""
        assert f"{each.number}: seed {6 + each.number}, 5 steps, score {each.score:.3f}{best}\n" in out
    assert f"side by side: {folder / 'out.sinct' / 'variations' / 'sheet.png'}\n" in out
    assert not (folder / "out.png").exists()


def test_the_command_that_goes_on_is_printed_and_works(varied, told):
    command = told[1][1].partition("go on with one: sinct ")[2]
    assert shlex.split(command) == [*job_in(told[0]), "--device=cpu", "--continue", command.split()[-1]]
    code, out, _ = sinct_command(*varied, *shlex.split(command)[5:])
    assert code == 0
    assert "out.png (60x45 px) after 15 steps" in out


def test_candidates_and_the_one_that_goes_on_open_with_what_is_done(varied, told):
    pictures = "painting.png (60x45 px), with the look of photo.png (64x50 px)"
    lines = told[1][2].splitlines()
    takes = "with the one that goes on, 20 steps; the first will tell how long they take"
    assert lines[0] == f"{pictures}: 2 candidates, standard; {takes}"
    assert lines[1] == f"candidates: {told[0] / 'out.sinct' / 'variations'}"
    lines = sinct_command(*varied, "--continue=2", "--steps=12")[2].splitlines()
    assert lines[0].startswith(f"{pictures}: candidate 2, standard, ")
    assert "12" in lines[0]
    assert lines[1].startswith("preview: ")
    assert lines[1].endswith("variations/2/preview.png")


def test_progress_is_told_once_for_all_candidates(told):
    _, _, err = told[1]
    assert err.count("on this machine: 2 candidates of 5 steps, about ") == 1
    assert "Ctrl-C any time keeps what is trained" in err
    assert "candidate 1: seed 7, 5 steps, score" in err
    assert " 50%" in err
    assert "100%" in err


def test_the_same_command_again_says_the_same_without_training(varied, told, monkeypatch):
    monkeypatch.setattr("sinct.variations.work.run_training", lambda *_, **__: pytest.fail("trained"))
    code, out, _ = sinct_command(*varied, *SEEDS)
    assert code == 0
    assert out.splitlines()[:2] == told[1][1].splitlines()[:2]


def test_best_is_picked_with_a_reason_and_continued(varied):
    code, out, _ = sinct_command(*varied, *SEEDS, "--pick", "best")
    best = sinct.read_variations(varied[-1].replace(".png", ".sinct")).best
    assert code == 0
    assert f"picked candidate {best}: the lowest score" in out
    assert out.count(", score ") == 2  # what the others had
    assert "out.png (60x45 px) after 15 steps" in out


def test_pick_alone_takes_what_is_trained(varied):
    code, out, _ = sinct_command(*varied, "--pick=best")
    assert code == 0
    assert "after 15 steps" in out


def test_json_tells_everything_about_candidates(varied):
    code, out, _ = sinct_command(*varied, *SEEDS, "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["finished"]
    assert facts["sheet"].endswith("sheet.png")
    assert [
        (each["seed"], each["steps"], each["planned"], each["whole"]) for each in facts["candidates"]
    ] == [
        (7, 5, 5, 15),
        (8, 5, 5, 15),
    ]
    assert all(each["score"] > 0 and each["run_dir"] and each["picture"] for each in facts["candidates"])
    assert facts["best"] in (1, 2)


def test_json_of_a_continued_one_tells_of_all(varied):
    code, out, _ = sinct_command(*varied, "--continue", "2", "--json")
    facts = json.loads(out)
    assert code == 0
    assert (facts["chosen"], facts["steps"], facts["finished"]) == (2, 15, True)
    first, second = facts["variations"]["candidates"]
    assert first["continued"] is None
    assert second["continued"]["steps"] == 15


def test_quiet_prints_nothing(varied):
    assert sinct_command(*varied, *SEEDS, "--quiet") == (0, "", "")
    assert sinct_command(*varied, "--continue=1", "--quiet") == (0, "", "")


def test_steps_are_the_budget_with_seeds_and_a_length_with_continue(varied):
    assert "after 8 steps" in sinct_command(*varied, "--continue=1", "--steps=8")[1]
    code, out, _ = sinct_command(*varied, *SEEDS, "--pick=best", "--overwrite")
    assert code == 0
    assert "after 15 steps" in out


def test_prune_frees_the_disk_and_says_how_much(varied):
    code, out, _ = sinct_command(*varied, "--continue=2", "--prune")
    assert code == 0
    assert "removed the other candidates' checkpoints: " in out
    assert [each.pruned for each in candidates_of(varied)] == [True, False]


def test_presets_and_photos_make_candidates(job, tmp_path):
    draw(tmp_path / "b.png", 2, (64, 50))
    command = [
        *job[:3],
        str(tmp_path / "b.png"),
        *job[3:],
        "--each-photo",
        "--presets=draft,paper",
        "--steps=40",
    ]
    code, out, err = sinct_command(*command, *TINY)
    assert code == 0
    for label in ("draft, photo.png", "paper, photo.png", "draft, b.png", "paper, b.png"):
        assert f": {label}, 5 steps, score " in out
    assert "each candidate is judged by its own photo" in err
    assert "scores favour the presets" in err


def test_values_of_faithful_make_candidates_that_go_on(job):
    code, out, err = sinct_command(
        *job, "--each-faithful=0.25,1", "--steps=20", *TINY, "--set=remove_strokes=true"
    )
    assert code == 0
    for label in ("1: faithful 0.25", "2: faithful 1"):
        assert f"{label}, 5 steps, score " in out
    assert "how much of the strokes should stay depends on the painting" in err
    assert [each.faithful for each in candidates_of(job)] == [0.25, 1]
    code, out, _ = sinct_command(*job, "--continue=2")
    assert code == 0
    assert "after 15 steps" in out


# One line for each mistake


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--continue=1"], "holds no variations; train some first, for instance with --seeds 4"),
        (["--pick=best"], "holds no variations"),
        (["--seeds=1"], "one candidate leaves nothing to choose; give --seeds 2 or more, several --presets or values"),
        (["--seeds=0"], "--seeds must be 2 or more, got 0"),
        (["--seeds=99"], "99 candidates are too many"),
        (["--each-photo"], "one candidate leaves nothing to choose"),
        (["--seeds=4", "--steps=20"], "20 steps leave 2 for each of 4 candidates, too few to choose by; give --steps"),
        (["--seeds=4", "--preset=instant"], "0 steps leave nothing to divide among candidates; give --steps"),
        (["--presets=draft,best", "--steps=20"], "unknown preset 'best'"),
        (["--presets=draft,standard", "--steps=20"], "presets draft and standard differ only in length"),
        (["--each-faithful=0.5"], "one candidate leaves nothing to choose"),
        (["--each-faithful=0.5,high"], "--each-faithful takes numbers from 0 to 1 with commas between, got '0.5,high'"),
        (["--each-faithful=0.5,2"], "faithful must"),
        (["--each-faithful=0,1", "--faithful=0.3"], "--faithful and --each-faithful contradict each other"),
        (["--pick=best", "--continue=1"], "--continue and --pick contradict each other; give one of them"),
        (["--seeds=2", "--prune"], "--prune goes with --continue or --pick"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_leaves_nothing(arguments, message, job, tmp_path):
    settings = [] if "instant" in "".join(arguments) else TINY
    code, out, err = sinct_command(*job, *arguments, *settings)
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert message in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.png", "photo.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--continue=9"], "there is no candidate 9 in "),
        ([*SEEDS, "--seeds=3", "--steps=30"], "holds variations with other settings (2 candidates, standard"),
    ],
)  # fmt: skip
def test_a_mistake_beside_variations_is_one_line(arguments, message, varied):
    code, out, err = sinct_command(*varied, *arguments)
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert message in err


def test_pick_refuses_an_output_that_exists_before_any_training(job, tmp_path):
    draw(tmp_path / "out.png", 3)
    code, _, err = sinct_command(*job, *SEEDS, "--pick=best")
    assert code == 1
    assert "already exists; give another name, or --overwrite to replace it" in err
    assert not (tmp_path / "out.sinct").exists()


def test_time_that_is_too_short_is_one_line(job):
    code, _, err = sinct_command(*job, "--seeds=4", "--time=0.01s", *TINY)
    assert code == 1
    assert "error: the time is too short for 4 candidates: candidate 1 had 0.00" in err
    assert "--overwrite and more --time" in err


# Commands that go on


@pytest.mark.parametrize(
    ("given", "steps", "told"),
    [
        ("a b -o c --seeds 4", None, "a b -o c --continue 3"),
        ("a b --seeds=4 --seed 7 --pick best --overwrite -o c", None, "a b -o c --continue 3"),
        ("a b --each-faithful 0.2,1 --faithful 1", None, "a b --continue 3"),
        ("a b --presets x,y --each-photo --steps 9 --time=5m --bits 16", None, "a b --bits 16 --continue 3"),
        ("a b --continue 3 --resume --set a=1 --faithful=0.2", 40, "a b --continue 3 --steps=40"),
    ],
)
def test_command_that_goes_on_with_a_candidate(given, steps, told):
    assert choosing(given.split(), 3, steps=steps) == f"sinct {told}"


def test_command_that_takes_candidates_up_is_the_same_but_for_overwrite():
    assert repeating(["a", "--seeds", "4", "--overwrite", "b"]) == "sinct a --seeds 4 b"


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize("then", [[], ["--pick=best"]])
def test_interrupt_keeps_everything_and_says_how_to_go_on(then, job, tmp_path):
    command = [*job, "--seeds=2", "--steps=2000", *TINY, *then]
    process = subprocess.Popen(
        [sys.executable, "-m", "sinct_cli", *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    log = tmp_path / "out.sinct" / "variations" / "1" / "log.jsonl"
    while not log.exists():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in err
    told = f"stopped after 0 of 2 candidates; everything is saved. To continue: sinct {shlex.join(command)}\n"
    assert told in out
    assert json.loads(log.read_text().splitlines()[-1])["step"] >= 10
    assert (log.parent / "checkpoint.safetensors").exists()


def test_resuming_a_folder_of_variations_says_how_one_goes_on(varied, told):
    run = varied[-1].replace(".png", ".sinct")
    for more in ([], ["--steps=30"]):
        code, _, err = sinct_command(*varied, "--resume", *more)
        assert code == 1
        assert err == (
            f"error: {run} holds variations, no run of its own; leave out --resume, and go on with one of them by its "
            "number, --continue K\n"
        )


@pytest.mark.parametrize(
    ("kind", "why"), [("colours", "colours"), ("text", "the mask "), ("missing", "mask.png")]
)
def test_mask_that_cannot_be_used_is_refused_before_any_training(kind, why, job, tmp_path, monkeypatch):
    monkeypatch.setattr("sinct.variations.work.run_training", lambda *_, **__: pytest.fail("trained"))
    mask = tmp_path / "mask.png"
    if kind == "colours":
        draw(mask, 0)
    if kind == "text":
        mask.write_text("hello")
    code, _, err = sinct_command(*job, *SEEDS, "--mask", mask)
    assert code == 1
    assert why in err
    assert not (tmp_path / "out.sinct").exists()


def test_mask_of_the_right_kind_hinders_no_candidate(job, tmp_path):
    Image.new("L", (60, 45), 128).save(tmp_path / "mask.png")
    code, _, err = sinct_command(*job, *SEEDS, "--mask", tmp_path / "mask.png")
    assert code == 0, err
