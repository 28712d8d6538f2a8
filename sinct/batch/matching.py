"""The most fitting reference photo for a painting out of many, by how alike they look.

Pictures are compared as small as a thumbnail, by what `sinct.measures.distribution` measures at full size: the
distance of the distributions of their colours, and of their patches without their mean colours. What is in a picture
does not count, nor where in it.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sinct.batch import storage
from sinct.errors import ConfigError, InputError
from sinct.measures.distribution import colour_distribution, patch_distributions, wasserstein
from sinct.pictures.glance import read_small
from sinct.runtime.files import unwritable
from sinct.runtime.json_files import write_json

PhotosFor = Callable[[str], tuple[str, ...]]
"""The references for a painting; raises InputError where there are none."""

MATCHES = ("name", "palette", "nearest")
"""Ways to choose a photo: the one of the same name (`photos_by_name`), or by `choose`."""

VERSION = 1
"""Of descriptions: to be raised with any change that makes old ones incomparable."""

SIDE = 256
"""Pixels of the longer side that a picture is compared at."""

LEAST = 32
"""Pixels that each side has at least, so that patches of 7 pixels fit in at each of the levels."""

LEVELS = 3
"""Sizes at which patches are compared, each half of the one before."""

DIRECTIONS = 32
"""Onto which colours and patches are projected."""

QUANTILES = 16
"""Numbers kept of each projection: a power of two, so that distances are exact and never differ by chance."""

STEPS = 8
"""Steps that a unit is kept in: of ΔE for colours, a grey level of 255 for patches."""

PATCHES = 8192
"""Patches looked at of each level."""

SAVE_EVERY = 200
"""New descriptions after which they are saved, so that a kill costs minutes and not hours."""


@dataclass(frozen=True)
class Description:
    """What there is to compare of a picture, about 5 kB as JSON.

    Attributes:
        colours: (DIRECTIONS, QUANTILES) numbers, little-endian int16 in units of 1/STEPS: quantiles of the colours
            in CIELAB along each direction.
        textures: (LEVELS, DIRECTIONS, QUANTILES) likewise, of patches without the mean of each channel.
    """

    colours: bytes
    textures: bytes

    def to_json(self) -> dict[str, str]:
        """As JSON can hold it."""
        return {
            name: base64.b64encode(value).decode()
            for name, value in (("colours", self.colours), ("textures", self.textures))
        }

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> "Description":
        """Read what `to_json` returned."""
        return cls(base64.b64decode(values["colours"]), base64.b64decode(values["textures"]))


def describe(place: str, folder: Path) -> Description:
    """Look at a picture of any size.

    Args:
        place: path or URL.
        folder: for the copy of a remote one, which is removed again.

    Raises:
        InputError: it cannot be read.
        OutputError: the copy cannot be written.
    """
    local = storage.fetch(place, folder, hashlib.sha256(place.encode("utf-8", "replace")).hexdigest()[:16])
    try:
        picture = read_small(local, SIDE, least=LEAST)
    except InputError as error:
        raise InputError(str(error).replace(str(local), place)) from None  # of a copy nobody knows the name
    finally:
        if storage.is_remote(place):
            local.unlink(missing_ok=True)
    colours = colour_distribution(picture, projections=DIRECTIONS)
    textures = patch_distributions(
        picture, without_means=True, levels=LEVELS, projections=DIRECTIONS, samples=PATCHES
    )
    return Description(_quantised([colours]), _quantised(textures))


def _quantised(distributions: Sequence[Tensor]) -> bytes:
    """Quantiles of (DIRECTIONS, N) sorted numbers each, in the middle of equal shares of N."""
    middles = (torch.arange(QUANTILES) + 0.5) / QUANTILES
    kept = torch.stack([rows[:, (middles * rows.shape[1]).long()] for rows in distributions])
    limits = np.iinfo(np.int16)
    return kept.mul(STEPS).round().clamp(limits.min, limits.max).numpy().astype("<i2").tobytes()


class Candidates:
    """Photos to choose among, for any number of paintings.

    Args:
        photos: place -> description.

    Raises:
        InputError: there is none.
    """

    def __init__(self, photos: Mapping[str, Description]) -> None:
        if not photos:
            raise InputError("there is no photo to choose from; give a folder with photos")
        self._places = sorted(photos)
        self._colours = _rows([photos[place].colours for place in self._places])
        self._textures = _rows([photos[place].textures for place in self._places])

    def best(self, painting: Description, match: str) -> str:
        """The most fitting; see `choose`."""
        if match not in MATCHES[1:]:
            raise ConfigError(
                f"photos are chosen by their look with {' or '.join(MATCHES[1:])}, got {match!r}"
            )
        distances = self._distances(self._colours, painting.colours)
        if match == "nearest":
            textures = self._distances(self._textures, painting.textures)
            distances = (_scaled(distances) + _scaled(textures)) / 2
        return min(zip(distances.tolist(), self._places, strict=True))[1]

    def _distances(self, photos: Tensor, painting: bytes) -> Tensor:
        """(photos,) sliced Wasserstein distances, float64."""
        own = _rows([painting]).repeat(len(self._places), 1)
        return wasserstein(photos, own).double().view(len(self._places), -1).mean(dim=1)


def _rows(kept: Sequence[bytes]) -> Tensor:
    """(pictures · levels · directions, QUANTILES) whole numbers."""
    numbers = np.frombuffer(b"".join(kept), "<i2").astype(np.float32)
    return torch.from_numpy(numbers).view(-1, QUANTILES)


def _scaled(distances: Tensor) -> Tensor:
    """Divided by their mean; all 0 if they are."""
    return distances / distances.mean().clamp(min=torch.finfo(distances.dtype).tiny)


def choose(painting: Description, photos: Mapping[str, Description], match: str) -> str:
    """The photo that fits a painting best, always the same for the same descriptions.

    Args:
        painting: what it looks like.
        photos: place -> description.
        match: "palette" takes the photo whose colours are nearest: the sliced Wasserstein distance of their
            distributions in CIELAB. "nearest" takes colours and textures together: the mean of that distance and
            the one of the distributions of patches (7x7 px at three sizes, without the mean of each channel), each
            divided by its mean over all photos, so that neither outweighs the other.

    Returns:
        Its place; of several that fit alike, the first in alphabetical order.

    Raises:
        ConfigError: another `match`.
        InputError: there is no photo.
    """
    return Candidates(photos).best(painting, match)


class Descriptions:
    """Descriptions of pictures that are kept in a file, for as long as the pictures do not change.

    Args:
        path: of the file; made by `save` if it is not there. A damaged one is begun anew.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = _load(path)
        self._new = 0

    def of(self, place: str, folder: Path) -> Description:
        """Of one picture: kept, or made by `describe`.

        Raises:
            InputError: it cannot be read.
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
        """Of many pictures: what each readable one looks like, and why others cannot be read."""
        found: dict[str, Description] = {}
        reasons = []
        for place in places:
            try:
                found[place] = self.of(place, folder)
            except InputError as error:
                reasons.append(str(error))
        return found, reasons

    def save(self) -> None:
        """Write the file, whole or not at all, if anything is new.

        Raises:
            OutputError: it cannot be written.
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
    """Place -> stamp and description; nothing where no sound file of this version is."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        if kept["version"] != VERSION:
            return {}
        return {
            place: (values["stamp"], Description.from_json(values))
            for place, values in kept["pictures"].items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def same_photos(photos: Sequence[str]) -> PhotosFor:
    """The same reference for every painting."""
    return lambda painting: tuple(photos)


def photos_by_name(photos: Iterable[str], where: str) -> PhotosFor:
    """The reference that is named as the painting is, whatever their suffixes and capitals."""
    by_stem: dict[str, str] = {}
    for photo in photos:
        by_stem.setdefault(storage.folded(PurePosixPath(photo).stem), photo)

    def choose_for(painting: str) -> tuple[str, ...]:
        stem = PurePosixPath(painting).stem
        if storage.folded(stem) not in by_stem:
            raise InputError(f"{where} has no photo named {stem}; add it, or let --match palette choose one")
        return (by_stem[storage.folded(stem)],)

    return choose_for


def photos_by_look(
    photos: Iterable[str], match: str, cache: Descriptions, folder: Path
) -> tuple[PhotosFor, list[str]]:
    """The reference that looks most like a painting.

    Args:
        photos: paths or URLs to choose among.
        match: see `choose`.
        cache: of descriptions; its owner saves it.
        folder: for copies of remote pictures.

    Returns:
        What chooses, and remarks on photos that are left out because they cannot be read. It raises InputError for a
        painting that cannot be read.

    Raises:
        InputError: no photo can be read.
    """
    found, reasons = cache.of_all(photos, folder)
    if reasons and not found:
        raise InputError(f"no photo can be read; {reasons[0]}")
    candidates = Candidates(found)

    def choose_for(painting: str) -> tuple[str, ...]:
        return (candidates.best(cache.of(painting, folder), match),)

    return choose_for, [f"a photo is left out: {reason}" for reason in reasons]
