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

FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF", "BMP", "PPM", "JPEG2000")
"""What Pillow may try; its other formats run foreign programs (EPS) or hold no pictures for people."""

SEVERAL = "it has several pictures; only the first is used"

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
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    _check_size(*image.size, max_pixels)
    image.load()
    remarks = []
    if getattr(image, "is_animated", False) and image.format != "MPO":  # an MPO's others are previews
        remarks.append(SEVERAL)
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

TIFF_SPACES = {
    tifffile.PHOTOMETRIC.MINISWHITE: ("gray", 1),
    tifffile.PHOTOMETRIC.MINISBLACK: ("gray", 1),
    tifffile.PHOTOMETRIC.RGB: ("rgb", 3),
    tifffile.PHOTOMETRIC.SEPARATED: ("cmyk", 4),
}
"""What tifffile returns as it is: the colour space and its number of samples."""


def _from_tiff(data: bytes, max_pixels: int) -> Stored | None:
    """Decode a TIFF of 8 or 16 bits; None leaves the file to Pillow."""
    if data[:2] not in (b"II", b"MM"):
        return None
    try:
        tiff = tifffile.TiffFile(io.BytesIO(data))
    except Exception:  # damaged or none; Pillow says which
        return None
    with tiff:
        page = tiff.pages.first
        _check_size(page.imagewidth, page.imagelength, max_pixels)
        if page.is_reduced:
            raise InputError("its first picture is only a preview, as in camera raw files; export a TIFF or PNG")
        whole_bytes = page.photometric in TIFF_SPACES and page.bitspersample in (8, 16)
        if page.sampleformat != tifffile.SAMPLEFORMAT.UINT or (page.bitspersample > 8 and not whole_bytes):
            raise InputError(
                f"TIFF samples of {page.bitspersample} bits (format {page.sampleformat}, photometric "
                f"{page.photometric}) are not read; save it as RGB with 8 or 16 bits, unsigned"
            )
        if not whole_bytes:
            return None
        remarks = [SEVERAL] if len(tiff.pages) > 1 else []
        orientation, exif = _exif(lambda: _tiff_exif(tiff, data), remarks)
        samples, space, alpha = _tiff_samples(page)
        return Stored(
            samples=samples,
            space=space,
            alpha=alpha,
            icc=page.iccprofile,
            orientation=orientation,
            exif=exif,
            dpi=_dpi(page.get_resolution("inch"), orientation),
            remarks=remarks,
        )


def _tiff_exif(tiff: tifffile.TiffFile, data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
    exif.load_from_fp(io.BytesIO(data), tiff.pages.first.offset)
    return exif


def _tiff_samples(page: tifffile.TiffPage) -> tuple[Array, str, Array | None]:
    pixels = page.asarray()
    if page.axes == "YX":
        pixels = pixels[..., None]
    elif page.axes == "SYX":  # planes one after the other
        pixels = np.moveaxis(pixels, 0, 2)
    elif page.axes != "YXS":
        raise InputError(f"TIFF axes {page.axes} are not read; save it as one flat picture")
    space, colours = TIFF_SPACES[page.photometric]
    if pixels.shape[2] < colours:
        raise InputError(f"{pixels.shape[2]} samples a pixel are too few for {space}; save it as RGB")

    colour, alpha = pixels[..., :colours], None
    if page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        colour = np.iinfo(pixels.dtype).max - colour
    extra = page.extrasamples or (tifffile.EXTRASAMPLE.UNASSALPHA,)
    if pixels.shape[2] > colours and extra[0] != tifffile.EXTRASAMPLE.UNSPECIFIED:
        alpha = pixels[..., colours]
        if extra[0] == tifffile.EXTRASAMPLE.ASSOCALPHA:
            colour = _unpremultiplied(colour, alpha)
    return colour, space, alpha


def _unpremultiplied(colour: Array, alpha: Array) -> Array:
    top = np.iinfo(colour.dtype).max
    straight = colour * (np.float32(top) / np.maximum(alpha, 1))[..., None]
    return np.rint(straight).clip(max=top).astype(colour.dtype)


# Metadata ----------------------------------------------------------------------------------------------


def _exif(read: Callable[[], Image.Exif], remarks: list[str]) -> tuple[int, bytes | None]:
    """Read the orientation and what of an EXIF block stays true, for which Pillow's parser may fail."""
    try:
        exif = read()
        orientation = exif.get(ORIENTATION)
        return orientation if orientation in range(1, 9) else 1, carried_exif(exif)
    except Exception:  # the parser meets damage with every kind of exception
        remarks.append("its EXIF data are damaged and left out")
        return 1, None


def carried_exif(exif: Image.Exif) -> bytes | None:
    """Copy what describes the scene, the camera and the author, with orientation 1; None if nothing does."""
    camera = exif.get_ifd(ExifTags.IFD.Exif)
    kept = {tag: exif[tag] for tag in EXIF_TEXTS if tag in exif}
    kept[ExifTags.IFD.Exif] = {tag: camera[tag] for tag in camera if tag not in STALE_EXIF}
    kept[ExifTags.IFD.GPSInfo] = exif.get_ifd(ExifTags.IFD.GPSInfo)
    if not any(kept.values()):
        return None
    copy = Image.Exif()
    copy.update((tag, _original_text(value)) for tag, value in kept.items() if value)
    copy[ORIENTATION] = 1
    return copy.tobytes()


def _original_text(value: object) -> object:
    """Undo Pillow's decoding of UTF-8 bytes as Latin-1, which it would write as question marks."""
    return value.encode("latin-1") if isinstance(value, str) and not value.isascii() else value


def _dpi(stored: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Check a resolution, and exchange its axes where the picture is turned on its side."""
    if stored is None:
        return None
    x, y = (float(value) for value in stored)
    if not (1 < x < 65536 and 1 < y < 65536):  # 1 stands for "unknown"; JPEG holds 16 bits
        return None
    return (y, x) if orientation >= 5 else (x, y)


def upright(samples: Array, orientation: int) -> Array:
    """Turn (H, W, ...) as an EXIF orientation of 1 to 8 says, without a copy."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    mirrored = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}.get(orientation, ())
    return np.flip(samples, mirrored)
