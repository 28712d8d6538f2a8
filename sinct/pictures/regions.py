"""Region maps, which say which parts of the painting and the photo belong together."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import InputError
from sinct.pictures.picture import read_picture
from sinct.pictures.resampling import same_shape
from sinct.runtime.files import StrPath, printable

MOST = 64
"""Most regions; more colours mean a photo, or a map saved as JPEG."""

Codes = np.ndarray[tuple[int, ...], np.dtype[np.int64]]
"""A colour for each pixel, 0xrrggbb."""


def read_regions(
    painting_map: StrPath,
    photo_map: StrPath,
    *,
    painting_size: tuple[int, int],
    photo_size: tuple[int, int],
) -> tuple[Tensor, Tensor]:
    """Read two maps painted in flat colours, in which the same colour marks the same kind of thing.

    Args:
        painting_map: picture file with the painting's regions.
        photo_map: picture file with the photo's regions.
        painting_size: height and width of the painting, in pixels.
        photo_size: height and width of the photo, in pixels.

    Returns:
        (H, W) and (H', W') int64 labels from 0, at the pictures' sizes (nearest neighbour).

    Raises:
        InputError: a map cannot be read, its aspect ratio is not its picture's, or there are too many colours.
    """
    labels, _ = read_region_maps([painting_map, photo_map], [painting_size, photo_size])
    return labels[0], labels[1]


def read_region_maps(
    paths: Sequence[StrPath], sizes: Sequence[tuple[int, int]]
) -> tuple[list[Tensor], list[str]]:
    """Read any number of maps in the same flat colours, see `read_regions`.

    Args:
        paths: picture files.
        sizes: height and width of the picture that each belongs to, in pixels.

    Returns:
        (H, W) int64 labels from 0 for each, and the colour of each label, such as "#87ceeb".

    Raises:
        InputError: see `read_regions`.
    """
    codes = [_codes(path, size, size) for path, size in zip(paths, sizes, strict=True)]
    names = [Path(path).name for path in paths]
    return _labelled(codes, f"the region maps {', '.join(names[:-1])} and {names[-1]} have")


def read_region_map(path: StrPath, size: tuple[int, int], at: tuple[int, int]) -> tuple[Tensor, list[str]]:
    """Read one map at a size of its own, which may be much smaller than its picture's.

    Args:
        path: picture file.
        size: height and width of the picture that it belongs to, in pixels.
        at: height and width of the labels.

    Returns:
        (h, w) int64 labels from 0, and the colour of each label, such as "#87ceeb".

    Raises:
        InputError: see `read_regions`.
    """
    labels, colours = _labelled([_codes(path, size, at)], f"the region map {printable(path)} has")
    return labels[0], colours


def _labelled(codes: Sequence[Codes], have: str) -> tuple[list[Tensor], list[str]]:
    """Number the colours of maps; the error for too many begins with `have`."""
    colours = np.unique(np.concatenate([np.unique(code) for code in codes]))
    if len(colours) > MOST:
        raise InputError(
            f"{have} {len(colours)} colours, but at most {MOST} can be regions; paint them flat, without smooth edges, "
            "and save as PNG"
        )
    labels = [torch.from_numpy(np.searchsorted(colours, code)) for code in codes]
    return labels, [f"#{colour:06x}" for colour in colours.tolist()]


def _codes(path: StrPath, size: tuple[int, int], at: tuple[int, int]) -> Codes:
    """The colours of a picture's map as numbers, at the size `at`."""
    height, width = size
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that of several pictures the first is used, and the like
            pixels = read_picture(path).pixels
    except InputError as error:
        raise InputError(f"the region map {error}") from None
    colours = pixels.add(1).mul(127.5).round().byte().permute(1, 2, 0)
    picture = Image.fromarray(colours.contiguous().numpy())
    if not same_shape(size, (picture.height, picture.width)):
        raise InputError(
            f"the region map {path} has {picture.width}x{picture.height} px and its picture {width}x{height} px; "
            "give a map with the picture's aspect ratio"
        )
    scaled = picture.resize(at[::-1], Image.Resampling.NEAREST)
    red, green, blue = np.moveaxis(np.asarray(scaled).astype(np.int64), 2, 0)
    codes: Codes = (red << 16) + (green << 8) + blue
    return codes
