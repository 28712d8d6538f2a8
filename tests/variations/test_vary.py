import pytest

import sinct


@pytest.fixture
def pair(make_picture):
    return make_picture("painting.png", seed=0), make_picture("photo.png", 64, 50, seed=1)


@pytest.fixture
def config(tiny):
    """40 steps: of two candidates each has 10, and 30 if it is chosen."""
    return tiny.replace(steps=40)


def test_half_of_the_steps_go_to_the_candidates(pair, config, tmp_path):
    found = sinct.vary(*pair, tmp_path / "out.png", config=config, seeds=2)
    assert found.finished
    assert [each.steps for each in found.candidates] == [10, 10]
    assert [each.whole for each in found.candidates] == [30, 30]


def test_continued_candidate_is_bit_for_bit_a_training_in_one_go(pair, config, tmp_path):
    sinct.vary(*pair, tmp_path / "out.png", config=config, seeds=2)
    done = sinct.continue_variation(*pair, tmp_path / "out.png", 2)
    assert (done.training.steps, done.training.finished) == (30, True)
    sinct.translate(*pair, tmp_path / "alone.png", config=config.replace(steps=30, seed=1), preset="standard")
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "alone.png").read_bytes()
