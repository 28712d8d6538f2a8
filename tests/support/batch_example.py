"""A small batch with everything that its report must handle, for the report's tests."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sinct.batch.jobs import Job
from sinct.batch.ledger import Entry, State
from sinct.batch.settings import Settings

FIGURES = {
    "steps": 500, "seconds": 84.2, "training_seconds": 80.0, "memory": 1_250_000_000, "width": 160, "height": 120,
    "bytes": 40_000, "device": "cpu",
}  # fmt: skip


SEVEN = Settings(seed=7)


def make_entry(
    name: str,
    painting: str = "",
    photos: tuple[str, ...] = (),
    output: str = "",
    *,
    kind: str = "pair",
    more_paintings: tuple[str, ...] = (),
    settings: Settings = SEVEN,
    **state: Any,
) -> Entry:
    """An entry of the ledger; `state` sets its fields."""
    paintings = (painting, *more_paintings) if painting else ()
    return Entry(Job(name, kind, paintings, photos, output, settings), **state)


def make_picture(path: Path, seed: int = 0, size: tuple[int, int] = (160, 120)) -> str:
    """Write a picture of seeded blobs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(path)
    return str(path)


def make_batch(folder: Path) -> list[Entry]:
    """Write a batch's inputs to `folder`/in and its pictures to `folder`/out; returns its jobs."""
    inputs, out = folder / "in", folder / "out"
    painting = make_picture(inputs / "märz & sea.png", 1)
    tall = make_picture(inputs / "tall.png", 2, (60, 200))
    photos = [make_picture(inputs / f"photo {i}.jpg", 3 + i, (150, 100)) for i in range(5)]
    result = make_picture(out / "sub" / "märz & sea.png", 9)
    (out / "huge.dzi").write_text("<Image/>")
    dull = ("the result is much darker than the painting", "speckle in flat areas")
    remote = ("s3://museum/sea.tif", ("https://photos.example/a.jpg",), "s3://out/sea.png")
    alike = {"state": State.done, "attempts": 1, "figures": FIGURES}
    return [
        make_entry("sub/märz & sea", painting, (photos[0],), result, **alike),
        make_entry(
            "warned", tall, (photos[1],), make_picture(out / "warned.png", 2, (60, 200)),
            **{**alike, "figures": {**FIGURES, "seconds": 9.0, "steps": 90}}, warnings=dull,
        ),
        make_entry("huge", painting, (photos[0],), str(out / "huge.dzi"), **alike),
        make_entry("remote", *remote, **alike),
        make_entry("gone", painting, (photos[0],), str(out / "gone.png"), **alike),
        make_entry(
            "failed", str(inputs / "missing.png"), (photos[2],), str(out / "failed.png"),
            state=State.failed, attempts=3, error="missing.png does not exist; a picture file is needed",
        ),
        make_entry("shared-model", painting, tuple(photos), "", kind="series", more_paintings=(tall, tall), **alike),
        make_entry(
            "applied", tall, (), make_picture(out / "applied.png", 4, (60, 200)), kind="apply", state=State.done,
            attempts=1, figures={"seconds": 3.5, "memory": None, "width": 60, "height": 200},
        ),
        make_entry("now", painting, (photos[3],), str(out / "now.png"), state=State.running, attempts=1),
        make_entry(
            "later", painting, (photos[4],), str(out / "later.png"), attempts=1,
            error="ran out of memory; will be tried again",
        ),
    ]  # fmt: skip
