"""`sinct folders` from the command line."""

import json

import pytest
from sinct_cli.folders import Method
from sinct_cli.main import app
from typer.testing import CliRunner

from sinct.folders import METHODS
from tests.support.folder_pictures import TINY, drawn_domains

SETTINGS = [
    option
    for name, value in {**TINY, "projection_dimensions": 8, "queries": 16}.items()
    if name != "steps"
    for option in ("--set", f"{name}={json.dumps(value)}")
]


def run(*arguments):
    return CliRunner().invoke(app, ["folders", *map(str, arguments)])


@pytest.fixture
def places(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")
    return domains.source[0].parent, domains.target[0].parent


def test_methods_are_those_of_the_library():
    assert [method.value for method in Method] == list(METHODS)


def test_train_apply_and_score(places, tmp_path):
    source, target = places
    done = run("train", source, target, "--run-dir", tmp_path / "run", "--steps", 3, *SETTINGS)
    assert done.exit_code == 0, done.output
    assert "trained 3 steps" in done.output
    done = run("apply", tmp_path / "run", source, "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert f"wrote 4 pictures to {tmp_path / 'out'}" in done.output
    done = run("score", tmp_path / "out", "--target", target, "--source", source, "--weights-dir", tmp_path)
    assert done.exit_code == 0, done.output
    assert "source, unchanged" in done.output
    assert "FID, clean-FID and KID are missing" in done.output


def test_a_report_shows_trainings_beside_finished_translations(places, tmp_path):
    source, target = places
    run("train", source, target, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    asked = ("--source", source, "--target", target, "-o", tmp_path / "report", "--weights-dir", tmp_path)
    done = run("report", f"CUT={tmp_path / 'run'}", f"Copy={source}", "--rows", 2, "--insets", *asked)
    assert done.exit_code == 0, done.output
    assert f"report: {tmp_path / 'report' / 'report.html'}" in done.output
    assert (tmp_path / "report" / "grid.pdf").exists()
    assert "FID, clean-FID and KID are missing" in done.output


@pytest.mark.parametrize("text", ["run", "=run", "CUT="])
def test_a_method_without_name_or_place_is_one_line(text, places, tmp_path):
    done = run("report", text, "--source", places[0], "--target", places[1], "-o", tmp_path / "report")
    assert done.exit_code == 1
    assert f"'{text}' is not NAME=PLACE; give for instance CUT=runs/cut" in done.output


def test_one_folder_in_the_layout_of_the_fields_data_sets(places, tmp_path):
    root = tmp_path / "red2blue"
    root.mkdir()
    for place, name in zip(places, ("trainA", "trainB"), strict=True):
        place.rename(root / name)
    done = run("train", root, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    assert done.exit_code == 0, done.output


def test_several_seeds_train_in_folders_of_their_own(places, tmp_path):
    done = run(
        "train", *places, "--run-dir", tmp_path / "runs", "--steps", 2, "--seeds", 2, "--json", *SETTINGS
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["trainings"]
    assert [each["seed"] for each in found] == [0, 1]
    assert (tmp_path / "runs" / "seed-1" / "model.safetensors").exists()


def test_a_run_is_resumed_with_its_own_settings_and_a_new_length(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    done = run("train", *places, "--run-dir", tmp_path / "run", "--steps", 4, "--resume", "--json", *SETTINGS)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["trainings"][0]["steps"] == 4


def test_a_time_alone_leaves_a_resumed_run_its_steps(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    run("train", *places, "--run-dir", tmp_path / "run", "--time", "1m", "--resume")
    assert json.loads((tmp_path / "run" / "config.json").read_text())["config"]["steps"] == 2


def test_a_time_that_ends_a_training_early_is_said_with_the_command_for_the_rest(places, tmp_path):
    done = run("train", *places, "--run-dir", tmp_path / "run", "--time", "0.001s", *SETTINGS)
    assert done.exit_code == 0, done.output
    assert "trained 1 of 1600 steps" in done.output
    assert "--time ended the training at step" in done.output
    assert "--resume --steps=1600" in done.output


def test_another_method_than_the_runs_is_refused_with_the_option_for_it(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    done = run("train", *places, "--run-dir", tmp_path / "run", "--resume", "--method", "cyclegan")
    assert done.exit_code == 1
    assert "give --method cut or another --run-dir" in done.output


def test_a_suffix_needs_no_dot_and_what_was_kept_is_told(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "run", "--steps", 1, *SETTINGS)
    command = ("apply", tmp_path / "run", places[0], "-o", tmp_path / "out", "--suffix", "jpg")
    assert run(*command).exit_code == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".jpg"}
    assert "kept 4 that were there" in run(*command, "--resume").output


def test_a_resumed_run_needs_no_method_and_says_where_it_stands(places, tmp_path):
    command = ("train", *places, "--run-dir", tmp_path / "run")
    run(*command, "--steps", 2, "--method", "cyclegan", *SETTINGS[:-4])
    done = run(*command, "--resume")
    assert done.exit_code == 0, done.output
    assert "cyclegan, all 2 steps are done" in done.output


def test_no_seed_is_trained_where_a_later_one_has_no_place(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "runs" / "seed-1", "--steps", 1, *SETTINGS)
    done = run("train", *places, "--run-dir", tmp_path / "runs", "--steps", 1, "--seeds", 2, *SETTINGS)
    assert done.exit_code == 1
    assert "already holds a run" in done.output
    assert not (tmp_path / "runs" / "seed-0").exists()


def test_a_missing_folder_is_one_line(tmp_path):
    done = run("train", tmp_path / "no", tmp_path / "none", "--run-dir", tmp_path / "run")
    assert done.exit_code == 1
    assert "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_pictures_that_cannot_be_translated_give_exit_code_1(places, tmp_path):
    source, target = places
    run("train", source, target, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run("apply", tmp_path / "run", source, "-o", tmp_path / "out")
    assert done.exit_code == 1
    assert "broken.png" in done.output
    assert "left out 1" in done.output


@pytest.fixture
def munit(places, tmp_path):
    settings = [each for each in SETTINGS if "queries" not in each and "projection" not in each]
    plain = [each for each in settings if each != "--set"]
    options = [word for each in (*plain, "scales=2") for word in ("--set", each)]
    done = run("train", *places, "--run-dir", tmp_path / "run", "--steps", 2, "--method", "munit", *options)
    assert done.exit_code == 0, done.output
    return tmp_path / "run"


def test_samples_and_a_reference_are_options(munit, places, tmp_path):
    source, target = places
    done = run("apply", munit, source, "-o", tmp_path / "several", "--samples", 2)
    assert done.exit_code == 0, done.output
    assert "wrote 8 pictures" in done.output
    assert (tmp_path / "several" / "3-2.png").exists()
    done = run("apply", munit, source, "-o", tmp_path / "like", "--reference", target / "1.png")
    assert done.exit_code == 0, done.output
    assert "wrote 4 pictures" in done.output


def test_a_method_without_styles_names_the_option(places, tmp_path):
    run("train", *places, "--run-dir", tmp_path / "run", "--steps", 2, *SETTINGS)
    done = run("apply", tmp_path / "run", places[0], "-o", tmp_path / "out", "--samples", 2)
    assert done.exit_code == 1
    assert "has no styles, which --samples needs; leave it out, or train one of munit, drit" in " ".join(
        done.output.split()
    )
