"""Noise for generators that take it beside the picture: one normal number for each pixel of a translation."""

import math

import torch
from torch import Tensor


def noise_at(rows: slice, columns: slice, seed: int) -> Tensor:
    """Cut a rectangle out of unbounded noise; each pixel is the same whichever rectangle it is cut with.

    Every pixel hashes its own place, so windows agree where they overlap, and nothing has to be kept.

    Args:
        rows: rows in pixels, from the picture's first; may begin below 0.
        columns: columns in pixels, from the picture's first; may begin below 0.
        seed: seeds the picture's noise.

    Returns:
        (1, H, W), standard normal, float32, on the CPU.

    Ours; the authors' code draws new noise each time.
    """
    down = torch.arange(rows.start, rows.stop)[:, None]
    across = torch.arange(columns.start, columns.stop)
    place = _hash(_hash(_hash(torch.tensor(seed ^ seed >> 32)) ^ down) ^ across)
    radius, angle = (_uniform(place ^ which) for which in (1, 2))
    return ((-2 * radius.log()).sqrt() * (2 * math.pi * angle).cos())[None].float()  # Box & Muller 1958


def _uniform(place: Tensor) -> Tensor:
    """Numbers in (0, 1), float64, from whole numbers."""
    return (_hash(place) + 0.5) / 2**32


def _hash(x: Tensor) -> Tensor:
    """Scatter whole numbers over [0, 2^32), int64; the finaliser of MurmurHash3 (Appleby 2011)."""
    x = x & 0xFFFFFFFF
    x = ((x ^ x >> 16) * 0x85EBCA6B) & 0xFFFFFFFF
    x = ((x ^ x >> 13) * 0xC2B2AE35) & 0xFFFFFFFF
    return x ^ x >> 16
