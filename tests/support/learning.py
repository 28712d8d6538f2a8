"""What every training must do: teach all of its networks, and continue bit for bit after a stop."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import torch
from torch import Tensor

from sinct.objectives.folder_multimodal import MultimodalGan
from sinct.training.loop import Loop

Trainer = TypeVar("Trainer", bound=Loop[Any, Any])


def run(trainer: Trainer, steps: int) -> Trainer:
    """Take some steps."""
    for _, _ in zip(range(steps), trainer.run(), strict=False):
        pass
    return trainer


def check_that_all_learn(trainer: Loop[Any, Any], *parts: str) -> None:
    """Assert that a step changes every weight of these networks."""
    before = {name: tensor.clone() for name, tensor in trainer.state().items()}
    trainer.step(trainer.sample())
    after = trainer.state()
    for part in parts:
        names = [name for name in before if name.startswith(f"{part}.") and name.endswith("weight")]
        assert names
        assert not [name for name in names if before[name].equal(after[name])]


def check_that_it_continues(make: Callable[[], Loop[Any, Any]]) -> Mapping[str, Tensor]:
    """Assert that two steps and two more leave the same state as four; return that state."""
    whole = run(make(), 4).state()
    resumed = make()
    resumed.load_state(run(make(), 2).state(), 2, 1.0)
    found = run(resumed, 2).state()
    assert found.keys() == whole.keys()
    assert [name for name in whole if not whole[name].equal(found[name])] == []
    return whole


def check_that_directions_begin_alike_if_asked(make: Callable[..., MultimodalGan[Any]]) -> None:
    """Assert that `same_start` gives both generators the same weights, and that they differ without it."""
    trainer: Any = make(same_start=True)
    forward, backward = trainer.generator.state_dict(), trainer.backward.state_dict()
    assert [name for name, weights in backward.items() if not weights.equal(forward[name])] == []
    other: Any = make()
    apart = other.generator.state_dict()
    assert any(not weights.equal(apart[name]) for name, weights in other.backward.state_dict().items())
    picture = trainer.sample().source
    style = torch.ones(1, 3)
    with torch.no_grad():
        own = trainer.backward.decode(trainer.generator.content_of(picture), style)
        assert trainer.generator.decode(trainer.generator.content_of(picture), style).equal(own)
