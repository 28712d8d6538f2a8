"""Decodes TIFFs with tifffile: 8 and 16 bits in any layout. Pillow knows few of these and keeps 8 bits."""

import io
import math
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import tifffile
from PIL import Image
from PIL.ExifTags import IFD, Base
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from tifffile import COMPRESSION, EXTRASAMPLE, PHOTOMETRIC, RESUNIT, SAMPLEFORMAT

from sinct.errors import InputError, counted
from sinct.pictures.colour import Array
from sinct.pictures.limits import check_plausible
from sinct.pictures.stored import Stored, check_size, make_stored, unpremultiplied

COLOURS = {"gray": 1, "rgb": 3, "cmyk": 4, "lab": 3}
"""Samples per pixel of each space, without transparency."""

SPACES = {
    PHOTOMETRIC.MINISWHITE: "gray",
    PHOTOMETRIC.MINISBLACK: "gray",
    PHOTOMETRIC.RGB: "rgb",
    PHOTOMETRIC.YCBCR: "rgb",
    PHOTOMETRIC.SEPARATED: "cmyk",
    PHOTOMETRIC.CIELAB: "lab",
    PHOTOMETRIC.ICCLAB: "lab",
}
"""Colour space of the TIFFs that are read with tifffile."""

JPEGS = (COMPRESSION.JPEG, COMPRESSION.JPEG_LOSSY, COMPRESSION.ALT_JPEG)
"""Codecs with which tifffile decodes luma and chroma to RGB."""

FAX = (COMPRESSION.CCITTRLE, COMPRESSION.CCITTFAX3, COMPRESSION.CCITTFAX4)
"""Codecs that are left to Pillow."""

FEW_BITS = ((PHOTOMETRIC.MINISWHITE, PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.PALETTE), (PHOTOMETRIC.PALETTE,))
"""Kinds of samples that are looked up in a table: those of fewer than 8 bits, and those of 8."""

ALPHA = (EXTRASAMPLE.ASSOCALPHA, EXTRASAMPLE.UNASSALPHA)


class Layout(NamedTuple):
    """What the samples of a TIFF's pixels mean.

    Attributes:
        kind: photometric interpretation.
        space: as in `Stored`.
        alpha: index of the sample that is transparency, or None.
        multiplied: whether colours are multiplied by it.
        table: colours (N, C), uint8, of which samples are indices, or None.
    """

    kind: PHOTOMETRIC
    space: str
    alpha: int | None
    multiplied: bool
    table: Array | None = None

    def arranged(self, pixels: Array) -> tuple[Array, Array | None]:
        """Turn samples (H, W, S) as stored into colours (H, W, C), as in `Stored`, and alpha (H, W) or None."""
        if self.table is not None:
            return self.table[pixels[..., 0].astype(np.uint8)], None
        colour = pixels[..., : COLOURS[self.space]]
        if self.kind == PHOTOMETRIC.MINISWHITE:
            colour = np.iinfo(pixels.dtype).max - colour
        elif self.kind == PHOTOMETRIC.CIELAB:  # a and b are signed
            colour = colour ^ np.array([0, 128, 128], np.uint8)
        if self.alpha is None:
            return colour, None
        alpha = pixels[..., self.alpha]
        return (unpremultiplied(colour, alpha) if self.multiplied else colour), alpha


def decode_tiff(data: bytes, max_pixels: int) -> Stored | None:
    """Decode a TIFF; None leaves the file to Pillow.

    Raises:
        InputError: the file cannot be used.
    """
    tiff = opened_tiff(io.BytesIO(data))
    if tiff is None:
        return None
    with tiff:
        page = tiff.pages.first
        check_size(page.imagewidth, page.imagelength, max_pixels)
        check_plausible(page.imagewidth, page.imagelength, len(data))
        check_page(page, len(data))
        layout = layout_of(page)
        pages = channel_pages(tiff)
        if layout is None:
            return None
        if len(pages) == 3:
            layout = layout._replace(space="rgb")
        colour, alpha = layout.arranged(np.concatenate([page_samples(page) for page in pages], axis=2))
        return make_stored(
            colour,
            layout.space,
            alpha,
            profile=page.iccprofile,
            read_exif=lambda: tiff_exif(tiff),
            dpi=tiff_dpi(page),
            several=has_more(tiff),
        )


def opened_tiff(file: BinaryIO) -> tifffile.TiffFile | None:
    """Open a TIFF; None if it is none, or so damaged that Pillow shall tell."""
    file.seek(0)
    start = file.read(2)
    file.seek(0)
    if start not in (b"II", b"MM"):
        return None
    try:
        tiff = tifffile.TiffFile(file, _multifile=False)
        _ = tiff.pages.first
    except Exception:
        return None
    return tiff


def check_page(page: Any, file_size: int) -> None:
    """Refuse a first page that is a preview, or not all there.

    Raises:
        InputError: it is one of these.
    """
    if page.is_reduced:
        raise InputError("begins with a preview, like a camera's raw file; export a full TIFF or PNG")
    if page.imagewidth < 1 or page.imagelength < 1:
        check_size(page.imagewidth, page.imagelength, 0)
    if 0 in page.chunks or len(page.dataoffsets) != len(page.databytecounts):
        raise InputError("is damaged (its strips or tiles make no picture); copy the whole file again")
    segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
    if any(offset == count == 0 for offset, count in segments):
        raise InputError("is a sparse TIFF, with tiles left out (missing strips); save it with all of them")
    # Decoders tolerate missing strips and leave them black.
    if len(segments) != math.prod(page.chunked) or not all(
        offset > 0 and count > 0 and offset + count <= file_size for offset, count in segments
    ):
        raise InputError("is damaged or cut off (missing strips); copy the whole file again")


def layout_of(page: Any, *, floating: bool = False) -> Layout | None:
    """What a page's samples mean; None leaves it to Pillow, which reads faxes and old kinds of JPEG.

    Args:
        page: the page.
        floating: whether samples are floating point, which is read in grey and RGB.

    Raises:
        InputError: nobody can tell what they mean, or they are not of a kind that is read.
    """
    bits, samples, kind = page.bitspersample, page.samplesperpixel, _kind(page)
    if samples == 1 and bits in (1, 2, 4, 8) and page.compression not in FAX and kind in FEW_BITS[bits == 8]:
        return Layout(kind, "rgb" if kind == PHOTOMETRIC.PALETTE else "gray", None, False, _table(page, kind))
    readable = kind in SPACES and (bits == 8 or (bits == 16 and SPACES[kind] != "lab"))
    if floating:
        readable = kind in (PHOTOMETRIC.MINISBLACK, PHOTOMETRIC.RGB)
    elif not readable and bits <= 8 and samples == 1:
        return None
    numbers = (SAMPLEFORMAT.IEEEFP,) if floating else (SAMPLEFORMAT.UINT, SAMPLEFORMAT.VOID)
    if not readable or page.sampleformat not in numbers:
        raise InputError(
            f"has {bits}-bit samples ({SAMPLEFORMAT(page.sampleformat).name}, {kind.name}); "
            "save it with unsigned 8 or 16 bits in grey, RGB or CMYK"
        )
    if kind == PHOTOMETRIC.YCBCR and page.compression == COMPRESSION.OJPEG:
        return None
    if kind == PHOTOMETRIC.YCBCR and page.compression not in JPEGS:
        raise InputError("holds luma and chroma (YCBCR) without JPEG compression; save it as RGB")
    if kind == PHOTOMETRIC.SEPARATED and page.tags.valueof("InkSet", 1) != 1:
        raise InputError(f"holds {samples} inks that are not CMYK; save it as RGB")
    extras = [EXTRASAMPLE(value) for value in page.extrasamples]
    space = _banded(samples, extras) if kind == PHOTOMETRIC.MINISBLACK else SPACES[kind]
    surplus = samples - COLOURS[space]
    if surplus < 0:
        raise InputError(f"has {counted(samples, 'sample')} per pixel, too few for {space}; save it as RGB")
    # Old files do not say what an extra sample means.
    meanings = extras[max(0, len(extras) - surplus) :] if extras else [EXTRASAMPLE.UNASSALPHA] * surplus
    place = next((number for number, meaning in enumerate(meanings) if meaning in ALPHA), None)
    if place is None:
        return Layout(kind, space, None, False)
    return Layout(kind, space, COLOURS[space] + place, meanings[place] == EXTRASAMPLE.ASSOCALPHA)


def _kind(page: Any) -> PHOTOMETRIC:
    """The photometric interpretation, which is required, but some leave it out; tifffile would invert."""
    if "PhotometricInterpretation" in page.tags:
        return PHOTOMETRIC(page.photometric)
    return PHOTOMETRIC.RGB if page.samplesperpixel >= 3 else PHOTOMETRIC.MINISBLACK


def _banded(samples: int, extras: list[EXTRASAMPLE]) -> str:
    """The space of a picture whose bands all count as grey, as programs for science write them.

    Raises:
        InputError: there are neither one nor three.
    """
    transparent = sum(extra in ALPHA for extra in extras) if extras else int(samples == 2)
    bands = samples - transparent
    if bands not in (1, 3):
        raise InputError(
            f"holds {counted(bands, 'band')}, of which nobody can tell the colours; save it as RGB"
        )
    return "rgb" if bands == 3 else "gray"


def _table(page: Any, kind: PHOTOMETRIC) -> Array:
    """The colours, (N, 3) or (N, 1), that samples stand for."""
    steps = 2**page.bitspersample
    if kind == PHOTOMETRIC.PALETTE:
        colours: Array = np.asarray(page.colormap).T[:steps] // 256
        return colours.astype(np.uint8)
    grey: Array = np.arange(steps, dtype=np.uint8)[:, None] * (255 // (steps - 1))
    return 255 - grey if kind == PHOTOMETRIC.MINISWHITE else grey


def channel_pages(tiff: tifffile.TiffFile) -> list[Any]:
    """The pages that make up the first picture: one, or three if microscopes' software stores its channels apart.

    Raises:
        InputError: there are channels, but not three.
    """
    first = tiff.pages.first
    if not (tiff.is_ome or tiff.is_imagej) or first.samplesperpixel != 1:
        return [first]
    series = tiff.series[0]
    channels = dict(zip(series.axes, series.shape, strict=True)).get("C", 1)
    if channels == 1:
        return [first]
    if channels != 3 or len(series.pages) != 3:
        raise InputError(f"holds {counted(channels, 'channel')} as pages; save the picture as RGB")
    return [page.aspage() for page in series.pages if page is not None]


def has_more(tiff: tifffile.TiffFile) -> bool:
    """Whether there are more pictures; smaller versions of the first, as in a pyramid, and its channels are none."""
    further = len(channel_pages(tiff))
    return any(not page.aspage().is_reduced for page in tiff.pages[further : further + 1])


def tiff_exif(tiff: tifffile.TiffFile) -> Image.Exif:
    """The first page's tags as EXIF data."""
    file: Any = tiff.filehandle
    start = tiff.pages.first.offset
    exif = Image.Exif()
    if not (tiff.is_bigtiff and tiff.byteorder == ">"):
        exif.bigtiff, exif.endian = tiff.is_bigtiff, tiff.byteorder
        exif.load_from_fp(file, start)
        return exif

    def directory(offset: int) -> dict[int, Any]:
        # Pillow takes big-endian BigTIFFs for small ones, unless the byte order is given apart.
        tags = ImageFileDirectory_v2(b"II\x2b\0\x08\0\0\0" + bytes(8), prefix=b"MM")
        file.seek(offset)
        tags.load(file)
        return dict(tags)

    tags = directory(start)
    nested: dict[int, Any] = {tag: directory(tags.pop(tag)) for tag in (IFD.Exif, IFD.GPSInfo) if tag in tags}
    plain = {tag: value for tag, value in tags.items() if tag in (*Base,) and isinstance(value, str | int)}
    copy = Image.Exif()
    copy.update({**plain, **nested})
    exif.load(copy.tobytes())
    return exif


def tiff_dpi(page: Any) -> tuple[float, float] | None:
    """Pixels per inch along the width and along the height; None if the page does not say."""
    known = "XResolution" in page.tags and page.resolutionunit in (RESUNIT.INCH, RESUNIT.CENTIMETER)
    return page.get_resolution(RESUNIT.INCH) if known else None


def page_samples(page: Any) -> Array:
    """A page's samples, (H, W, S), as stored.

    Raises:
        InputError: there are others than the page says.
    """
    pixels: Array = page.asarray()
    if page.axes == "SYX":  # one plane after the other
        pixels = np.moveaxis(pixels, 0, 2)
    if pixels.size != page.imagelength * page.imagewidth * page.samplesperpixel:
        raise InputError("is damaged (its samples do not fill the picture); copy the whole file again")
    return pixels.reshape(page.imagelength, page.imagewidth, -1)
