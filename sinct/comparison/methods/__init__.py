"""The methods that `sinct compare` runs: one module or package each, found by its name.

A module holds `METHOD`, a `Method`, and all that belongs to it: its losses as pure functions with their
equations, its schedule, and `run`. To add a method, add a file; nothing else changes. README.md in this
folder states every loss in full, so that another implementation can be checked against it.
"""

import inspect
import json
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sinct.errors import ConfigError, did_you_mean

if TYPE_CHECKING:  # --help lists the methods' names and must not wait for torch
    import torch
    from torch import Tensor

    from sinct.runtime.budget import Budget
    from sinct.weights.store import Weights


@dataclass(frozen=True)
class Job:
    """What a method gets besides the two pictures.

    Attributes:
        budget: how long it may work.
        device: where it computes.
        seed: seeds all its random numbers.
        folder: the method's own folder, which exists; files left there by an interruption are kept.
        weights: pretrained networks, or random ones of the same shape.
        regions: maps of matching regions for the painting and the photo, (H, W) integers each, where
            the same number means the same kind of thing; None without guidance.
    """

    budget: "Budget"
    device: "torch.device"
    seed: int
    folder: Path
    weights: "Weights"
    regions: "tuple[Tensor, Tensor] | None" = None


@dataclass(frozen=True)
class Work:
    """What a method did at one scale, or in all where it has only one.

    Attributes:
        steps: steps, or iterations, that it took.
        needed: steps that it needs there; as many as it took where it found that there was no more to do.
    """

    steps: int
    needed: int


class Result(NamedTuple):
    """What a method made.

    Attributes:
        pixels: (3, H, W) in [-1, 1], float32, on the CPU; of the painting's size, except for controls.
        facts: what the report says about this run, such as steps and scales; JSON-serialisable.
        earlier_seconds: time spent in an earlier process, before an interruption.
        work: steps taken and needed at each scale; empty for a method in closed form.
        training_seconds: time that the steps took; None for what the budget's stages took.
    """

    pixels: "Tensor"
    facts: Mapping[str, Any]
    earlier_seconds: float = 0.0
    work: tuple[Work, ...] = ()
    training_seconds: float | None = None


@dataclass(frozen=True)
class Method:
    """A way to give a painting the look of a photo.

    Attributes:
        title: its usual name.
        source: paper with year and arXiv number, or another description.
        run: (painting, photo, job, *, settings…) -> Result, with pictures (3, H, W) in [-1, 1] on the
            CPU. Its keyword arguments are the method's settings, with the published values as defaults.
        weights: names of the files in `sinct.weights.registry` that it needs.
        optimises: names of the measures that it minimises itself, or nearly so; it is bound to win at these.
        control: marks an end of the scale, not a contender.
        further: names of settings that `run` takes as any others and passes on to a training.
        seeded: whether its picture depends on the seed, apart from random weights.
        on_request: run it only where it is named, since each method takes its time of everybody's comparison.
        need: how many steps it needs, and who says so; empty for a method in closed form, which takes none.
    """

    title: str
    source: str
    run: "Callable[..., Result]" = field(repr=False)
    weights: tuple[str, ...] = ()
    optimises: tuple[str, ...] = ()
    control: bool = False
    further: tuple[str, ...] = ()
    need: str = ""
    seeded: bool = True
    on_request: bool = False

    def settings(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """All settings of a run, with some of them changed.

        Raises:
            ConfigError: the method has no such setting, or the value is of another type.
        """
        parameters = inspect.signature(self.run).parameters.values()
        known = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        names = dict.fromkeys((*known, *self.further))
        unknown = set(changes) - set(names)
        if unknown:
            first = sorted(unknown)[0]
            raise ConfigError(
                f"{self.title} has no setting {first!r}; it has {', '.join(names) or 'none'}"
                f"{did_you_mean(first, names)}"
            )
        for name in set(changes) & set(known):
            if not _alike(changes[name], known[name]):
                raise ConfigError(
                    f"{self.title}: {name} cannot be {changes[name]!r}; give a value of the same type as its "
                    f"default, {json.dumps(known[name])}"
                )
        return {**known, **changes}


def _alike(value: object, default: object) -> bool:
    """Whether a value can replace a default: a float may become an int, but a bool stays a bool."""
    if isinstance(default, bool) or isinstance(value, bool):
        return type(value) is type(default)
    return isinstance(value, (int, float) if isinstance(default, float) else type(default))


def names() -> tuple[str, ...]:
    """Names of all methods in the order of a report; imports none of them."""
    found = {module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")}
    first = [name for name in _ORDER if name in found]
    return (*first, *sorted(found - set(first)))


_ORDER = (
    "painting",
    "photo",
    "colour_transfer",
    "sinct",
    "cyclegan",
    "gcgan",
    "gpdm",
    "gpnn",
    "gatys",
    "strotss",
    "wct2",
)
"""Controls first, then methods that need no weights, then those that do; any others follow by name."""


def find(name: str) -> Method:
    """The method with this name.

    Raises:
        ConfigError: there is no such method.
    """
    if name not in names():
        raise ConfigError(
            f"unknown method {name!r}; there are {', '.join(names())}{did_you_mean(name, names())}"
        )
    method = import_module(f"{__name__}.{name}").METHOD
    assert isinstance(method, Method)
    return method
