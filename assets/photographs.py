"""Photographs of free licences in public packages, which sinct's own networks are learned from.

None of them is part of this repository. `photographs.json` lists them, and `collect` reads them out of the packages,
which must lie in one folder:

- gcompris-qt-data 3.1-2 and lomiri-wallpapers-16.04 are in Debian bookworm, gcompris-qt-data 1.0-1 and
  gnome-backgrounds in bullseye, gcompris-qt-data 25.0.12-1, lxqt-themes and palapeli-data in trixie
  (`apt-get download`);
- every version of every Debian package is at https://snapshot.debian.org/binary/ under the package's name;
- any wheel of scikit-learn will do: `pip download --no-deps --only-binary :all: scikit-learn==1.9.1`.
"""

from __future__ import annotations

import io
import json
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
from PIL import Image, ImageCms, ImageOps

from sinct.errors import InputError, one_line
from sinct.runtime.files import replacing

MONUMENTS = "usr/share/gcompris-qt/rcc/explore_monuments.rcc"

LONGEST = 1600
"""Longest side in pixels that pictures are kept with; larger ones are scaled down."""


@dataclass(frozen=True)
class Photograph:
    """One photograph and where it comes from.

    Attributes:
        name: short name, also of its file.
        package: Debian package that holds it, or scikit-learn of the Python Package Index.
        version: the package's version.
        path: file in the package.
        index: which of the pictures in that file (`pictures_within`), or None where the file is the picture.
        author: its author, as far as that is known.
        licence: SPDX identifier, or "public domain".
        stated: where author and licence are stated.
    """

    name: str
    package: str
    version: str
    path: str
    index: int | None
    author: str
    licence: str
    stated: str


def _listed() -> tuple[Photograph, ...]:
    entries = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return tuple(Photograph(**entry) for entry in entries)


PHOTOGRAPHS: tuple[Photograph, ...] = _listed()
"""All photographs that are learned from. Nothing that the benchmarks measure on is among them."""


def collect(packages: Path, folder: Path, wanted: Sequence[Photograph] = PHOTOGRAPHS) -> list[Path]:
    """Write pictures as PNG, unless they are there.

    Args:
        packages: folder with the packages' files, .deb or .whl.
        folder: where the pictures go; created if needed.
        wanted: which pictures.

    Returns:
        Their paths, in the order of `wanted`.

    Raises:
        InputError: packages are missing, cannot be unpacked or lack a picture.
    """
    paths = [folder / f"{photograph.name}.png" for photograph in wanted]
    absent = [each for each, path in zip(wanted, paths, strict=True) if not path.exists()]
    versions = dict.fromkeys((photograph.package, photograph.version) for photograph in absent)
    files = {version: _package_files(packages, *version) for version in versions}
    if missing := [" ".join(version) for version, found in files.items() if not found]:
        raise InputError(
            f"{packages} lacks {', '.join(missing)}; put these packages there, assets/photographs.py says where to "
            "get them"
        )
    folder.mkdir(parents=True, exist_ok=True)
    for version, found in files.items():
        these = [each for each in absent if (each.package, each.version) == version]
        held = _unpacked(found[0], {photograph.path for photograph in these})
        for photograph in these:
            with replacing(folder / f"{photograph.name}.png") as part:
                _read(held[photograph.path], photograph).save(part, "PNG")
    return paths


def photograph_files(folder: Path | None, packages: Path, work: Path) -> list[Path]:
    """All pictures of a folder, or without one those that `collect` finds in packages and keeps in `work`."""
    if folder is None:
        return collect(packages, work / "photographs")
    return sorted(path for path in folder.iterdir() if path.suffix in (".jpg", ".png"))


def _package_files(packages: Path, package: str, version: str) -> list[Path]:
    """Files of a package, by the names that Debian and the Python Package Index give to them."""
    debian = f"{package}_{version.replace(':', '%3a')}_*.deb"
    python = f"{package.replace('-', '_')}-{version}-*.whl"
    return sorted(file for pattern in (debian, python) for file in packages.glob(pattern))


def _unpacked(file: Path, paths: Collection[str]) -> dict[str, bytes]:
    """Read some of the files in a package."""
    try:
        if file.suffix == ".whl":
            with zipfile.ZipFile(file) as wheel:
                return {path: wheel.read(path) for path in paths}
        unpacked = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(file)], check=True, capture_output=True)
        with tarfile.open(fileobj=io.BytesIO(unpacked.stdout)) as archive:
            return {path: _member(archive, f"./{path}") for path in paths}
    except KeyError as error:
        raise InputError(f"{file} does not hold all pictures ({one_line(error)}); get it again") from None
    except (OSError, subprocess.CalledProcessError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{file} cannot be unpacked ({one_line(error)}); get it again, `dpkg-deb` is needed for .deb files"
        ) from None


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    stream = archive.extractfile(name)
    if stream is None:
        raise KeyError(f"{name} is no file")
    return stream.read()


def _read(data: bytes, photograph: Photograph) -> Image.Image:
    """Decode a photograph: upright, in sRGB, no longer than `LONGEST`."""
    if photograph.path.endswith(".jxl"):
        picture = Image.fromarray(imagecodecs.jpegxl_decode(data))
    elif photograph.index is None:
        picture = Image.open(io.BytesIO(data))
    else:
        picture = Image.open(io.BytesIO(list(pictures_within(data))[photograph.index]))
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture).convert("RGB")
    if profile:
        stored = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        upright = ImageCms.profileToProfile(upright, stored, ImageCms.createProfile("sRGB")) or upright
        del upright.info["icc_profile"]
    scale = min(1.0, LONGEST / max(upright.size))
    width, height = (round(side * scale) for side in upright.size)
    return upright.resize((width, height), Image.Resampling.LANCZOS) if scale < 1 else upright


def pictures_within(data: bytes) -> Iterator[bytes]:
    """Find the WebP and JPEG pictures that a file of Qt's resources holds as they are, each after its length."""
    end = 0
    for match in re.finditer(rb"RIFF.{4}WEBP|\xff\xd8\xff", data, re.DOTALL):
        at = match.start()
        length = int.from_bytes(data[max(0, at - 4) : at], "big")
        picture = data[at : at + length]
        if picture.startswith(b"RIFF"):
            whole = int.from_bytes(picture[4:8], "little") + 8 == length
        else:
            whole = picture.endswith(b"\xff\xd9")
        if whole and at >= end:  # a JPEG's preview is within it
            yield picture
            end = at + length
