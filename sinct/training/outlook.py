"""What a training will take, told from its first steps."""

import statistics
from collections.abc import Sequence

from sinct.errors import Remark, counted

SKIPPED = 2
"""Steps before the timed ones: the first are slow, since memory is allocated and kernels are chosen."""

TIMED = 3
"""Steps that are timed; three, so that a single slow one does not count."""

LONG = 5.0
"""Seconds after which no further step is timed, so that nobody waits long to hear how long they must wait."""


def pace(durations: Sequence[float]) -> float | None:
    """Seconds that a step takes, from the durations of a training's first steps; None as long as they are too few."""
    timed = durations[SKIPPED : SKIPPED + TIMED]
    return statistics.median(timed) if len(timed) == TIMED or sum(timed) >= LONG else None


def outlook(
    step_seconds: float,
    *,
    name: str,
    done: int,
    steps: int | None,
    seconds: float | None,
    seconds_done: float,
) -> Remark:
    """Say in one line how long the steps take, how many there will be, and whether the time ends them earlier.

    Args:
        step_seconds: seconds that a step takes.
        name: name of the settings.
        done: steps that an earlier process has taken; 0 in a new run.
        steps: length in steps; None where only the clock decides.
        seconds: length by the clock; None where only steps decide.
        seconds_done: seconds that an earlier process has spent.

    Returns:
        Remark with the code "outlook".
    """
    beginning = f"{per_step(step_seconds)} on this machine: {name}"
    affordable = None if seconds is None else int(max(0.0, seconds - seconds_done) / step_seconds)
    more = " more" if done else ""
    if steps is None:
        assert affordable is not None  # settings have one of the two
        assert seconds is not None
        left = roughly(max(0.0, seconds - seconds_done))
        return Remark("outlook", f"{beginning}, about {counted(affordable, 'step', more)} in {left}")
    text = (
        f"{beginning}, {counted(steps - done, 'step', more)}, about {roughly((steps - done) * step_seconds)}"
    )
    if affordable is not None and done + affordable < steps:
        text += f", but `seconds={seconds:g}` ends it at about step {max(1, done + affordable)}"
    return Remark("outlook", text)


def per_step(seconds: float) -> str:
    """The duration of a step in words, to two digits: 2.7 s a step."""
    return f"{seconds:.0f} s a step" if seconds >= 9.95 else f"{seconds:.2g} s a step"


def roughly(seconds: float) -> str:
    """A duration in words, rounded as one speaks of what lies ahead: 40 seconds, 5 minutes, 3 hours, 2 days."""
    if seconds < 90:
        whole = 5 * round(seconds / 5) if seconds >= 20 else max(1, round(seconds))
        return counted(whole, "second")
    if seconds < 90 * 60:
        return counted(round(seconds / 60), "minute")
    if seconds < 36 * 3600:
        return counted(round(seconds / 3600), "hour")
    return counted(round(seconds / 86400), "day")
