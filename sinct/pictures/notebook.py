"""Pictures as notebooks show them."""

import io
import warnings
from pathlib import Path

from PIL import Image

from sinct.errors import InputError
from sinct.pictures.colour import SRGB_PROFILE
from sinct.pictures.picture import read_picture
from sinct.pictures.resampling import resize

SHOWN_SIDE = 1024
"""Longer side in pixels at which a picture is shown."""


LARGEST = 100_000_000
"""Pixels of the largest picture that is read for it; a larger one would fill the memory."""


def shown_png(path: Path) -> bytes | None:
    """A picture file as a PNG for a notebook, at most `SHOWN_SIDE` px a side; None where there is none to show.

    Args:
        path: the picture; it may have been removed, be a pyramid of tiles, or have more than `LARGEST` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is to be said of the picture was said when it was made
            picture = read_picture(path, max_pixels=LARGEST)
    except InputError:
        return None
    scale = min(1.0, SHOWN_SIDE / max(picture.height, picture.width))
    size = [max(1, round(side * scale)) for side in (picture.height, picture.width)]
    pixels = resize(picture.pixels, *size).add(1).mul(127.5).round().byte().permute(1, 2, 0)
    file = io.BytesIO()
    Image.fromarray(pixels.contiguous().numpy()).save(file, "PNG", icc_profile=SRGB_PROFILE)
    return file.getvalue()
