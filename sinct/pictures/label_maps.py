"""Label maps, which give each pixel of a picture the number of a class."""

import io
import warnings

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from sinct.errors import InputError, one_line
from sinct.pictures.limits import MAX_PIXELS, check_plausible
from sinct.pictures.picture import _printable, _read
from sinct.runtime.files import StrPath

LabelMap = npt.NDArray[np.int64]
"""(H, W): a number for each pixel."""


def read_label_map(path: StrPath, size: tuple[int, int] | None = None) -> LabelMap:
    """Read a label map as it is stored: colour profiles and palettes are not applied.

    Args:
        path: PNG with one channel, grey or with a palette, of up to 16 bits.
        size: width and height in pixels to which it is scaled, by the nearest neighbour; None keeps its own.

    Raises:
        InputError: it cannot be read, is no PNG, or has colours.
    """
    name = _printable(path)
    data = _read(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own limit is that of sinct, below
            image: Image.Image = Image.open(io.BytesIO(data), formats=("PNG",))
            _check(image, len(data))
            image.load()
    except InputError as error:
        raise InputError(f"the label map {name} {error}") from None
    except UnidentifiedImageError:
        raise InputError(f"the label map {name} is no PNG; save it as one, without loss") from None
    except Exception as error:  # Pillow raises nearly anything for damaged files
        raise InputError(f"the label map {name} is damaged ({one_line(error)}); copy it again") from None
    if size is not None and image.size != size:
        image = image.resize(size, Image.Resampling.NEAREST)
    return np.asarray(image).astype(np.int64)


def _check(image: Image.Image, bytes_: int) -> None:
    """See that the numbers of a file can be used.

    Raises:
        InputError: they cannot; the caller puts the file's name before it.
    """
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise InputError(f"has {width}x{height} px, more than {MAX_PIXELS:,} pixels; give a smaller one")
    check_plausible(width, height, bytes_)
    if image.mode not in ("1", "L", "P", "I", "I;16", "I;16B"):
        raise InputError(
            f"has {len(image.getbands())} channels; give a PNG with one, whose numbers are those of classes"
        )
