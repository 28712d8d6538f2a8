"""Decodes HEIC with pillow-heif, which wraps libheif: 8, 10 and 12 bits."""

from typing import Any, BinaryIO

import numpy as np

from sinct.pictures.colour_tags import Cicp, Profile, profile_of_cicp
from sinct.pictures.extras import imported
from sinct.pictures.stored import SEVERAL, Opened, Samples, parted, unpremultiplied, upright_exif

BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs")
"""Marks of pictures and sequences that are coded as HEVC."""

GENERAL = (b"mif1", b"msf1")
"""Marks of files that say only further on how their pictures are coded."""


def is_heif(start: bytes) -> bool:
    """Whether a file that starts like this, of which 64 bytes are enough, is a HEIC."""
    if start[4:8] != b"ftyp":
        return False
    brands = [
        start[place : place + 4] for place in range(8, min(len(start), int.from_bytes(start[:4], "big")), 4)
    ]
    return brands[0] in BRANDS or (brands[0] in GENERAL and any(brand in BRANDS for brand in brands))


def open_heif(file: BinaryIO) -> Opened | None:
    """Open a HEIC without decoding it; None if it is none. libheif turns it upright, whatever its EXIF data say.

    Raises:
        InputError: pillow-heif is not installed. The caller must put the file's name before the message.
    """
    file.seek(0)
    if not is_heif(file.read(64)):
        return None
    library = imported("pillow_heif", "pillow-heif", "heic", "a HEIC")
    file.seek(0)
    heif = library.open_heif(file, convert_hdr_to_8bit=False)
    image = heif[heif.primary_index]
    remarks: list[str] = []
    profile = _profile(image.info, remarks)
    return Opened(
        size=image.size,
        profile=profile,
        read_exif=lambda: upright_exif(image.info.get("exif")),
        dpi=None,
        remarks=[*remarks, *([SEVERAL] if len(heif) > 1 else [])],
        samples=lambda: _samples(image),
    )


def _profile(info: dict[str, Any], remarks: list[str]) -> Profile | None:
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    codes = info.get("nclx_profile")
    if not codes:
        return None
    primaries, transfer = int(codes["color_primaries"]), int(codes["transfer_characteristics"])
    return profile_of_cicp(Cicp(primaries, transfer, matrix=0, full=True), 8, remarks)


def _samples(image: Any) -> Samples:
    pixels = np.asarray(image)
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if pixels.dtype == np.uint16:  # pillow-heif shifts the bits up, and leaves zeros below
        bits = image.info["bit_depth"]
        pixels = np.rint((pixels >> (16 - bits)) * np.float64(65535 / (2**bits - 1))).astype(np.uint16)
    colour, space, alpha = parted(pixels)
    if alpha is not None and image.premultiplied_alpha:
        colour = unpremultiplied(colour, alpha)
    return colour, space, alpha
