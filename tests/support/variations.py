"""Variations of tiny pictures, trained once for all tests that need some."""

from pathlib import Path

import numpy as np
from PIL import Image

import sinct

CONFIG = sinct.Config(
    width=4,
    discriminator_widths=(4, 8, 8),
    projection_dimensions=8,
    crops=2,
    identity_crops=2,
    crop_size=32,
    tile_size=16,
    min_width=32,
    max_width=48,
    queries=4,
    ema_decay=0.9,
    warm_start=False,
    steps=20,
)
"""20 steps: each of two candidates has 5, and 15 if it is chosen."""


def draw(path: Path, seed: int, size: tuple[int, int] = (60, 45)) -> Path:
    """Write a seeded picture of coloured blobs."""
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def trained_in(folder: Path) -> Path:
    """Draw painting.png and photo.png in a folder, and train two candidates for out.png there."""
    painting, photo = draw(folder / "painting.png", 0), draw(folder / "photo.png", 1, (64, 50))
    sinct.vary(painting, photo, folder / "out.png", config=CONFIG, seeds=2)
    return folder
