"""How one picture is to be made: the part of a job that a person sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch

from sinct.errors import ConfigError
from sinct.objectives.cut import CutSettings
from sinct.presets import PRESETS, preset
from sinct.runtime.json_files import plain


@dataclass(frozen=True)
class Settings:
    """What is asked for; the device decides the rest, as `sinct.preset` does.

    Attributes:
        preset: draft, standard or paper.
        steps: length in steps, instead of the preset's own.
        seconds: length by the clock, likewise.
        seed: makes a training repeatable.
        bits: 8 or 16 a channel; None as the painting's.
        changes: of single settings, by their names in `sinct.Config`.
    """

    preset: str = "standard"
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0
    bits: int | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)

    def config(self, device: torch.device) -> CutSettings:
        """All settings of the training on a device.

        Raises:
            ConfigError: they contradict each other, are unknown or out of range.
        """
        if self.preset not in PRESETS:
            raise ConfigError(f"unknown preset {self.preset!r}; there are {', '.join(PRESETS)}")
        if self.bits not in (None, 8, 16):
            raise ConfigError(f"bits must be 8 or 16, got {self.bits}")
        if {"steps", "seconds", "seed"} & set(self.changes):
            raise ConfigError("steps, seconds and seed are set by columns of their own")
        made = preset(self.preset, device, steps=self.steps, seconds=self.seconds, seed=self.seed)
        return made.replace(**self.changes)

    def to_json(self) -> dict[str, Any]:
        """Values as they come back from JSON.

        Ledgers keep hashes of them, so a new field must be left out while it has its default.
        """
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Settings":
        """Read what `to_json` returned."""
        return cls(**values)
