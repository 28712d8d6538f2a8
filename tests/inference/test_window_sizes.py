"""What windows fit into a budget of memory."""

import sys
from pathlib import Path

import pytest

import sinct
from sinct.inference import window_sizes
from sinct.inference.window_sizes import memory_budget, must_stream, plan_sides


def test_smaller_budget_gives_smaller_windows(model):
    large, small = (
        plan_sides(model, 20_000, 30_000, budget, bytes_per_pixel=3) for budget in (2 * 10**9, 8 * 10**8)
    )
    assert small.rows * small.columns < large.rows * large.columns


def test_budget_that_is_too_small_says_how_much_it_takes(model):
    with pytest.raises(sinct.OutOfMemoryError, match=r"0\.01 GB are too little .*give `max_memory="):
        plan_sides(model, 20_000, 30_000, 10**7, bytes_per_pixel=3)


def test_default_budget_is_at_most_half_of_what_is_free(monkeypatch):
    from sinct.runtime.device import Memory

    monkeypatch.setattr(window_sizes, "memory", lambda device: Memory(10**9, 2 * 10**9))
    assert memory_budget(None) == 5 * 10**8
    assert memory_budget(123) == 123


def test_pictures_above_the_budget_and_deep_zoom_are_streamed(monkeypatch):
    assert must_stream((30_000, 30_000), Path("a.tif"), None)
    assert must_stream((10_000, 10_000), Path("a.tif"), 10**9)
    assert must_stream((10, 10), Path("a.dzi"), None)
    assert not must_stream((1000, 1000), Path("a.tif"), None)
    assert must_stream((12_000, 12_000), Path("a.tif"), None)
    assert not must_stream((12_000, 12_000), Path("a.webp"), None)
    monkeypatch.setitem(sys.modules, "pyvips", None)
    assert not must_stream((12_000, 12_000), Path("a.tif"), None)
    assert must_stream((12_000, 12_000), Path("a.tif"), 10**9)
