"""Noise added to what a generator sees, so that texture has something to grow from."""

import hashlib

import torch
import torch.nn.functional as F
from torch import Tensor

COARSE = 4
"""Pixels between the samples of the coarser noise."""

BLOCK = 256
"""Side in pixels of the blocks that a picture's noise is drawn in, each from its own seed."""


def grain(count: int, height: int, width: int, deviation: float, generator: torch.Generator) -> Tensor:
    """Draw Gaussian noise at two scales, pixel by pixel and smooth over about 4 px.

    Where a picture is flat, a deterministic generator can only repeat itself, and produces ripples; grain makes one
    place differ from another. It is added to what the generator sees, never to a result.

    Args:
        count: number of pictures N.
        height: H in pixels.
        width: W in pixels.
        deviation: standard deviation of the finer noise, in units of [-1, 1]; the coarser has about two thirds of it.
        generator: draws the noise.

    Returns:
        (N, 3, H, W), on the generator's device.

    Ours; noise as the source of stochastic detail is StyleGAN's (Karras et al. 2019, arXiv:1812.04948, section 3.2).
    """
    coarse_size = -(-height // COARSE), -(-width // COARSE)
    fine = torch.randn(count, 3, height, width, generator=generator, device=generator.device)
    coarse = torch.randn(count, 3, *coarse_size, generator=generator, device=generator.device)
    smooth = F.interpolate(coarse, scale_factor=COARSE, mode="bilinear")[:, :, :height, :width]
    return deviation * (fine + smooth)


def grain_at(rows: slice, columns: slice, deviation: float, seed: int) -> Tensor:
    """Cut a rectangle out of unbounded grain; each pixel is the same whichever rectangle it is cut with.

    Args:
        rows: rows in pixels, from the picture's first.
        columns: columns in pixels, from the picture's first.
        deviation: see `grain`.
        seed: seeds the picture's grain.

    Returns:
        (3, H, W), on the CPU.
    """
    height, width = rows.stop - rows.start, columns.stop - columns.start
    result = torch.empty(3, height, width)
    for down in range(rows.start // BLOCK, -(-rows.stop // BLOCK)):
        for across in range(columns.start // BLOCK, -(-columns.stop // BLOCK)):
            block = _block(down, across, deviation, seed)
            top, left = down * BLOCK - rows.start, across * BLOCK - columns.start
            inside = block[:, max(0, -top) : height - top, max(0, -left) : width - left]
            top, left = max(0, top), max(0, left)
            result[:, top : top + inside.shape[1], left : left + inside.shape[2]] = inside
    return result


def _block(down: int, across: int, deviation: float, seed: int) -> Tensor:
    """Draw one block of grain; that the coarser noise ends at its edges is too faint to be seen or learnt."""
    digest = hashlib.blake2b(f"{seed} {down} {across}".encode(), digest_size=7).digest()
    random = torch.Generator().manual_seed(int.from_bytes(digest, "big"))
    return grain(1, BLOCK, BLOCK, deviation, random)[0]
