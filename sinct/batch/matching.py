"""Chooses photos for a painting: the same for all, the one with the same name, or the one that looks most like it.

Looks are compared by their `sinct.batch.descriptions`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from torch import Tensor

from sinct.batch import storage
from sinct.batch.descriptions import QUANTILES, Description, Descriptions
from sinct.errors import ConfigError, InputError
from sinct.measures.distribution import wasserstein

PhotosFor = Callable[[str], tuple[str, ...]]
"""Returns the photos for a painting; raises InputError if there are none."""

MATCHES = ("name", "palette", "nearest")
"""Ways to choose a photo: by the same name (`photos_by_name`), or by looks (`choose`)."""


class Candidates:
    """Photos to choose among, for any number of paintings.

    Args:
        photos: place -> description.

    Raises:
        InputError: there are no photos.
    """

    def __init__(self, photos: Mapping[str, Description]) -> None:
        if not photos:
            raise InputError("there is no photo to choose from; give a folder with photos")
        self._places = sorted(photos)
        self._colours = _rows([photos[place].colours for place in self._places])
        self._textures = _rows([photos[place].textures for place in self._places])

    def best(self, painting: Description, match: str) -> str:
        """The best match; see `choose`."""
        if match not in MATCHES[1:]:
            raise ConfigError(
                f"photos cannot be chosen by look with {match!r}; give {' or '.join(MATCHES[1:])}"
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
    """(pictures · levels · directions, QUANTILES) integer values, as float32."""
    numbers = np.frombuffer(b"".join(kept), "<i2").astype(np.float32)
    return torch.from_numpy(numbers).view(-1, QUANTILES)


def _scaled(distances: Tensor) -> Tensor:
    """Distances divided by their mean; all 0 if they are all 0."""
    return distances / distances.mean().clamp(min=torch.finfo(distances.dtype).tiny)


def choose(painting: Description, photos: Mapping[str, Description], match: str) -> str:
    """The photo that matches a painting best; the same descriptions always give the same photo.

    Args:
        painting: description of the painting.
        photos: place -> description.
        match: "palette" compares colours, by the sliced Wasserstein distance between their distributions in
            CIELAB. "nearest" compares colours and textures, by the mean of that distance and the distance between
            the distributions of patches (7x7 px at three sizes, without the mean of each channel), each divided by
            its mean over all photos, so that neither outweighs the other.

    Returns:
        Its place; among equal matches, the first in alphabetical order.

    Raises:
        ConfigError: `match` is neither of these.
        InputError: there are no photos.
    """
    return Candidates(photos).best(painting, match)


def same_photos(photos: Sequence[str]) -> PhotosFor:
    """The same photos for every painting."""
    return lambda painting: tuple(photos)


def photos_by_name(photos: Iterable[str], where: str) -> PhotosFor:
    """The photo with the painting's name, ignoring suffix and case."""
    by_stem: dict[str, str] = {}
    for photo in photos:
        by_stem.setdefault(storage.folded(PurePosixPath(photo).stem), photo)

    def choose_for(painting: str) -> tuple[str, ...]:
        stem = PurePosixPath(painting).stem
        if storage.folded(stem) not in by_stem:
            raise InputError(
                f"{where} has no photo named {stem}; add it, or choose by looks with `match='palette'`"
            )
        return (by_stem[storage.folded(stem)],)

    return choose_for


def photos_by_look(
    photos: Iterable[str], match: str, cache: Descriptions, folder: Path
) -> tuple[PhotosFor, list[str]]:
    """The photo that looks most like a painting.

    Args:
        photos: paths or URLs to choose among.
        match: see `choose`.
        cache: stored descriptions; the caller saves it.
        folder: where remote pictures are copied to.

    Returns:
        A function that chooses the photo for a painting, and remarks on photos that are left out because they
        cannot be read. The function raises InputError if the painting cannot be read.

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
