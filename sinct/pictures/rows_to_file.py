"""Writes finished rows to a picture file, with libvips."""

import os
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from PIL.ExifTags import Base
from PIL.Image import Exif

from sinct.errors import OutputError, one_line
from sinct.pictures.colour import SRGB_PROFILE
from sinct.pictures.decoding import Header
from sinct.pictures.encoding import FORMATS, xmp
from sinct.pictures.exif import lasting_tags
from sinct.pictures.formats import KINDS, ROWS_SUFFIXES
from sinct.pictures.rows import vips
from sinct.pictures.tiff_tags import add_tags
from sinct.runtime.files import replacing, unwritable

OPAQUE = tuple(suffix for suffix in ROWS_SUFFIXES if not FORMATS[suffix].has_alpha)
"""Suffixes of the files that hold no alpha, of those to which pictures of any size can be written."""

SAVERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    ".tif": (
        "tiffsave",
        {
            "tile": True, "tile_width": 256, "tile_height": 256, "pyramid": True,
            "compression": "deflate", "predictor": "horizontal",
        },
    ),
    ".png": ("pngsave", {"compression": 6}),
    ".jpg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
}  # fmt: skip
"""libvips's operations and their options, by the first suffix of a kind."""

CLASSIC_TIFF = 2_000_000_000
"""Bytes of samples above which a TIFF is written as BigTIFF; a classic TIFF's offsets end at twice that."""


def encode(
    rows: Path, output: Path, source: Header, provenance: Mapping[str, str], profile: bytes = SRGB_PROFILE
) -> None:
    """Encode finished rows as a picture file, whole or not at all, with their profile and the source's metadata.

    Args:
        rows: plain TIFF of the samples, on the same disk as the output.
        output: the file to write; its suffix chooses the format.
        source: provides resolution and EXIF data.
        provenance: how the picture was made.
        profile: ICC profile of the rows.

    Raises:
        OutputError: writing failed; the rows are kept.
    """
    pyvips = vips()
    suffix = next(kind.suffixes[0] for kind in KINDS if output.suffix.lower() in kind.suffixes)
    try:
        image = pyvips.Image.tiffload(os.fsencode(rows), access="sequential")
        x, y = source.dpi or (0, 0)  # 0: without one, libvips would make one up
        image = image.copy(xres=x / 25.4, yres=y / 25.4)
        blobs = {"icc-profile-data": profile, "xmp-data": xmp(provenance)}
        if source.exif is not None and suffix != ".tif":
            blobs["exif-data"] = source.exif
        for name, data in blobs.items():
            image.set_type(pyvips.GValue.blob_type, name, data)
        output.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".dzi":
            _write_deep_zoom(image, output)
            return
        operation, options = SAVERS[suffix]
        if suffix == ".tif":
            options = {**options, "bigtiff": rows.stat().st_size > CLASSIC_TIFF}
        for left_behind in rows.parent.glob("*.part"):
            left_behind.unlink()
        with replacing(output, folder=rows.parent) as temporary:
            getattr(image, operation)(os.fsencode(temporary), **options)
            if suffix == ".tif" and (tags := _more_tags(source)):
                with temporary.open("r+b") as file:
                    add_tags(file, tags)
    except pyvips.Error as error:
        reason = one_line(error)
        raise OutputError(
            f"cannot write {output}: {reason}; free some space, then repeat with `resume=True`; no row is lost"
        ) from None
    except OSError as error:
        raise unwritable(output, error) from None


def _more_tags(source: Header) -> dict[int, Any]:
    """Tags that libvips does not write into a TIFF: EXIF data, and that there is no resolution."""
    exif = Exif()
    if source.exif is not None:
        exif.load(source.exif)
    unknown: dict[int, Any] = (
        {Base.XResolution: 1, Base.YResolution: 1, Base.ResolutionUnit: 1} if source.dpi is None else {}
    )
    return {**lasting_tags(exif), **unknown}


def _write_deep_zoom(image: Any, output: Path) -> None:
    """Write tiles to NAME_files and, when they are complete, NAME.dzi, which viewers open."""
    folder = output.with_name(f".{output.name}.tiles")
    older = output.with_name(f".{output.stem}_files.old")
    for left_behind in (folder, older):
        shutil.rmtree(left_behind, ignore_errors=True)
    folder.mkdir()
    try:
        image.dzsave(os.fsencode(folder / output.stem), suffix=".jpg[Q=90]", tile_size=254, overlap=1)
        tiles = output.with_name(f"{output.stem}_files")
        if tiles.exists():
            with suppress(FileNotFoundError):
                output.unlink()  # while the tiles change, it would describe a broken picture
            tiles.rename(older)
        (folder / f"{output.stem}_files").rename(tiles)
        (folder / f"{output.stem}.dzi").replace(output)
        shutil.rmtree(older, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
