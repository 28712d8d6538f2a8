"""The one-sided methods train on drawn folders: some hundred steps move red discs toward blue squares."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinct import folders
from tests.support.folder_pictures import drawn_domains, tiny_distance, tiny_gc

LARGER = {"width": 16, "discriminator_width": 16, "learning_rate": 0.0005}
"""What a translation in so few steps needs beside tiny settings."""

SHAPES = 60
"""Colours whose red and blue differ by more belong to the drawn shapes, not to their grey ground; of 255."""


def small(paths: Sequence[Path]) -> np.ndarray:
    """Pictures at the size of tests, (N, 32, 32, 3)."""
    return np.stack(
        [np.asarray(Image.open(path).convert("RGB").resize((32, 32), 3), float) for path in paths]
    )


def redness(pictures: np.ndarray) -> np.ndarray:
    """How much more red than blue is in each pixel, (N, 32, 32)."""
    return pictures[..., 0] - pictures[..., 2]


def likeness_of_edges(some: np.ndarray, others: np.ndarray) -> float:
    """Mean correlation of where two rows of pictures have edges."""
    maps = [np.abs(np.diff(each, axis=2)).sum(axis=3).reshape(len(each), -1) for each in (some, others)]
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(*maps, strict=True)]))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "config", "keeps_layout"),
    [
        ("gcgan", tiny_gc(**LARGER, steps=200), True),
        ("gcgan", tiny_gc(**LARGER, steps=150, geometry="flip", shared_generator=False), False),
        ("distancegan", tiny_distance(**LARGER, steps=150), False),
        ("self-distancegan", tiny_distance(**LARGER, steps=200, distance="top_bottom", batch_size=1), False),
    ],
    ids=["rotation", "flip", "pairs", "halves"],
)
def test_some_hundred_steps_move_the_source_toward_the_target(method, config, keeps_layout, tmp_path):
    """Pictures lose their red on the whole, and where the discs are; the layout is soon kept by GcGAN alone."""
    domains = drawn_domains(tmp_path / "pictures", count=12)
    folders.train(domains, tmp_path / "run", method=method, config=config)
    made = folders.apply(tmp_path / "run", domains.source, tmp_path / "out", state="last")
    before, after, aim = small(domains.source), small(made.written), small(domains.target)

    assert redness(before).mean() > 5
    assert redness(aim).mean() < -5
    assert redness(after).mean() < 0.5 * (redness(before).mean() + redness(aim).mean())

    discs, squares = redness(before) > SHAPES, redness(aim) < -SHAPES
    halfway = 0.5 * (redness(before)[discs].mean() + redness(aim)[squares].mean())
    assert redness(before)[discs].mean() > 100
    assert redness(after)[discs].mean() < halfway

    if keeps_layout:
        assert likeness_of_edges(before, after) > max(0.1, 2 * abs(likeness_of_edges(before, after[::-1])))
