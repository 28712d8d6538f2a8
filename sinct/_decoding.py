"""Bytes of a picture file to samples: formats, bit depths, transparency, orientation, EXIF."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import imagecodecs
import numpy as np
import tifffile
from PIL import ExifTags, Image, UnidentifiedImageError

from sinct._colour import Array
from sinct.errors import InputError

FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000")
"""What Pillow may try; its other formats run foreign programs (EPS) or hold no pictures for people."""

ORIENTATION = ExifTags.Base.Orientation

EXIF_TEXTS = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
)
"""Main tags that stay true for another picture: none about layout, size, colours or thumbnails."""

STALE_EXIF = (
    ExifTags.Base.ColorSpace,
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    ExifTags.Base.ExifInteroperabilityOffset,
    ExifTags.Base.MakerNote,  # points into the old file by offsets
)
"""Camera tags that are wrong once the picture is converted and written anew."""

# Both log remarks on odd files; without a handler Python would print them for programs that log nothing.
for _library in ("imagecodecs", "tifffile"):
    logging.getLogger(_library).addHandler(logging.NullHandler())


class Stored(NamedTuple):
    """A picture as its file stores it.

    Attributes:
        samples: (H, W, C) uint8 or uint16, C as `space` demands.
        space: "gray", "rgb", "cmyk" or "lab" (CIELAB, its a and b plus half the range).
        alpha: (H, W) like the samples, or None.
        icc: colour profile, or None.
        orientation: how to turn it, by EXIF's numbers, 1 to 8.
        exif: what to carry over, or None.
        dpi: along rows and along columns, or None.
        remarks: what a person should know about it.
    """

    samples: Array
    space: str
    alpha: Array | None
    icc: bytes | None
    orientation: int
    exif: bytes | None
    dpi: tuple[float, float] | None
    remarks: list[str]


def decode(data: bytes, max_pixels: int) -> Stored:
    """Decode the first picture of a file.

    Args:
        data: the whole file.
        max_pixels: most pixels to decode.

    Raises:
        InputError: the file cannot be used; the message leaves it to the caller to name the file.
    """
    try:
        with pillow_accepting(max_pixels):
            return _from_tiff(data, max_pixels) or _from_pillow(data, max_pixels)
    except InputError:
        raise
    except UnidentifiedImageError:
        raise InputError(
            f"not a picture of a known kind ({', '.join(FORMATS)}); convert it to PNG or TIFF"
        ) from None
    except Image.DecompressionBombError as error:
        raise InputError(
            f"over {max_pixels:,} pixels are not read ({error}); give a smaller picture or raise max_pixels"
        ) from None
    except Exception as error:  # decoders meet damaged files with every kind of exception
        raise InputError(
            f"the picture is damaged or cut off ({error or type(error).__name__}); get an undamaged copy"
        ) from error


@contextmanager
def pillow_accepting(max_pixels: int) -> Iterator[None]:
    """Raise Pillow's limit to `max_pixels` if it is lower, and silence its warnings, in the block only."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None:
        Image.MAX_IMAGE_PIXELS = max(limit, -(-max_pixels // 2))  # Pillow warns here and refuses at twice it
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width < 1 or height < 1:
        raise InputError(f"{width}x{height} px hold no picture; at least 1x1 px are needed")
    if width * height > max_pixels:
        raise InputError(
            f"{width}x{height} px are more than {max_pixels:,} pixels; "
            "give a smaller picture or raise max_pixels"
        )


# Pillow: most formats and TIFF kinds -------------------------------------------------------------------


def _from_pillow(data: bytes, max_pixels: int) -> Stored:
    image = Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in _known_to_pillow()])
    _check_size(*image.size, max_pixels)
    image.load()
    remarks = []
    if getattr(image, "is_animated", False) and image.format != "MPO":  # an MPO's others are previews
        remarks.append("it has several pictures; only the first is used")
    orientation, exif = _exif(image.getexif, remarks)
    samples, space, alpha = _pillow_samples(image, data)
    return Stored(
        samples=samples,
        space=space,
        alpha=alpha,
        icc=image.info.get("icc_profile"),
        orientation=orientation,
        exif=exif,
        dpi=_dpi(image.info.get("dpi"), orientation),
        remarks=remarks,
    )


def _known_to_pillow() -> dict[str, object]:
    Image.init()
    return Image.OPEN


def _pillow_samples(image: Image.Image, data: bytes) -> tuple[Array, str, Array | None]:
    mode = image.mode
    if image.format == "PNG" and data[24] == 16:  # bit depth in IHDR; Pillow keeps 8 bits of RGB
        pixels = imagecodecs.png_decode(data)
    elif mode.startswith("I;16") or (mode == "I" and image.format == "PPM"):
        pixels = np.asarray(image).astype(np.uint16)
    elif mode in ("I", "F"):
        raise InputError("32-bit samples have no fixed white; save the picture with 8 or 16 bits")
    else:
        mode = {"1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK", "LAB": "LAB"}.get(mode, "RGB")
        if image.has_transparency_data:
            mode = "LA" if mode in ("L", "LA") else "RGBA"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if pixels.ndim == 2:
        return pixels[..., None], "gray", None
    if mode in ("CMYK", "LAB"):
        return pixels, mode.lower(), None
    colours = {2: 1, 3: 3, 4: 3}[pixels.shape[2]]
    alpha = pixels[..., colours] if pixels.shape[2] > colours else None
    return pixels[..., :colours], "gray" if colours == 1 else "rgb", alpha


# tifffile: 8 and 16 bits in any layout, where Pillow knows few layouts and keeps 8 bits ----------------

_TIFF_SPACES = {
    tifffile.PHOTOMETRIC.MINISWHITE: ("gray", 1),
    tifffile.PHOTOMETRIC.MINISBLACK: ("gray", 1),
    tifffile.PHOTOMETRIC.RGB: ("rgb", 3),
    tifffile.PHOTOMETRIC.SEPARATED: ("cmyk", 4),
}


def _from_tiff(data: bytes, max_pixels: int) -> Stored | None:
    """Decode a TIFF of whole bytes; None leaves it to Pillow."""
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        tiff = tifffile.TiffFile(io.BytesIO(data))
    except Exception:  # tifffile's reasons are for programmers; Pillow decides what this is
        return None
    with tiff:
        page = tiff.pages.first
        _check_size(page.imagewidth, page.imagelength, max_pixels)
        if page.is_reduced:
            raise InputError(
                "its first picture is only a preview, as in camera raw files; export a full TIFF"
            )
        bits, kind = page.bitspersample, page.sampleformat
        if bits not in (1, 2, 4, 8, 16) or kind != tifffile.SAMPLEFORMAT.UINT:
            raise InputError(
                f"{bits}-bit samples of kind {kind} are not read; save it with 8 or 16 bits, unsigned"
            )
        if bits < 8 or page.photometric not in _TIFF_SPACES:
            if bits == 16:
                raise InputError("16 bits are read for grey, RGB and CMYK only; save it as 16-bit RGB")
            return None
        space, _ = _TIFF_SPACES[page.photometric]
        remarks = ["it has several pictures; only the first is used"] if len(tiff.pages) > 1 else []

        def read_exif() -> Image.Exif:
            exif = Image.Exif()
            exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
            exif.load_from_fp(io.BytesIO(data), page.offset)
            return exif

        orientation, exif = _exif(read_exif, remarks)
        samples, alpha = _tiff_samples(page)
        dpi = page.get_resolution("inch") if "XResolution" in page.tags else None
        return Stored(
            samples, space, alpha, page.iccprofile, orientation, exif, _dpi(dpi, orientation), remarks
        )
