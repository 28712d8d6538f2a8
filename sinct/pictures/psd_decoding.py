"""Decodes the composite of a Photoshop file with psd-tools: the picture of all layers, as Photoshop saved it."""

import os
import struct
import warnings
from typing import Any, BinaryIO

import numpy as np

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.extras import imported
from sinct.pictures.stored import Opened, Samples, upright_exif

SPACES = {"GRAYSCALE": "gray", "BITMAP": "gray", "RGB": "rgb", "INDEXED": "rgb", "CMYK": "cmyk", "LAB": "lab"}

PROFILE, RESOLUTION, EXIF = 1039, 1005, 1058
"""Numbers of the entries of a file that hold its ICC profile, its resolution and its EXIF data."""


def open_psd(file: BinaryIO) -> Opened | None:
    """Open a PSD or PSB without decoding its composite; None if it is neither.

    Raises:
        InputError: psd-tools is not installed, there is no composite, or its kind is not read. The caller must put
            the file's name before the message.
    """
    file.seek(0)
    if file.read(4) != b"8BPS":
        return None
    library = imported("psd_tools", "psd-tools", "psd", "a Photoshop file")
    _check_end(file)
    file.seek(0)
    document = library.PSDImage.open(file)
    if not document.has_preview():
        raise InputError(
            "was saved without a composite of its layers; save it again with maximum compatibility, or as PNG or TIFF"
        )
    mode, bits = document.color_mode.name, document.depth
    if mode not in SPACES or bits > 16 or (bits == 16 and mode in ("LAB", "INDEXED")):
        raise InputError(
            f"has {bits}-bit samples in the mode {mode}; save it with 8 or 16 bits in grey, RGB or CMYK"
        )
    entries = document.image_resources
    return Opened(
        size=(document.width, document.height),
        profile=_raw(entries, PROFILE),
        read_exif=lambda: upright_exif(_raw(entries, EXIF)),
        dpi=_dpi(_raw(entries, RESOLUTION)),
        remarks=[],
        samples=lambda: _samples(document, library),
    )


def _check_end(file: BinaryIO) -> None:
    """Refuse a file that ends within its packed composite, which psd-tools would fill up with black."""
    file.seek(0)
    version, channels, height = struct.unpack(">4xH6xHI8x", file.read(26))
    for length in (">I", ">I", ">Q" if version == 2 else ">I"):
        file.seek(struct.unpack(length, file.read(struct.calcsize(length)))[0], os.SEEK_CUR)
    if file.read(2) != b"\0\1":
        return
    table = np.frombuffer(file.read(channels * height * 2 * version), ">u2" if version == 1 else ">u4")
    end = file.tell() + int(table.sum(dtype=np.uint64))
    if len(table) != channels * height or end > file.seek(0, os.SEEK_END):
        raise InputError("is cut off; copy the whole file again")


def _raw(entries: Any, number: int) -> bytes | None:
    entry = entries.get(number)
    return (
        None
        if entry is None
        else bytes(entry.data if isinstance(entry.data, bytes) else entry.data.tobytes())
    )


def _dpi(entry: bytes | None) -> tuple[float, float] | None:
    """Pixels per inch, which are stored as fixed point, whatever unit they are shown in."""
    if entry is None or len(entry) < 16:
        return None
    x, _, _, y = struct.unpack(">IHHI", entry[:12])
    return x / 65536, y / 65536


def _samples(document: Any, library: Any) -> Samples:
    with warnings.catch_warnings():
        warnings.simplefilter(
            "error", library.compression.PSDDecompressionWarning
        )  # it would fill gaps with black
        colour = document.numpy("color")
        opacity = document.numpy("shape")
    space = SPACES[document.color_mode.name]
    if space == "cmyk":
        colour = 1 - colour  # stored as what is left of the light
    kind = np.uint16 if document.depth == 16 else np.uint8
    alpha = _scaled(opacity[..., 0], kind)
    return _scaled(colour, kind), space, None if (alpha == np.iinfo(kind).max).all() else alpha


def _scaled(values: Array, kind: type[np.unsignedinteger[Any]]) -> Array:
    top = np.iinfo(kind).max
    return np.rint(values.clip(0, 1) * np.float64(top)).astype(kind)
