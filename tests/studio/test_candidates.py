"""Variations in the studio: those of the command line, its own, and what becomes of the one that is chosen."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import sinct
from sinct.errors import ConfigError, InputError
from sinct.studio.run import Choices, State, StudioRun
from sinct.studio.studio import Studio
from sinct.studio.worker import train
from tests.support.studio import Served, make_studio
from tests.support.variations import CONFIG, trained_in


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A folder with painting.png, photo.png, and two candidates for out.png, of the command line."""
    return trained_in(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def folder(trained, tmp_path) -> Path:
    return shutil.copytree(trained, tmp_path / "folder")


class Started:
    """Records what processes would be started for, in place of starting them."""

    def __init__(self, studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
        self.requests: list[tuple[str, str, dict]] = []
        monkeypatch.setattr(studio.processes, "start", self)

    def __call__(self, run: StudioRun, task: str, request: dict) -> None:
        self.requests.append((run.path.name, task, request))


@pytest.fixture
def studio(folder):
    studio = make_studio(folder, CONFIG)
    yield studio
    studio.processes.kill()


@pytest.fixture
def started(studio, monkeypatch) -> Started:
    return Started(studio, monkeypatch)


def continued(folder: Path, number: int, output: str = "out.png", **options) -> sinct.Translation:
    """Go on with a candidate as the command line does."""
    painting, photo = folder / "painting.png", folder / "photo.png"
    return sinct.continue_variation(
        painting, photo, folder / output, number, run_dir=folder / "out.sinct", **options
    )


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


# Of the command line ---------------------------------------------------------------------------------------


def test_candidates_of_the_command_line_open_in_the_studio(folder, studio):
    run = studio.describe("out.sinct")
    assert (run["job"]["painting"], run["job"]["photos"], run["job"]["output"]) == (
        "painting.png",
        ("photo.png",),
        "out.png",
    )
    assert (run["state"]["phase"], run["trained"], run["resumable"]) == ("choosing", False, True)
    told = sinct.read_variations(folder / "out.sinct")
    assert [
        (each["number"], each["label"], each["steps"], each["score"], each["best"])
        for each in run["variations"]["candidates"]
    ] == [
        (each.number, each.label, each.steps, each.score, each.number == told.best)
        for each in told.candidates
    ]


def test_the_card_shows_the_best_candidate(folder, studio):
    best = sinct.read_variations(folder / "out.sinct").best
    shown = studio.overview()["runs"][0]["shown"]
    assert shown.startswith(f"/api/runs/out.sinct/candidates/{best}?v=")


def test_a_candidate_that_the_command_line_chose_is_found(folder, studio):
    studio.run("out.sinct").write_state(State("choosing"))  # the page was open before
    continued(folder, 2)
    run = studio.describe("out.sinct")
    assert (run["job"]["chosen"], run["state"]["phase"], run["trained"]) == (2, "finished", True)
    assert run["views"]["result"] is not None
    assert studio.overview()["pictures"] == ["photo.png", "painting.png"]  # not the result


def test_the_name_that_the_command_line_gave_the_picture_is_found(folder, studio):
    continued(folder, 1, "other.png")
    job = studio.describe("out.sinct")["job"]
    assert (job["chosen"], job["output"]) == (1, "other.png")


def half_trained(folder: Path, **changes) -> Path:
    """The candidates as a command that was stopped in the second one leaves them; returns their folder."""
    place = folder / "out.sinct" / "variations"
    values = json.loads((place / "variations.json").read_text())
    values["candidates"][1]["result"] = None
    (place / "variations.json").write_text(json.dumps({**values, **changes}))
    (place / "2.png").unlink()
    shutil.rmtree(place / "2")
    return place


def test_candidates_that_a_command_began_with_region_maps_are_not_finished_here(folder, studio):
    half_trained(folder, hashes=["a"] * 4)
    run = studio.describe("out.sinct")
    assert (run["state"]["phase"], run["resumable"]) == ("stopped", False)
    with pytest.raises(InputError, match="begun by a command, with region maps; run that again"):
        studio.resume("out.sinct")


def test_what_the_studio_trains_of_a_commands_candidates_is_what_the_command_would_have(
    folder, trained, studio
):
    place = half_trained(folder)
    run = studio.describe("out.sinct")
    assert (run["state"]["phase"], run["resumable"]) == ("stopped", True)
    train(studio.run("out.sinct"), should_stop=lambda: False, resume=False)
    run = studio.describe("out.sinct")
    assert run["variations"]["finished"], run["state"]
    assert np.array_equal(pixels(place / "2.png"), pixels(trained / "out.sinct" / "variations" / "2.png"))
    scores = [
        [each.score for each in sinct.read_variations(where / "out.sinct").candidates]
        for where in (folder, trained)
    ]
    assert scores[0] == scores[1]


def test_a_command_goes_on_with_what_the_studio_began(folder, trained, studio, started):
    name = studio.start("painting.png", ["photo.png"], "draft", Choices(seeds=2))
    run = studio.run(name)
    train(run, should_stop=lambda: run.variations.run(2).config.is_file(), resume=False)
    assert studio.describe(name)["state"]["phase"] == "stopped"
    found = sinct.vary(
        folder / "painting.png", folder / "photo.png", folder / "painting-photo.png", seeds=2, config=CONFIG,
        preset="draft",
    )  # fmt: skip
    assert found.finished
    theirs = sinct.read_variations(trained / "out.sinct")
    assert [each.score for each in found.candidates] == [each.score for each in theirs.candidates]
    assert studio.describe(name)["state"]["phase"] == "choosing"


def test_candidates_of_other_pictures_are_not_gone_on_with(folder, studio):
    half_trained(folder)
    shutil.copy(folder / "painting.png", folder / "photo.png")
    train(studio.run("out.sinct"), should_stop=lambda: False, resume=False)
    state = studio.describe("out.sinct")["state"]
    assert state["phase"] == "failed"
    assert "holds variations on other pictures (painting.png, photo.png)" in state["message"]


# Choosing --------------------------------------------------------------------------------------------------


def test_choosing_goes_on_with_the_candidate(studio, started):
    studio.choose("out.sinct", 2)
    assert started.requests == [("out.sinct", "train", {"resume": True, "steps": None})]
    assert studio.run("out.sinct").job().chosen == 2
    assert studio.describe("out.sinct")["job"]["output"] == "out.png"


def test_another_candidate_gets_a_picture_of_its_own(folder, studio, started):
    continued(folder, 1)
    studio.choose("out.sinct", 2)
    job = studio.run("out.sinct").job()
    assert (job.chosen, job.output) == (2, "painting-photo.png")
    assert (folder / "out.png").exists()


def test_choosing_what_was_finished_before_shows_it_without_training(folder, studio, started):
    continued(folder, 1)
    continued(folder, 2, "second.png")
    studio.choose("out.sinct", 2)
    run = studio.describe("out.sinct")
    assert started.requests == []
    assert (run["job"]["chosen"], run["job"]["output"], run["state"]["step"]) == (2, "second.png", 15)
    assert np.array_equal(pixels(studio.view("out.sinct", "result")), pixels(folder / "second.png"))
    studio.choose("out.sinct", 1)
    assert np.array_equal(pixels(studio.view("out.sinct", "result")), pixels(folder / "out.png"))


@pytest.mark.parametrize(("number", "error"), [(0, ConfigError), (3, ConfigError), (-1, ConfigError)])
def test_there_is_no_such_candidate(studio, started, number, error):
    with pytest.raises(error, match=f"there is no candidate {number}; choose one of 1 to 2"):
        studio.choose("out.sinct", number)


def test_a_candidate_that_is_not_trained_is_not_chosen(folder, studio, started):
    (folder / "out.sinct" / "variations" / "2.png").unlink()
    with pytest.raises(InputError, match="candidate 2 has not been trained yet"):
        studio.choose("out.sinct", 2)


def test_a_candidate_without_a_checkpoint_is_not_chosen(folder, studio, started):
    sinct.prune_variations(folder / "out.sinct", 1)
    assert studio.describe("out.sinct")["variations"]["candidates"][1]["fixed"]
    with pytest.raises(ConfigError, match="candidate 2 cannot be continued any more"):
        studio.choose("out.sinct", 2)


def test_each_photo_is_shown_with_its_candidate(folder, studio, tmp_path):
    photos = [folder / "photo.png", folder / "other.png"]
    Image.open(photos[0]).rotate(180).save(photos[1])
    sinct.vary(folder / "painting.png", photos, folder / "two.png", config=CONFIG, each_photo=True)
    shown = [pixels(studio.candidate_photo("two.sinct", number)) for number in (1, 2)]
    assert [np.array_equal(mine, pixels(path)) for mine, path in zip(shown, photos, strict=True)] == [
        True,
        True,
    ]


# Starting --------------------------------------------------------------------------------------------------


def test_more_choices_become_settings(studio, started):
    name = studio.start("painting.png", ["photo.png"], "standard", Choices(seed=7, seeds=3))
    job = studio.run(name).job()
    assert job.config is not None
    assert (job.config["seed"], job.seeds, job.each_photo) == (7, 3, False)


def test_values_of_faithful_reach_the_candidates(studio, started):
    studio.configs["draft"] = studio.configs["draft"].replace(remove_strokes=True)
    name = studio.start("painting.png", ["photo.png"], "draft", Choices(each_faithful=(0.5, 1)))
    assert studio.run(name).job().each_faithful == (0.5, 1)
    assert studio.run(name).job().varies


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": -1}, "seed must"),
        ({"faithful": 1.5}, "faithful must"),
        ({"seeds": 17}, "17 variations are too many; ask for at most 16"),
        ({"seeds": 0}, "one variation leaves nothing to choose"),
        ({"seeds": 3}, "20 steps are too few for 3 variations; choose a longer training, or fewer of them"),
        ({"each_photo": True}, "one variation leaves nothing to choose"),
        ({"each_faithful": (0.5,)}, "one variation leaves nothing to choose"),
        ({"each_faithful": (0.5, 0.5, 1.0)}, "a value of `each_faithful` is there twice"),
        ({"each_faithful": (0.5, 1.5)}, "faithful must"),
        ({"each_faithful": (0.25, 0.5, 0.75, 1.0)}, "20 steps are too few for 4 variations"),
    ],
)
def test_choices_that_cannot_be_give_one_line(folder, studio, started, changes, said):
    studio.configs["draft"] = studio.configs["draft"].replace(remove_strokes=True)
    with pytest.raises(ConfigError, match=said):
        studio.start("painting.png", ["photo.png"], "draft", Choices(**changes))
    assert not list(folder.glob("painting-photo*"))


def test_a_photo_that_is_there_twice_is_refused(studio, started):
    with pytest.raises(InputError, match="one photo is there twice"):
        studio.start("painting.png", ["photo.png", "photo.png"], "draft")


# With a process --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_studios_candidates_are_those_of_vary_and_the_chosen_one_goes_on(folder, studio, tmp_path):
    name = studio.start("painting.png", ["photo.png"], "draft", Choices(seeds=2))
    served = Served(studio, 0)
    run = served.wait(name, "choosing", "failed")
    assert run["state"]["phase"] == "choosing", run["state"]["message"]
    for number in (1, 2):
        mine, theirs = (folder / place / "variations" / f"{number}.png" for place in (name, "out.sinct"))
        assert np.array_equal(pixels(mine), pixels(theirs))
    studio.choose(name, 2)
    run = served.wait(name, "finished", "failed")
    assert run["state"]["phase"] == "finished", run["state"]["message"]
    assert (run["state"]["step"], run["job"]["output"]) == (15, "painting-photo.png")
    continued(folder, 2)
    assert np.array_equal(pixels(folder / "painting-photo.png"), pixels(folder / "out.png"))
    again = sinct.continue_variation(  # the other way round: the command line goes on with the other one
        folder / "painting.png", folder / "photo.png", tmp_path / "first.png", 1, run_dir=folder / name
    )
    assert again.training.finished


@pytest.mark.slow
def test_stopped_candidates_are_found_again_and_go_on(folder, studio, monkeypatch):
    monkeypatch.setitem(studio.configs, "standard", CONFIG.replace(steps=2000))
    name = studio.start("painting.png", ["photo.png"], "standard", Choices(seeds=2))
    served = Served(studio, 0)
    served.until(name, lambda run: run["state"]["candidate"] == 1)
    studio.stop(name)
    run = served.wait(name, "stopped", "choosing", "failed")
    assert (run["state"]["phase"], run["resumable"]) == ("stopped", True), run["state"]["message"]
    assert run["variations"]["candidates"][0]["picture"] is not None
    studio.resume(name)
    step = run["state"]["step"]
    served.until(name, lambda run: run["state"]["phase"] == "training" and run["state"]["step"] > step)
    studio.stop(name)
    assert served.wait(name, "stopped", "failed")["state"]["phase"] == "stopped"


@pytest.mark.slow
def test_a_candidate_is_trained_longer(folder, studio):
    continued(folder, 1)
    studio.resume("out.sinct", more=5)
    run = Served(studio, 0).wait("out.sinct", "finished", "failed")
    assert run["state"]["phase"] == "finished", run["state"]["message"]
    assert (run["state"]["step"], run["job"]["chosen"]) == (20, 1)
    assert run["job"]["output"] == "out.png"
