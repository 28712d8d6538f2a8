"""Places for jobs on this machine."""

import torch

from sinct.batch.places import Slot, local_slots


def test_places_are_spread_over_the_cores(monkeypatch):
    monkeypatch.setattr("sinct.batch.places.cores", lambda: 8)
    assert local_slots(torch.device("cpu"), None) == [Slot("cpu", 2)] * 4
    assert local_slots(torch.device("cpu"), 3) == [Slot("cpu", 2)] * 3
