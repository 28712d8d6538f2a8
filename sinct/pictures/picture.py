"""Reads picture files as tensors in sRGB and writes them back, with what belongs to them."""

import hashlib
import io
import os
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import imagecodecs
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from sinct.errors import InputError, OutputError
from sinct.pictures.colour import SRGB_PROFILE, Array, from_srgb, to_srgb
from sinct.pictures.colour_tags import Profile
from sinct.pictures.decoding import decode, open_apart, reading
from sinct.pictures.encoding import FORMATS, Format, Metadata, provenance_in, provenance_in_xmp
from sinct.pictures.jxl_header import is_jxl, metadata_box
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.pillow_decoding import READABLE
from sinct.pictures.png import is_png, read_png_header
from sinct.pictures.transparency import bounds, continued, shows
from sinct.runtime.files import replacing, unwritable

PIXELS_PER_CALL = 1_000_000
"""Pixels that are converted into a profile at a time."""

OUTPUT_SUFFIXES = tuple(suffix for suffix in FORMATS if suffix != ".dzi")
"""Suffixes of the files that `write_picture` can write; upper case works too."""


@dataclass(frozen=True)
class Picture:
    """A picture in sRGB, upright, and what else its file contains.

    Attributes:
        pixels: (3, H, W) float32 in [-1, 1], sRGB with its gamma, not multiplied by alpha.
        alpha: (1, H, W) float32 in [0, 1], or None if everything is opaque.
        bits: bits per channel in the file: 16, or 8 for 8 and fewer.
        dpi: pixels per inch along the width and along the height, or None if the file has none.
        exif: the EXIF data that remain true: texts, camera and place, with orientation 1 and without sizes,
            thumbnail, colour space and maker note; None if nothing is left.
        sha256: SHA-256 of the file's bytes, in hexadecimal.
        share: share of the file's width that `pixels` show; below 1 for a part cut out of it.
        space: colour space of the file's samples, see `sinct.pictures.colour.to_srgb`.
        profile: what says how the file's colours were converted, or None.
    """

    pixels: Tensor
    alpha: Tensor | None
    bits: int
    dpi: tuple[float, float] | None
    exif: bytes | None
    sha256: str
    share: float = 1.0
    space: str = "rgb"
    profile: Profile | None = None

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.pixels.shape[1]

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.pixels.shape[2]

    @property
    def shown(self) -> Tensor | None:
        """(H, W), true where the picture shows; None if it shows everywhere."""
        if self.alpha is None:
            return None
        shown = torch.from_numpy(shows(self.alpha[0].numpy()))
        return None if bool(shown.all()) else shown

    @property
    def visible(self) -> Tensor:
        """`pixels` with the colours of what shows instead of those hidden under alpha (`sinct.pictures.transparency`).

        Raises:
            InputError: nothing shows.
        """
        shown = self.shown
        if shown is None:
            return self.pixels
        if not shown.any():
            raise InputError(
                "is transparent everywhere, so nothing of it shows; save it without transparency"
            )
        filled = continued(np.moveaxis(self.pixels.numpy(), 0, 2), shown.numpy(), 0.0)
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(filled, 2, 0)))

    @property
    def seen(self) -> Tensor:
        """`visible`, but `pixels` where nothing shows: then they are as good as any others."""
        shown = self.shown
        return self.pixels if shown is not None and not shown.any() else self.visible

    def cut_out(self) -> Self:
        """The smallest part with everything that shows."""
        shown = self.shown
        if shown is None or self.alpha is None or not shown.any():
            return self
        rows, columns = bounds(shown.numpy())
        part, alpha = self.pixels[:, rows, columns], self.alpha[:, rows, columns]
        return replace(self, pixels=part, alpha=alpha, share=self.share * part.shape[2] / self.width)


def read_picture(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Picture:
    """Read the first picture in a file, in sRGB and upright.

    Reads the kinds of `sinct.pictures.formats.KINDS`, which says how many bits of each are kept. HEIC needs the extra
    heic, raw files of cameras raw, and Photoshop files psd. Raw files are developed by LibRaw with the camera's white
    balance, not made brighter, and cut off where the sensor was full. Floating point without a profile is taken as
    linear light, with 1.0 for white.

    Colour profiles are converted in floating point, with relative colorimetric intent and black point
    compensation: colours within sRGB stay as they are, others are clipped. Code points (cICP in PNG, nclx in
    AVIF and HEIC), gamma and chromaticities (PNG) and a camera's Adobe RGB (EXIF) count as profiles. Without any, grey
    and RGB are taken as sRGB, CMYK as perfect inks and LAB as CIELAB under D50.

    Args:
        path: the picture file.
        max_pixels: most pixels to decode, as a guard against small files that unpack to huge pictures.

    Warns:
        UserWarning: a damaged colour profile or EXIF block is left out, light above white is cut off, or the file
            holds more pictures.

    Raises:
        InputError: the file is missing, unreadable, too large, damaged or not a picture of these kinds.
    """
    data = _read(path)
    try:
        stored = decode(data, max_pixels)
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from error.__cause__
    colours = to_srgb(stored.samples, stored.space, stored.profile, stored.remarks)
    for remark in stored.remarks:
        warnings.warn(f"{_printable(path)}: {remark}", stacklevel=2)
    alpha = None if stored.alpha is None else _to_tensor(stored.alpha[..., None])
    return Picture(
        pixels=_to_tensor(colours).mul_(2).sub_(1),
        alpha=None if alpha is None or bool((alpha == 1).all()) else alpha,
        bits=8 * stored.samples.itemsize,
        dpi=stored.dpi,
        exif=stored.exif,
        sha256=hashlib.sha256(data).hexdigest(),
        space=stored.space,
        profile=stored.profile,
    )


def read_visible(path: str | os.PathLike[str], *, cut_out: bool = False) -> Picture:
    """Read a picture with the colours of what shows instead of those hidden under alpha, see `Picture.visible`.

    Args:
        path: the picture file.
        cut_out: leave out margins in which nothing shows.

    Raises:
        InputError: as for `read_picture`; or nothing of the picture shows.
    """
    picture = read_picture(path)
    try:
        picture = picture.cut_out() if cut_out else picture
        return replace(picture, pixels=picture.visible)
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from None


def read_provenance(path: str | os.PathLike[str]) -> dict[str, str]:
    """Read what `write_picture` stored about how a picture was made; {} if there is nothing.

    Raises:
        InputError: the file is missing, unreadable or not a picture.
    """
    data = _read(path)
    try:
        with reading(max_pixels=sys.maxsize):  # no pixels are decoded
            file = io.BytesIO(data)
            if is_jxl(data):
                return provenance_in_xmp(metadata_box(data, b"xml ") or b"")
            png = is_png(data[:33])
            if not png and open_apart(file) is not None:  # of a kind that is never written
                return {}
            return provenance_in(read_png_header(file).image if png else Image.open(file, formats=READABLE))
    except InputError as error:
        raise InputError(f"{_printable(path)} {error}") from error.__cause__


def _read(path: str | os.PathLike[str]) -> bytes:
    name = _printable(path)
    if os.path.isdir(path):
        raise InputError(f"{name} is a directory; give a picture file")
    try:
        data = Path(path).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{name} does not exist; check the path") from None
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name} cannot be read ({reason}); check the path and its permissions") from error
    if not data:
        raise InputError(f"{name} is empty; copy the whole file again")
    return data


def _to_tensor(samples: Array) -> Tensor:
    """(H, W, C) integers, or floats in [0, 1] -> (C, H, W) float32 in [0, 1]."""
    top = np.iinfo(samples.dtype).max if samples.dtype.kind == "u" else 1
    planes = np.array(np.moveaxis(samples, 2, 0), dtype=np.float32, order="C")
    return torch.from_numpy(planes).div_(top).clamp_(0, 1)


def check_output(
    path: str | os.PathLike[str],
    *,
    overwrite: bool,
    size: Sequence[int] | None = None,
    bits: int | None = None,
) -> None:
    """Check before long work whether its result can be written; changes nothing and leaves nothing behind.

    Args:
        path: the file to write. Directories above it may be missing; `write_picture` makes them.
        overwrite: whether an existing file may be replaced.
        size: width and height of the picture in pixels, if known.
        bits: bits per channel, 8 or 16, if known.

    Raises:
        OutputError: the suffix has no known format, the format cannot hold the size or the bits, the file
            exists and may not be replaced, or its place is not a directory or not writable.
    """
    name, kind = _printable(path), _format(path)
    if bits is not None and bits not in kind.bits:
        deep = "" if 16 in kind.bits else ", or write a .png or .tif file for 16"
        raise OutputError(
            f"{name} can hold {' or '.join(map(str, kind.bits))} bits per channel, not {bits}; "
            f"give {' or '.join(f'`bits={each}`' for each in kind.bits)}{deep}"
        )
    if size is not None and max(size) > kind.max_side:
        raise OutputError(
            f"{name} cannot hold {size[0]}x{size[1]} px, only {kind.max_side} px a side; give a .tif file"
        )
    target = Path(os.path.realpath(path))  # for a link, the file that it points to
    try:
        if target.is_dir():
            raise OutputError(f"{name} is a directory; give a file name in it")
        if target.exists():
            if not overwrite:
                raise OutputError(
                    f"{name} already exists; give another name, or `overwrite=True` to replace it"
                )
            if not os.access(target, os.W_OK):
                raise PermissionError("it is write-protected")
        place = next(parent for parent in target.parents if parent.exists())
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise unwritable(Path(path), error) from error


def write_picture(
    path: str | os.PathLike[str],
    pixels: Tensor,
    *,
    alpha: Tensor | None = None,
    bits: int = 8,
    dpi: tuple[float, float] | None = None,
    exif: bytes | None = None,
    provenance: Mapping[str, str] | None = None,
    profile: bytes = SRGB_PROFILE,
    overwrite: bool = False,
) -> None:
    """Write a picture whole or not at all, in sRGB or another RGB profile, which is embedded.

    PNG, TIFF (Deflate), WebP and JPEG XL are written without loss, JPEG and AVIF at quality 95 without colour
    subsampling. The same arguments give the same bytes. Missing directories are made. WebP, JPEG XL and AVIF cannot
    store `dpi`.

    Args:
        path: the file to write; its suffix, one of `OUTPUT_SUFFIXES`, chooses the format.
        pixels: (3, H, W), sRGB in [-1, 1], any float type and device; clamped and rounded to nearest.
        alpha: (1, H, W) in [0, 1], or None.
        bits: bits per channel: 8, or 16 for PNG, TIFF and JPEG XL.
        dpi: pixels per inch along the width and along the height.
        exif: EXIF block to carry over, as in `Picture.exif`.
        provenance: how the picture was made, for `read_provenance`: ASCII names of up to 70 characters, any
            values. PNG stores them as texts named "sinct:...", other formats in XMP as JSON.
        profile: ICC profile into which the colours are converted before they are rounded, from
            `sinct.pictures.output_profile.kept_profile`.
        overwrite: replace an existing file; the old one stays until the new one is complete.

    Warns:
        UserWarning: transparency or EXIF data do not fit into a JPEG and are left out.

    Raises:
        OutputError: as for `check_output`; also if values are not finite, the profile cannot be used, or writing
            fails.
        ValueError: `pixels` or `alpha` has another shape.
    """
    height, width = pixels.shape[-2:]
    if pixels.shape != (3, height, width) or (alpha is not None and alpha.shape != (1, height, width)):
        raise ValueError(
            f"pixels must be (3, H, W) and alpha (1, H, W), got {tuple(pixels.shape)}"
            + (f" and {tuple(alpha.shape)}" if alpha is not None else "")
        )
    name, kind = _printable(path), _format(path)
    check_output(path, overwrite=overwrite, size=(width, height), bits=bits)
    if kind.only_srgb and profile != SRGB_PROFILE:
        raise OutputError(f"{name} cannot hold another profile than sRGB: {kind.only_srgb}")
    if not torch.isfinite(pixels).all():
        raise OutputError(f"{name} is not written because some of its pixels are not finite; train again")
    if alpha is not None and not kind.has_alpha:
        warnings.warn(f"{name}: transparency does not fit into a JPEG and is left out", stacklevel=2)
        alpha = None
    if exif is not None and len(exif) > kind.max_exif:
        warnings.warn(
            f"{name}: over 64 KB of EXIF data do not fit into a JPEG and are left out", stacklevel=2
        )
        exif = None
    try:
        samples = _to_samples(pixels, alpha, bits, profile)
    except imagecodecs.CmsError:
        raise OutputError(
            f"{name} cannot be written in this `profile`, which is damaged, not for RGB or only for reading; "
            "leave it out for sRGB"
        ) from None
    data = kind.encode(samples, Metadata(dpi, exif, provenance or {}, profile))
    _write_whole(Path(os.path.realpath(path)), data, overwrite=overwrite)


def _to_samples(pixels: Tensor, alpha: Tensor | None, bits: int, profile: bytes = SRGB_PROFILE) -> Array:
    """(3, H, W) in [-1, 1], sRGB, and (1, H, W) in [0, 1] -> (H, W, 3 or 4) integers in a profile."""
    planes = pixels.detach().to("cpu", torch.float32).add(1).div_(2)
    if profile != SRGB_PROFILE:
        _convert_in_place(planes, profile)
    if alpha is not None:
        planes = torch.cat([planes, alpha.detach().to(planes)])
    planes.clamp_(0, 1).mul_(2**bits - 1).round_()
    return np.moveaxis(planes.numpy(), 0, 2).astype(f"uint{bits}", order="C")


def _convert_in_place(planes: Tensor, profile: bytes) -> None:
    """Convert (3, H, W) from sRGB in [0, 1] to a profile, some rows at a time so that they take little memory."""
    height, width = planes.shape[1:]
    step = max(1, PIXELS_PER_CALL // max(1, width))
    for top in range(0, height, step):
        rows = planes[:, top : top + step]
        colours = rows.clamp(0, 1).permute(1, 2, 0).contiguous().numpy()
        rows.copy_(torch.from_numpy(from_srgb(colours, profile)).permute(2, 0, 1))


def _write_whole(target: Path, data: bytes, *, overwrite: bool) -> None:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(target, error) from error
    with replacing(target, new=not overwrite) as temporary:
        temporary.write_bytes(data)


def _format(path: str | os.PathLike[str]) -> Format:
    suffix = Path(path).suffix.lower()
    if suffix not in FORMATS:
        raise OutputError(
            f"{_printable(path)} has {f'the unknown suffix {suffix}' if suffix else 'no suffix'}, so its format "
            f"is not known; give one of {', '.join(FORMATS)}"
        )
    return FORMATS[suffix]


def _printable(path: str | os.PathLike[str]) -> str:
    """A path with unprintable characters escaped, so that a message stays on one line."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in os.fspath(path))
