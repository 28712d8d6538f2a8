"""Options that a run or a candidate cannot follow when it goes on are refused, not ignored."""

import pytest

import sinct
from sinct.training.run_directory import RunDirectory
from tests.cli.test_cli import TINY, pair, sinct_command, trained  # noqa: F401
from tests.support.folder_pictures import draw

SEED_7 = ["--seed=7"]


def resume(files, run, *more):
    return sinct_command("train", *files, "--run-dir", run, "--resume", *more)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            ["--seed=5"],
            "this run has seed 0, not 5, and what goes on keeps its settings; leave out --seed, or",
        ),
        (["--preset=paper"], "the preset standard, not paper, and"),
        (["--stroke=9"], "stroke=0.0, not 9.0, and what goes on keeps its settings; leave out --stroke, or"),
        (["--faithful=0.1"], "leave out --faithful, or train anew with another --run-dir"),
        (["--set", "nce_weight=3"], "leave out --set nce_weight, or"),
        (["--set", "nce_wait=3"], "nce_weight"),
    ],
)
def test_settings_of_another_kind_beside_resume_are_refused(options, told, pair, trained):  # noqa: F811
    before = trained.joinpath("config.json").read_bytes()
    code, _, err = resume(pair, trained, "--steps=3", *options)
    assert (code, told in err.replace("\n", " ")) == (1, True)
    assert trained.joinpath("config.json").read_bytes() == before


def test_random_networks_beside_resume_are_refused_where_the_run_began_otherwise(
    pair,  # noqa: F811
    tiny_warm_start,
    tmp_path,
):
    sinct.train(*pair, tmp_path / "run", config=tiny_warm_start.replace(steps=1), device="cpu")
    code, _, err = resume(pair, tmp_path / "run", "--from-scratch")
    assert (code, "begun with the networks that come with sinct" in err) == (1, True)


def test_settings_that_the_run_has_may_be_said_again_beside_resume(pair, trained):  # noqa: F811
    code, out, _ = resume(pair, trained, "--steps=3", "--seed=0", "--preset=standard", *TINY)
    assert (code, "trained 3 steps" in out) == (0, True)


def test_fewer_steps_than_a_run_has_are_refused(pair, trained):  # noqa: F811
    code, _, err = resume(pair, trained, "--steps=1")
    assert code == 1
    assert (
        "has 2 steps already, more than --steps 1, and a training cannot go back; give --steps 2 or more"
        in err
    )
    assert RunDirectory(trained).read_config(sinct.objectives.cut.Trainer)[0].steps == 2


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--seed=5"], "this run has seed 0, not 5"),
        (["--set", "width=6"], "width=4, not 6"),
        (["--steps=1"], "has 2 steps already, more than --steps 1"),
    ],
)
def test_a_training_on_folders_keeps_its_settings_too(options, told, tmp_path):
    places = (
        draw(tmp_path / "discs", shape="disc", colour=(200, 40, 40)),
        draw(tmp_path / "squares", shape="square", colour=(40, 60, 200)),
    )
    start = ["folders", "train", *places, "--run-dir", tmp_path / "run"]
    small = ["--set=width=4", "--set=discriminator_width=4", "--set=crop_size=32", "--set=load_size=36"]
    assert sinct_command(*start, "--method=cyclegan", "--steps=2", *small)[0] == 0
    code, _, err = sinct_command(*start, "--method=cyclegan", "--resume", *options)
    assert (code, told in err.replace("\n", " ")) == (1, True)


@pytest.fixture
def varied(pair, tmp_path):  # noqa: F811
    """A command whose two candidates, of seeds 7 and 8, are trained."""
    command = ["translate", *pair, "-o", tmp_path / "out.png", *TINY]
    assert sinct_command(*command, "--seeds=2", "--steps=40", *SEED_7)[0] == 0
    return command


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (SEED_7, "candidate 2 has seed 8, not 7"),
        (["--preset=draft"], "candidate 2 has the preset standard, not draft"),
        (["--faithful=0.1"], "candidate 2 has faithful=0.5, not 0.1"),
        (["--steps=1"], "more than --steps 1, and a training cannot go back"),
    ],
)
def test_a_candidate_keeps_its_settings(options, told, varied, tmp_path):
    code, _, err = sinct_command(*varied, "--continue=2", *options)
    assert (code, told in err.replace("\n", " ")) == (1, True)
    assert not (tmp_path / "out.png").exists()


def test_what_trained_candidates_may_be_repeated_with_the_number_of_one(varied):
    code, out, err = sinct_command(*varied, "--continue=2", "--seeds=2", *SEED_7, "--verbose")
    assert (code, "wrote" in out) == (0, True)
    assert "NCE" in err  # and --verbose is heeded there


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["settings", "--preset=paper", "--method=cut"], "--preset and --method show different settings"),
        (
            ["folders", "report", "A=a", "--source=s", "--target=t", "-o", "r", "--rows=3", "--pictures=a"],
            "--pictures names the rows of the grid, so --rows has no say",
        ),
        (
            ["folders", "score", "a", "--target=b", "--label-numbers=train-ids"],
            "--label-numbers says what --labels hold; give these too, or leave it out",
        ),
        (
            ["batch", "scans", "--photo=p.jpg", "--match=palette", "-o", "out"],
            "--match chooses among a folder of --photos; give one, or leave out --match",
        ),
        (["batch", "list.csv", "--match=palette", "-o", "out"], "--match chooses among a folder of --photos"),
    ],
)
def test_an_option_that_has_no_say_beside_another_is_refused(words, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = sinct_command(*words)
    assert (code, told in err.replace("\n", " ")) == (1, True)
    assert list(tmp_path.iterdir()) == []
