"""How long a method may work: in seconds for people, in iterations for tests."""

import time
from collections.abc import Callable, Iterator

from sinct.errors import Interrupted


class Budget:
    """The time that a method has, divided among its stages.

    A method asks for one stage after another, each with its share of the whole. A stage yields iterations until
    its share is used up; time it leaves unused passes on to later stages.

    Args:
        seconds: total time from now on; None sets no limit.
        iterations: most iterations in each stage, whatever the method asks for; for tests.
        report: called with the share done, in [0, 1].
        should_stop: asked before every iteration.

    Attributes:
        worked: seconds spent in iterations so far, so without what comes before, between and after the stages.
    """

    def __init__(
        self,
        seconds: float | None = None,
        *,
        iterations: int | None = None,
        report: Callable[[float], None] = lambda share: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.seconds = seconds
        self.iterations = iterations
        self.report = report
        self.should_stop = should_stop
        self._began = time.monotonic()
        self._planned = 0.0
        self.worked = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._began

    def stage(self, share: float, most: int) -> Iterator[int]:
        """Yield `most` numbers 0, 1, 2, …, or fewer if this stage's share of the time runs out.

        There is always a first iteration, so that a method has a result however short the time.

        Args:
            share: this stage's part of the whole, in [0, 1]; the shares of all stages add up to 1.
            most: iterations that the method wants.

        Raises:
            Interrupted: `should_stop` returned True.
        """
        most = most if self.iterations is None else min(most, self.iterations)
        before, self._planned = self._planned, self._planned + share
        for index in range(most):
            if self.should_stop():
                raise Interrupted("stopped as asked")
            used = self.elapsed / self.seconds if self.seconds else 0.0
            if index and self.seconds and used >= self._planned:
                return
            self.report(min(1.0, max(before + share * index / most, min(used, self._planned))))
            before_this = time.monotonic()
            yield index
            self.worked += time.monotonic() - before_this
