"""Pictures for the report: read, named, and embedded in the page."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import font_manager
from PIL import Image, ImageFont
from torch import Tensor

from sinct.pictures.picture import read_picture
from sinct.report.results import Comparison, MethodResult

LOSSLESS_BYTES = 64 * 2**20
"""Most bytes that all full-size pictures together may take to be embedded losslessly."""

_WEBP_SIDE = 16383  # pixels; the format's limit


@dataclass(frozen=True)
class Panel:
    """One picture of the comparison.

    Attributes:
        name: caption above it.
        picture: RGB, at full size.
        result: result that it belongs to; None for the painting and the photo.
        further: whether it is of another run than the one that stands for the method.
    """

    name: str
    picture: Image.Image
    result: MethodResult | None = None
    further: bool = False


def panels(folder: Path, comparison: Comparison) -> tuple[Panel, Panel, list[Panel]]:
    """Read the painting, the photo and the results.

    A control that is the painting or the photo itself is left out, since it would be shown twice.

    Raises:
        InputError: a picture is missing or damaged.
    """
    painting = Panel("Painting", read(folder / comparison.painting.file))
    photo = Panel("Photo", read(folder / comparison.photo.file))
    inputs = {painting.picture.tobytes(), photo.picture.tobytes()}
    found = []
    for result in comparison.results:
        if result.file is not None:
            found.append(Panel(result.title, read(folder / result.file), result))
        for run in result.runs:
            if run.file is not None and run.file != result.file:
                name = f"{result.title}, seed {run.seed}"
                found.append(Panel(name, read(folder / run.file), result, further=True))
    return painting, photo, [p for p in found if not (_is_control(p) and p.picture.tobytes() in inputs)]


def _is_control(panel: Panel) -> bool:
    return panel.result is not None and panel.result.control


def read(path: Path) -> Image.Image:
    """Read a picture file as 8-bit sRGB."""
    return to_image(read_picture(path).pixels)


def to_image(pixels: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1] -> 8-bit RGB."""
    samples = pixels.add(1).mul(127.5).round().byte()
    return Image.fromarray(np.ascontiguousarray(samples.permute(1, 2, 0).numpy()))


def embed(pictures: Sequence[Image.Image]) -> tuple[list[str], bool]:
    """Data URIs of full-size pictures, and whether they are lossless.

    All are lossless WebP, 20 % smaller than PNG, as long as a page of that size still opens at once. Above that,
    all are JPEG of quality 95 with full colour resolution, so that none is at a disadvantage. Lossy WebP halves
    the colour resolution and would add artefacts of its own where artefacts are to be judged.
    """
    sources, size = [], 0
    for picture in pictures:
        data = _webp(picture) if max(picture.size) <= _WEBP_SIDE else b""
        sources.append(_data_uri("webp", data))
        size += len(data)
        if not data or size > LOSSLESS_BYTES:
            return [_data_uri("jpeg", _jpeg(picture)) for picture in pictures], False
    return sources, True


def embed_small(picture: Image.Image) -> str:
    """Data URI of a small picture, lossless."""
    return _data_uri("webp", _webp(picture))


def embed_thumbnail(picture: Image.Image, width: int) -> str:
    """Data URI of a picture, scaled down to a width in pixels if it is wider."""
    scale = min(1.0, width / picture.width)
    size = (round(picture.width * scale), max(1, round(picture.height * scale)))
    return _data_uri("jpeg", _jpeg(picture.resize(size, Image.Resampling.LANCZOS)))


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", lossless=True, method=4)
    return file.getvalue()


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=95, subsampling=0, optimize=True)
    return file.getvalue()


def _data_uri(kind: str, data: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def label_font(size: int) -> ImageFont.FreeTypeFont:
    """The font that comes with matplotlib, so that labels have the same size on every machine."""
    return ImageFont.truetype(font_manager.findfont("DejaVu Sans"), max(8, size))
