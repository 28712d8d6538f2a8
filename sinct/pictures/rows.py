"""Reads picture files in rows: with libvips where it agrees with the readers of whole pictures, or with those.

TIFFs are also read in rows by tifffile. What can be read only whole is decoded at once, as 1 to 8 bytes a pixel.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.errors import InputError, one_line
from sinct.pictures.colour import Array, to_srgb
from sinct.pictures.colour_tags import Profile
from sinct.pictures.decoding import Header, decode, open_apart, read_header, reading
from sinct.pictures.limits import MAX_PIXELS, check_plausible
from sinct.pictures.picture import _printable, _to_tensor
from sinct.pictures.png import is_png, read_png_header
from sinct.pictures.resampling import averaged
from sinct.pictures.tiff_decoding import channel_pages, layout_of, opened_tiff
from sinct.pictures.tiff_rows import libvips_agrees, readable_in_rows, tiff_rows
from sinct.pictures.transparency import REACH, continued, shows
from sinct.runtime.files import StrPath, file_sha256

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


WHOLE = 8
"""Most bytes a pixel of a file that is decoded at once."""

ROUNDING = 8
"""Largest difference, in steps of a sample, by which two decoders of JPEG may round luma and chroma differently."""


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
        reader: what reads it: "libvips", "tifffile" or "whole", for a file that has to be decoded at once.
    """

    path: Path
    header: Header
    sha256: str
    bands: int
    space: str
    alpha: bool
    bits: int
    reader: str = "libvips"

    @property
    def height(self) -> int:
        """Height of the upright picture, in pixels."""
        return self.header.size[1]

    @property
    def width(self) -> int:
        """Width of the upright picture, in pixels."""
        return self.header.size[0]

    @property
    def profile(self) -> Profile | None:
        """What says how its colours are converted, or None."""
        return self.header.profile

    def rows(self) -> Callable[[int, int], Array]:
        """Open the file and return a function that reads rows start to stop, (H, W, bands), from top to bottom."""
        if self.reader == "tifffile":
            return _careful(self.path, tiff_rows(self.path)[0])
        if self.reader == "whole":
            samples = _decoded(self.path)[0]
            return lambda start, stop: samples[start:stop]
        region = vips().Region.new(_opened(self.path, self.header.orientation)[0])

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
        found = list(self.header.remarks)
        self._srgb(np.zeros((1, 1, self.bands), f"uint{self.bits}"), found)
        return found

    def visible(self, samples: Array) -> Array:
        """Samples (H, W, bands) with the colours of what shows instead of those hidden under alpha."""
        if not self.alpha:
            return samples
        middle = np.iinfo(samples.dtype).max // 2 + 1
        result = continued(samples, shows(samples[..., -1]), middle)
        result[..., -1] = samples[..., -1]
        return result

    def _srgb(self, samples: Array, remarks: list[str]) -> Array:
        return to_srgb(samples[..., : self.bands - self.alpha], self.space, self.header.profile, remarks)


def check_memory(path: StrPath, most: int) -> None:
    """Refuse a file that can only be decoded at once where that takes more than so many bytes.

    Raises:
        InputError: it does, or the file is missing or damaged.
    """
    path = Path(path)
    header, reader = _looked_at(path)
    if reader == "whole" and header.size[0] * header.size[1] * WHOLE > most:
        raise InputError(
            f"{_printable(path)} can only be decoded at once, which takes {WHOLE} bytes a pixel and more than "
            f"`max_memory={most:,}`; save it as an 8-bit PNG or JPEG, or allow more"
        )


def open_source(path: StrPath) -> Source:
    """Open a picture file of any size without decoding it, unless it can only be decoded at once.

    Raises:
        InputError: it is missing, damaged, or too large for the only way in which it can be read; or pyvips is not
            installed.
    """
    vips()
    path = Path(path)
    header, reader = _looked_at(path)
    if reader == "either":
        reader = "libvips" if _same_start(path) else "tifffile"
    digest = file_sha256(path)
    if reader == "libvips":
        image, space = _opened(path, header.orientation)
        if (image.width, image.height) != header.size:
            raise InputError(
                f"{path} holds a preview before its picture; export it as a plain TIFF, PNG or JPEG"
            )
        bits = 16 if image.format == "ushort" else 8
        return Source(path, header, digest, image.bands, space, bool(image.hasalpha()), bits)
    if reader == "tifffile":
        read, layout = tiff_rows(path)
        samples, space, alpha = _careful(path, read)(0, 1), layout.space, layout.alpha is not None
    else:
        samples, space, alpha = _decoded(path)
    return Source(path, header, digest, samples.shape[2], space, alpha, 8 * samples.itemsize, reader)


def read_shrunk(source: Source, pixels: int) -> Tensor:
    """Read a picture of any size, shrunk to at most `pixels` pixels; (3, H, W) in [-1, 1], sRGB.

    Colours hidden under alpha take no part; those of what shows stand there instead.
    """
    scale = min(1.0, (pixels / (source.width * source.height)) ** 0.5)
    if source.alpha or source.reader != "libvips":
        return _shrunk(source, scale)
    with _reading(source.path):
        image = _opened(source.path, source.header.orientation)[0]
        if scale < 1:
            image = image.resize(scale)
        samples = np.frombuffer(image.write_to_memory(), f"uint{source.bits}")
        return source.pixels(samples.reshape(image.height, image.width, source.bands))


def _shrunk(source: Source, scale: float) -> Tensor:
    """Shrink a picture band by band, by the mean of what falls onto a pixel."""
    height, width = max(1, int(source.height * scale)), max(1, int(source.width * scale))
    step = max(1, int(ROWS_PER_CALL * scale))
    tops = range(0, height, step)
    stops = [min(height, top + step) for top in tops]
    bands = [
        (top * source.height // height, -(-stop * source.height // height))
        for top, stop in zip(tops, stops, strict=True)
    ]
    parts = []
    for top, stop, (start, end), band in zip(tops, stops, bands, visible_bands(source, bands), strict=True):
        pixels = source.pixels(band.rows(start, end))
        parts.append(F.adaptive_avg_pool2d(pixels, (stop - top, width)))
    return torch.cat(parts, dim=1)


def read_averaged(source: Source, height: int, width: int) -> Tensor:
    """Reduce a picture of any size to cells with the mean of what they touch, as `averaged` does in memory.

    Args:
        source: the picture.
        height: number of cells down, at most the picture's height.
        width: number of cells across, at most its width.

    Returns:
        (3, height, width) in [-1, 1], sRGB. Colours hidden under alpha take no part.

    Raises:
        InputError: the file is damaged.
    """
    step = max(1, ROWS_PER_CALL * height // source.height)
    tops = range(0, height, step)

    def rows_of(first: int, stop: int) -> tuple[int, int]:
        return first * source.height // height, -(-stop * source.height // height)

    parts = []
    bands = [rows_of(top, min(height, top + step)) for top in tops]
    for top, band in zip(tops, visible_bands(source, bands), strict=True):
        pixels = source.pixels(band.samples)
        for row in range(top, min(height, top + step)):
            first, stop = rows_of(row, row + 1)
            parts.append(averaged(pixels[:, first - band.top : stop - band.top], (1, width)))
    return torch.cat(parts, dim=1)


def _looked_at(path: Path) -> tuple[Header, str]:
    """A file's header, and what reads it in rows, see `_reader`.

    Raises:
        InputError: it is missing, damaged, or made to exhaust memory.
    """
    try:
        header = read_header(path)
        check_plausible(*header.size, path.stat().st_size)
        with reading(sys.maxsize):
            return header, _reader(path, header.orientation)
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from error.__cause__


def _reader(path: Path, orientation: int) -> str:
    """What reads a file in rows as it would be read whole; see `Source.reader`.

    It is "either" if libvips must first prove that it reads what tifffile reads.
    """
    with open(path, "rb") as file:
        with reading(sys.maxsize):  # no pixels are decoded
            if open_apart(file) is not None:
                return "whole"
        file.seek(0)
        start = file.read(33)
        if start.startswith(b"\xff\xd8"):
            return "libvips"
        if is_png(start):
            return "whole" if read_png_header(file).keyed else "libvips"
        tiff = opened_tiff(file)
        if tiff is None:
            return "whole"
        page, layout = tiff.pages.first, layout_of(tiff.pages.first)
        if layout is None:
            return "whole"
        in_rows = orientation == 1 and readable_in_rows(page)
        proven = len(channel_pages(tiff)) == 1 and libvips_agrees(page, layout)
        if proven:
            return "either" if in_rows else "libvips"
        return "tifffile" if in_rows else "whole"


def _same_start(path: Path) -> bool:
    """Whether libvips gives a TIFF's first row as tifffile does: without the codec, it would give zeros."""
    image = _opened(path, 1)[0]
    with _reading(path):
        row = np.frombuffer(
            image.crop(0, 0, image.width, 1).write_to_memory(), f"u{1 + (image.format == 'ushort')}"
        )
    wanted = _careful(path, tiff_rows(path)[0])(0, 1)
    if row.size != wanted.size or row.dtype != wanted.dtype or not wanted.any():
        return False  # a black row proves nothing
    # The two may round luma and chroma in another way.
    return bool(np.abs(row.astype(np.int64) - wanted.reshape(-1)).max() <= ROUNDING)


def _decoded(path: Path) -> tuple[Array, str, bool]:
    """All samples of a picture, (H, W, bands), their space, and whether the last is alpha."""
    try:
        stored = decode(path.read_bytes(), MAX_PIXELS)
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from error.__cause__
    if stored.alpha is None:
        return stored.samples, stored.space, False
    return np.concatenate([stored.samples, stored.alpha[..., None]], axis=2), stored.space, True


def _careful(path: Path, read: Callable[[int, int], Array]) -> Callable[[int, int], Array]:
    """Turn a decoder's errors into an InputError of one line."""

    def read_rows(start: int, stop: int) -> Array:
        try:
            return read(start, stop)
        except Exception as error:  # on damaged data decoders raise exceptions of every kind
            raise InputError(
                f"{_printable(path)} is damaged or cut off ({one_line(error)}); copy it again"
            ) from None

    return read_rows


def _opened(path: Path, orientation: int) -> tuple[Any, str]:
    """The upright image, not yet decoded, and its colour space."""
    pyvips = vips()
    with _reading(path):
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        if orientation > 1:
            image = pyvips.Image.new_from_file(str(path), fail_on="truncated").copy()
            image.set_type(pyvips.GValue.gint_type, "orientation", orientation)  # libvips may have missed it
            image = image.autorot()
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


def visible_bands(source: Source, bands: Sequence[tuple[int, int]]) -> Iterator[Band]:
    """Read overlapping bands of a picture; where some of it is hidden under alpha, with the colours of what shows."""
    if not source.alpha:
        yield from overlapping(source.rows(), bands)
        return
    wider = [(max(0, start - REACH), min(source.height, stop + REACH)) for start, stop in bands]
    for band in overlapping(source.rows(), wider):
        yield Band(band.top, source.visible(band.samples))
