"""Ctrl-C and SIGTERM as requests to stop."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether a signal asked to stop. The first lets the step finish and be saved; the second ends at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def handle(self, number: int, frame: object) -> None:
        """Remember the first signal and obey the second."""
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = number
        # os.write is safe inside a handler, where Rich's locks may be held
        os.write(sys.stderr.fileno(), b"\nstopping after this step; interrupt again to end at once\n")

    @property
    def exit_code(self) -> int:
        """128 + signal, as in a shell."""
        return 128 + (self.signal or 0)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Take Ctrl-C and SIGTERM as requests to stop while the context lasts."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop.handle) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
