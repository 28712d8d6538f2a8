"""What a training reports to its caller: progress while it runs, and how it ended."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from sinct.errors import Remark
from sinct.inference.model import Model
from sinct.pictures.notebook import shown_png
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import Term


@dataclass(frozen=True)
class Progress:
    """What a training reports as it goes.

    Attributes:
        step: steps done since the run began.
        steps: steps in all, or None where only the clock decides.
        seconds: seconds spent training since the run began.
        fraction: share done, in [0, 1].
        rate: steps per second since the last report.
        remaining: estimated seconds left.
        losses: mean of each term since the last report, by name; NaN where it was not due.
        warnings: new warnings, one line each.
        terms: terms of the objective, with the names and units of the losses.
        outlook: what the training will take, in one line; only in the first report, after the first few steps.
        epoch: passes over the pictures so far, with their fraction; None where there are no epochs.
        pictures: pictures of each domain that a step sees, where there are epochs.
        preview: rows of pictures, (3, H, W) each, in [-1, 1], of a preview made since the last report, as preview.png
            shows them; on a pair, the last but one in a row is the translation so far. Empty if there is none.
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
    outlook: Remark | None = None
    epoch: float | None = None
    pictures: int = 1
    preview: Sequence[Sequence[Tensor]] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True)
class Training:
    """A training that has finished or was stopped.

    Attributes:
        model: the trained generator.
        run_dir: folder that holds everything.
        steps: steps done.
        seconds: seconds spent training.
        kept: step whose state the model holds: the last, or the best.
        finished: False when it was stopped before it reached its length or the picture stopped improving.
        warnings: all warnings, each once.
        planned: steps that the settings ask for, or None where only the clock decided.
        capped: whether the time was up before all of these were done. Resume with `steps` to do the rest.
    """

    model: Model
    run_dir: Path
    steps: int
    seconds: float
    kept: int
    finished: bool
    warnings: tuple[Remark, ...]
    planned: int | None = None
    capped: bool = False

    def _repr_png_(self) -> bytes | None:
        """Its preview, for notebooks; None once that is gone."""
        return shown_png(RunDirectory(self.run_dir).preview)


OnProgress = Callable[[Progress], None]

OnPreparing = Callable[[str], None]
"""Is told in a few words what is being done before the first step, such as "taking strokes out of the painting"."""
