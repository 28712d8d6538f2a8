"""The errors that sinct raises on purpose, and its remarks.

Each message is one line that says what was given, what is needed and what to do, so that a caller can show it to
the user unchanged. Arguments of the library appear in backticks, as written in Python: `resume=True`.
"""

import difflib
from collections.abc import Iterable
from typing import Self


def one_line(error: object) -> str:
    """Shorten another library's error to one line of at most 200 characters, for use within a message."""
    return " ".join(str(error).split())[:200] or type(error).__name__


def counted(number: int, thing: str, more: str = "") -> str:
    """A number of things in words: 1 step, 20 steps, 1,000 more steps, 2 copies.

    Args:
        number: how many.
        thing: what one of them is called.
        more: what stands between the two.
    """
    if number != 1:
        thing = f"{thing[:-1]}ies" if thing.endswith("y") and thing[-2:-1] not in "aeo" else f"{thing}s"
    return f"{number:,}{more} {thing}"


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """What to add to a message about an unknown name: the known one that it resembles, or nothing."""
    near = difflib.get_close_matches(str(name)[:100], list(known), 1, 0.7)
    return f"; did you mean {near[0]}?" if near else ""


class SinctError(Exception):
    """Base of all errors that the user can act on."""


class InputError(SinctError):
    """A picture or another input cannot be read or used."""


class OutputError(SinctError):
    """A result cannot be written where it was asked for."""


class ConfigError(SinctError):
    """Settings contradict each other or lie outside their range."""


class CheckpointError(SinctError):
    """A checkpoint or run directory is damaged, not sinct's, or from another version."""


class DeviceError(SinctError):
    """A device is unknown or missing, or has too little memory."""


class OutOfMemoryError(DeviceError):
    """The device or the machine has too little memory for the task."""


class TrainingError(SinctError):
    """Training cannot continue, for instance because a loss is no longer finite."""


class WeightsError(SinctError):
    """Pretrained weights are missing, cannot be downloaded, or have the wrong contents."""


class Interrupted(SinctError):
    """Work was stopped at the caller's request."""


class Remark(str):
    """One line for the user, with a code that tells programs its kind, whatever figures the line contains.

    Args:
        code: names the kind of remark.
        text: the line.
    """

    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """Create the string and attach its code."""
        remark = super().__new__(cls, text)
        remark.code = code
        return remark

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """Keep the code through pickle and copy."""
        return type(self), (self.code, str(self))
