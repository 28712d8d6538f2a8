import shutil

import pytest
from PIL import Image

import sinct
from tests.support.variations import CONFIG, draw


def stop_after(steps: int):
    """Ask to stop once `steps` steps are done: a loop asks before its first step and after each."""
    calls = iter(range(10**6))
    return lambda: next(calls) >= steps


def run_dir_of(here):
    return here.output.with_suffix(".sinct")


def candidates_of(here):
    return sinct.read_variations(run_dir_of(here)).candidates


@pytest.fixture(scope="session")
def in_one_go(finished, tmp_path_factory):
    """The picture of the second candidate's settings, trained without a break."""
    output = tmp_path_factory.mktemp("alone") / "out.png"
    config = CONFIG.replace(steps=15, seed=1)
    sinct.translate(finished / "painting.png", finished / "photo.png", output, config=config)
    return output.read_bytes()


def test_continued_candidate_is_bit_for_bit_a_training_in_one_go(here, in_one_go):
    done = sinct.continue_variation(*here, 2)
    assert (done.training.steps, done.training.finished) == (15, True)
    assert here.output.read_bytes() == in_one_go


def test_interrupted_and_repeated_it_is_the_same(here, in_one_go):
    stopped = sinct.continue_variation(*here, 2, should_stop=stop_after(4))
    assert (stopped.training.steps, stopped.training.finished) == (9, False)
    assert here.output.exists()  # the picture as it stands, which is its own to replace
    done = sinct.continue_variation(*here, 2)
    assert done.training.finished
    assert here.output.read_bytes() == in_one_go


def test_what_became_of_it_is_remembered(here):
    sinct.continue_variation(*here, 2, should_stop=stop_after(4))
    first, second = candidates_of(here)
    assert first.continued is None
    assert (second.continued.steps, second.continued.finished) == (9, False)
    assert second.continued.output == str(here.output.resolve())
    assert second.steps == 5  # as a candidate, as the sheet shows it
    sinct.continue_variation(*here, 2)
    assert candidates_of(here)[1].continued.finished


def test_candidates_stay_trained_when_one_was_continued(here):
    before = candidates_of(here)
    sinct.continue_variation(*here, 2)
    again = sinct.vary(*here, config=CONFIG, seeds=2)
    assert [each.score for each in again.candidates] == [each.score for each in before]


def test_a_second_candidate_goes_into_another_output_and_keeps_the_first(here):
    sinct.continue_variation(*here, 1)
    first = here.output.read_bytes()
    model = (candidates_of(here)[0].run_dir / "model.safetensors").read_bytes()
    other = here._replace(output=here.output.with_name("other.png"))
    done = sinct.continue_variation(*other, 2, run_dir=run_dir_of(here))
    assert done.training.steps == 15
    assert here.output.read_bytes() == first
    assert (candidates_of(here)[0].run_dir / "model.safetensors").read_bytes() == model
    assert other.output.read_bytes() != first


def test_an_output_of_another_candidate_is_replaced_only_when_asked(here):
    sinct.continue_variation(*here, 1)
    first = here.output.read_bytes()
    with pytest.raises(
        sinct.OutputError, match=r"out.png already exists; .*leaves all candidates as they are"
    ):
        sinct.continue_variation(*here, 2)
    sinct.continue_variation(*here, 2, overwrite=True)
    with pytest.raises(sinct.OutputError, match="already exists"):  # it is no longer the first one's
        sinct.continue_variation(*here, 1)
    sinct.continue_variation(*here, 1, overwrite=True)
    assert here.output.read_bytes() == first


def test_a_strangers_output_is_not_replaced(here):
    draw(here.output, 9)
    before = here.output.read_bytes()
    with pytest.raises(sinct.OutputError, match="already exists"):
        sinct.continue_variation(*here, 1)
    assert here.output.read_bytes() == before
    assert candidates_of(here)[0].continued is None


def test_variations_begun_again_may_replace_the_output_once(here):
    draw(here.output, 9)
    sinct.vary(*here, config=CONFIG.replace(seed=3), seeds=2, overwrite=True)
    sinct.continue_variation(*here, 1)
    with pytest.raises(sinct.OutputError, match="already exists"):
        sinct.continue_variation(*here, 2)


def test_another_length_counts_from_the_candidates_beginning(here):
    assert sinct.continue_variation(*here, 1, steps=7).training.steps == 7
    assert sinct.continue_variation(*here, 1, steps=9).training.steps == 9


def test_a_candidate_of_one_photo_is_continued_with_that_photo(here, tmp_path):
    photos = [here.photo, draw(tmp_path / "b.png", 2, (64, 50))]
    output = tmp_path / "out.png"
    sinct.vary(here.painting, photos, output, config=CONFIG, each_photo=True)
    done = sinct.continue_variation(here.painting, photos, output, 2)
    assert done.training.model.facts["photos"] == ["b.png"]
    alone = tmp_path / "alone.png"
    sinct.translate(here.painting, photos[1], alone, config=CONFIG.replace(steps=15))
    assert output.read_bytes() == alone.read_bytes()


def test_options_of_translate_are_passed_on(here):
    output = here.output.with_suffix(".tif")
    sinct.continue_variation(
        here.painting, here.photo, output, 1, run_dir=run_dir_of(here), bits=16, strength=0.0
    )
    with Image.open(here.painting) as painting:
        wanted = painting.getpixel((20, 20))
    found = sinct.pictures.picture.read_picture(output)
    assert found.bits == 16
    assert tuple(found.pixels[:, 20, 20].add(1).mul(127.5).round().int().tolist()) == wanted


def test_the_chosen_candidates_folder_is_a_model(here, tmp_path):
    sinct.continue_variation(*here, 2)
    sinct.apply(candidates_of(here)[1].run_dir, here.painting, tmp_path / "again.png")
    with Image.open(here.output) as first, Image.open(tmp_path / "again.png") as again:
        assert first.tobytes() == again.tobytes()


# What cannot be continued


@pytest.mark.parametrize("number", [0, -1, 3, 9])
def test_a_number_that_there_is_not_is_one_line(number, here):
    with pytest.raises(
        sinct.ConfigError, match=rf"no candidate {number} in .*, which holds 2; choose one of 1 to 2"
    ):
        sinct.continue_variation(*here, number)


def test_without_variations_it_is_one_line_and_leaves_nothing(here):
    shutil.rmtree(run_dir_of(here))
    with pytest.raises(sinct.CheckpointError, match=r"holds no variations; train some first.*`seeds=4`"):
        sinct.continue_variation(*here, 1)
    assert not run_dir_of(here).exists()


def test_a_candidate_that_is_not_trained_yet_is_one_line(here):
    sinct.vary(*here, config=CONFIG.replace(seed=3), seeds=2, overwrite=True, should_stop=stop_after(6))
    assert sinct.continue_variation(*here, 1, steps=5).training.steps == 5
    with pytest.raises(sinct.CheckpointError, match="candidate 2 has not been trained yet"):
        sinct.continue_variation(*here, 2)


@pytest.mark.parametrize("place", ["painting", "photo"])
def test_other_pictures_are_refused_before_anything_is_written(place, here, tmp_path):
    other = here._replace(**{place: draw(tmp_path / "b.png", 5)})
    with pytest.raises(
        sinct.CheckpointError, match=r"on other pictures or region maps \(painting.png, photo.png\)"
    ):
        sinct.continue_variation(*other, 1)
    assert candidates_of(here)[0].continued is None


def test_apply_names_the_candidates_of_a_folder_of_variations(here, tmp_path):
    with pytest.raises(sinct.InputError, match=r"out.sinct holds variations; give one of them, such as .*1"):
        sinct.apply(run_dir_of(here), here.painting, tmp_path / "x.png")


# Pruning


def test_pruning_removes_the_checkpoints_of_the_others_and_keeps_their_models(here, tmp_path):
    first, second = candidates_of(here)
    size = (first.run_dir / "checkpoint.safetensors").stat().st_size
    assert sinct.prune_variations(run_dir_of(here), 2) == size
    assert (second.run_dir / "checkpoint.safetensors").exists()
    assert [each.pruned for each in candidates_of(here)] == [True, False]
    sinct.apply(first.run_dir, here.painting, tmp_path / "x.png")
    assert sinct.prune_variations(run_dir_of(here), 2) == 0


def test_a_pruned_candidate_is_not_continued_nor_trained_again(here):
    sinct.prune_variations(run_dir_of(here), 2)
    with pytest.raises(sinct.CheckpointError, match=r"checkpoint of candidate 1 was pruned.*its model is in"):
        sinct.continue_variation(*here, 1)
    assert sinct.vary(*here, config=CONFIG, seeds=2, should_stop=lambda: pytest.fail("trained")).finished
