"""Descriptions of what pictures look like at thumbnail size, stored until the pictures change.

A description holds the distributions that `sinct.measures.distribution` measures at full size: those of the colours,
and of the patches without their mean colours. It ignores what a picture shows and where.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sinct.batch import storage
from sinct.errors import InputError
from sinct.measures.distribution import colour_distribution, patch_distributions
from sinct.pictures.glance import read_small
from sinct.runtime.files import unwritable
from sinct.runtime.json_files import read_json, write_json

VERSION = 1
"""Version of the descriptions. Any change that makes old ones incomparable must raise it."""

SIDE = 256
"""Longer side, in pixels, at which pictures are compared."""

LEAST = 32
"""Shortest side in pixels, so that patches of 7 pixels fit at every level."""

LEVELS = 3
"""Number of sizes at which patches are compared, each half the one before."""

DIRECTIONS = 32
"""Number of directions onto which colours and patches are projected."""

QUANTILES = 16
"""Numbers stored for each projection: a power of two, so that distances are exact and always the same."""

STEPS = 8
"""Steps per unit in stored numbers; the unit is ΔE for colours and a grey level out of 255 for patches."""

PATCHES = 8192
"""Patches sampled at each level."""

SAVE_EVERY = 200
"""Number of new descriptions after which all are saved, so that a kill costs minutes, not hours."""


@dataclass(frozen=True)
class Description:
    """What is compared about a picture, about 5 kB as JSON.

    Attributes:
        colours: (DIRECTIONS, QUANTILES) numbers, little-endian int16 in units of 1/STEPS: quantiles of the colours
            in CIELAB along each direction.
        textures: (LEVELS, DIRECTIONS, QUANTILES) numbers in the same form, for patches minus each channel's mean.
    """

    colours: bytes
    textures: bytes

    def to_json(self) -> dict[str, str]:
        """The description in a form that JSON can hold."""
        return {
            name: base64.b64encode(value).decode()
            for name, value in (("colours", self.colours), ("textures", self.textures))
        }

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> "Description":
        """Read what `to_json` returned.

        Raises:
            ValueError: it is no description.
        """
        described = cls(base64.b64decode(values["colours"]), base64.b64decode(values["textures"]))
        numbers = DIRECTIONS * QUANTILES
        if (len(described.colours), len(described.textures)) != (2 * numbers, 2 * LEVELS * numbers):
            raise ValueError("it has another number of quantiles")
        return described


def describe(place: str, folder: Path) -> Description:
    """Describe a picture of any size.

    Args:
        place: path or URL.
        folder: where a remote picture is copied to; the copy is removed afterwards.

    Raises:
        InputError: the picture cannot be read.
        OutputError: the copy cannot be written.
    """
    local = storage.fetch(place, folder, hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:16])
    try:
        picture = read_small(local, SIDE, least=LEAST)
    except InputError as error:
        raise InputError(str(error).replace(str(local), place)) from None  # nobody knows the copy's name
    finally:
        if storage.is_remote(place):
            local.unlink(missing_ok=True)
    colours = colour_distribution(picture, projections=DIRECTIONS)
    textures = patch_distributions(
        picture, without_means=True, levels=LEVELS, projections=DIRECTIONS, samples=PATCHES
    )
    return Description(_quantised([colours]), _quantised(textures))


def _quantised(distributions: Sequence[Tensor]) -> bytes:
    """Quantiles of (DIRECTIONS, N) sorted numbers each, at the middles of equal shares of N."""
    middles = (torch.arange(QUANTILES) + 0.5) / QUANTILES
    kept = torch.stack([rows[:, (middles * rows.shape[1]).long()] for rows in distributions])
    limits = np.iinfo(np.int16)
    return kept.mul(STEPS).round().clamp(limits.min, limits.max).numpy().astype("<i2").tobytes()


class Descriptions:
    """Descriptions of pictures, stored in a file until the pictures change.

    Args:
        path: the file, which `save` creates if needed. A damaged file is replaced.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _load(path)
        self._new = 0

    def of(self, place: str, folder: Path) -> Description:
        """The description of one picture, either stored or made by `describe`.

        Raises:
            InputError: the picture cannot be read.
            OutputError: a copy or this file cannot be written.
        """
        stamp = storage.stamp(place)
        known = self._known.get(place)
        if known is not None and known[0] == stamp:
            return known[1]
        made = describe(place, folder)
        self._known[place] = (stamp, made)
        self._new += 1
        if self._new >= SAVE_EVERY:
            self.save()
        return made

    def of_all(self, places: Iterable[str], folder: Path) -> tuple[dict[str, Description], list[str]]:
        """The descriptions of all readable pictures, and the reasons why others cannot be read."""
        found: dict[str, Description] = {}
        reasons = []
        for place in places:
            try:
                found[place] = self.of(place, folder)
            except InputError as error:
                reasons.append(str(error))
        return found, reasons

    def save(self) -> None:
        """Write the file, whole or not at all, if there is anything new.

        Raises:
            OutputError: the file cannot be written.
        """
        if not self._new:
            return
        pictures = {place: {"stamp": stamp, **kept.to_json()} for place, (stamp, kept) in self._known.items()}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from None
        write_json(self.path, {"version": VERSION, "pictures": pictures})
        self._new = 0


def _load(path: Path) -> dict[str, tuple[list[Any], Description]]:
    """Place -> stamp and description; empty if there is no undamaged file of this version."""
    try:
        kept = read_json(path)
        if kept["version"] != VERSION:
            return {}
        return {
            place: (values["stamp"], Description.from_json(values))
            for place, values in kept["pictures"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
