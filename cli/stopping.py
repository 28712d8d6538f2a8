"""Ctrl-C and SIGTERM as requests to stop, and the command that goes on afterwards."""

import os
import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

RESTART = ("--overwrite", "--resume")
"""Options that the command for resuming must not repeat."""

LENGTHS = ("--time", "--steps", "--epochs")
"""Options, each with a value, that it must not repeat where it gives a new length."""


def resuming(words: Sequence[str], *, steps: int | None = None) -> str:
    """The command that resumes a run.

    Args:
        words: arguments of the command that began it.
        steps: its new length, without a limit to its time; None leaves it the length that it has.
    """
    given = () if steps is None else LENGTHS
    kept, rest = [], iter(words)
    for word in rest:
        option, equals, _ = word.partition("=")
        if option in given:
            if not equals:
                next(rest, None)  # its value
        elif word not in RESTART:
            kept.append(word)
    length = [] if steps is None else [f"--steps={steps}"]
    return shlex.join(["sinct", *kept, "--resume", *length])


def capped(steps: int, planned: int | None) -> str:
    """What to say of a training whose time was up early, and the command that does the rest."""
    return (
        f"--time ended the training at step {steps} of {planned}, so the result is not yet what it could be; "
        f"everything is saved. To do the rest: {resuming(sys.argv[1:], steps=planned)}"
    )


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
        with suppress(OSError, ValueError):  # nobody listens
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
