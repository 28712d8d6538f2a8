"""All settings of a training as one frozen, validated dataclass, and the presets."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import UnionType
from typing import Any, get_origin, get_type_hints

from sinct.errors import ConfigError

STANDARD_WIDTHS = (32, 64, 128, 256, 384)


@dataclass(frozen=True)
class Config:
    """Settings of one training. The defaults are the paper's and its authors' published configuration.

    Attributes:
        compact: the generator of `sinct.networks.compact_generator` instead of the paper's (ours).
        width: generator channels at full resolution (twice as many at half resolution); of a compact one at
            half and a quarter of it.
        discriminator_widths: channels at tile_size, tile_size / 2, ... 4 px.
        minibatch_deviation: minibatch standard deviation in the discriminator; the authors' is off.
        projection_dimensions: length of the vectors that PatchNCE compares.
        crops: crops of the painting, and as many of the photo, a step.
        identity_crops: crops of the photo that also pass the generator (ours when below `crops`).
        crop_size: side of a crop, in pixels.
        tile_size: side of the discriminator's tiles, in pixels; divides crop_size.
        min_width: smallest width that a picture is scaled to before cropping, in pixels.
        max_width: largest such width, in pixels.
        overhang: share of their side that crops may hang over the border by before they are pushed inside, so
            that a picture's edges, often its sky, are seen as often as its middle (ours above 0).
        native_share: share of steps that see a picture at its own size instead (ours).
        smoothing: contrast on [-1, 1] that total-variation smoothing takes out of the painting before PatchNCE
            sees it, so that strokes are not content to keep; 0 compares with the painting itself (ours
            otherwise).
        detail: share of the contrast taken out that the generator still sees; with 1 it sees the painting
            itself (ours otherwise).
        repaint: give G crops of the photo as if they were painted, in the painting's palette and smoothed like
            it, and let the identity term ask for the photo back; off, G gets and should leave alone the photo
            itself (ours otherwise).
        grain: standard deviation of noise on what G sees, in units of [-1, 1], so that texture has something to
            grow from (ours).
        patience: share of the training's length without a better picture after which it ends; 0 always takes
            all of it and its last state. Above 0 the best state of the last quarter is kept; 1 never ends
            early (ours).
        temperature: softmax divisor of PatchNCE, dimensionless.
        depths: which of the encoder's features PatchNCE compares: 0 the pixels, 1 the downsampling block's
            output, 2 the second residual block's; leaving out 0 is ours.
        queries: query positions a crop and depth; more than 1 is ours.
        nce_weight: of PatchNCE.
        identity_weight: of the L1 distance between the photo and what G makes of it.
        matching_weight: of the distance between the discriminator's maps of the two; 0 leaves it out (ours
            otherwise).
        r1_weight: of R1, times 1/2.
        r1_interval: steps from one R1 to the next, its weight growing with it; above 1 is ours.
        learning_rate: of Adam, constant for the first half, then linear to 0.
        betas: of Adam.
        ema_decay: a step of the generator's running average; 0 translates with the raw weights (ours
            otherwise).
        mixed_precision: autocast to bfloat16 (ours).
        channels_last: memory layout of maps and weights; changes speed, not results (ours).
        reuse_features: take PatchNCE's keys from the forward pass instead of encoding again; changes
            speed, not results (ours).
        steps: length of the training, or None where the clock decides.
        seconds: length of the training by the clock, or None where steps decide.
        seed: of every random draw.

    Raises:
        ConfigError: a value is out of range or contradicts another.
    """

    compact: bool = False
    width: int = 80
    discriminator_widths: tuple[int, ...] = STANDARD_WIDTHS
    minibatch_deviation: bool = False
    projection_dimensions: int = 256
    crops: int = 16
    identity_crops: int = 16
    crop_size: int = 128
    tile_size: int = 64
    min_width: int = 384
    max_width: int = 1024
    overhang: float = 0.0
    native_share: float = 0.0
    smoothing: float = 0.0
    detail: float = 1.0
    repaint: bool = False
    grain: float = 0.0
    patience: float = 0.0
    temperature: float = 0.07
    depths: tuple[int, ...] = (0, 1, 2)
    queries: int = 1
    nce_weight: float = 4.0
    identity_weight: float = 1.0
    matching_weight: float = 0.0
    r1_weight: float = 1.0
    r1_interval: int = 1
    learning_rate: float = 0.002
    betas: tuple[float, float] = (0.0, 0.99)
    ema_decay: float = 0.0
    mixed_precision: bool = False
    channels_last: bool = True
    reuse_features: bool = True
    steps: int | None = 100_000
    seconds: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        positive = (
            "width projection_dimensions crops crop_size tile_size min_width max_width temperature queries "
            "r1_interval learning_rate"
        )
        for name in positive.split():
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) > 0):
                raise ConfigError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in [
            "smoothing",
            "grain",
            "nce_weight",
            "identity_weight",
            "matching_weight",
            "r1_weight",
            "seed",
        ]:
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise ConfigError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if self.seed >= 2**63:
            raise ConfigError(f"seed must be below 2**63, got {self.seed}")
        for name in ("overhang", "native_share", "ema_decay", "detail", "patience"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if len(self.betas) != 2 or not all(0 <= beta < 1 for beta in self.betas):
            raise ConfigError(f"betas must be two numbers in [0, 1), got {self.betas}")
        if not 0 <= self.identity_crops <= self.crops:
            raise ConfigError(
                f"identity_crops must lie in 0 ... crops ({self.crops}), got {self.identity_crops}"
            )
        if self.crop_size % 2 or self.crop_size % self.tile_size:
            raise ConfigError(
                f"crop_size must be even and a multiple of tile_size ({self.tile_size}), got {self.crop_size}"
            )
        widths = len(self.discriminator_widths)
        if widths == 0 or self.tile_size != 4 * 2 ** (widths - 1):
            raise ConfigError(
                f"tile_size {self.tile_size} needs one discriminator width for each halving down to 4 px, "
                f"got {len(self.discriminator_widths)}: {self.discriminator_widths}"
            )
        if self.matching_weight and widths == 1:
            raise ConfigError(
                "matching_weight needs a discriminator of two or more widths; its tile_size is 4 px"
            )
        if any(width < 1 for width in self.discriminator_widths):
            raise ConfigError(f"discriminator_widths must be above 0, got {self.discriminator_widths}")
        if self.crops * self.queries < 2 or self.identity_crops * self.queries == 1:
            raise ConfigError("PatchNCE needs 2 or more positions a picture; raise crops or queries")
        if not self.depths or not set(self.depths) <= {0, 1, 2} or len(set(self.depths)) < len(self.depths):
            raise ConfigError(f"depths must be some of 0, 1, 2, each once, got {self.depths}")
        if self.min_width > self.max_width:
            raise ConfigError(f"min_width {self.min_width} exceeds max_width {self.max_width}")
        if (self.steps is None) == (self.seconds is None):
            raise ConfigError("give the length of the training either in steps or in seconds")
        if self.steps is not None and self.steps < 1:
            raise ConfigError(f"steps must be 1 or more, got {self.steps}")
        if self.seconds is not None and not (math.isfinite(self.seconds) and self.seconds > 0):
            raise ConfigError(f"the time must be above 0 seconds, got {self.seconds}")

    def to_dict(self) -> dict[str, Any]:
        """Every setting, JSON-serialisable."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Config":
        """Read what `to_dict` returned, also after a round through JSON.

        Raises:
            ConfigError: an unknown setting, or a value of the wrong type or out of range.
        """
        return cls().replace(**values)

    def replace(self, **changes: Any) -> "Config":
        """Return a copy with some settings changed, each checked against its declared type.

        Raises:
            ConfigError: an unknown setting, a value of the wrong type or out of range.
        """
        types = get_type_hints(type(self))
        for name, value in changes.items():
            if name not in types:
                raise ConfigError(f"unknown setting {name!r}; there are {', '.join(sorted(types))}")
            changes[name] = _coerce(name, value, types[name])
        return dataclasses.replace(self, **changes)


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
