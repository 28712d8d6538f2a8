"""Settings: how they are checked, changed and written down, and those that every training shares.

Each objective keeps its own settings beside it, as a subclass; `sinct.Config` is that of the paper's objective.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, NamedTuple, Self, get_origin, get_type_hints

from sinct.errors import ConfigError


class Bound(NamedTuple):
    """Where a number must lie: in words, and as a test of finite values."""

    words: str
    holds: Callable[[float], bool]


ABOVE_0 = Bound("be above 0", lambda value: value > 0)
FROM_0 = Bound("be 0 or more", lambda value: value >= 0)
FROM_1 = Bound("be 1 or more", lambda value: value >= 1)
SHARE = Bound("lie in [0, 1]", lambda value: 0 <= value <= 1)


def bounded(default: Any, bound: Bound) -> Any:
    """A field whose value, unless it is None, must be finite and lie within a bound."""
    return dataclasses.field(default=default, metadata={"bound": bound})


@dataclass(frozen=True)
class Settings:
    """Base of all settings: frozen, checked when made.

    Raises:
        ConfigError: a value is out of range or contradicts another.
    """

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            bound, value = field.metadata.get("bound"), getattr(self, field.name)
            if bound and value is not None and not (math.isfinite(value) and bound.holds(value)):
                raise ConfigError(f"{field.name} must {bound.words}, got {value}")
        self.check()

    def check(self) -> None:
        """Raise ConfigError where settings contradict each other; subclasses extend it."""

    def to_dict(self) -> dict[str, Any]:
        """Every setting, JSON-serialisable."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what `to_dict` returned, also after a round trip through JSON.

        Raises:
            ConfigError: an unknown setting, or a value of the wrong type or out of range.
        """
        return cls().replace(**values)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some settings changed, each checked against its declared type.

        Raises:
            ConfigError: an unknown setting, or a value of the wrong type or out of range.
        """
        types = get_type_hints(type(self))
        for name, value in changes.items():
            if name not in types:
                raise ConfigError(f"unknown setting {name!r}; there are {', '.join(sorted(types))}")
            changes[name] = _coerce(name, value, types[name])
        return dataclasses.replace(self, **changes)


@dataclass(frozen=True)
class TrainingSettings(Settings):
    """What every training has: its length, optimiser, running average, seed and number format.

    Attributes:
        learning_rate: of Adam, constant for the first half, then linear to 0.
        betas: of Adam.
        ema_decay: per step, of the generator's running average; 0 translates with the raw weights (ours
            otherwise).
        patience: share of the training's length without a better picture after which it ends; 0 always takes
            all of it and its last state. Above 0 the best state of the last quarter is kept; 1 never ends
            early (ours).
        mixed_precision: autocast to bfloat16 (ours).
        channels_last: memory layout of maps and weights; changes speed, not results (ours).
        steps: length of the training, or None where the clock decides.
        seconds: length of the training by the clock, or None where steps decide.
        seed: makes the training repeatable: weights, crops and noise all come from it.
    """

    learning_rate: float = bounded(0.002, ABOVE_0)
    betas: tuple[float, float] = (0.0, 0.99)
    ema_decay: float = bounded(0.0, SHARE)
    patience: float = bounded(0.0, SHARE)
    mixed_precision: bool = False
    channels_last: bool = True
    steps: int | None = bounded(100_000, FROM_1)
    seconds: float | None = None
    seed: int = bounded(0, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.seed >= 2**63:
            raise ConfigError(f"seed must be below 2**63, got {self.seed}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas must be two numbers in [0, 1), got {self.betas}")
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError("give the length of the training either in steps or in seconds")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ConfigError(f"the time must be above 0 seconds, got {self.seconds}")


def _coerce(name: str, value: Any, kind: Any) -> Any:
    """Accept JSON's lists for tuples and whole numbers for floats; refuse any other type."""
    optional = isinstance(kind, UnionType)
    if optional and value is None:
        return None
    plain = kind.__args__[0] if optional else kind

    def number(item: Any, *types: type) -> bool:
        return isinstance(item, types) and not isinstance(item, bool)

    if plain is float and number(value, int, float):
        return float(value)
    if (plain is int and number(value, int)) or (plain is bool and isinstance(value, bool)):
        return value
    if isinstance(value, (list, tuple)):
        if plain == tuple[int, ...] and all(number(item, int) for item in value):
            return tuple(value)
        if plain == tuple[float, float] and len(value) == 2 and all(number(x, int, float) for x in value):
            return tuple(float(item) for item in value)
    wanted = str(kind) if get_origin(kind) or optional else kind.__name__
    raise ConfigError(f"{name} must be {wanted}, got {value!r}")
