"""Pairs with a known truth: one half of a scene is painted, the other half is the photo.

A scene is a photograph that comes with scikit-image, free of copyright, or one that the project renders itself.
It is cut in the middle. The painterly renderer turns one half into the painting. The original half is the truth,
which a perfect translation would restore; the other half is the reference photo.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

import assets
from assets.make_demo import PHOTO, photograph
from assets.painterly import Array, paint
from sinct import InputError
from sinct.pictures.picture import read_picture, write_picture
from sinct.report.pictures import read

RGB = tuple[float, float, float]

EVENING: tuple[RGB, ...] = (
    (0.93, 0.80, 0.58),
    (0.80, 0.50, 0.32),
    (0.45, 0.27, 0.26),
    (0.30, 0.36, 0.45),
    (0.55, 0.58, 0.42),
    (0.16, 0.15, 0.19),
)
NORTHERN: tuple[RGB, ...] = (
    (0.85, 0.89, 0.92),
    (0.52, 0.63, 0.72),
    (0.27, 0.38, 0.50),
    (0.60, 0.40, 0.36),
    (0.38, 0.44, 0.36),
    (0.10, 0.13, 0.20),
)
EARTH: tuple[RGB, ...] = (
    (0.90, 0.84, 0.68),
    (0.74, 0.56, 0.28),
    (0.52, 0.34, 0.18),
    (0.42, 0.42, 0.26),
    (0.20, 0.15, 0.12),
)


@dataclass(frozen=True)
class Recipe:
    """How a pair is made.

    Attributes:
        name: name of the pair.
        scene: `coast`, rendered at 1600x800 px, or a picture in scikit-image's data folder.
        enlarge: factor by which a small photograph is enlarged (Lanczos), so that each half is at least 384 px
            wide; its texture is then softer than a camera's.
        painted_left: paint the left half rather than the right one.
        brush_sizes: brush radii in pixels, from coarse to fine.
        palette: sRGB colours in [0, 1] towards which strokes are pulled; None keeps the scene's own.
        palette_pull: how far strokes move towards the palette, in [0, 1].
        seed: seeds the strokes.
    """

    name: str
    scene: str
    enlarge: int
    painted_left: bool
    brush_sizes: tuple[float, ...]
    palette: tuple[RGB, ...] | None
    palette_pull: float
    seed: int


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("coast", "coast", 1, True, (18.0, 10.0, 5.5, 3.0), EVENING, 0.5, 1),
        Recipe("coffee", "coffee.png", 2, True, (14.0, 8.0, 4.0), NORTHERN, 0.4, 2),
        Recipe("chelsea", "chelsea.png", 2, False, (22.0, 12.0, 6.0), EARTH, 0.6, 3),
        Recipe("rocket", "rocket.jpg", 2, False, (12.0, 6.0, 3.0), None, 0.0, 4),
    )
}
"""All pairs with a known truth, by name."""


@dataclass(frozen=True)
class Pair:
    """A painting and a photo to train on.

    Attributes:
        name: name of the pair.
        key: a hash that changes whenever a picture changes.
        painting: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.
        truth: (3, H, W) in [-1, 1], sRGB: the scene that was painted, or None if it is unknown.
    """

    name: str
    key: str
    painting: Tensor
    photo: Tensor
    truth: Tensor | None


def known_pair(recipe: Recipe, cache: Path) -> Pair:
    """Make a pair, or read it from the cache if it was made before with the same recipe and code.

    Painting and rendering can take minutes. The result is always read from the cache's 8-bit files, so that the
    first run sees the same pixels as any other.

    Raises:
        InputError: scikit-image is not installed, or its data lacks the picture.
        OutputError: the cache cannot be written.
    """
    key = _key(recipe)
    folder = cache / f"{recipe.name}-{key}"
    paths = {kind: folder / f"{kind}.png" for kind in ("photo", "truth", "painting")}
    if not all(path.exists() for path in paths.values()):
        made = make_halves(load_scene(recipe.scene, recipe.enlarge), recipe)
        for path, picture in zip(paths.values(), made, strict=True):
            write_picture(path, _to_tensor(picture), overwrite=True)
    pictures = {kind: read_picture(path).pixels for kind, path in paths.items()}
    return Pair(recipe.name, key, **pictures)


def real_pair(painting: Path, photo: Path) -> Pair:
    """Read a pair without a truth; it takes its name from the painting's file.

    Raises:
        InputError: a file is not a readable picture.
    """
    painted, target = (read_picture(path).pixels for path in (painting, photo))
    key = hashlib.sha256(painting.read_bytes() + photo.read_bytes()).hexdigest()[:12]
    return Pair(painting.stem, key, painted, target, None)


def load_scene(name: str, enlarge: int) -> Array:
    """Render or read a whole scene and enlarge it; (H, W, 3) float32 in [0, 1], sRGB.

    Raises:
        InputError: scikit-image is not installed, or its data lacks the picture.
    """
    if name == "coast":
        return photograph(PHOTO, 1600, 800, samples=2)
    try:
        path = files("skimage") / "data" / name  # scikit-image's own loaders may download
    except ModuleNotFoundError:
        raise InputError(
            'scikit-image is not installed; run `pip install ".[benchmarks]"` in a clone of sinct'
        ) from None
    picture = read(Path(str(path)))
    size = (picture.width * enlarge, picture.height * enlarge)
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS), np.float32) / 255


def make_halves(
    scene: Array, recipe: Recipe, *, painter: Callable[..., Array] = paint
) -> tuple[Array, Array, Array]:
    """Cut a scene in two and paint one half.

    Args:
        scene: (H, W, 3) in [0, 1]; if the width is odd, the middle column belongs to neither half.
        recipe: which half is painted, and how.
        painter: the painterly renderer.

    Returns:
        photo, truth and painting, each (H, W // 2, 3) in [0, 1].
    """
    half = scene.shape[1] // 2
    left, right = scene[:, :half], scene[:, -half:]
    truth, photo = (left, right) if recipe.painted_left else (right, left)
    painting = painter(
        truth,
        brush_sizes=recipe.brush_sizes,
        palette=recipe.palette,
        palette_pull=recipe.palette_pull,
        seed=recipe.seed,
    )
    return photo, truth, painting


def select(names: Sequence[str]) -> list[Recipe]:
    """Find recipes by name.

    Raises:
        InputError: there is no such pair.
    """
    for name in names:
        if name not in RECIPES:
            raise InputError(f"unknown pair {name!r}; there are {', '.join(RECIPES)}")
    return [RECIPES[name] for name in names]


def _key(recipe: Recipe) -> str:
    """Hash of everything that determines the pictures: the recipe and the code of both renderers."""
    code = Path(next(iter(assets.__path__)))
    digest = hashlib.sha256(json.dumps(asdict(recipe)).encode())
    for module in ("painterly", "scene", "make_demo"):
        digest.update((code / f"{module}.py").read_bytes())
    return digest.hexdigest()[:12]


def _to_tensor(picture: Array) -> Tensor:
    """(H, W, 3) in [0, 1] -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).mul(2).sub(1)
