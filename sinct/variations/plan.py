"""Which candidates there are, and how one budget is divided among them and the chosen one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sinct.errors import ConfigError, counted
from sinct.objectives.cut import CutSettings

FEWEST_STEPS = 5
"""Least steps of a candidate; after fewer, candidates differ too little to choose from."""

MOST = 16
"""Most candidates; more would be too small on a sheet, and trained too shortly."""


class Division(NamedTuple):
    """How a budget is divided.

    Attributes:
        steps: steps of a training that is continued, its part as a candidate included; None where only the clock
            decides.
        seconds: the same by the clock; None sets no limit.
        until: share of these, in [0, 1], after which a candidate is left.
    """

    steps: int | None
    seconds: float | None
    until: float


@dataclass(frozen=True)
class Planned:
    """A candidate before it is trained.

    Attributes:
        preset: name of its settings.
        photos: its photos, by their numbers from 0.
        settings: its settings, with the length that it has if it is continued.
        until: share of that length after which the candidate is left.
    """

    preset: str
    photos: tuple[int, ...]
    settings: CutSettings
    until: float


def divide(steps: int | None, seconds: float | None, count: int) -> Division:
    """Divide a budget: half of it goes to the candidates in equal parts, the rest to the chosen one.

    A candidate is the beginning of a training of the length that it has if it is chosen, so continuing it gives bit for
    bit what that training would have given in one go.

    Args:
        steps: the budget in steps; None where only the clock decides.
        seconds: the budget by the clock; None sets no limit.
        count: candidates that are trained.

    Raises:
        ConfigError: the steps are too few for so many.
    """
    until = 1 / (count + 1)
    if steps is not None:
        part = steps // (2 * count)
        if part < FEWEST_STEPS:
            raise ConfigError(
                f"{counted(steps, 'step')} leave {part} for each of {counted(count, 'candidate')}, too few to choose "
                f"by; give `steps={2 * count * FEWEST_STEPS}` or more, or fewer candidates"
            )
        steps -= (count - 1) * part
        until = part / steps
    if seconds is not None:
        seconds /= 1 + (count - 1) * until
    return Division(steps, seconds, until)


def plan(
    budget: CutSettings,
    by_preset: Mapping[str, CutSettings],
    photos: Sequence[str],
    *,
    seeds: int,
    each_photo: bool,
    each_faithful: Sequence[float] = (),
) -> list[Planned]:
    """Plan candidates: each seed with each preset and, where they are taken one by one, each photo and `faithful`.

    Args:
        budget: settings with the steps and seconds to divide, and the first seed.
        by_preset: settings by their name; those of 0 steps train nothing and take nothing of the budget.
        photos: hashes of the photos.
        seeds: number of seeds, counted up from the first.
        each_photo: make a candidate of each photo by itself, instead of all together.
        each_faithful: values of that setting, instead of that of the settings.

    Raises:
        ConfigError: there are too few or too many candidates, two of them are the same, a preset takes no strokes out,
            or the budget is too small.
    """
    groups = [(number,) for number in range(len(photos))] if each_photo else [tuple(range(len(photos)))]
    if seeds < 1:
        raise ConfigError(f"`seeds` must be 2 or more, got {seeds}")
    if len(set(each_faithful)) < len(each_faithful):
        raise ConfigError("a value of `each_faithful` is there twice; leave one out")
    variants = max(1, len(each_faithful))
    count = len(groups) * len(by_preset) * variants * seeds
    if count < 2:
        raise ConfigError(
            "one candidate leaves nothing to choose; give `seeds=2` or more, several `presets` or values of "
            "`each_faithful`, or several photos with `each_photo=True`"
        )
    if count > MOST:
        raise ConfigError(f"{count} candidates are too many; give at most {MOST}")
    trained = len(groups) * variants * seeds * sum(settings.steps != 0 for settings in by_preset.values())
    if not trained or budget.steps == 0:
        raise ConfigError(
            "0 steps leave nothing to divide among candidates; give `steps`, or another `preset`"
        )
    steps, seconds, until = divide(budget.steps, budget.seconds, trained)
    found = []
    for group in groups:
        for name, settings in by_preset.items():
            ready = settings.steps == 0
            length = {"steps": 0, "seconds": None} if ready else {"steps": steps, "seconds": seconds}
            for faithful in each_faithful or (settings.faithful,):
                for seed in range(budget.seed, budget.seed + seeds):
                    own = settings.replace(seed=seed, faithful=faithful, **length)
                    found.append(Planned(name, group, own, 1.0 if ready else until))
    _check_different(found, photos)
    return found


def _check_different(candidates: Sequence[Planned], photos: Sequence[str]) -> None:
    """Refuse candidates that would be the same training.

    Raises:
        ConfigError: two of them are.
    """
    known: dict[tuple[CutSettings, tuple[str, ...]], Planned] = {}
    for candidate in candidates:
        key = candidate.settings, tuple(photos[number] for number in candidate.photos)
        other = known.setdefault(key, candidate)
        if other.photos != candidate.photos:
            raise ConfigError(
                f"photos {other.photos[0] + 1} and {candidate.photos[0] + 1} are the same picture; leave one out"
            )
        if other is not candidate:
            raise ConfigError(
                f"the presets {other.preset} and {candidate.preset} differ only in length, and all candidates have the "
                "same; leave one out"
            )
