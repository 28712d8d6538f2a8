import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import pytest
from PIL import Image
from sinct_cli import display, options
from sinct_cli.main import app
from sinct_cli.stopping import resuming
from typer.main import get_command
from typer.testing import CliRunner

import sinct
import sinct.presets
from sinct.doctor import Speed
from sinct.inference.parts import PARTS
from sinct.pictures.decoding import read_header
from sinct.pictures.output_profile import CHOICES
from sinct.training.outlook import roughly
from tests.support.platforms import needs_signals
from tests.support.profiles import made

TINY = [
    '--set=generator="sincut"',
    "--set=warm_start=false",
    "--set=width=4",
    "--set=discriminator_widths=[4,8,8]",
    "--set=tile_size=16",
    "--set=crop_size=32",
    "--set=crops=2",
    "--set=identity_crops=2",
    "--set=min_width=32",
    "--set=max_width=48",
    "--set=projection_dimensions=8",
    "--set=mixed_precision=false",
    "--device=cpu",
]


@pytest.fixture
def pair(make_picture):
    return [str(make_picture("painting.png", seed=0)), str(make_picture("photo.png", 64, 50, seed=1))]


def sinct_command(*arguments):
    """Run one command in this process; returns exit code, stdout, stderr."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def trained(pair, tmp_path):
    """Run directory of a short training on the pair."""
    sinct_command("train", *pair, "--run-dir", tmp_path / "run", "--steps=2", *TINY)
    return tmp_path / "run"


def test_translate_writes_a_picture_and_says_where(pair, tmp_path):
    code, out, _ = sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=2", *TINY)
    assert code == 0
    assert "wrote" in out
    assert "(60x45 px) after 2 steps" in out
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (60, 45)


def test_json_is_one_object_and_nothing_else(pair, tmp_path):
    code, out, _ = sinct_command("translate", *pair, "-o", tmp_path / "out.png", "--steps=2", "--json", *TINY)
    facts = json.loads(out)
    assert code == 0
    assert (facts["steps"], facts["finished"], facts["width"]) == (2, True, 60)


def test_quiet_prints_nothing(pair, tmp_path):
    code, out, err = sinct_command(
        "translate", *pair, "-o", tmp_path / "out.png", "--steps=2", "--quiet", *TINY
    )
    assert (code, out, err) == (0, "", "")


def test_train_then_apply(pair, tmp_path):
    code, out, _ = sinct_command("train", *pair, "--run-dir", tmp_path / "run", "--steps=2", *TINY)
    assert code == 0
    assert "trained 2 steps" in out
    code, out, _ = sinct_command("apply", tmp_path / "run", pair[0], "-o", tmp_path / "applied.png")
    assert code == 0
    assert "applied.png (60x45 px)" in out.replace("\n", "")


@pytest.fixture
def second_a_step(monkeypatch):
    """Let every step take a second."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("sinct.training.loop.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def test_time_ends_the_training(pair, tmp_path, second_a_step):
    code, out, _ = sinct_command("train", *pair, "--run-dir", tmp_path / "run", "--time=3s", "--json", *TINY)
    facts = json.loads(out)
    assert code == 0
    assert (facts["steps"], facts["planned_steps"]) == (3, sinct.presets.STEPS["standard"])
    assert facts["capped"]
    assert facts["finished"]


def test_training_that_its_time_ended_says_so_and_how_to_do_the_rest(
    pair, tmp_path, second_a_step, monkeypatch
):
    command = [
        "translate",
        *pair,
        "-o",
        str(tmp_path / "out.png"),
        "--time",
        "3s",
        "--steps=6",
        "--overwrite",
    ]
    monkeypatch.setattr("sys.argv", ["sinct", *command])
    code, out, _ = sinct_command(*command, *TINY)
    assert code == 0
    assert "after 3 of 6 steps in 0:03" in out
    told = next(line for line in out.splitlines() if "--time" in line)
    assert told.startswith(
        "--time ended the training at step 3 of 6, so the result is not yet what it could be;"
    )
    resume = told.partition("To do the rest: sinct ")[2]
    assert resume == shlex.join([*command[:5], "--resume", "--steps=6"])
    code, out, _ = sinct_command(*shlex.split(resume))
    assert code == 0
    assert "after 6 steps" in out
    assert "--time" not in out


def test_time_alone_leaves_a_resumed_run_its_steps(pair, tmp_path, second_a_step):
    run = ["train", *pair, "--run-dir", tmp_path / "run"]
    sinct_command(*run, "--steps=6", "--time=2s", *TINY)
    _, out, _ = sinct_command(*run, "--resume", "--time=4s", "--json")
    facts = json.loads(out)
    assert (facts["steps"], facts["planned_steps"], facts["capped"]) == (4, 6, True)


def test_from_scratch_takes_no_part_in_the_warm_start(pair, tmp_path):
    command = ["train", *pair, "--run-dir", tmp_path / "run", "--preset=draft", "--steps=1", "--from-scratch"]
    code, _, err = sinct_command(*command, *TINY[:1], *TINY[2:])
    assert code == 0, err
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["warm_start"] is False


def test_instant_from_scratch_is_refused(pair, tmp_path):
    command = ["translate", *pair, "-o", tmp_path / "out.png", "--preset=instant", "--from-scratch"]
    code, _, err = sinct_command(*command, "--device=cpu")
    assert code == 2 or code == 1
    assert "0 steps would leave the generator random" in err


def test_other_networks_than_the_warm_starts_are_refused(pair, tmp_path):
    command = ["train", *pair, "--run-dir", tmp_path / "run", "--preset=draft", "--steps=1"]
    code, _, err = sinct_command(*command, "--set=width=8", "--set=crops=2", "--set=identity_crops=1")
    assert code != 0
    assert "the warm start does not fit the generator of these settings" in err
    assert not (tmp_path / "run").exists()


def test_instant_writes_a_picture_without_training(pair, tmp_path, tiny_warm_start):
    shape = ["--set=warm_start=true", "--set=depths=[0,1,2]"]
    command = ["translate", *pair, "-o", tmp_path / "out.png", "--preset=instant", *TINY, *shape]
    code, out, err = sinct_command(*command)
    assert code == 0
    assert "out.png (60x45 px) without training" in out
    assert "error" not in err
    assert (tmp_path / "out.png").exists()


def test_first_steps_tell_what_the_training_will_take(pair, tmp_path):
    command = ["train", *pair, "--run-dir", tmp_path / "run", "--preset=draft", "--steps=8", "--time=1h"]
    _, out, err = sinct_command(*command, *TINY)
    lines = [line for line in err.splitlines() if "on this machine" in line]
    assert len(lines) == 1
    assert re.fullmatch(
        r"[\d.]+ s a step on this machine: draft, 8 steps, about \d+ seconds?; Ctrl-C any time keeps the model so far",
        lines[0],
    )
    assert "on this machine" not in out


def test_help_has_the_steps_of_the_presets():
    for name, steps in sinct.presets.STEPS.items():
        assert f"{name} {steps}" in get_args(options.PresetOption)[1].help
    for name in sinct.presets.PUBLISHED:
        assert f"{name} 100,000" in get_args(options.PresetOption)[1].help


@pytest.mark.parametrize(
    ("given", "steps", "told"),
    [
        ("a b --time 5m", None, "a b --time 5m --resume"),
        ("a b --time 5m", 9, "a b --resume --steps=9"),
        ("a --time=5m b --steps 9 --overwrite", 9, "a b --resume --steps=9"),
        ("a --resume --steps=9 b", 20, "a b --resume --steps=20"),
    ],
)
def test_command_that_resumes(given, steps, told):
    assert resuming(given.split(), steps=steps) == f"sinct {told}"


@pytest.mark.slow
def test_demo_runs_on_the_shipped_pair(tmp_path):
    code, _, _ = sinct_command("demo", "-o", tmp_path / "demo", "--steps=1", "--device=cpu", "--quiet")
    assert code == 0
    with Image.open(tmp_path / "demo" / "result.png") as picture:
        assert picture.width >= 900


def test_doctor_names_device_precision_and_what_presets_would_choose():
    code, out, _ = sinct_command("doctor", "--json", "--device=cpu", "--no-timing")
    facts = json.loads(out)
    assert code == 0
    assert "speed" not in facts
    for name in (
        "device",
        "precision",
        "threads",
        "memory",
        "torch",
        "preset draft",
        "preset paper",
        "preset authors",
    ):
        assert facts[name]


def test_doctor_tells_how_long_each_preset_takes(monkeypatch):
    measured = Speed(step=3.0, gflop=120.0, ceiling=100.0)
    monkeypatch.setattr("sinct.doctor.measure", lambda config, device: measured)
    code, out, _ = sinct_command("doctor", "--json", "--device=cpu")
    facts = json.loads(out)
    assert code == 0
    assert facts["speed"].startswith(
        "3 s a step of draft, 120 GFLOP: 40 GFLOP/s, where a convolution alone does 100"
    )
    steps = sinct.presets.STEPS
    assert facts["preset draft"].startswith(f"{steps['draft']} steps, about {roughly(3.0 * steps['draft'])};")
    assert facts["preset standard"].startswith(f"{steps['standard']} steps, about ")
    assert facts["preset instant"].startswith("0 steps; ")
    assert facts["preset paper"].startswith("100,000 steps; ")


def test_doctor_tells_how_wide_strokes_are_and_times_nothing(pair, monkeypatch):
    monkeypatch.setattr("sinct.doctor.measure", lambda *_: pytest.fail("timed"))
    code, out, _ = sinct_command("doctor", pair[0], "--device=cpu", "--json")
    facts = json.loads(out)
    assert code == 0
    assert facts["painting"] == "60x45 px"
    assert re.match(r"about [\d.]+ px wide, from ", facts["strokes"])
    code, out, _ = sinct_command("doctor", pair[0], "--device=cpu")
    assert code == 0
    assert any(line.startswith("strokes ") for line in out.splitlines())


@pytest.mark.parametrize("kind", ["missing", "text", "folder"])
def test_doctor_without_a_readable_painting_is_one_line(kind, tmp_path):
    path = tmp_path / "painting.png"
    if kind == "text":
        path.write_text("hello")
    if kind == "folder":
        path.mkdir()
    code, out, err = sinct_command("doctor", path, "--device=cpu")
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert "painting.png" in err


def config_of(run_dir):
    return json.loads((run_dir / "config.json").read_text())["config"]


@pytest.mark.parametrize("command", ["translate", "train"])
def test_options_about_strokes_are_settings_of_the_run(command, pair, tmp_path):
    where = ("-o", tmp_path / "out.png") if command == "translate" else ()
    code, _, _ = sinct_command(
        command,
        *pair,
        *where,
        "--run-dir",
        tmp_path / "run",
        "--steps=1",
        "--stroke=6.5",
        "--faithful=0.25",
        *TINY,
    )
    assert code == 0
    config = config_of(tmp_path / "run")
    assert (config["remove_strokes"], config["stroke"], config["faithful"]) == (True, 6.5, 0.25)


def test_without_options_about_strokes_the_presets_settings_hold(trained):
    config = config_of(trained)
    assert (config["remove_strokes"], config["stroke"], config["faithful"]) == (True, 0.0, 0.5)


def test_options_about_strokes_win_over_set():
    assert options.with_strokes(["stroke=3", "crops=2"], 6.0, None) == ["stroke=3", "crops=2", "stroke=6.0"]
    assert options.parse_changes(options.with_strokes(["stroke=3"], 6.0, 0.0)) == {
        "stroke": 6.0,
        "faithful": 0.0,
    }
    assert options.with_strokes(None, None, None) == []


def test_demo_advises_only_options_that_it_has(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.json").touch()
    (tmp_path / "run" / "model.safetensors").touch()
    code, _, err = sinct_command("demo", "-o", tmp_path, "--steps=1", "--device=cpu")
    assert code == 1
    assert "--resume to continue it, --overwrite to start again, or another -o" in err
    options = {word for parameter in get_command(app).commands["demo"].params for word in parameter.opts}
    assert set(re.findall(r"--?[a-z-]+\b", err.partition("run;")[2])) <= options


@pytest.mark.parametrize("command", ["translate", "train", "demo"])
@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("--stroke=-1", "--stroke"),
        ("--stroke=wide", "--stroke"),
        ("--faithful=1.1", "--faithful"),
        ("--faithful=-0.1", "--faithful"),
    ],
)
def test_options_about_strokes_out_of_range_are_refused(command, option, words, pair, tmp_path):
    arguments = {
        "translate": [*pair, "-o", tmp_path / "out.png"],
        "train": [*pair, "--run-dir", tmp_path / "run"],
    }
    code, _, err = sinct_command(command, *arguments.get(command, ["-o", tmp_path / "demo"]), option)
    assert code == 2
    assert words in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.png", "photo.png"]


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("option", ["--stroke", "--faithful"])
def test_options_about_strokes_that_are_no_number_are_one_line(option, value, pair, tmp_path):
    code, _, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", f"{option}={value}", *TINY)
    assert code in (1, 2)
    assert "Traceback" not in err
    assert option.strip("-") in err
    assert not (tmp_path / "out.png").exists()


def test_version_is_the_librarys():
    assert sinct_command("--version")[1].strip() == f"sinct {sinct.__version__}"


@pytest.mark.parametrize("command", ["translate", "train", "apply", "demo", "doctor"])
def test_help_of_every_command(command):
    code, out, _ = sinct_command(command, "--help")
    assert code == 0
    assert "Usage" in out


def test_preset_names_are_the_librarys():
    assert tuple(preset.value for preset in options.Preset) == sinct.PRESETS


def test_choices_of_profiles_are_the_librarys():
    assert tuple(profile.value for profile in options.Profile) == CHOICES


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("1h30m", 5400), ("0.5m", 30)],
)
def test_duration(text, seconds):
    assert options.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5s", "soon", "10x", "m", "nan", "inf"])
def test_duration_that_is_none_is_refused(text):
    with pytest.raises(Exception, match="is not a time"):
        options.duration(text)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("2GB", 2 * 10**9), ("1.5G", 15 * 10**8), ("800 MB", 8 * 10**8), ("123", 123), ("1GiB", 10**9)],
)
def test_size(text, amount):
    assert options.size(text) == amount


@pytest.mark.parametrize("text", ["", "GB", "much", "-1GB", "0", "infGB", "nan"])
def test_size_that_is_none_is_refused(text):
    with pytest.raises(options.typer.BadParameter, match="is not an amount of memory; give for instance 2GB"):
        options.size(text)


def test_deep_zoom_is_written_in_rows(trained, pair, tmp_path):
    pytest.importorskip("pyvips")
    code, out, _ = sinct_command("apply", trained, pair[0], "-o", tmp_path / "out.dzi", "--max-memory=2GB")
    assert code == 0
    assert "out.dzi (60x45 px)" in out
    assert (tmp_path / "out_files").is_dir()
    code, _, error = sinct_command("apply", trained, pair[0], "-o", tmp_path / "out.dzi")
    assert code == 1
    assert "already exists; give another name, or --overwrite" in error


def test_too_small_a_budget_is_one_line(trained, pair, tmp_path):
    pytest.importorskip("pyvips")
    code, _, error = sinct_command("apply", trained, pair[0], "-o", tmp_path / "out.png", "--max-memory=1MB")
    assert code == 1
    assert "0.00 GB is too little" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.png").exists()
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(("seconds", "text"), [(5, "0:05"), (65, "1:05"), (7509, "2:05:09")])
def test_clock(seconds, text):
    assert display.clock(seconds) == text


# Bad input: one clear line, exit code 1 (2 for what the parser refuses), nothing written ---------------


def broken(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "bad.png"
    if kind == "a directory":
        path.mkdir()
    elif kind == "not a picture":
        path.write_text("hello")
    elif kind == "empty":
        path.touch()
    elif kind == "truncated":
        Image.effect_noise((64, 64), 50).save(path)
        path.write_bytes(path.read_bytes()[:-500])
    return path


@pytest.mark.parametrize("kind", ["missing", "a directory", "not a picture", "empty", "truncated"])
@pytest.mark.parametrize("place", [0, 1])
def test_bad_picture_is_one_line(kind, place, pair, tmp_path):
    pair[place] = broken(tmp_path, kind)
    code, out, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", *TINY)
    assert (code, out) == (1, "")
    assert len(err.strip().splitlines()) == 1
    assert err.startswith("error: ")
    assert "bad.png" in err
    assert not (tmp_path / "out.png").exists()
    assert not (tmp_path / "out.sinct").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device=abacus"], "unknown device 'abacus'"),
        (["--device=cuda:99"], "device 'cuda:99' is not there"),
        (["--resume"], "holds no run to resume"),
        (["--resume", "--time=1h"], "holds no run to resume"),
        (["--resume", "--time=1h", "-o", "."], "holds no run to resume"),
        (["--resume", "--overwrite"], "--resume and --overwrite"),
        (["--set=nonsense=1"], "unknown setting 'nonsense'"),
        (["--set=width"], "has no value"),
        (["--set=width=wide"], "width must be a whole number, got 'wide'"),
        (["--set=width=[3"], "--set width: '[3' is not a value"),
        (["--set=generator=crips"], "unknown generator 'crips'; choose one of"),
        (["--set=width=-1"], "width must be above 0"),
        (["--set=steps=3"], "use --steps or --time"),
        (["--bits=12"], "12"),
    ],
)
def test_bad_option_is_one_line(arguments, message, pair, tmp_path):
    code, _, err = sinct_command("translate", *pair, "-o", tmp_path / "out.png", *arguments)
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert message in err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("option", ["--preset=best", "--profile=p3", "--keep=sky", "--strength=2"])
def test_unknown_choice_is_refused_by_the_parser(option, pair, tmp_path):
    assert sinct_command("translate", *pair, "-o", tmp_path / "out.png", option)[0] == 2


def test_profile_is_kept_by_translate_and_apply(pair, make_picture, tmp_path):
    painting = make_picture("p3.png", icc_profile=made("Display P3"))
    first, second = tmp_path / "first.png", tmp_path / "second.jpg"
    sinct_command("translate", painting, pair[1], "-o", first, "--steps=2", "--profile", "keep", *TINY)
    sinct_command("apply", tmp_path / "first.sinct", painting, "-o", second, "--profile=keep", "--device=cpu")
    assert read_header(first).profile == read_header(second).profile == made("Display P3")


def test_parts_of_a_picture_are_the_librarys():
    assert tuple(part.value for part in options.Part) == PARTS


@pytest.mark.parametrize("command", ["translate", "apply"])
def test_masks_and_parts_are_taken_by_translate_and_apply(command, pair, tmp_path):
    sinct_command("train", *pair, "--run-dir", tmp_path / "run", "--steps=2", *TINY)
    Image.new("L", (60, 45), 0).save(tmp_path / "mask.png")
    given = [*pair, "--steps=2", *TINY] if command == "translate" else [tmp_path / "run", pair[0]]
    for number, mix in enumerate((["--mask", tmp_path / "mask.png"], [f"--keep={part}" for part in PARTS])):
        output = tmp_path / f"{number}.png"
        code, _, err = sinct_command(command, *given, "-o", output, *mix)
        assert code == 0, err
        with Image.open(output) as found, Image.open(pair[0]) as own:
            assert found.tobytes() == own.convert("RGB").tobytes()
    assert "black or transparent everywhere" not in err


@pytest.mark.parametrize(
    ("mask", "message"),
    [
        ("none.png", "does not exist; check the path"),
        ("broken.png", "is not a picture"),
        ("out.png", "the output"),
        ("colours.png", "has colours, but only grey"),
    ],
)
def test_mask_that_cannot_be_used_is_one_line(mask, message, pair, make_picture, tmp_path):
    (tmp_path / "broken.png").write_bytes(b"broken")
    make_picture("colours.png")
    Image.new("L", (60, 45), 255).save(tmp_path / "out.png")
    code, _, err = sinct_command(
        "translate", *pair, "-o", tmp_path / "out.png", "--mask", tmp_path / mask, "--overwrite", *TINY
    )
    assert code == 1
    assert len(err.strip().splitlines()) == 1
    assert message in err
    assert "Traceback" not in err


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_mask_may_come_through_a_pipe(pair, tmp_path):
    sinct_command("train", *pair, "--run-dir", tmp_path / "run", "--steps=2", *TINY)
    Image.new("L", (60, 45), 0).save(tmp_path / "mask.png")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    sender = threading.Thread(target=lambda: pipe.write_bytes((tmp_path / "mask.png").read_bytes()))
    sender.start()
    code, _, err = sinct_command(
        "apply", tmp_path / "run", pair[0], "-o", tmp_path / "out.png", "--mask", pipe
    )
    sender.join()
    assert code == 0, err
    assert "nothing is translated" in err


def test_errors_are_json_for_programs(tmp_path):
    code, out, _ = sinct_command(
        "apply", tmp_path / "none", tmp_path / "x.png", "-o", tmp_path / "y.png", "--json"
    )
    assert code == 1
    assert "x.png" in json.loads(out)["error"]


def test_model_that_is_not_there_is_one_line(pair, tmp_path):
    code, _, err = sinct_command("apply", tmp_path / "none", pair[0], "-o", tmp_path / "y.png")
    assert code == 1
    assert "there is no checkpoint" in err


# As a real process -----------------------------------------------------------------------------------


@needs_signals
@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupt_saves_writes_the_picture_and_says_how_to_resume(number, code, pair, tmp_path):
    command = [
        sys.executable, "-m", "sinct_cli", "translate", *pair, "-o", str(tmp_path / "out.png"),
        "--steps=1000000", *TINY,
    ]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    log = tmp_path / "out.sinct" / "log.jsonl"
    while not log.exists():  # it trains: as long as that takes
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == code
    assert "everything is saved. To continue: sinct translate" in out
    assert "--resume" in out
    assert "Traceback" not in err
    assert " of 1000000 steps in " in out
    with Image.open(tmp_path / "out.png") as picture:
        assert picture.size == (60, 45)
    steps = int(out.split("stopped at step ")[1].split(" of 1000000;")[0])
    code, out, _ = sinct_command(
        "translate", *pair, "-o", tmp_path / "out.png", "--resume", f"--steps={steps + 2}", "--json"
    )
    assert code == 0
    assert json.loads(out)["steps"] == steps + 2


def test_help_imports_no_torch():
    code = (
        "import sys\nsys.argv = ['sinct', '--help']\nfrom sinct_cli.main import run\n"
        "try: run()\nexcept SystemExit: pass\nsys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment).returncode == 0
