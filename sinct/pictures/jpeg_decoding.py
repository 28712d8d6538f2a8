"""Decodes JPEGs that Pillow does not know, with imagecodecs: without loss, or of more than 8 bits."""

import io
from typing import BinaryIO, NamedTuple

import imagecodecs
import numpy as np
from PIL import Image

from sinct.errors import InputError
from sinct.pictures.limits import START
from sinct.pictures.pillow_decoding import profile_of
from sinct.pictures.stored import Opened, Samples, parted

LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
"""Markers of frames without a cosine transform."""

END = b"\xff\xd9"


class Frame(NamedTuple):
    """The header of a JPEG's frame: its marker, where it stands, bits per sample, size in pixels and channels."""

    marker: int
    place: int
    bits: int
    width: int
    height: int
    channels: int


def open_deep_jpeg(file: BinaryIO) -> Opened | None:
    """Open a lossless JPEG, or one of more than 8 bits, without decoding it; None for all other files.

    Raises:
        InputError: it has neither one nor three channels. The caller must put the file's name before the message.
    """
    file.seek(0)
    if file.read(2) != b"\xff\xd8":
        return None
    file.seek(0)
    frame = _frame(file.read(START))
    if frame is None or (frame.bits == 8 and frame.marker not in LOSSLESS):
        return None
    kind = "lossless JPEG" if frame.marker in LOSSLESS else f"JPEG of {frame.bits} bits"
    if frame.channels not in (1, 3):
        raise InputError(f"is a {kind} with {frame.channels} channels; save it as PNG or TIFF")
    file.seek(0)
    data = file.read()
    if END not in data[-4096:]:
        raise InputError("is cut off (no end mark); copy the whole file again")
    image = _described(data, frame)
    remarks: list[str] = []
    return Opened(
        size=(frame.width, frame.height),
        profile=profile_of(image, data, remarks),
        read_exif=image.getexif,
        dpi=image.info.get("dpi"),
        remarks=remarks,
        samples=lambda: _samples(data, frame),
    )


def _frame(data: bytes) -> Frame | None:
    """The header of a JPEG's first frame; None if there is none."""
    start = 2
    while start + 10 <= len(data) and data[start] == 0xFF:
        marker = data[start + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = (int.from_bytes(data[start + at : start + at + 2], "big") for at in (5, 7))
            return Frame(marker, start, data[start + 4], width, height, data[start + 9])
        if marker == 0xFF:  # fill
            start += 1
        elif marker == 0xDA:
            break
        else:
            start += 2 + int.from_bytes(data[start + 2 : start + 4], "big")
    return None


def _described(data: bytes, frame: Frame) -> Image.Image:
    """Pillow's view of what a file says besides its pixels, which it would refuse to look at."""
    usual = bytearray(data)
    usual[frame.place + 1], usual[frame.place + 4] = 0xC0, 8
    return Image.open(io.BytesIO(usual), formats=("JPEG",))


def _samples(data: bytes, frame: Frame) -> Samples:
    pixels = imagecodecs.jpeg8_decode(data)
    kind = np.uint8 if frame.bits <= 8 else np.uint16
    scale = np.iinfo(kind).max / (2**frame.bits - 1)
    scaled = np.rint(pixels * np.float64(scale)).clip(max=np.iinfo(kind).max).astype(kind)
    return parted(scaled.reshape(frame.height, frame.width, frame.channels))
