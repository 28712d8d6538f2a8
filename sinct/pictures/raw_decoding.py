"""Develops the raw files of cameras with rawpy, which wraps LibRaw."""

import io
from typing import Any, BinaryIO

from PIL import Image
from PIL.ExifTags import Base
from tifffile import PHOTOMETRIC

from sinct.errors import InputError
from sinct.pictures.extras import imported
from sinct.pictures.stored import Opened, Samples
from sinct.pictures.tiff_decoding import opened_tiff, tiff_exif

MARKS = (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR")
"""How files of Fujifilm, Panasonic and Olympus begin."""

SENSOR = (PHOTOMETRIC.CFA, PHOTOMETRIC.LINEAR_RAW)

SRGB_CURVE = (2.4, 12.92)
"""Power and slope of sRGB's curve, as LibRaw takes them."""


def open_raw(file: BinaryIO) -> Opened | None:
    """Open a camera's raw file without developing it; None if it is none.

    It is developed with the camera's white balance to sRGB at 16 bits, cut off where the sensor is full, and not
    made brighter; LibRaw turns it upright.

    Raises:
        InputError: rawpy is not installed, or the sensor's pixels are not square. The caller must put the file's name
            before the message.
    """
    if not _is_raw(file):
        return None
    library = imported("rawpy", "rawpy", "raw", "a camera's raw file")
    file.seek(0)
    raw = library.imread(io.BytesIO(file.read()))
    sizes = raw.sizes
    if sizes.pixel_aspect != 1:
        raise InputError("is a raw file whose pixels are not square; develop it and save it as TIFF")
    size = sizes.iwidth, sizes.iheight
    return Opened(
        size=size[::-1] if sizes.flip in (5, 6) else size,
        profile=None,
        read_exif=lambda: _exif(file),
        dpi=None,
        remarks=[],
        samples=lambda: _developed(raw, library),
    )


def _is_raw(file: BinaryIO) -> bool:
    file.seek(0)
    start = file.read(16)
    if start.startswith(MARKS) or start[4:12] == b"ftypcrx ":
        return True
    tiff = opened_tiff(file)
    if tiff is None:
        return False
    if start[8:10] == b"CR" or "DNGVersion" in tiff.pages.first.tags:
        return True
    try:
        first: Any = tiff.pages.first
        inner = [page.aspage() for page in first.pages or ()]  # many begin with a preview
        return any(page.photometric in SENSOR for page in (first, *inner))
    except Exception:  # on damaged data tifffile raises exceptions of every kind
        return False


def _exif(file: BinaryIO) -> Image.Exif:
    """The EXIF data of a raw file that is built like a TIFF; others have none that are read."""
    tiff = opened_tiff(file)
    exif = Image.Exif() if tiff is None else tiff_exif(tiff)
    exif.pop(Base.Orientation, None)
    return exif


def _developed(raw: Any, library: Any) -> Samples:
    pixels = raw.postprocess(
        use_camera_wb=True,
        no_auto_bright=True,
        output_color=library.ColorSpace.sRGB,
        gamma=SRGB_CURVE,
        output_bps=16,
    )
    return pixels, "rgb", None
