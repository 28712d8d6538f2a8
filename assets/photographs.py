"""Photographs of free licences in packages of the Debian archive, for learning the warm start.

None of them is part of this repository. `collect` reads them out of the packages, which `apt-get download` fetches.
"""

from __future__ import annotations

import io
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sinct.errors import InputError

MONUMENTS = "usr/share/gcompris-qt/rcc/explore_monuments.rcc"
WALLPAPERS = "usr/share/backgrounds"


@dataclass(frozen=True)
class Photograph:
    """One photograph and where it comes from.

    Attributes:
        name: short name, also of its file.
        package: Debian package that holds it.
        path: file in the package.
        index: which of the WebP pictures in that file, or None where the file is the picture.
        author: its author, as far as the package says.
        licence: SPDX identifier, or "public domain".
    """

    name: str
    package: str
    path: str
    index: int | None
    author: str
    licence: str


_MONUMENTS = {
    0: "rocamadour", 1: "arles", 2: "palais-des-papes", 3: "chambord", 4: "chenonceau", 5: "eiffel", 6: "reims",
    7: "carcassonne", 8: "mont-saint-michel", 9: "pont-du-gard", 14: "charminar", 15: "qutub-minar",
    16: "gateway-of-india", 17: "mysore", 18: "ajanta", 19: "konark", 20: "rang-ghar", 21: "golden-temple",
    22: "great-stupa", 23: "hawa-mahal", 24: "victoria-memorial", 35: "petra", 39: "colosseum", 40: "machu-picchu",
    41: "great-wall",
}  # fmt: skip
_AITZOL = ("aitzgorri", "friends", "life", "picosdeeuropa", "sunset")

PHOTOGRAPHS: tuple[Photograph, ...] = (
    *(
        Photograph(name, "gcompris-qt-data", MONUMENTS, index, "see GCompris, explore_monuments/resource/README",
                   "public domain")
        for index, name in _MONUMENTS.items()
    ),
    *(
        Photograph(name, "lomiri-wallpapers-16.04", f"{WALLPAPERS}/{name}_by_Aitzol_Berasategi.jpg", None,
                   "Aitzol Berasategi", "CC-BY-4.0")
        for name in _AITZOL
    ),
    Photograph("fig", "lomiri-wallpapers-16.04", f"{WALLPAPERS}/Picture_0B_by_freespace.jpg", None,
               'Trevor "Freespace"', "CC-BY-4.0"),
)  # fmt: skip
"""All photographs that the warm start is learned from. Nothing that the benchmarks measure on is among them."""


def collect(packages: Path, folder: Path, wanted: Sequence[Photograph] = PHOTOGRAPHS) -> list[Path]:
    """Write pictures as PNG, unless they are there.

    Args:
        packages: folder with the packages' .deb files.
        folder: where the pictures go; created if needed.
        wanted: which pictures.

    Returns:
        Their paths, in the order of `wanted`.

    Raises:
        InputError: a package is missing, or cannot be unpacked.
    """
    paths = [folder / f"{photograph.name}.png" for photograph in wanted]
    if all(path.exists() for path in paths):
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    for package in dict.fromkeys(photograph.package for photograph in wanted):
        found = sorted(packages.glob(f"{package}_*.deb"))
        if not found:
            raise InputError(
                f"there is no {package}_*.deb in {packages}; run `apt-get download {package}` there, on Debian 12"
            )
        with tempfile.TemporaryDirectory() as temporary:
            try:
                subprocess.run(["dpkg-deb", "-x", str(found[-1]), temporary], check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise InputError(f"{found[-1]} cannot be unpacked ({error}); `dpkg-deb` is needed") from None
            for photograph, path in zip(wanted, paths, strict=True):
                if photograph.package == package:
                    _read(Path(temporary), photograph).save(path)
    return paths


def photograph_files(folder: Path | None, packages: Path, work: Path) -> list[Path]:
    """All pictures of a folder, or without one those that `collect` finds in packages and keeps in `work`."""
    if folder is None:
        return collect(packages, work / "photographs")
    return sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))


def _read(root: Path, photograph: Photograph) -> Image.Image:
    path = root / photograph.path
    if photograph.index is None:
        picture = Image.open(path)
    else:
        picture = Image.open(io.BytesIO(list(webp_pictures(path.read_bytes()))[photograph.index]))
    return picture.convert("RGB")


def webp_pictures(data: bytes) -> Iterator[bytes]:
    """Find the WebP pictures that a file holds uncompressed, as Qt's resource files do."""
    at = 0
    while (at := data.find(b"RIFF", at)) >= 0:
        length = 8 + int.from_bytes(data[at + 4 : at + 8], "little")
        if data[at + 8 : at + 12] == b"WEBP":
            yield data[at : at + length]
            at += length
        else:
            at += 4
