"""Make the pictures of the guide to pictures that are not good: `python assets/guide_pictures.py [-o DIR]`.

Each shows a fault and its cure, on the demo pair. `RESULTS` says how the translations are made, `FIGURES` which parts
of them are shown. They are trained with seed 0 on a CPU, so the same machine makes the same pictures; translations that
lie in the folder given as --results already are not made again.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFilter, ImageOps

import sinct

HERE = Path(__file__).parent

GAP = 8
"""White pixels between the parts of a figure."""


def blurred(photo: Image.Image) -> Image.Image:
    """The photo out of focus."""
    return photo.filter(ImageFilter.GaussianBlur(2.5))


def skyless(photo: Image.Image) -> Image.Image:
    """The lower part of the photo, which shows sea, shore and grass."""
    return photo.crop((0, 430, photo.width, photo.height))


SKY = (560, 0, 1024, 170)
"""A part of the photo that shows nothing but sky."""

RIDGE = ((0, 0), (1000, 0), (1000, 125), (720, 116), (620, 125), (420, 188), (300, 212), (230, 276), (0, 276))
"""Corners of the painting's sky, in pixels."""


def evening(photo: Image.Image) -> Image.Image:
    """The photo in yellow light."""
    return _scaled(photo, np.array([1.12, 0.95, 0.62]))


def stormy(photo: Image.Image) -> Image.Image:
    """The photo through a filter that darkens the upper part, so that its sky is darker than its land."""
    rise = ((np.arange(photo.height) / photo.height - 0.36) / 0.1).clip(0, 1)
    return _scaled(photo, (0.2 + 0.8 * rise)[:, None, None])


def _scaled(photo: Image.Image, factor: np.ndarray) -> Image.Image:
    return Image.fromarray((np.asarray(photo) * factor).clip(0, 255).astype(np.uint8))


@dataclass(frozen=True)
class Result:
    """How a translation of the demo painting is made.

    Attributes:
        photo: changes the demo photo.
        preset: the preset.
        steps: steps instead of the preset's.
        changes: changed settings.
        regions: add a second photo, of a sky, and maps of what is sky in the pictures.
        shipped: name of a picture beside this script that was made so already.
    """

    photo: Callable[[Image.Image], Image.Image] | None = None
    preset: str = "draft"
    steps: int | None = 60
    changes: Mapping[str, Any] = field(default_factory=dict)
    regions: bool = False
    shipped: str | None = None


INSTANT: Mapping[str, Any] = {"preset": "instant", "steps": None}

RESULTS = {
    "usual": Result(),
    "demo": Result(steps=100, shipped="demo-result.jpg"),
    "blurred": Result(blurred),
    "faithful": Result(changes={"faithful": 0.2}),
    "untextured": Result(changes={"texture": False}),
    "instant": Result(**INSTANT),
    "skyless": Result(skyless, **INSTANT),
    "regions": Result(skyless, regions=True, **INSTANT),
    "evening": Result(evening, **INSTANT),
    "stormy": Result(stormy, **INSTANT),
}
"""The translations, by name."""


@dataclass(frozen=True)
class Figure:
    """A fault beside its cure.

    Attributes:
        before, after: names of results.
        box: the part that is shown at its own size, as left, top, right, bottom; None for whole pictures, made small,
            each with its photo in a corner.
        zoom: times the part is enlarged.
    """

    before: str
    after: str
    box: tuple[int, int, int, int] | None = None
    zoom: int = 1


FIGURES = {
    "soft": Figure("blurred", "usual", (430, 90, 790, 330)),
    "strokes": Figure("usual", "faithful", (250, 280, 610, 520)),
    "lost": Figure("faithful", "usual", (520, 480, 880, 720)),
    "stray": Figure("usual", "untextured", (380, 440, 740, 680)),
    "woven": Figure("demo", "usual", (150, 30, 270, 110), 3),
    "sky": Figure("skyless", "regions"),
    "cast": Figure("evening", "instant"),
    "inverted": Figure("stormy", "instant"),
}
"""The pictures of the guide, by name: `guide-NAME.jpg`."""


def make(result: Result, folder: Path, name: str) -> Path:
    """Translate the demo painting; returns the picture in `folder`."""
    if result.shipped is not None:
        return HERE / result.shipped
    output = folder / f"{name}.png"
    if output.exists():
        return output
    photo = photo_of(result, folder, name)
    config = sinct.preset(result.preset, torch.device("cpu"), steps=result.steps).replace(**result.changes)
    painting, sky = HERE / "demo-painting.jpg", folder / "sky.png"
    photos, maps = ([photo, sky], mapped(photo, folder)) if result.regions else ([photo], ())
    sinct.translate(painting, photos, output, config=config, regions=maps, device="cpu", overwrite=True)
    return output


def mapped(photo: Path, folder: Path) -> list[Path]:
    """Write a photo of a sky, and maps, blue for sky and green for the rest, of painting, photo and that photo."""
    with Image.open(HERE / "demo-photo.jpg") as picture:
        picture.crop(SKY).save(folder / "sky.png")
    painting = Image.new("RGB", (1000, 750), "green")
    ImageDraw.Draw(painting).polygon(RIDGE, fill="blue")
    with Image.open(photo) as picture:
        whole = Image.new("RGB", picture.size, "green")
    sky = Image.new("RGB", (SKY[2] - SKY[0], SKY[3] - SKY[1]), "blue")
    paths = [folder / f"{name}-map.png" for name in ("painting", "photo", "sky")]
    for path, drawn in zip(paths, (painting, whole, sky), strict=True):
        drawn.save(path)
    return paths


def photo_of(result: Result, folder: Path, name: str) -> Path:
    """The photo of a translation; returns its file."""
    photo = HERE / "demo-photo.jpg"
    if result.photo is None:
        return photo
    changed = folder / f"{name}-photo.png"
    with Image.open(photo) as picture:
        result.photo(picture.convert("RGB")).save(changed)
    return changed


def draw(figure: Figure, folder: Path) -> Image.Image:
    """A figure, from left to right: the fault, then the cure."""
    parts = [_part(figure, name, folder) for name in (figure.before, figure.after)]
    width = sum(part.width + GAP for part in parts) - GAP
    sheet = Image.new("RGB", (width, max(part.height for part in parts)), "white")
    left = 0
    for part in parts:
        sheet.paste(part, (left, 0))
        left += part.width + GAP
    return sheet


def _part(figure: Figure, name: str, folder: Path) -> Image.Image:
    picture = Image.open(make(RESULTS[name], folder, name)).convert("RGB")
    if figure.box is not None:
        part = picture.crop(figure.box)
        return part.resize((part.width * figure.zoom, part.height * figure.zoom), Image.Resampling.NEAREST)
    whole = _small(picture, 360)
    photo = _small(Image.open(photo_of(RESULTS[name], folder, name)).convert("RGB"), 110)
    framed = ImageOps.expand(photo, 2, "white")
    whole.paste(framed, (0, whole.height - framed.height))
    return whole


def _small(picture: Image.Image, width: int) -> Image.Image:
    return picture.resize((width, round(picture.height * width / picture.width)), Image.Resampling.LANCZOS)


def main() -> None:
    """Write all figures to the given folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=HERE, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--results",
        type=Path,
        default=Path("guide-results"),
        metavar="DIR",
        help="folder for the translations",
    )
    given = parser.parse_args()
    for folder in (given.output, given.results):
        folder.mkdir(parents=True, exist_ok=True)
    for name, figure in FIGURES.items():
        draw(figure, given.results).save(given.output / f"guide-{name}.jpg", quality=78, optimize=True)


if __name__ == "__main__":
    main()
