"""Decodes files with Pillow, but for the kinds that it gets wrong."""

import io
import struct
from typing import BinaryIO

import imagecodecs
import numpy as np
from PIL import Image
from PIL.ExifTags import IFD, Base

from sinct.errors import InputError
from sinct.pictures.boxes import avif_bits, avif_codes, jpeg2000_depths, jpeg2000_profile, jpeg2000_space
from sinct.pictures.colour import Array
from sinct.pictures.colour_tags import Profile, adobe_rgb, profile_of_cicp
from sinct.pictures.formats import KINDS
from sinct.pictures.limits import START, check_plausible
from sinct.pictures.stored import Samples, Stored, check_size, make_stored, parted
from sinct.pictures.tiff_decoding import opened_tiff, tiff_dpi

READABLE = tuple(kind.pillow for kind in KINDS if kind.pillow)
"""Formats that Pillow may try; its others run external programs (EPS) or are not pictures for people."""


JPEG2000_SPACES = (0, 12, 16, 17, 18)
"""Numbers of the colour spaces that Pillow knows: bilevel, CMYK, sRGB, grey and YCC."""


def opened_image(file: BinaryIO) -> tuple[Image.Image, bytes]:
    """Open a file with Pillow without decoding it; also returns its first bytes, up to `START`.

    Raises:
        InputError: it is of a kind that Pillow knows, but cannot decode.
    """
    file.seek(0)
    start = file.read(START)
    file.seek(0)
    image = Image.open(file, formats=READABLE)
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):
        raise InputError("has 32-bit samples, which have no defined white; save it with 8 or 16 bits")
    return image, start


def profile_of(image: Image.Image, data: bytes, remarks: list[str]) -> Profile | None:
    """The ICC profile of a picture that Pillow has opened, also where other tags stand for one.

    Args:
        image: the picture.
        data: the whole file.
        remarks: gets an entry if its colours cannot be converted exactly.
    """
    profile: Profile | None = image.info.get("icc_profile")
    if profile is not None:
        return profile
    if image.format == "JPEG2000":
        space = jpeg2000_space(data)
        if space not in (None, *JPEG2000_SPACES):
            remarks.append(f"its colour space (number {space}) is not known, so it is taken as sRGB")
        return jpeg2000_profile(data)
    if image.format == "AVIF" and (codes := avif_codes(data)) is not None:
        return profile_of_cicp(codes, 8, remarks)
    if image.format == "JPEG" and image.mode == "RGB" and _is_uncalibrated(image):
        if _is_adobe_rgb(image):
            return adobe_rgb()
        remarks.append("it says that it is not sRGB, but not what it is, so it is taken as sRGB")
    return None


def has_several(image: Image.Image) -> bool:
    """Whether a file holds more pictures than the first; those of an MPO are previews or for the other eye."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _is_uncalibrated(image: Image.Image) -> bool:
    """Whether EXIF data say that a picture is not in sRGB."""
    try:
        return bool(image.getexif().get_ifd(IFD.Exif).get(Base.ColorSpace) == 65535)
    except Exception:  # on damaged data Pillow's parser raises exceptions of every kind
        return False


def _is_adobe_rgb(image: Image.Image) -> bool:
    """Whether a camera says that a picture is in Adobe RGB, which it does without a profile (DCF 2.0)."""
    try:
        return str(image.getexif().get_ifd(IFD.Interop).get(1)).startswith("R03")
    except Exception:
        return False


def decode_by_pillow(data: bytes, max_pixels: int) -> Stored:
    """Decode the first picture of a file.

    Raises:
        InputError: the file cannot be used. The caller must put the file's name before the message.
    """
    image = opened_image(io.BytesIO(data))[0]
    check_size(*image.size, max_pixels)
    check_plausible(*image.size, len(data))
    if image.format == "JPEG2000" and b"\xff\xd9" not in data:  # OpenJPEG tolerates a missing end
        raise InputError("is cut off (no end mark); copy the whole file again")
    remarks: list[str] = []
    profile = profile_of(image, data, remarks)
    dpi = image.info.get("dpi")
    if image.format == "TIFF":  # without a resolution Pillow says 1
        tiff = opened_tiff(io.BytesIO(data))
        dpi = None if tiff is None else tiff_dpi(tiff.pages.first)
    samples = _deep_jpeg2000(image, data) or _deep_avif(image, data) or _pillow_samples(image, data)
    return make_stored(
        *samples,
        profile=profile,
        read_exif=image.getexif,
        dpi=dpi,
        several=has_several(image),
        remarks=remarks,
    )


def _deep_jpeg2000(image: Image.Image, data: bytes) -> Samples | None:
    """Decode a JPEG 2000 of more than 8 bits, of which Pillow makes black what is white; None for all other files."""
    depths = jpeg2000_depths(data) if image.format == "JPEG2000" else []
    bits = max((depth.bits for depth in depths), default=8)
    if bits <= 8:
        return None
    plain = {(depth.bits, depth.signed, depth.across, depth.down) for depth in depths} == {
        (bits, False, 1, 1)
    }
    if bits > 16 or not plain or len(depths) > 4 or jpeg2000_space(data) not in (None, 16, 17):
        raise InputError(
            f"is a JPEG 2000 with {len(depths)} components of up to {bits} bits in a colour space that is not read; "
            "save it as RGB in PNG or TIFF"
        )
    pixels = imagecodecs.jpeg2k_decode(data).reshape(image.height, image.width, -1)
    scaled = np.rint(pixels * np.float64(65535 / (2**bits - 1))).astype(np.uint16)
    return parted(scaled)


def _deep_avif(image: Image.Image, data: bytes) -> Samples | None:
    """Decode an AVIF of more than 8 bits, of which Pillow keeps 8; None for all other files."""
    bits = avif_bits(data) if image.format == "AVIF" else 8
    if bits == 8:
        return None
    pixels = imagecodecs.avif_decode(data, index=0)
    scaled = np.rint(pixels * np.float64(65535 / (2**bits - 1))).clip(max=65535).astype(np.uint16)
    return parted(scaled.reshape(image.height, image.width, -1))


def _pillow_samples(image: Image.Image, data: bytes) -> Samples:
    image.load()  # turns a TIFF upright
    mode = image.mode
    if mode.startswith("I"):
        pixels = np.asarray(image).astype(np.uint16)
    elif image.format == "BMP" and mode == "RGB" and (alpha := _bmp_alpha(image, data)) is not None:
        pixels = np.dstack([np.asarray(image), alpha])
    else:
        mode = {"1": "L", "L": "L", "LA": "LA", "CMYK": "CMYK", "LAB": "LAB"}.get(mode, "RGB")
        if image.has_transparency_data:
            mode = "LA" if mode in ("L", "LA") else "RGBA"
        pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    if mode == "CMYK":
        return pixels, "cmyk", None
    if mode == "LAB":  # Pillow returns a and b signed
        return pixels ^ np.array([0, 128, 128], np.uint8), "lab", None
    return parted(pixels.reshape(*pixels.shape[:2], -1))


def _bmp_alpha(image: Image.Image, data: bytes) -> Array | None:
    """The fourth byte of a BMP's pixels, (H, W), which programs use as alpha; None if it has none, or only zeros."""
    start, header = struct.unpack("<I", data[10:14])[0], data[14:54]
    bits, compression = struct.unpack("<HI", header[14:20])
    size = image.width * image.height * 4
    if bits != 32 or compression != 0 or len(data) < start + size:
        return None
    rows = np.frombuffer(data, np.uint8, size, start).reshape(image.height, image.width, 4)[..., 3]
    downwards = struct.unpack("<i", header[8:12])[0] < 0
    return (rows if downwards else rows[::-1]) if rows.any() else None
