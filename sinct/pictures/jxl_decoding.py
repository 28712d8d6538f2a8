"""Decodes JPEG XL with imagecodecs, which wraps libjxl."""

from typing import BinaryIO

import imagecodecs
import numpy as np

from sinct.errors import InputError
from sinct.pictures.jxl_header import ALPHA, BLACK, JxlHeader, exif_block, is_jxl, read_jxl_header
from sinct.pictures.stored import SEVERAL, Opened, Samples, unpremultiplied, upright_exif

BEYOND = "it has floating-point samples: light above white is cut off"


def open_jxl(file: BinaryIO) -> Opened | None:
    """Open a JPEG XL without decoding it; None if it is none. libjxl turns it upright, whatever its EXIF data say.

    Raises:
        InputError: it cannot be used. The caller must put the file's name before the message.
    """
    file.seek(0)
    if not is_jxl(file.read(12)):
        return None
    file.seek(0)
    data = file.read()
    header = read_jxl_header(data)
    unknown = [kind for kind in header.extra if kind != ALPHA]
    if BLACK in unknown:
        raise InputError("is a JPEG XL in CMYK, which is not read; save it as RGB")
    if unknown or len(header.extra) > 1:
        raise InputError("is a JPEG XL with further channels beside its colours and alpha; save it as RGB")
    if header.bits > 16 and not header.floating:
        raise InputError(f"has {header.bits}-bit samples; save it with 8 or 16 bits")
    remarks = [
        *header.remarks,
        *([BEYOND] if header.floating else []),
        *([SEVERAL] if header.animated else []),
    ]
    return Opened(
        header.size,
        header.profile,
        lambda: upright_exif(exif_block(data)),
        None,
        remarks,
        lambda: _samples(data, header),
    )


def _samples(data: bytes, header: JxlHeader) -> Samples:
    pixels = imagecodecs.jpegxl_decode(data, index=0).reshape(header.size[1], header.size[0], -1)
    colours = 1 if header.grey else 3
    if pixels.dtype.kind == "f":
        pixels = np.rint(np.nan_to_num(pixels.astype(np.float32)).clip(0, 1) * np.float32(65535)).astype(
            np.uint16
        )
    elif header.bits not in (8, 16):  # libjxl keeps the numbers as they are
        kind = np.uint8 if header.bits < 8 else np.uint16
        top = np.iinfo(kind).max / (2**header.bits - 1)
        pixels = np.rint(pixels * np.float64(top)).clip(max=np.iinfo(kind).max).astype(kind)
    colour = pixels[..., :colours]
    if not header.extra:
        return colour, "gray" if header.grey else "rgb", None
    alpha = pixels[..., colours]
    if header.multiplied:
        colour = unpremultiplied(colour, alpha)
    return colour, "gray" if header.grey else "rgb", alpha
