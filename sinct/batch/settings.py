"""How a picture is to be made: the part of a job that the user sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sinct.errors import ConfigError, did_you_mean
from sinct.inference.mixing import Mix
from sinct.objectives.cut import CutSettings
from sinct.pictures.output_profile import check_choice
from sinct.presets import PRESETS, preset
from sinct.runtime.json_files import plain


@dataclass(frozen=True)
class Settings:
    """What the user asks for; the rest depends on the device, as in `sinct.preset`.

    Attributes:
        preset: instant, draft, standard, paper or authors.
        steps: length in steps, instead of the preset's.
        seconds: most time for the training, even if its steps are not done by then.
        seed: makes a training repeatable.
        bits: 8 or 16 bits per channel; None keeps the painting's.
        changes: changed settings, by name in `sinct.Config`.
        profile: "srgb", or "keep" for the painting's own colour profile.
        strength: how far to go from the painting, 0, to the translation, 1.
        keep: parts of the painting to keep, see `sinct.inference.mixing.Mix`.
    """

    preset: str = "standard"
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0
    bits: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    profile: str = "srgb"
    strength: float = 1.0
    keep: tuple[str, ...] = ()

    def config(self, device: torch.device) -> CutSettings:
        """The training's complete settings on a device.

        Raises:
            ConfigError: they contradict each other, are unknown or out of range.
        """
        if not isinstance(self.preset, str) or self.preset not in PRESETS:
            near = did_you_mean(self.preset, PRESETS)
            raise ConfigError(f"unknown preset {self.preset!r}; there are {', '.join(PRESETS)}{near}")
        if self.bits not in (None, 8, 16):
            raise ConfigError(f"bits must be 8 or 16, got {self.bits}")
        check_choice(self.profile)
        Mix(self.strength, self.keep)  # checks them
        if {"steps", "seconds", "seed"} & set(self.changes):
            raise ConfigError("steps, seconds and seed have their own columns; do not set them as changes")
        made = preset(self.preset, device, steps=self.steps, seconds=self.seconds, seed=self.seed)
        return made.replace(**self.changes)

    def to_json(self) -> dict[str, Any]:
        """Values as JSON would return them.

        Ledgers store hashes of these values, so a new field must be left out while it has its default.
        """
        values = plain(self)
        for name, default in (("profile", "srgb"), ("strength", 1), ("keep", [])):
            if values[name] == default:
                del values[name]
        return values
