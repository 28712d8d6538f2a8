"""Maps that say which parts of the painting and of the photo belong together."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.resampling import same_shape
from sinct.runtime.files import StrPath

MOST = 64
"""Regions; more colours than that mean a photo or a map saved as JPEG."""


def read_regions(
    painting_map: StrPath,
    photo_map: StrPath,
    *,
    painting_size: tuple[int, int],
    photo_size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Read two flatly coloured pictures, in which the same colour means the same kind of thing.

    Args:
        painting_map: picture file.
        photo_map: picture file.
        painting_size: height and width of the painting, in pixels.
        photo_size: height and width of the photo, in pixels.

    Returns:
        (H, W) and (H', W') int64 labels from 0 on, of the pictures' sizes (nearest neighbour).

    Raises:
        InputError: a map cannot be read, has another aspect than its picture, or too many colours.
    """
    codes = [_codes(painting_map, painting_size), _codes(photo_map, photo_size)]
    colours = np.unique(np.concatenate([code.ravel() for code in codes]))
    if len(colours) > MOST:
        raise InputError(
            f"the region maps {Path(painting_map).name} and {Path(photo_map).name} have {len(colours)} colours, "
            f"{MOST} at most can be regions; paint them flat, without smooth edges, and save as PNG"
        )
    first, second = (torch.from_numpy(np.searchsorted(colours, code)) for code in codes)
    return first, second


def _codes(path: StrPath, size: tuple[int, int]) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    height, width = size
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
    except OSError as error:
        reason = error.strerror or "not a picture that can be read"
        raise InputError(f"cannot read the region map {path}: {reason}; give a PNG") from None
    if not same_shape(size, (picture.height, picture.width)):
        raise InputError(
            f"the region map {path} is {picture.width}x{picture.height} px and its picture {width}x{height} px; "
            "give a map of the picture's shape"
        )
    scaled = picture.resize((width, height), Image.Resampling.NEAREST)
    red, green, blue = np.moveaxis(np.asarray(scaled).astype(np.int64), 2, 0)
    codes: np.ndarray[tuple[int, ...], np.dtype[np.int64]] = (red << 16) + (green << 8) + blue
    return codes
