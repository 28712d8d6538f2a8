"""What decoders return: the samples as the file stores them, but upright, and what the file says about them."""

import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image
from PIL.ExifTags import Base

from sinct.errors import InputError
from sinct.pictures.colour import Array
from sinct.pictures.colour_tags import Profile
from sinct.pictures.exif import lasting_block, orientation_in

SEVERAL = "it holds several pictures, of which only the first is used"


Samples = tuple[Array, str, Array | None]
"""Colours (H, W, C), their space, and alpha (H, W) or None."""


class Opened(NamedTuple):
    """A picture file whose header is read, and whose pixels are not yet decoded.

    Attributes:
        size: width and height as stored, in pixels.
        profile: ICC profile or what stands for one, or None.
        read_exif: returns the EXIF data, with the orientation that the samples still need; may raise any exception.
        dpi: resolution in the file, or None.
        remarks: what a user should know about the file.
        samples: decodes the pixels.
    """

    size: tuple[int, int]
    profile: Profile | None
    read_exif: Callable[[], Image.Exif]
    dpi: tuple[float, float] | None
    remarks: list[str]
    samples: Callable[[], Samples]


class Stored(NamedTuple):
    """A picture as its file stores it, but upright.

    Attributes:
        samples: (H, W, C) uint8 or uint16, with C as `space` requires.
        space: "gray", "rgb", "cmyk" (255 is full ink) or "lab" (a and b raised by 128).
        alpha: (H, W) of the same type, or None.
        profile: ICC profile or what stands for one, or None.
        exif: EXIF block to carry over, or None.
        dpi: pixels per inch along the width and along the height, or None.
        remarks: what a user should know about the file.
        orientation: how the stored samples were turned, 1 to 8.
    """

    samples: Array
    space: str
    alpha: Array | None
    profile: Profile | None
    exif: bytes | None
    dpi: tuple[float, float] | None
    remarks: list[str]
    orientation: int = 1


def check_size(width: int, height: int, max_pixels: int) -> None:
    """Refuse pictures without pixels or with too many.

    Raises:
        InputError: the picture is one of these.
    """
    if width < 1 or height < 1:
        raise InputError(f"has {width}x{height} px; give a picture with at least 1x1 px")
    if width * height > max_pixels:
        raise InputError(
            f"has {width}x{height} px, more than {max_pixels:,} pixels; "
            "give a smaller picture or raise max_pixels"
        )


def make_stored(
    samples: Array,
    space: str,
    alpha: Array | None,
    *,
    profile: Profile | None,
    read_exif: Callable[[], Image.Exif],
    dpi: tuple[float, float] | None,
    several: bool,
    remarks: Sequence[str] = (),
) -> Stored:
    """Turn samples upright and keep what remains true of the file's metadata.

    Args:
        samples: (H, W, C) as decoded.
        space: as in `Stored`.
        alpha: (H, W), or None.
        profile: ICC profile or what stands for one, or None.
        read_exif: returns the EXIF data; may raise any exception.
        dpi: resolution in the file, or None.
        several: whether the file holds more pictures.
        remarks: what else a user should know about the file.
    """
    remarks = [*remarks, *([SEVERAL] if several else [])]
    orientation, exif = 1, None
    try:
        block = read_exif()
        with warnings.catch_warnings(record=True) as doubts:
            warnings.simplefilter("always")
            orientation = orientation_in(block)
        # Pillow takes the first of several values, of which none need be right.
        if any("too many entries" in str(doubt.message) for doubt in doubts):
            orientation = 1
        exif = lasting_block(block)
    except Exception:  # on damaged data Pillow's parser raises exceptions of every kind
        remarks.append("its EXIF data are damaged, so they are left out")
    return Stored(
        samples=upright(samples, orientation),
        space=space,
        alpha=None if alpha is None else upright(alpha, orientation),
        profile=profile,
        exif=exif,
        dpi=plausible_dpi(dpi, orientation),
        remarks=remarks,
        orientation=orientation,
    )


def plausible_dpi(dpi: tuple[float, float] | None, orientation: int) -> tuple[float, float] | None:
    """Swap the axes of a resolution if the picture is turned on its side; None if it is missing or implausible."""
    x, y = (float(value) for value in dpi or (0, 0))
    if not (1 <= x < 65536 and 1 <= y < 65536):  # JPEG holds 16 bits
        return None
    return (y, x) if orientation >= 5 else (x, y)


def upright(samples: Array, orientation: int) -> Array:
    """Turn (H, W, ...) upright by its EXIF orientation, without copying."""
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    mirrored = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(samples, mirrored.get(orientation, ()))


def parted(pixels: Array) -> Samples:
    """Part (H, W, 1 to 4) into grey or RGB, its space, and alpha."""
    space, colours = ("gray", 1) if pixels.shape[2] < 3 else ("rgb", 3)
    return pixels[..., :colours], space, pixels[..., colours] if pixels.shape[2] > colours else None


def unpremultiplied(colour: Array, alpha: Array) -> Array:
    """Undo the multiplication of colours (H, W, C), integers or in [0, 1], by alpha (H, W)."""
    if colour.dtype.kind == "f":
        return np.divide(colour, alpha[..., None], out=np.zeros_like(colour), where=alpha[..., None] > 0)
    top = np.iinfo(colour.dtype).max
    straight = colour * (np.float32(top) / np.maximum(alpha, 1))[..., None]
    return np.rint(straight).clip(max=top).astype(colour.dtype)


def upright_exif(block: bytes | None) -> Image.Exif:
    """EXIF data of a picture whose decoder turns it upright by itself: their orientation no longer counts."""
    exif = Image.Exif()
    if block:
        exif.load(block)
        exif.pop(Base.Orientation, None)
    return exif
