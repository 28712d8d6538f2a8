"""Run a generator over a picture window by window, with the same result as in one piece."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.generator import GeneratorBase
from sinct.windows import Sides, Span, spans

WINDOW = 1024
"""Default side of a window, in pixels: about 0.7 GB of float32 maps at width 80, little of it halo."""

Cut = Callable[[slice, slice], Tensor]
"""Rows and columns of a picture, in pixels -> (3, H, W) in [-1, 1], on any device."""


class Part(NamedTuple):
    """A finished part of a translation.

    Attributes:
        top: its first row in the picture.
        left: its first column.
        pixels: (3, H, W) in [-1, 1], float32, on the CPU.
    """

    top: int
    left: int
    pixels: Tensor


@torch.no_grad()
def translate_windows(
    generator: GeneratorBase,
    cut: Cut,
    height: int,
    width: int,
    rows: Sequence[Span],
    columns: Sequence[Span],
    *,
    mixed_precision: bool = False,
) -> Iterator[Part]:
    """Translate a picture of any size that need not be in memory, in reading order.

    Windows overlap by the generator's receptive field and only what no cut can reach is kept, so nothing
    is blended and no seam can appear: the result is that of the whole picture to rounding.

    Args:
        generator: on the device to compute on.
        cut: gives the picture's pixels.
        height: of the picture in pixels, at least 1.
        width: of the picture in pixels, at least 1.
        rows: spans of the windows along the height, of a plan for `padded_size`.
        columns: spans along the width.
        mixed_precision: autocast to bfloat16.
    """
    device = next(generator.parameters()).device
    for down, across in product(rows, columns):
        part = cut(_inside(down, height), _inside(across, width)).to(device, torch.float32)
        missing = (0, across.stop - across.start - part.shape[2], 0, down.stop - down.start - part.shape[1])
        part = F.pad(part[None], missing, mode="replicate")  # cut away again below
        part = part.contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed_precision):
            translated = generator(part)[0]
        kept = translated[:, down.kept, across.kept].float().clamp(-1, 1)
        inside = kept[:, : height - down.keep_start, : width - across.keep_start]
        yield Part(down.keep_start, across.keep_start, inside.cpu())


def translate_whole(
    generator: GeneratorBase,
    cut: Cut,
    height: int,
    width: int,
    *,
    window: int = WINDOW,
    mixed_precision: bool = False,
) -> Tensor:
    """Translate a picture in square windows and lay them together, see `translate_windows`.

    Args:
        generator: on the device to compute on.
        cut: gives the picture's pixels.
        height: of the picture in pixels, at least 1.
        width: of the picture in pixels, at least 1.
        window: side of the windows, in pixels.
        mixed_precision: autocast to bfloat16.

    Returns:
        (3, H, W) in [-1, 1], float32, on the CPU.
    """
    rows, columns = plan(generator, height, width, Sides(window, window))
    parts = translate_windows(generator, cut, height, width, rows, columns, mixed_precision=mixed_precision)
    return assemble(parts, height, width)


def plan(generator: GeneratorBase, height: int, width: int, sides: Sides) -> tuple[list[Span], list[Span]]:
    """Spans along the height and the width of a picture, for windows of these sides."""
    padded = padded_size(height, width, generator.stride)
    down, across = (
        spans(length, side, generator.halo, generator.stride)
        for length, side in zip(padded, sides, strict=True)
    )
    return down, across


def assemble(parts: Iterator[Part], height: int, width: int) -> Tensor:
    """Lay the parts of a translation together, (3, H, W)."""
    result = torch.empty(3, height, width)
    for top, left, pixels in parts:
        result[:, top : top + pixels.shape[1], left : left + pixels.shape[2]] = pixels
    return result


def padded_size(height: int, width: int, stride: int) -> tuple[int, int]:
    """Size rounded up to the generator's stride."""
    return height + -height % stride, width + -width % stride


def _inside(span: Span, length: int) -> slice:
    """What a window reads of the picture itself, without the padding of odd sizes."""
    return slice(span.start, min(span.stop, length))
