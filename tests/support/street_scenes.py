"""Street scenes that a test draws, with their label maps: sky, buildings, a road and cars on it."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from sinct.measures.street_classes import STREET_CLASSES

LABELS = {each.name: each.label for each in STREET_CLASSES}

COLOURS = {"sky": (150, 190, 230), "building": (150, 90, 60), "road": (90, 90, 95), "car": (200, 30, 40)}
"""What the drawn photographs look like; label pictures have Cityscapes' colours."""


def draw_scenes(
    place: Path, *, count: int = 6, seed: int = 0, wrong: bool = False
) -> tuple[Path, Path, Path]:
    """Draw scenes of 256x128 px.

    Args:
        place: folder for three others.
        count: scenes.
        seed: seeds them.
        wrong: paint each class in another one's colour, sky as road and road as sky.

    Returns:
        Folders of photographs, of label pictures in flat colours, and of label maps with Cityscapes' ids, in which a
        frame of two pixels is of no class.
    """
    folders = place / "photographs", place / "coloured", place / "labels"
    for folder in folders:
        folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    shades = list(COLOURS.values())
    turned = dict(zip(COLOURS, shades[2:] + shades[:2] if wrong else shades, strict=True))
    for number in range(count):
        labels = Image.new("L", (256, 128), LABELS["sky"])
        pen = ImageDraw.Draw(labels)
        horizon = int(random.integers(60, 76))
        for left in range(0, 256, 64):
            top, width = int(random.integers(16, horizon - 16)), int(random.integers(24, 60))
            pen.rectangle((left, top, left + width, horizon), fill=LABELS["building"])
        pen.rectangle((0, horizon, 255, 127), fill=LABELS["road"])
        for _ in range(2):
            left, top = int(random.integers(0, 200)), int(random.integers(horizon + 4, 100))
            pen.rectangle((left, top, left + 44, top + 20), fill=LABELS["car"])
        pen.rectangle((0, 0, 255, 127), outline=0, width=2)
        ids = np.asarray(labels)
        photograph, flat = (np.zeros((128, 256, 3)) for _ in range(2))
        photograph += COLOURS["road"]
        for each in STREET_CLASSES:
            flat[ids == each.label] = each.colour
            if each.name in COLOURS:
                photograph[ids == each.label] = turned[each.name]
        photograph += random.normal(0, 6, photograph.shape)
        labels.save(folders[2] / f"city_{number}_gtFine_labelIds.png")
        for pixels, folder, end in (
            (photograph, folders[0], "leftImg8bit"),
            (flat, folders[1], "gtFine_color"),
        ):
            Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"city_{number}_{end}.png")
    return folders
