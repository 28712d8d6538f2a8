"""Several runs of a method with different seeds, as one row with means and deviations."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import groupby

from sinct.comparison import methods
from sinct.report.results import MethodResult, Run

COSTS = ("steps", "training_seconds", "seconds")
"""Fields that have a mean and a deviation as measures do."""


def places(name: str, first: int, count: int, *, random_weights: bool) -> dict[str, int]:
    """Folders of a method's runs, with their seeds.

    Args:
        name: the method's name.
        first: the first seed, whose folder is named after the method alone.
        count: number of seeds that follow each other; a method that draws no random numbers runs once.
        random_weights: whether pretrained networks are replaced by random ones.
    """
    method = methods.find(name)
    if not (method.seeded or (random_weights and method.weights)):
        count = 1
    return {name if seed == first else f"{name}-seed-{seed}": seed for seed in range(first, first + count)}


def combined(rows: Iterable[MethodResult]) -> tuple[MethodResult, ...]:
    """One row for each method, in order: its only run, or means and deviations over its runs.

    Args:
        rows: runs, those of a method side by side and in the order of their seeds.
    """
    found = []
    for _, group in groupby(rows, key=lambda row: row.name):
        runs = list(group)
        found.append(runs[0] if len(runs) == 1 else _over_seeds(runs))
    return tuple(found)


def _over_seeds(runs: Sequence[MethodResult]) -> MethodResult:
    """One row over several runs: the first picture, and means of what has one.

    The row is as undertrained as its least trained run.
    """
    made = [run for run in runs if run.file]
    if not made:
        return replace(runs[0], runs=_told(runs))
    names = dict.fromkeys(name for run in made for name in run.measures)
    means: dict[str, float] = {}
    deviations: dict[str, float] = {}
    for name in names:
        values = [run.measures[name] for run in made if name in run.measures]
        means[name], deviations[name] = _spread(values)
    costs: dict[str, float | None] = {}
    for field in COSTS:
        values = [value for run in made if (value := getattr(run, field)) is not None]
        costs[field] = None
        if values:
            costs[field], deviations[field] = _spread(values)
    return replace(
        made[0],
        steps=None if costs["steps"] is None else round(costs["steps"]),
        training_seconds=costs["training_seconds"],
        seconds=costs["seconds"],
        memory=max((run.memory for run in made if run.memory is not None), default=None),
        undertrained=next((run.undertrained for run in made if run.undertrained), None),
        differs=next((run.differs for run in made if run.differs), ""),
        warnings=tuple(f"seed {run.seed}: {line}" for run in runs for line in _lines(run)),
        measures=means,
        deviations=deviations,
        runs=_told(runs),
    )


def _lines(run: MethodResult) -> tuple[str, ...]:
    """What to say of a run: its warnings, or why it has no picture."""
    return (*run.warnings, f"no picture: {run.reason}") if run.reason else run.warnings


def _spread(values: Sequence[float]) -> tuple[float, float]:
    """Mean and standard deviation with n - 1 in the denominator; 0 for one value."""
    return statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else 0.0


def _told(runs: Iterable[MethodResult]) -> tuple[Run, ...]:
    return tuple(
        Run(run.seed or 0, run.file, run.reason, run.seconds, run.training_seconds, run.steps, run.measures)
        for run in runs
    )
