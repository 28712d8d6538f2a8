"""Pictures with a given colour and texture, for tests of similarity."""

from pathlib import Path

import numpy as np
from PIL import Image

BLUE, GREEN, RED = (40, 70, 190), (50, 140, 60), (190, 50, 40)


def paint(path: Path, colour, *, seed=0, spread=12.0, size=(120, 90), blur=False) -> str:
    """Write grains of one colour, or with `blur` the same colours in smooth areas."""
    random = np.random.default_rng(seed)
    width, height = size
    samples = np.array(colour) + random.normal(0, spread, (height, width, 1))
    if blur:  # the same values, sorted into a gradient: equal colours, no texture
        samples = np.sort(samples.reshape(-1, 3), axis=0).reshape(height, width, 3)
    Image.fromarray(samples.clip(0, 255).round().astype(np.uint8)).save(path)
    return str(path)
