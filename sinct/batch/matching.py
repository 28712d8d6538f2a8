"""The reference photos for a painting: the same for all, the one of the same name, or the one that looks most like it.

Looks are compared by `sinct.batch.descriptions`.
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
"""The references for a painting; raises InputError where there are none."""

MATCHES = ("name", "palette", "nearest")
"""Ways to choose a photo: the one of the same name (`photos_by_name`), or by `choose`."""


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
            raise InputError(
                f"{where} has no photo named {stem}; add it, or choose by looks with `match='palette'`"
            )
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
