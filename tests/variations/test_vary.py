import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import sinct
from sinct.errors import CheckpointError
from sinct.runtime.locks import alone
from sinct.variations import work as module
from sinct.variations.vary import resume_variations
from tests.support.variations import CONFIG, draw


def stop_after(steps: int):
    """Ask to stop once `steps` steps are done: a loop asks before its first step and after each."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= steps


@pytest.fixture
def pair(tmp_path):
    return draw(tmp_path / "painting.png", 0), draw(tmp_path / "photo.png", 1, (64, 50))


def picture_of(candidate):
    with Image.open(candidate.picture) as picture:
        return np.asarray(picture)


def pictures_in(folder: Path) -> dict[str, bytes]:
    """Every picture below a folder: of other files, some hold times."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.suffix in (".png", ".jpg")
    }


def test_candidates_have_their_seeds_steps_pictures_and_run_directories(pair, tmp_path):
    found = sinct.vary(*pair, tmp_path / "out.png", config=CONFIG.replace(seed=7), seeds=2)
    assert found.finished
    assert found.folder == tmp_path / "out.sinct" / "variations"
    assert [(each.number, each.seed, each.steps, each.whole) for each in found.candidates] == [
        (1, 7, 5, 15),
        (2, 8, 5, 15),
    ]
    for each in found.candidates:
        assert picture_of(each).shape == (45, 60, 3)
        assert sinct.load_model(each.run_dir).facts["steps"] == 5
        assert 0 < each.score < 10
    assert not (tmp_path / "out.png").exists()


def test_pictures_differ_with_the_seed(pair, tmp_path):
    found = sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)
    first, second = map(picture_of, found.candidates)
    assert (first != second).any()


def test_each_photo_makes_a_candidate_of_its_own(pair, make_picture, tmp_path):
    photos = [pair[1], make_picture("other.png", 64, 50, seed=2)]
    found = sinct.vary(pair[0], photos, tmp_path / "out.png", config=CONFIG, each_photo=True)
    assert [each.label for each in found.candidates] == ["photo.png", "other.png"]
    facts = [sinct.load_model(each.run_dir).facts["photos"] for each in found.candidates]
    assert facts == [["photo.png"], ["other.png"]]
    assert [remark.code for remark in found.warnings] == ["scores_of_photos"]


def test_presets_may_be_settings_by_name_and_one_without_steps_is_not_trained(
    pair, tiny_warm_start, tmp_path
):
    ready = tiny_warm_start.replace(steps=10)
    presets = {"instant": ready.replace(steps=0), "strict": ready.replace(nce_weight=9.0)}
    found = sinct.vary(*pair, tmp_path / "out.png", config=ready, presets=presets)
    assert [(each.label, each.steps, each.whole) for each in found.candidates] == [
        ("instant", 0, 0),
        ("strict", 5, 10),
    ]
    done = sinct.continue_variation(*pair, tmp_path / "out.png", 1)
    assert (done.training.steps, done.training.finished) == (0, True)


def test_names_of_presets_are_known(pair, tmp_path):
    with pytest.raises(sinct.ConfigError, match="unknown preset 'best'"):
        sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, presets=["paper", "best"])


# The sheet


def test_sheet_shows_painting_photo_and_candidates(pair, tmp_path, monkeypatch):
    shown = []
    drawn = sinct.variations.candidates.labelled_sheet
    monkeypatch.setattr(
        "sinct.variations.candidates.labelled_sheet",
        lambda groups, note: shown.append(groups) or drawn(groups, note),
    )
    found = sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)
    assert len(shown) == 2  # it grows with the candidates
    inputs, made = shown[-1]
    assert [cell.lines for cell in inputs] == [("painting: painting.png",), ("photo: photo.png",)]
    best = {candidate.number: candidate.number == found.best for candidate in found.candidates}
    assert [cell.lines for cell in made] == [
        (f"{each.number}: seed {each.seed}", f"5 steps, score {each.score:.3f}{', best' * best[each.number]}")
        for each in found.candidates
    ]
    assert [cell.marked for cell in made] == list(best.values())
    assert np.array_equal(np.asarray(made[1].picture), picture_of(found.candidates[1]))
    assert found.sheet == found.folder / "sheet.png"


# Which is best


def candidate(number, score, *warnings):
    return sinct.Candidate(
        number, "", 0, "draft", ("photo.png",), Path(), Path(), 5, 25, score=score,
        warnings=tuple(sinct.Remark("inverted", text) for text in warnings),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("candidates", "best"),
    [
        ([(1, 0.9), (2, 0.7), (3, 0.8)], 2),
        ([(1, 0.9), (2, 0.7, "inverted"), (3, 0.8)], 3),
        ([(1, 0.7, "inverted"), (2, 0.9, "inverted")], 1),
        ([(1, 0.7), (2, 0.7)], 1),
        ([(1, None), (2, 0.7)], 2),
        ([(1, None), (2, None)], None),
    ],
)
def test_best_has_the_lowest_score_among_those_with_the_fewest_flaws(candidates, best):
    found = sinct.Variations(Path(), None, tuple(candidate(*each) for each in candidates))
    assert found.best == best


def test_score_is_the_one_that_best_states_are_chosen_by(pair, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "sinct.training.best.make_score", lambda views, photos, share: lambda made: seen.append(made) or 0.25
    )
    found = sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)
    assert [each.score for each in found.candidates] == [0.25, 0.25]
    assert len(seen) == 2


# No work is thrown away


def test_a_second_call_trains_nothing(here, monkeypatch):
    first = sinct.read_variations(here.output.with_suffix(".sinct"))
    monkeypatch.setattr(module, "run_training", lambda *_, **__: pytest.fail("trained again"))
    assert sinct.vary(*here, config=CONFIG, seeds=2) == first


@pytest.mark.parametrize("steps", [0, 3, 5, 8])
def test_interrupted_candidates_go_on_bit_for_bit(steps, here, pair, tmp_path):
    stopped = sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2, should_stop=stop_after(steps))
    assert not stopped.finished
    assert sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2).finished
    assert pictures_in(tmp_path / "out.sinct") == pictures_in(here.output.with_suffix(".sinct"))


def test_a_kill_between_training_and_record_trains_no_step_again(pair, tmp_path, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(module, "make_judge", lambda *_: pytest.fail("killed"))
        with pytest.raises(pytest.fail.Exception, match="killed"):
            sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)
    steps = []
    found = sinct.vary(
        *pair, tmp_path / "out.png", config=CONFIG, seeds=2, should_stop=lambda: steps.append(1) and False
    )
    assert found.finished
    assert len(steps) == 1 + 6  # asked before the first step of each, and after each of the second


def test_a_candidate_that_lost_its_model_is_trained_again(here):
    first = sinct.read_variations(here.output.with_suffix(".sinct"))
    before = picture_of(first.candidates[1])
    shutil.rmtree(first.candidates[1].run_dir)
    again = sinct.vary(*here, config=CONFIG, seeds=2)
    assert again.candidates[1].score == first.candidates[1].score
    assert np.array_equal(picture_of(again.candidates[1]), before)


# Other pictures, other settings


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"steps": 30}, "other settings (2 candidates, standard, seeds 0 to 1, 15 steps for the chosen one)"),
        ({"seed": 1}, "other settings"),
        ({"nce_weight": 3.0}, "other settings"),
        ({"seconds": 60.0}, "other settings"),
    ],
)
def test_other_settings_are_refused_and_leave_everything(changed, message, here):
    before = pictures_in(here.output.with_suffix(".sinct"))
    with pytest.raises(sinct.OutputError) as raised:
        sinct.vary(*here, config=CONFIG.replace(**changed), seeds=2)
    assert message in str(raised.value)
    assert "`overwrite=True`" in str(raised.value)
    assert pictures_in(here.output.with_suffix(".sinct")) == before


@pytest.mark.parametrize("place", ["painting", "photo"])
def test_other_pictures_are_refused(place, here, tmp_path):
    other = here._replace(**{place: draw(tmp_path / "other.png", 5)})
    with pytest.raises(
        sinct.OutputError, match=r"variations on other pictures or region maps \(painting.png, photo.png\)"
    ):
        sinct.vary(*other, config=CONFIG, seeds=2)


def test_overwrite_begins_again(here):
    found = sinct.vary(*here, config=CONFIG.replace(seed=5), seeds=2, overwrite=True)
    assert [each.seed for each in found.candidates] == [5, 6]
    names = {path.name for path in found.folder.iterdir()}
    assert names == {"1", "2", "1.png", "2.png", "sheet.png", "variations.json"}


def test_overwrite_removes_what_was_there(here):
    sinct.vary(*here, config=CONFIG.replace(seed=5), seeds=2, overwrite=True, should_stop=lambda: True)
    left = here.output.with_suffix(".sinct") / "variations"
    assert {path.name for path in left.iterdir()} == {"1", "variations.json"}


def test_a_fault_before_training_leaves_nothing(pair, tmp_path):
    Image.new("RGBA", (64, 50), (200, 30, 90, 0)).save(pair[1])
    with pytest.raises(sinct.InputError, match=r"photo.png is transparent everywhere"):
        sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["painting.png", "photo.png"]


def test_an_output_that_cannot_be_written_is_refused_before_training(pair, tmp_path):
    with pytest.raises(sinct.OutputError, match=r"out\.gif"):
        sinct.vary(*pair, tmp_path / "out.gif", config=CONFIG, seeds=2)
    assert not (tmp_path / "out.sinct").exists()


def test_two_at_a_time_are_refused(pair, tmp_path):
    with (
        alone(tmp_path / "out.sinct" / "variations", ""),
        pytest.raises(sinct.OutputError, match="is working in"),
    ):
        sinct.vary(*pair, tmp_path / "out.png", config=CONFIG, seeds=2)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"painting": 1}', "{" * 5000, "photos", "settings", "until"]
)
def test_a_damaged_record_is_one_line(text, here):
    record = here.output.with_suffix(".sinct") / "variations" / "variations.json"
    stored = json.loads(record.read_text())
    harm = {"photos": [7], "settings": {"width": "wide"}, "until": "half"}
    if text in harm:
        stored["candidates"][1][text] = harm[text]
        text = json.dumps(stored)
    record.write_text(text)
    with pytest.raises(sinct.CheckpointError, match=r"variations.json is damaged .*`overwrite=True`"):
        sinct.vary(*here, config=CONFIG, seeds=2)


# The clock


@pytest.fixture
def second_a_step(monkeypatch):
    """Let every step take a second."""
    ticks = iter(range(10**6))
    monkeypatch.setattr("sinct.training.loop.time", SimpleNamespace(monotonic=lambda: float(next(ticks))))


def test_time_is_divided_as_steps_are(pair, tmp_path, second_a_step):
    timed = CONFIG.replace(steps=400, seconds=20.0)
    found = sinct.vary(*pair, tmp_path / "out.png", config=timed, seeds=2)
    assert [each.steps for each in found.candidates] == [5, 5]
    done = sinct.continue_variation(*pair, tmp_path / "out.png", 1)
    assert (done.training.steps, done.training.capped) == (15, True)


def test_time_that_is_too_short_for_so_many_is_one_line(pair, tmp_path, second_a_step):
    timed = CONFIG.replace(steps=400, seconds=16.0)
    message = r"the time is too short for 4 candidates: candidate 1 had 2 s, .*2 steps; .*more `seconds`"
    with pytest.raises(sinct.ConfigError, match=message):
        sinct.vary(*pair, tmp_path / "out.png", config=timed, seeds=4)


# Progress


def test_progress_counts_over_all_candidates(pair, tmp_path):
    seen, done = [], []
    sinct.vary(
        *pair, tmp_path / "out.png", config=CONFIG, seeds=2, on_progress=seen.append, on_candidate=done.append
    )
    assert [(each.number, each.fraction) for each in seen if each.training.step == 5] == [(1, 0.5), (2, 1.0)]
    assert [each.number for each in done] == [1, 2]
    assert all(each.score is not None for each in done)
    outlooks = [each.training.outlook for each in seen if each.training.outlook]
    assert len(outlooks) == 1
    assert "on this machine: 2 candidates of 5 steps, about " in outlooks[0]


# By what is stored of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [3, 5, 8])
def test_what_is_left_is_trained_bit_for_bit_without_knowing_what_was_asked_for(steps, here, pair, tmp_path):
    place = tmp_path / "out.png"
    sinct.vary(*pair, place, config=CONFIG, seeds=2, should_stop=stop_after(steps))
    found = resume_variations(*pair, place)
    assert found.finished
    assert pictures_in(tmp_path / "out.sinct") == pictures_in(here.output.with_suffix(".sinct"))
    assert sinct.vary(*pair, place, config=CONFIG, seeds=2) == found


def test_what_is_left_may_be_stopped_again(pair, tmp_path):
    place = tmp_path / "out.png"
    sinct.vary(*pair, place, config=CONFIG, seeds=2, should_stop=stop_after(2))
    assert not resume_variations(*pair, place, should_stop=stop_after(2)).finished


def test_without_variations_there_is_nothing_left(pair, tmp_path):
    with pytest.raises(CheckpointError, match="holds no variations"):
        resume_variations(*pair, tmp_path / "out.png")
    assert not (tmp_path / "out.sinct").exists()


def test_what_is_left_is_of_the_same_pictures_and_has_no_maps(pair, tmp_path):
    place = tmp_path / "out.png"
    sinct.vary(*pair, place, config=CONFIG, seeds=2, should_stop=stop_after(2))
    with pytest.raises(CheckpointError, match="holds variations on other pictures"):
        resume_variations(pair[1], pair[0], place)
    record = tmp_path / "out.sinct" / "variations" / "variations.json"
    values = json.loads(record.read_text())
    record.write_text(json.dumps({**values, "hashes": [*values["hashes"], "a", "b"]}))
    with pytest.raises(CheckpointError, match="with region maps; train the others as these were begun"):
        resume_variations(*pair, place)
