"""Reads picture files in rows, with libvips."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from sinct.errors import InputError, one_line
from sinct.pictures.colour import Array, to_srgb
from sinct.pictures.decoding import Header, read_header
from sinct.pictures.picture import _to_tensor
from sinct.runtime.files import StrPath

ROWS_PER_CALL = 64
"""Rows requested from the decoder at a time; it keeps about as many itself."""


def vips() -> Any:
    """Import pyvips, which is needed only for pictures above the memory budget and for Deep Zoom.

    Raises:
        InputError: pyvips is not installed.
    """
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: the module is installed, but not its library
        raise InputError(
            "a picture above the memory budget, or a .dzi, needs pyvips, which is not installed "
            f'({" ".join(str(error).split())[:80]}); run `pip install "pyvips[binary]"`'
        ) from None
    return pyvips


@dataclass(frozen=True)
class Source:
    """A picture file that is read in rows.

    Attributes:
        path: the file.
        header: its header.
        sha256: SHA-256 of its bytes, in hexadecimal.
        bands: samples per pixel, including alpha.
        space: its colour space, see `sinct.pictures.colour.to_srgb`.
        alpha: whether the last sample is transparency.
        bits: bits per sample, 8 or 16.
    """

    path: Path
    header: Header
    sha256: str
    bands: int
    space: str
    alpha: bool
    bits: int

    @property
    def height(self) -> int:
        """Height of the upright picture, in pixels."""
        return self.header.size[1]

    @property
    def width(self) -> int:
        """Width of the upright picture, in pixels."""
        return self.header.size[0]

    def rows(self) -> Callable[[int, int], Array]:
        """Open the file and return a function that reads rows start to stop, (H, W, bands), from top to bottom."""
        region = vips().Region.new(_opened(self.path)[0])

        def read(start: int, stop: int) -> Array:
            result = np.empty((stop - start, self.width, self.bands), f"uint{self.bits}")
            with _reading(self.path):
                for top in range(start, stop, ROWS_PER_CALL):
                    count = min(ROWS_PER_CALL, stop - top)
                    samples = np.frombuffer(region.fetch(0, top, self.width, count), result.dtype)
                    result[top - start : top - start + count] = samples.reshape(count, self.width, self.bands)
            return result

        return read

    def pixels(self, samples: Array) -> Tensor:
        """Convert samples (H, W, bands) to (3, H, W) in [-1, 1], sRGB."""
        return _to_tensor(self._srgb(samples, [])).mul_(2).sub_(1)

    def remarks(self) -> list[str]:
        """What a user should know about its colours."""
        found: list[str] = []
        self._srgb(np.zeros((1, 1, self.bands), f"uint{self.bits}"), found)
        return found

    def _srgb(self, samples: Array, remarks: list[str]) -> Array:
        return to_srgb(samples[..., : self.bands - self.alpha], self.space, self.header.profile, remarks)


def open_source(path: StrPath) -> Source:
    """Open a picture file of any size without decoding it.

    Raises:
        InputError: it is missing, damaged or cannot be read in rows, or pyvips is not installed.
    """
    header = read_header(path)
    image, space = _opened(Path(path))
    if (image.width, image.height) != header.size:
        raise InputError(f"{path} holds a preview before its picture; export it as a plain TIFF, PNG or JPEG")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    bits = 16 if image.format == "ushort" else 8
    return Source(Path(path), header, digest, image.bands, space, bool(image.hasalpha()), bits)


def read_shrunk(source: Source, pixels: int) -> Tensor:
    """Read a picture of any size, shrunk to at most `pixels` pixels; (3, H, W) in [-1, 1], sRGB."""
    scale = min(1.0, (pixels / (source.width * source.height)) ** 0.5)
    with _reading(source.path):
        image = _opened(source.path)[0]
        if scale < 1:
            image = image.resize(scale)
        samples = np.frombuffer(image.write_to_memory(), f"uint{source.bits}")
        return source.pixels(samples.reshape(image.height, image.width, source.bands))


def _opened(path: Path) -> tuple[Any, str]:
    """The upright image, not yet decoded, and its colour space."""
    pyvips = vips()
    with _reading(path):
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            image = pyvips.Image.new_from_file(str(path), fail_on="truncated").autorot()
        spaces = {
            "srgb": "rgb",
            "rgb": "rgb",
            "rgb16": "rgb",
            "b-w": "gray",
            "grey16": "gray",
            "cmyk": "cmyk",
        }
        space = spaces.get(image.interpretation)
        if space is None:
            image, space = image.colourspace("srgb"), "rgb"
        if image.format not in ("uchar", "ushort"):
            raise InputError(
                f"{path} has {image.format} samples; save it with unsigned 8-bit or 16-bit samples"
            )
        wanted = {"rgb": 3, "gray": 1, "cmyk": 4}[space]
        return (image[: wanted + image.hasalpha()] if image.bands > wanted else image), space


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn libvips's errors into an InputError of one line."""
    try:
        yield
    except vips().Error as error:
        reason = one_line(error)
        raise InputError(f"{path} is damaged or cut off ({reason}); copy it again") from None


class Band(NamedTuple):
    """Rows of a picture as they are read.

    Attributes:
        top: index of the first row.
        samples: (H, W, bands).
    """

    top: int
    samples: Array

    def rows(self, start: int, stop: int) -> Array:
        """The rows from start to stop, counted from the top of the picture."""
        return self.samples[start - self.top : stop - self.top]


def overlapping(read: Callable[[int, int], Array], bands: Sequence[tuple[int, int]]) -> Iterator[Band]:
    """Read overlapping bands of rows. Each row is read once, and the next band while the current one is used.

    Args:
        read: reads rows from start to stop.
        bands: the first row and the row after the last of each band, both increasing.
    """
    if not bands:
        return
    with ThreadPoolExecutor(1, "reading") as pool:
        band: Band | None = None
        future = pool.submit(read, *bands[0])
        for (start, stop), following in zip(bands, [*bands[1:], None], strict=True):
            fresh = future.result()
            if following is not None:
                future = pool.submit(read, stop, following[1])
            held = (
                fresh
                if band is None
                else np.concatenate([band.rows(start, band.top + len(band.samples)), fresh])
            )
            band = Band(start, held)
            del fresh, held
            yield band
