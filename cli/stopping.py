"""Ctrl-C and SIGTERM as requests to stop."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class Stop:
    """Whether a signal asked to stop; the first finishes the step and saves, the second ends at once."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.signal is not None

    def handle(self, number: int, frame: object) -> None:
        """Remember the first signal, obey the second."""
        if self.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        self.signal = number
        # os.write is safe inside a handler, where Rich's locks may be held
        os.write(sys.stderr.fileno(), b"\nstopping after this step; once more to end at once\n")

    @property
    def exit_code(self) -> int:
        """128 + signal, as shells have it."""
        return 128 + (self.signal or 0)


@contextmanager
def stopping() -> Iterator[Stop]:
    """Catch Ctrl-C and SIGTERM as requests to stop."""
    stop = Stop()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, stop.handle) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
