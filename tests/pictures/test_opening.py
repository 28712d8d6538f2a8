import sys
from pathlib import Path

from sinct.pictures import opening
from sinct.pictures.opening import memory_budget, must_stream
from sinct.runtime.device import Memory


def test_default_budget_is_at_most_half_of_what_is_free(monkeypatch):
    monkeypatch.setattr(opening, "memory", lambda device: Memory(10**9, 2 * 10**9))
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
