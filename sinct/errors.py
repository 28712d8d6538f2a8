"""Everything sinct raises on purpose, and what it remarks on.

Each message is one line that says what came, what is needed and what to do, so that a caller may show it to a
person as it is. Arguments of the library stand in backticks, as Python takes them: `resume=True`.
"""

from typing import Self


def one_line(error: object) -> str:
    """What an error of someone else's says, as part of a message: one line, not too long."""
    return " ".join(str(error).split())[:200] or type(error).__name__


class SinctError(Exception):
    """Base of all errors that a person can act on."""


class InputError(SinctError):
    """A picture or a path given to read cannot be used."""


class OutputError(SinctError):
    """A result cannot be written where it was asked for."""


class ConfigError(SinctError):
    """Settings contradict each other or lie outside their range."""


class CheckpointError(SinctError):
    """A checkpoint or run directory is damaged, foreign or of another version."""


class DeviceError(SinctError):
    """A device is unknown, absent, or lacks memory."""


class OutOfMemoryError(DeviceError):
    """A device, or the main memory, is too small for what was asked."""


class TrainingError(SinctError):
    """Training cannot go on, for instance because a loss is no longer finite."""


class WeightsError(SinctError):
    """Pretrained weights are missing, cannot be downloaded, or are not what they should be."""


class Interrupted(SinctError):
    """Work was stopped because its caller asked for it."""


class Remark(str):
    """One line for a person, with a code by which programs tell its kind whatever its figures.

    Args:
        code: of the kind.
        text: the line.
    """

    code: str

    def __new__(cls, code: str, text: str) -> Self:
        """Make the line."""
        remark = super().__new__(cls, text)
        remark.code = code
        return remark

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        """For pickle and copy."""
        return type(self), (self.code, str(self))
