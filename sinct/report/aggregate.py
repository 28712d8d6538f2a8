"""Numbers over several pairs of pictures."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sinct.measures import Measure
from sinct.report.ranking import best_two, contest, ranks
from sinct.report.results import Comparison, MethodResult


@dataclass(frozen=True)
class Statistic:
    """Values of one method over pairs.

    Attributes:
        mean: mean of the values.
        deviation: their standard deviation with n - 1 in the denominator; None for a single value.
        pairs: number of values, one per pair.
        rank: mean rank among the contenders of each pair, 1 for the best; None where it was never ranked.
    """

    mean: float
    deviation: float | None
    pairs: int
    rank: float | None = None


@dataclass(frozen=True)
class Row:
    """One method over all pairs.

    Attributes:
        name: key of the method.
        title: name of the method as shown.
        control: True for a control, which marks an end of the scale and does not compete.
        optimises: names of measures that it minimises itself.
        pairs: number of pairs for which it has a picture that counts.
        failed: number of pairs without a picture.
        random: number of pairs with random weights, which do not count.
        undertrained: number of pairs with too few steps, or an unknown number, which do not count.
        other: number of pairs whose request differed from the others', which do not count.
        measures: statistics by measure; measures without any value are absent.
        ranks: mean rank by group of measures, over both pairs and measures.
        seconds: time that it took.
        training_seconds: time that its steps took, without loading.
        steps: steps that it took.
        memory: peak memory in bytes.
    """

    name: str
    title: str
    control: bool
    optimises: tuple[str, ...]
    pairs: int
    failed: int
    random: int
    undertrained: int = 0
    other: int = 0
    measures: Mapping[str, Statistic] = field(default_factory=dict)
    ranks: Mapping[str, float] = field(default_factory=dict)
    seconds: Statistic | None = None
    training_seconds: Statistic | None = None
    steps: Statistic | None = None
    memory: Statistic | None = None


def statistic(values: Iterable[float], *, places: Sequence[float] = ()) -> Statistic | None:
    """Mean and sample standard deviation of the finite values; None if there are none."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    deviation = statistics.stdev(finite) if len(finite) > 1 else None
    rank = statistics.fmean(places) if places else None
    return Statistic(statistics.fmean(finite), deviation, len(finite), rank)


def all_measures(comparisons: Iterable[Comparison]) -> list[Measure]:
    """Measures of all comparisons, in order of first appearance."""
    found: dict[str, Measure] = {}
    for comparison in comparisons:
        for measure in comparison.measures:
            found.setdefault(measure.name, measure)
    return list(found.values())


def aggregate(comparisons: Sequence[Comparison]) -> list[Row]:
    """Rows of all methods, in order of first appearance.

    Failed and undertrained runs, random weights and values that are not finite do not count. In each pair, methods are
    ranked among the contenders of `contest`, which leaves out a method that minimises the measure itself; its mean is
    still given.
    """
    measures = all_measures(comparisons)
    places = {measure.name: _places(comparisons, measure) for measure in measures}
    first: dict[str, MethodResult] = {}
    for comparison in comparisons:
        for result in comparison.results:
            first.setdefault(result.name, result)
    return [_row(method, comparisons, measures, places) for method in first.values()]


def _places(comparisons: Iterable[Comparison], measure: Measure) -> dict[str, list[float]]:
    """Ranks by one measure, one per pair, by the method's name."""
    found: dict[str, list[float]] = {}
    for comparison in comparisons:
        values = contest(comparison.results, measure)
        places = ranks(list(values.values()), higher_is_better=measure.higher_is_better)
        for name, place in zip(values, places, strict=True):
            found.setdefault(name, []).append(place)
    return found


def _row(
    method: MethodResult,
    comparisons: Iterable[Comparison],
    measures: Iterable[Measure],
    places: Mapping[str, Mapping[str, Sequence[float]]],
) -> Row:
    runs = [result for c in comparisons for result in c.results if result.name == method.name]
    counted = [run for run in runs if run.counts]
    by_group: dict[str, list[float]] = {}
    found = {}
    for measure in measures:
        own = places[measure.name].get(method.name, ())
        values = [run.measures[measure.name] for run in counted if measure.name in run.measures]
        if (value := statistic(values, places=own)) is not None:
            found[measure.name] = value
        by_group.setdefault(measure.group, []).extend(own)
    return Row(
        name=method.name,
        title=method.title,
        control=method.control,
        optimises=method.optimises,
        pairs=len(counted),
        failed=sum(run.file is None for run in runs),
        random=sum(run.random_weights for run in runs if run.file is not None),
        undertrained=sum(run.steps_unknown or bool(run.undertrained) for run in runs if run.file is not None),
        other=sum(bool(run.differs) for run in runs if run.file is not None),
        measures=found,
        ranks={group: statistics.fmean(own) for group, own in by_group.items() if own},
        seconds=statistic(run.seconds for run in counted if run.seconds is not None),
        training_seconds=statistic(
            run.training_seconds for run in counted if run.training_seconds is not None
        ),
        steps=statistic(run.steps for run in counted if run.steps is not None),
        memory=statistic(run.memory for run in counted if run.memory is not None),
    )


def leaders_by_mean(rows: Iterable[Row], measure: Measure, pairs: int) -> tuple[set[str], set[str]]:
    """Names of the methods with the best and with the second best mean of a measure.

    Only methods that were ranked by it in all pairs are compared: a mean over fewer, perhaps easier, pairs would not
    be comparable.
    """
    means = {
        row.name: value.mean
        for row in rows
        if (value := row.measures.get(measure.name)) and value.rank is not None and value.pairs == pairs
    }
    return best_two(means, higher_is_better=measure.higher_is_better)
