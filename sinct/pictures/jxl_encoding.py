"""Encodes JPEG XL without loss, in sRGB, with EXIF data and XMP beside the picture."""

import struct

import imagecodecs

from sinct.pictures.boxes import boxes
from sinct.pictures.colour import Array
from sinct.pictures.jxl_header import CODESTREAM, CONTAINER, codestream, read_jxl_header


def jxl_file(samples: Array, exif: bytes | None, packet: bytes | None) -> bytes:
    """Encode (H, W, 3 or 4) uint8 or uint16 as a JPEG XL file.

    Args:
        samples: the picture, in sRGB.
        exif: EXIF block that starts with "Exif", or None.
        packet: XMP packet, or None.
    """
    data = bytes(imagecodecs.jpegxl_encode(samples, lossless=True))
    parts = [CONTAINER, _box(b"ftyp", b"jxl \0\0\0\0jxl ")]
    parts += [_box(b"jxll", level) for level in boxes(data, b"jxll")]
    if exif is not None:
        parts.append(_box(b"Exif", bytes(4) + exif.removeprefix(b"Exif\0\0")))
    if packet is not None:
        parts.append(_box(b"xml ", packet))
    return b"".join([*parts, _box(b"jxlc", _in_srgb(codestream(data)))])


def _in_srgb(stream: bytes) -> bytes:
    """Label a picture as sRGB: imagecodecs says of 16 bits that they are linear light, which only its user can know.

    Behind the entry of the colours stand three bits, for no extensions and the usual conversion; then the frames begin
    at a whole byte.
    """
    start, stop = read_jxl_header(stream).coloured
    bits = int.from_bytes(stream[2:66], "little")
    if bits >> stop & 7 != 4:
        raise ValueError("libjxl wrote a header of another kind")
    usual = (bits & ((1 << start) - 1)) | (0b1001 << start)  # sRGB, and the three bits
    head = usual.to_bytes(-(-(start + 4) // 8), "little")
    return CODESTREAM + head + stream[2 + -(-(stop + 3) // 8) :]


def _box(kind: bytes, content: bytes) -> bytes:
    """A box, with a length of 64 bits where 32 are not enough."""
    if len(content) + 8 < 2**32:
        return struct.pack(">I", len(content) + 8) + kind + content
    return struct.pack(">I", 1) + kind + struct.pack(">Q", len(content) + 16) + content
