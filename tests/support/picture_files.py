"""Picture files for tests, and the values expected from them."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import tifffile
import torch
from PIL import ExifTags, Image
from torch import Tensor

from sinct.pictures.picture import (
    Picture,
)

Array = npt.NDArray[Any]


LOSSLESS = [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".webp", 8), (".jxl", 8), (".jxl", 16)]


EVERY_FORMAT = [*LOSSLESS, (".jpg", 8), (".avif", 8)]


def samples(*shape: int, bits: int = 8, seed: int = 0) -> Array:
    """Noise (H, W, C); the first pixel is 0 and the last is the largest value."""
    noise = np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=f"uint{bits}")
    noise[0, 0], noise[-1, -1] = 0, 2**bits - 1
    return noise


def tensor(colours: Array) -> Tensor:
    """(H, W, C) integers -> (3, H, W) in [-1, 1]."""
    unit = np.broadcast_to(colours / np.iinfo(colours.dtype).max, (*colours.shape[:2], 3))
    return torch.from_numpy(2 * np.moveaxis(unit, 2, 0) - 1).float()


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return 2 * torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) - 1


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: Array, *chunks: bytes, interlaced: bool = False) -> bytes:
    """Encode a PNG directly by its specification, so that no library is on both sides of a test."""
    height, width, channels = pixels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, interlaced)
    starts_and_steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [*starts_and_steps, (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    grids = [pixels[top::down, left::right] for top, left, down, right in passes]
    rows = b"".join(
        b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes()
        for grid in grids
        if grid.size
        for row in grid
    )
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif_block(**tags: Any) -> bytes:
    exif = Image.Exif()
    exif.update((ExifTags.Base[name].value, value) for name, value in tags.items())
    return exif.tobytes()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    return file.getvalue()


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


Read = Callable[[bytes], Picture]


D65 = (0.3127, 0.3290, 1.0)


ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def rgb_profile(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    flat = [number for x, y in primaries for number in (x, y, 0.3)]
    return imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=flat, gamma=gamma)


def camera_exif() -> bytes:
    """An EXIF block as a camera writes it, with tags to keep and tags to drop."""
    exif = Image.Exif()
    exif.update(
        {
            ExifTags.Base.Artist: "José".encode(),
            ExifTags.Base.Orientation: 6,
            ExifTags.Base.ImageWidth: 4000,
            ExifTags.IFD.Exif: {
                ExifTags.Base.DateTimeOriginal: "2024:05:06 07:08:09",
                ExifTags.Base.FocalLength: 50.0,
                ExifTags.Base.ExifImageWidth: 4000,
                ExifTags.Base.ColorSpace: 1,
                ExifTags.Base.MakerNote: b"offsets",
            },
            ExifTags.IFD.GPSInfo: {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (48.0, 51.0, 29.0),
            },
        }
    )
    return exif.tobytes()
