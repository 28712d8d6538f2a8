"""What windows fit into a budget of memory."""

import pytest

import sinct
from sinct.inference.window_sizes import plan_sides


def test_smaller_budget_gives_smaller_windows(model):
    large, small = (
        plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3) for budget in (2 * 10**9, 8 * 10**8)
    )
    assert small.rows * small.columns < large.rows * large.columns


def test_budget_that_is_too_small_says_how_much_it_takes(model):
    with pytest.raises(sinct.OutOfMemoryError, match=r"0\.01 GB is too little .*give `max_memory="):
        plan_sides(model, 20_000, 30_000, 10**7, bytes_per_pixel=3)
