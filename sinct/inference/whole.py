"""Run a generator over a picture window by window; the result is the same as in one piece.

A generator that needs the whole picture gets it as one window, without a margin.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.data.noise import noise_at
from sinct.networks.base import GeneratorBase
from sinct.pictures.cuts import Cut, mirrored
from sinct.pictures.windows import Sides, Span, spans

WINDOW = 1024
"""Default side of a window, in pixels: about 0.7 GB of float32 maps at width 80, little of it halo."""

MARGIN = 32
"""Pixels by which a picture is continued beyond its border, mirrored, before the generator sees it (ours). Without
them, the zeros that convolutions pad with would leave a line along the border. A multiple of every stride."""


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
    seed: int = 0,
) -> Iterator[Part]:
    """Translate a picture of any size, which need not be in memory, in reading order.

    Windows overlap by the generator's receptive field, and only pixels that no window border can affect are kept. So
    nothing is blended and no seam can appear: up to rounding, the result is that of the whole picture.

    Args:
        generator: generator to run, on the device to compute on.
        cut: returns the picture's pixels.
        height: height of the picture, in pixels, at least 1.
        width: width of the picture, in pixels, at least 1.
        rows: spans of the windows along the height, see `plan`.
        columns: spans along the width, see `plan`.
        mixed_precision: autocast to bfloat16.
        seed: of the noise that some generators take, see `noise_at`.
    """
    device = next(generator.parameters()).device
    continued = mirrored(cut, height, width)
    for down, across in product(rows, columns):
        place = slice(down.start, down.stop), slice(across.start, across.stop)
        part = continued(*place)[None].to(device, torch.float32)
        part = part.contiguous(memory_format=torch.channels_last)
        noise = noise_at(*place, seed)[None].to(device) if generator.noisy else None
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed_precision):
            translated = generator(part, noise)[0]
        kept = translated[:, down.kept, across.kept].float().clamp(-1, 1)
        yield Part(down.keep_start, across.keep_start, kept.cpu())


def translate_whole(
    generator: GeneratorBase,
    cut: Cut,
    height: int,
    width: int,
    *,
    window: int = WINDOW,
    mixed_precision: bool = False,
    seed: int = 0,
) -> Tensor:
    """Translate a picture in square windows and put them together, see `translate_windows`.

    Args:
        generator: generator to run, on the device to compute on.
        cut: returns the picture's pixels.
        height: height of the picture, in pixels, at least 1.
        width: width of the picture, in pixels, at least 1.
        window: side of the windows, in pixels; not for generators that need the whole picture.
        mixed_precision: autocast to bfloat16.
        seed: of the noise that some generators take.

    Returns:
        (3, H, W) in [-1, 1], float32, on the CPU.
    """
    rows, columns = plan(generator, height, width, Sides(window, window))
    parts = translate_windows(
        generator, cut, height, width, rows, columns, mixed_precision=mixed_precision, seed=seed
    )
    return assemble(parts, height, width)


def plan(
    generator: GeneratorBase, height: int, width: int, sides: Sides, reach: int = 0
) -> tuple[list[Span], list[Span]]:
    """Spans along the height and the width of a picture, for windows with these sides.

    They read up to `MARGIN` pixels beyond the picture, and a little more where its size is not a multiple of the
    stride, and keep what lies inside. A generator that needs the whole picture gets the picture itself.

    Args:
        generator: generator to run.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        sides: sides of the windows.
        reach: pixels around what is kept whose translation is needed too, a multiple of the stride; see `grown`.
    """
    if generator.whole:
        return [Span(0, height, 0, height)], [Span(0, width, 0, width)]

    halo = generator.halo + reach

    def along(length: int, continued: int, side: int) -> list[Span]:
        found = (
            Span(
                start - MARGIN,
                stop - MARGIN,
                max(0, keep_start - MARGIN),
                min(length, keep_stop - MARGIN),
            )
            for start, stop, keep_start, keep_stop in spans(continued, side, halo, generator.stride)
        )
        return [span for span in found if span.keep_start < span.keep_stop]

    continued = continued_size(height, width, generator.stride)
    return along(height, continued[0], sides.rows), along(width, continued[1], sides.columns)


def grown(span: Span, reach: int, length: int) -> Span:
    """The same window of a plan, which keeps as many pixels more on each side, as far as the picture has them."""
    return span._replace(
        keep_start=max(0, span.keep_start - reach), keep_stop=min(length, span.keep_stop + reach)
    )


def assemble(parts: Iterator[Part], height: int, width: int) -> Tensor:
    """Put the parts of a translation together, (3, H, W)."""
    result = torch.empty(3, height, width)
    for top, left, pixels in parts:
        result[:, top : top + pixels.shape[1], left : left + pixels.shape[2]] = pixels
    return result


def continued_size(height: int, width: int, stride: int) -> tuple[int, int]:
    """Size with the margin on each side, rounded up to the generator's stride."""
    rows, columns = height + 2 * MARGIN, width + 2 * MARGIN
    return rows + -rows % stride, columns + -columns % stride
