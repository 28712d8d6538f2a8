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

CANDIDATES = (
    "--seeds",
    "--presets",
    "--each-faithful",
    "--pick",
    "--continue",
    "--seed",
    "--preset",
    "--stroke",
    "--faithful",
    "--set",
)
"""Options, each with a value, about which candidates there are, with which settings, and which of them goes on."""


def resuming(words: Sequence[str], *, steps: int | None = None) -> str:
    """The command that resumes a run.

    Args:
        words: arguments of the command that began it.
        steps: its new length, without a limit to its time; None leaves it the length that it has.
    """
    kept = _without(words, RESTART, () if steps is None else LENGTHS)
    length = [] if steps is None else [f"--steps={steps}"]
    return shlex.join(["sinct", *kept, "--resume", *length])


def repeating(words: Sequence[str]) -> str:
    """The command that takes up variations where they are: the same one.

    Args:
        words: arguments of the command that began them.
    """
    return shlex.join(["sinct", *_without(words, RESTART)])


def choosing(words: Sequence[str], number: int, *, steps: int | None = None) -> str:
    """The command that goes on with a candidate.

    Args:
        words: arguments of the command that trained the candidates or went on with one.
        number: number of the candidate.
        steps: its new length; None leaves it the length that it has.
    """
    kept = _without(words, (*RESTART, "--each-photo", "--from-scratch"), (*LENGTHS, *CANDIDATES))
    length = [] if steps is None else [f"--steps={steps}"]
    return shlex.join(["sinct", *kept, "--continue", str(number), *length])


def _without(words: Sequence[str], flags: Sequence[str], valued: Sequence[str] = ()) -> list[str]:
    """Arguments without some options, of which `valued` have a value."""
    kept, rest = [], iter(words)
    for word in rest:
        option, equals, _ = word.partition("=")
        if option in valued:
            if not equals:
                next(rest, None)  # its value
        elif word not in flags:
            kept.append(word)
    return kept


def capped(steps: int, planned: int | None, rest: str | None = None) -> str:
    """What to say of a training whose time was up early, and the command that does the rest.

    Args:
        steps: steps done.
        planned: steps that were to be done.
        rest: the command; by default, the one that resumes the present command's run.
    """
    rest = resuming(sys.argv[1:], steps=planned) if rest is None else rest
    return (
        f"--time ended the training at step {steps} of {planned}, so the result is not yet what it could be; "
        f"everything is saved. To do the rest: {rest}"
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
