"""Terms of an objective that describe themselves, so that reports need not know which objective they show."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class Term:
    """One term of an objective.

    Attributes:
        name: of the field of the step's losses, and in log.jsonl.
        label: heading of its plot.
        unit: of its values.
        short: what it is called on the progress line; empty leaves it out there.
        digits: behind the point on that line.
        interval: steps from one value to the next; it is NaN in between.
        lost_below: mean over some fifty steps below which a discriminator's loss shows that it has won, so that
            the generator learns nothing more; None for other terms.
    """

    name: str
    label: str
    unit: str
    short: str = ""
    digits: int = 2
    interval: int = 1
    lost_below: float | None = None

    def is_due(self, step: int) -> bool:
        """Whether step 0, 1, ... computes it."""
        return step % self.interval == 0


class LossTerms(Protocol):
    """A NamedTuple of scalar tensors, one for each term of an objective."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    def __iter__(self) -> Iterator[Tensor]: ...


def in_short(terms: Iterable[Term], values: Mapping[str, float]) -> str:
    """Values as a progress line shows them, for instance "D 1.39 G 0.69 NCE 4.10"."""
    return " ".join(
        f"{term.short} {values[term.name]:.{term.digits}f}"
        for term in terms
        if term.short and term.name in values
    )
