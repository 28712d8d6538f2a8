"""Self-describing terms of an objective, so that reports need not know which objective they show."""

import math
from collections import namedtuple
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

TOLD_APART = "lower: translations are told from real ones better"
SMOOTH = "higher: the discriminator judges more abruptly"
PASSES = "lower: translations pass for real more often"
RECOGNISED = "lower: places are better recognised again"
CAME_BACK = "lower: there and back again, less is lost"
LEFT_ALONE = "lower: what is a target already stays as it is"
SAME_TURNED = "lower: a turned picture gets the turned result"
COPIED = "lower: a picture is rebuilt from its codes better"
"""What the losses say that many objectives have, in plain words."""


@dataclass(frozen=True)
class Term:
    """One term of an objective.

    Attributes:
        name: field name in the step's losses, and key in log.jsonl.
        label: heading of its plot.
        unit: unit of its values.
        short: name on the progress line; leave empty to omit it there.
        digits: decimals on that line.
        interval: steps from one value to the next; it is NaN in between.
        won_below: for a discriminator's loss, the mean over fifty or more steps below which it has won, so that
            the generator learns nothing more; None for other terms.
        meaning: what its values say, in about fifty characters of plain words.
    """

    name: str
    label: str
    unit: str
    short: str = ""
    digits: int = 2
    interval: int = 1
    won_below: float | None = None
    meaning: str = ""

    def is_due(self, step: int) -> bool:
        """Whether a step, counted from 0, computes it."""
        return step % self.interval == 0


class LossTerms(Protocol):
    """A NamedTuple of scalar tensors, one for each term of an objective."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def __iter__(self) -> Iterator[Tensor]: ...


def to_json(losses: LossTerms) -> dict[str, float | None]:
    """A step's losses as JSON has them: None where a term was not due."""
    values = torch.stack(tuple(losses)).tolist()
    return {
        name: None if math.isnan(value) else value for name, value in zip(losses._fields, values, strict=True)
    }


def from_json(values: Mapping[str, float | None], device: torch.device) -> LossTerms:
    """A step's losses again, exactly, from what `to_json` returned."""
    stored = [math.nan if value is None else value for value in values.values()]
    made: Any = namedtuple("Losses", values)  # type: ignore[misc]
    found: LossTerms = made(*torch.tensor(stored, device=device))
    return found


def in_short(terms: Iterable[Term], values: Mapping[str, float]) -> str:
    """Format values for a progress line, for instance "D 0.69 G 0.69 NCE 4.10"."""
    return " ".join(
        f"{term.short} {values[term.name]:.{term.digits}f}"
        for term in terms
        if term.short and term.name in values
    )
