"""What a training tells its caller: events while it runs, and its end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sinct.errors import Remark
from sinct.inference.model import Model
from sinct.training.terms import Term


@dataclass(frozen=True)
class Progress:
    """What a training reports as it goes.

    Attributes:
        step: steps done, counted from the run's beginning.
        steps: steps in all, or None where the clock decides.
        seconds: spent training, from the run's beginning.
        fraction: done, in [0, 1].
        rate: steps per second of late.
        remaining: seconds left, as far as can be told.
        losses: means since the last report, by the name of the term; NaN where it was not due.
        warnings: new ones, one line each.
        terms: of the objective, which say what the losses are called and measured in.
    """

    step: int
    steps: int | None
    seconds: float
    fraction: float
    rate: float
    remaining: float
    losses: Mapping[str, float]
    warnings: tuple[Remark, ...] = ()
    terms: tuple[Term, ...] = ()


@dataclass(frozen=True)
class Training:
    """A training that has ended or was stopped.

    Attributes:
        model: the generator as it stands.
        run_dir: where everything lies.
        steps: done.
        seconds: spent training.
        kept: step whose state the model is of: the last, or the best.
        finished: False when it was stopped before its length was reached or the picture stood still.
        warnings: all that came up, each once.
    """

    model: Model
    run_dir: Path
    steps: int
    seconds: float
    kept: int
    finished: bool
    warnings: tuple[Remark, ...]


OnProgress = Callable[[Progress], None]
