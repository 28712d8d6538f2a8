"""Two small folders of drawn pictures, and settings to train on them within milliseconds a step."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from sinct import folders
from sinct.data.folders import Domains
from sinct.objectives.folder_cut import FolderCutSettings
from sinct.objectives.folder_cyclegan import FolderCycleSettings
from sinct.objectives.folder_distance import FolderDistanceSettings
from sinct.objectives.folder_drit import DritSettings
from sinct.objectives.folder_gcgan import FolderGcSettings
from sinct.objectives.folder_munit import MunitSettings

TINY: dict[str, Any] = {
    "width": 4,
    "discriminator_width": 4,
    "crop_size": 32,
    "load_size": 36,
    "decoders": 0,
    "steps": 4,
    "rate_epochs": 0,
}


def tiny_cut(**changes: Any) -> FolderCutSettings:
    """CUT in its smallest form."""
    return FolderCutSettings(**{**TINY, "projection_dimensions": 8, "queries": 16, **changes})


def tiny_cycle(**changes: Any) -> FolderCycleSettings:
    """CycleGAN in its smallest form."""
    return FolderCycleSettings(**{**TINY, "pool": 2, **changes})


def tiny_gc(**changes: Any) -> FolderGcSettings:
    """GcGAN in its smallest form."""
    return FolderGcSettings(**{**TINY, "pool": 2, **changes})


def tiny_distance(**changes: Any) -> FolderDistanceSettings:
    """DistanceGAN in its smallest form."""
    return FolderDistanceSettings(**{**TINY, "pool": 2, **changes})


def tiny_munit(**changes: Any) -> MunitSettings:
    """MUNIT in its smallest form."""
    return MunitSettings(**{**TINY, "scales": 2, "styles": 3, **changes})


def tiny_drit(**changes: Any) -> DritSettings:
    """DRIT++ in its smallest form."""
    return DritSettings(**{**TINY, "scales": 2, "styles": 3, **changes})


def draw(folder: Path, *, shape: str, colour: tuple[int, int, int], count: int = 4, seed: int = 0) -> Path:
    """Draw pictures of some shapes of about a colour on grey noise, and return their folder."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(seed)
    for number in range(count):
        width, height = 40 + 2 * number, 44
        ground = random.normal(110, 8, (height, width, 1)).repeat(3, 2).clip(0, 255).astype(np.uint8)
        picture = Image.fromarray(ground)
        pen = ImageDraw.Draw(picture)
        for _ in range(3):
            x, y, side = (
                random.integers(0, width - 12),
                random.integers(0, height - 12),
                random.integers(8, 14),
            )
            box = (int(x), int(y), int(x + side), int(y + side))
            shade = tuple(int(np.clip(value + random.normal(0, 10), 0, 255)) for value in colour)
            (pen.ellipse if shape == "disc" else pen.rectangle)(box, fill=shade)
        picture.save(folder / f"{number}.png")
    return folder


def drawn_domains(place: Path, *, count: int = 4) -> Domains:
    """Red discs, which are to become blue squares."""
    discs = draw(place / "discs", shape="disc", colour=(200, 40, 40), count=count)
    squares = draw(place / "squares", shape="square", colour=(40, 60, 200), count=count, seed=1)
    return Domains(tuple(sorted(discs.iterdir())), tuple(sorted(squares.iterdir())))


def redness(paths: Sequence[Path]) -> float:
    """How much more red than blue pictures are on average, in 8 bits."""
    means = [np.asarray(Image.open(path).convert("RGB"), float).mean(axis=(0, 1)) for path in paths]
    return float(np.mean([red - blue for red, _, blue in means]))


def mean_colour_moves(place: Path, method: str, config: Any) -> None:
    """Train on drawn folders, and check that translations are bluer than halfway from the red discs to the squares."""
    domains = drawn_domains(place / "pictures", count=12)
    folders.train(domains, place / "run", method=method, config=config)
    before, aim = redness(domains.source), redness(domains.target)
    assert before > 5
    assert aim < -5
    halfway = 0.5 * (before + aim)
    plain = folders.apply(place / "run", domains.source, place / "plain", state="last")
    assert redness(plain.written) < halfway
    several = folders.apply(place / "run", domains.source, place / "several", state="last", samples=2)
    assert redness(several.written[::2]) < halfway
    assert redness(several.written[1::2]) < halfway
