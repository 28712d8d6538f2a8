"""What windows fit into a budget of memory."""

from dataclasses import replace

import pytest

import sinct
from sinct.data.strokes import SIDE, SIGHT
from sinct.inference.mixing import Mix
from sinct.inference.window_sizes import PROCESS, REMOVING, plan_removal, plan_sides
from tests.support.streaming import make_model


def test_smaller_budget_gives_smaller_windows(model):
    large, small = (
        plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3) for budget in (2 * 10**9, 8 * 10**8)
    )
    assert small.rows * small.columns < large.rows * large.columns


def test_budget_that_is_too_small_says_how_much_it_takes(model):
    with pytest.raises(sinct.OutOfMemoryError, match=r"0\.01 GB is too little .*give `max_memory="):
        plan_sides(model, 20_000, 30_000, 10**7, bytes_per_pixel=3)


def test_parts_that_are_kept_count(model):
    kept = replace(model, mix=Mix(keep=["light"]))
    for budget in (8 * 10**8, 2 * 10**9):
        plain, mixed = (plan_sides(each, 20_000, 30_000, budget, bytes_per_pixel=3) for each in (model, kept))
        assert mixed.rows - 2 * kept.halo < plain.rows - 2 * model.halo
    least = []
    for each in (model, kept):
        with pytest.raises(sinct.OutOfMemoryError, match="give `max_memory") as caught:
            plan_sides(each, 20_000, 30_000, 10**7, bytes_per_pixel=3)
        least.append(float(str(caught.value).split("needs about ")[1].split(" GB")[0]))
    assert least[0] < least[1]


def test_generator_that_needs_the_whole_picture_gets_no_windows(tiny):
    wanted = (
        r"picture of 3000x2000 px cannot be translated in rows by the generator 'resnet', which needs the whole "
        r"picture at once, about \d+\.\d GB; give `max_memory=.*, or a smaller picture"
    )
    with pytest.raises(sinct.OutOfMemoryError, match=wanted):
        plan_sides(make_model(tiny, "resnet"), 2000, 3000, 10**12, bytes_per_pixel=3)


def test_windows_that_strokes_are_taken_out_of_stay_within_the_budget():
    for width, budget in ((3000, 2 * 10**9), (30_000, 2 * 10**9), (30_000, 9 * 10**8), (500, 10**9)):
        side = plan_removal(width, budget, bytes_per_pixel=3)
        seen = side + 2 * SIGHT
        assert seen * min(seen, width) * REMOVING + 9 * seen * width < budget - PROCESS
        assert side % 2 == 0
    assert plan_removal(500, 10**9, bytes_per_pixel=3) == SIDE


def test_too_little_memory_for_strokes_says_how_much_it_takes():
    with pytest.raises(
        sinct.OutOfMemoryError, match=r"0\.60 GB is too little to take strokes out.*`max_memory=0"
    ):
        plan_removal(30_000, 6 * 10**8, bytes_per_pixel=3)
