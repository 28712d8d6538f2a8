"""Run a generator over a whole picture, window by window, with the same result as in one piece."""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.generator import GeneratorBase
from sinct.windows import windows

WINDOW = 1024
"""Default side of a window, in pixels: about 0.7 GB of float32 maps at width 80, little of it halo."""


@torch.no_grad()
def translate_picture(
    generator: GeneratorBase,
    picture: Tensor,
    *,
    window: int = WINDOW,
    mixed_precision: bool = False,
) -> Tensor:
    """Translate one picture of any size.

    Windows overlap by the generator's receptive field and only what no cut can reach is kept, so nothing
    is blended and no seam can appear: the result is that of the whole picture to rounding.

    Args:
        generator: on the device to compute on.
        picture: (3, H, W) in [-1, 1], on any device, H and W at least 1.
        window: side of the square windows, in pixels.
        mixed_precision: autocast to bfloat16.

    Returns:
        (3, H, W) in [-1, 1], float32, on the CPU.
    """
    height, width = picture.shape[1:]
    stride, halo = generator.stride, generator.halo
    device = next(generator.parameters()).device
    odd = (0, -width % stride, 0, -height % stride)
    padded = F.pad(picture[None].float(), odd, mode="replicate")  # cut away again below
    result = torch.empty_like(padded[0], device="cpu")
    for rows, columns in windows(padded.shape[2], padded.shape[3], window, halo, stride):
        part = padded[:, :, rows.start : rows.stop, columns.start : columns.stop]
        part = part.to(device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, dtype=torch.bfloat16, enabled=mixed_precision):
            translated = generator(part)[0]
        top, left = rows.keep_start - rows.start, columns.keep_start - columns.start
        kept = translated[
            :,
            top : top + rows.keep_stop - rows.keep_start,
            left : left + columns.keep_stop - columns.keep_start,
        ]
        result[:, rows.keep_start : rows.keep_stop, columns.keep_start : columns.keep_stop] = kept.clamp(
            -1, 1
        )
    return result[:, :height, :width]
