"""Settings: how they are checked, changed and stored, and those that every training shares.

Each objective defines its own settings in its module, as a subclass; `sinct.Config` is the paper's objective's.
"""

import dataclasses
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, NamedTuple, Self, get_origin, get_type_hints

from sinct.errors import ConfigError, did_you_mean


class Bound(NamedTuple):
    """The range that a number must lie in: in words, and as a test for finite values."""

    words: str
    holds: Callable[[float], bool]


ABOVE_0 = Bound("be above 0", lambda value: value > 0)
FROM_0 = Bound("be 0 or more", lambda value: value >= 0)
SHARE = Bound("lie in [0, 1]", lambda value: 0 <= value <= 1)

SEEDS = 2**63
"""A seed lies below this."""


def bounded(default: Any, bound: Bound) -> Any:
    """Declare a field whose value must be None, or finite and within a bound."""
    return dataclasses.field(default=default, metadata={"bound": bound})


@dataclass(frozen=True)
class Settings:
    """Base of all settings: frozen, and checked on creation.

    Raises:
        ConfigError: a value is out of range or contradicts another.
    """

    def __post_init__(self) -> None:
        types = get_type_hints(type(self))
        for field in dataclasses.fields(self):
            bound, value = field.metadata.get("bound"), getattr(self, field.name)
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            if (
                bound
                and number
                and not ((isinstance(value, int) or math.isfinite(value)) and bound.holds(value))
            ):
                raise ConfigError(f"{field.name} must {bound.words}, got {value}")
            if not _is_of(value, types[field.name]):
                raise ConfigError(f"{field.name} must be {_in_words(types[field.name])}, got {value!r:.200}")
        self.check()

    def check(self) -> None:
        """Raise ConfigError where settings contradict each other; subclasses add their checks."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Names of all settings."""
        return tuple(field.name for field in dataclasses.fields(cls))

    def to_dict(self) -> dict[str, Any]:
        """Return every setting, JSON-serialisable."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read back what `to_dict` returned, also after a round trip through JSON.

        Raises:
            ConfigError: an unknown setting, or a value of the wrong type or out of range.
        """
        return cls().replace(**values)

    @classmethod
    def from_run(cls, values: Mapping[str, Any]) -> Self:
        """Read the settings of a stored run so that it goes on as it began, whatever version began it.

        Raises:
            ConfigError: as for `from_dict`.
        """
        return cls.from_dict(values)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed, each checked against its declared type.

        Raises:
            ConfigError: an unknown setting, or a value of the wrong type or out of range.
        """
        types = get_type_hints(type(self))
        for name, value in changes.items():
            if name not in types:
                known = ", ".join(sorted(types))
                raise ConfigError(
                    f"unknown setting {name!r:.200}; choose one of {known}{did_you_mean(name, types)}"
                )
            try:
                changes[name] = _coerce(value, types[name])
            except OverflowError:
                raise ConfigError(f"{name} is too large; give a number below 1e308") from None
        return dataclasses.replace(self, **changes)


class Described(NamedTuple):
    """A setting, as its class declares it.

    Attributes:
        name: its name.
        default: its value where nothing else is said.
        range: what its values are.
        meaning: what it changes, in a paragraph.
    """

    name: str
    default: Any
    range: str
    meaning: str


def describe(settings: Settings) -> list[Described]:
    """All settings of a class, with what their declarations and docstrings say.

    Args:
        settings: whose values are the defaults.
    """
    types = get_type_hints(type(settings))
    texts: dict[str, str] = {}
    for kind in reversed(type(settings).__mro__):
        texts |= _attributes(inspect.getdoc(kind) or "") if kind is not object else {}
    found = []
    for field in dataclasses.fields(settings):
        bound = field.metadata.get("bound")
        words = _in_words(types[field.name])
        limits = f", {bound.words.removeprefix('be ').removeprefix('lie ')}" if bound else ""
        value = getattr(settings, field.name)
        found.append(Described(field.name, value, words + limits, texts.get(field.name, "")))
    return found


def _attributes(doc: str) -> dict[str, str]:
    """The section "Attributes" of a docstring: text by name."""
    section = doc.partition("Attributes:\n")[2].partition("\n\n")[0]
    found: dict[str, str] = {}
    for line in section.splitlines():
        name, colon, text = line.strip().partition(": ")
        if line.startswith("    ") and not line.startswith("     ") and colon and name.isidentifier():
            found[name] = text
        elif found:
            found[list(found)[-1]] += f" {line.strip()}"
    return found


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """What every training has: length, optimiser, running average, seed and number format.

    Attributes:
        learning_rate: Adam's rate; constant at first, then falls linearly.
        rate_constant: share of the training in which it is constant.
        rate_epochs: parts of equal length in which the rate stays the same; 16 in the authors' code. With 0 it falls
            from step to step (ours).
        betas: Adam's betas.
        ema_decay: decay per step of the generator's running average; 0 translates with the raw weights (ours
            otherwise).
        patience: end the training after this share of its length without a better picture. 0 always trains to
            the end and keeps the last state. Above 0, the best state of the last quarter is kept; 1 never ends
            early (ours).
        mixed_precision: autocast to bfloat16 (ours).
        channels_last: memory layout of maps and weights; changes speed, not results (ours).
        steps: length in steps, or None where only the clock decides. 0 trains nothing, which needs a
            start that has learned something.
        seconds: length by the clock, or None where only steps decide. Where both are given, training ends at
            whichever comes first.
        seed: makes the training repeatable: weights, crops and noise are all drawn from it.
    """

    learning_rate: float = bounded(0.002, ABOVE_0)
    rate_constant: float = bounded(0.5, SHARE)
    rate_epochs: int = bounded(16, FROM_0)
    betas: tuple[float, float] = (0.0, 0.99)
    ema_decay: float = bounded(0.0, SHARE)
    patience: float = bounded(0.0, SHARE)
    mixed_precision: bool = False
    channels_last: bool = True
    steps: int | None = bounded(100_000, FROM_0)
    seconds: float | None = None
    seed: int = bounded(0, FROM_0)

    @property
    def starts_trained(self) -> bool:
        """Whether the generator has learned something before the first step."""
        return False

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.seed >= SEEDS:
            raise ConfigError(f"seed must be below 2**63, got {self.seed}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas must be two numbers in [0, 1), got {self.betas}")
        if self.steps is None and self.seconds is None:
            raise ConfigError("give the length of the training in steps, in seconds or in both")
        if self.steps == 0 and not self.starts_trained:
            raise ConfigError(
                "0 steps would leave the generator random; give 1 or more steps, or begin with the warm start"
            )
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ConfigError(f"the time must be above 0 seconds, got {self.seconds}")


def _is_of(value: Any, kind: Any) -> bool:
    """Whether a value has a declared type: whole numbers count as any number, truth values as none."""
    if isinstance(kind, UnionType):
        return value is None or _is_of(value, kind.__args__[0])
    if get_origin(kind) is tuple:
        return isinstance(value, tuple) and all(_is_of(item, kind.__args__[0]) for item in value)
    if kind is bool or isinstance(value, bool):
        return kind is bool and isinstance(value, bool)
    return isinstance(value, (int, float) if kind is float else kind)


def _in_words(kind: Any) -> str:
    if isinstance(kind, UnionType):
        return _in_words(kind.__args__[0])
    if get_origin(kind) is tuple:
        return "a list of whole numbers" if kind.__args__[0] is int else "two numbers"
    return {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}[kind]


def _coerce(value: Any, kind: Any) -> Any:
    """Turn JSON's lists into tuples and whole numbers into floats where these are declared; the rest stays."""
    plain = kind.__args__[0] if isinstance(kind, UnionType) else kind
    if isinstance(value, list) and get_origin(plain) is tuple:
        value = tuple(value)
    if isinstance(value, tuple) and plain == tuple[float, float]:
        return tuple(_coerce(item, float) for item in value)
    return float(value) if plain is float and type(value) is int else value
