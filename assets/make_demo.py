"""Make the two demo pictures, a painting and a photo: `python assets/make_demo.py [-o DIR]`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING or __package__:
    from .painterly import Array, paint
    from .scene import Hill, Look, Scene, World, develop, render
else:  # run as a script: the neighbouring modules are importable by their bare names
    from painterly import Array, paint
    from scene import Hill, Look, Scene, World, develop, render

PHOTO = Scene(
    seed=7,
    eye=13.0,
    horizon=0.40,
    focal=0.95,
    sun=(0.85, 0.5, -0.3),
    forest=0.15,
    wind=5.0,
    clouds=0.42,
    cliff=36.0,
    hills=(
        Hill(-26, 5, 60, 45, 26.5),
        Hill(50, 28, 66, 42, 17.0),
        Hill(-115, 105, 95, 85, 21),
        Hill(-215, 300, 170, 190, 30),
        Hill(-400, 820, 420, 330, 210),
        Hill(-60, 760, 200, 130, 80),
        Hill(185, 650, 26, 26, 30),
        Hill(-800, 1900, 700, 500, 330),
        Hill(-2600, 6800, 2600, 1500, 900),
        Hill(2300, 9000, 2600, 1200, 560),
    ),
    look=Look(
        rock_light=(0.37, 0.27, 0.18),
        rock_dark=(0.13, 0.09, 0.065),
        zenith=(0.09, 0.24, 0.62),
        horizon=(0.55, 0.74, 0.95),
        exposure=0.5,
    ),
)

# What the painter painted: another coast in hazy, warm evening light, seen against the sun.
MOTIF = Scene(
    seed=23,
    eye=11.0,
    horizon=0.36,
    focal=0.9,
    sun=(-0.75, 0.42, 0.45),
    forest=0.1,
    wind=3.6,
    clouds=0.36,
    hills=(
        Hill(40, 3, 64, 44, 27),
        Hill(95, 120, 80, 90, 20),
        Hill(190, 330, 130, 190, 34),
        Hill(300, 620, 260, 220, 105),
        Hill(-20, 560, 40, 36, 26),
        Hill(900, 1700, 600, 500, 300),
        Hill(-1900, 5200, 1900, 1000, 560),
        Hill(1500, 7400, 2400, 1200, 700),
    ),
    look=Look(
        sun=(5.6, 4.4, 3.2),
        zenith=(0.30, 0.55, 0.76),
        horizon=(1.05, 0.98, 0.82),
        glow=(1.1, 0.75, 0.45),
        haze=(0.00016, 0.00018, 0.00022),
        deep=(0.07, 0.27, 0.28),
        shallow=(0.26, 0.52, 0.44),
        rock_light=(0.62, 0.46, 0.38),
        rock_dark=(0.34, 0.24, 0.26),
        grass_green=(0.20, 0.27, 0.08),
        grass_dry=(0.42, 0.36, 0.16),
        leaf=(0.10, 0.17, 0.08),
        sand=(0.62, 0.52, 0.40),
        exposure=0.56,
    ),
)


def photograph(scene: Scene, width: int, height: int, *, samples: int) -> Array:
    """Render a scene as a display picture (height, width, 3) in [0, 1]."""
    radiance = render(World(scene), width, height, samples=samples)
    return develop(radiance, scene.look.exposure, seed=scene.seed)


def make_photo() -> Array:
    """Make the demo photo, (768, 1024, 3) in [0, 1]."""
    return photograph(PHOTO, 1024, 768, samples=2)


def make_painting() -> Array:
    """Make the demo painting, (750, 1000, 3) in [0, 1]."""
    # One sample is enough: strokes would hide what a second one adds.
    return paint(photograph(MOTIF, 1000, 750, samples=1), seed=MOTIF.seed)


def save(picture: Array, path: Path, quality: int) -> None:
    """Write a picture in [0, 1] as JPEG with full-resolution colour."""
    pixels = (picture * 255).round().astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=quality, subsampling=0, optimize=True)


def main() -> None:
    """Write both pictures to the given folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    here = Path(__file__).parent
    parser.add_argument("-o", "--output", type=Path, default=here, metavar="DIR", help="folder to write to")
    folder: Path = parser.parse_args().output
    folder.mkdir(parents=True, exist_ok=True)
    save(make_painting(), folder / "demo-painting.jpg", quality=92)
    save(make_photo(), folder / "demo-photo.jpg", quality=90)


if __name__ == "__main__":
    main()
