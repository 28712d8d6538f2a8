"""What windows fit into a budget of memory."""

from dataclasses import replace

import pytest

import sinct
from sinct.inference.window_sizes import BARE, PROCESS, plan_sides
from tests.support.streaming import make_model


def test_smaller_budget_gives_smaller_windows(model):
    large, small = (
        plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3) for budget in (2 * 10**9, 8 * 10**8)
    )
    assert small.rows * small.columns < large.rows * large.columns


def test_budget_that_is_too_small_says_how_much_it_takes(model):
    with pytest.raises(sinct.OutOfMemoryError, match=r"0\.01 GB is too little .*give `max_memory="):
        plan_sides(model, 20_000, 30_000, 10**7, bytes_per_pixel=3)


def test_the_stroke_remover_makes_windows_smaller(tiny):
    budget = 2 * 10**9
    plain, removing = (
        plan_sides(make_model(tiny.replace(**changes)), 20_000, 30_000, budget, bytes_per_pixel=3)
        for changes in ({}, {"remove_strokes": True})
    )
    assert removing.rows * removing.columns < plain.rows * plain.columns


def test_a_window_with_all_that_its_strokes_depend_on_stays_within_the_budget(tiny):
    model = make_model(tiny.replace(remove_strokes=True))
    model = replace(model, content=replace(model.content, halvings=1))
    budget = 2 * 10**9
    sides = plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3)
    around = 2 * model.content.reach
    assert (sides.rows + around) * (sides.columns + around) * BARE < budget - PROCESS


def test_what_lies_beyond_the_picture_takes_no_memory(tiny):
    """Broad strokes reach farther than a small picture is wide."""
    model = make_model(tiny.replace(remove_strokes=True))
    model = replace(model, content=replace(model.content, halvings=4))
    assert plan_sides(model, 900, 1000, 10**9, bytes_per_pixel=3)
    with pytest.raises(sinct.OutOfMemoryError, match="is too little"):
        plan_sides(model, 9000, 10_000, 10**9, bytes_per_pixel=3)
