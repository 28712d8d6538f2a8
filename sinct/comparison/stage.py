"""What a comparison tells while it runs."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What a comparison is doing.

    Attributes:
        name: of the method that runs, or what else is done: measuring, report.
        index: of this stage, from 0.
        count: of all stages.
        fraction: of this stage that is done, in [0, 1].
        note: what a person should know: why a method has no result, say.
        pair: name of the pair where there are several.
    """

    name: str
    index: int
    count: int
    fraction: float
    note: str | None = None
    pair: str | None = None


OnStage = Callable[[Stage], None]
