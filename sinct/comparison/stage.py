"""How a comparison reports its progress."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Stage:
    """What a comparison is doing.

    Attributes:
        name: name of the running method, or other work: measuring, report.
        index: number of this stage, from 0.
        count: number of stages.
        fraction: share of this stage that is done, in [0, 1].
        note: what a user should know, such as why a method has no result.
        pair: name of the pair, if there are several.
    """

    name: str
    index: int
    count: int
    fraction: float
    note: str | None = None
    pair: str | None = None


OnStage = Callable[[Stage], None]
