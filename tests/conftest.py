"""Small things that several test modules share."""

import os
from collections.abc import Callable
from pathlib import Path

# Read when torch starts, here and in the processes that tests start: several of them share the machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from sinct import Config
from sinct.objectives.cut import Trainer
from sinct.weights import warm_start

MakePicture = Callable[..., Path]


@pytest.fixture(autouse=True)
def _one_thread():
    """Tiny networks are fastest on one thread, and bitwise results do not depend on the machine's cores."""
    torch.set_num_threads(1)


@pytest.fixture
def tiny_warm_start(tiny, tmp_path, monkeypatch) -> Config:
    """Settings `tiny` with a warm start of their size instead of the one that comes with sinct."""
    made = Trainer(
        [torch.zeros(3, 40, 40)], [torch.zeros(3, 40, 40)], tiny.replace(seed=11), torch.device("cpu")
    )
    tensors = {
        f"{name}.{key}": value.half().contiguous()
        for name in ("generator", "discriminator", "projection")
        for key, value in made.networks[name].state_dict().items()
    }
    path = tmp_path / "tiny-start.safetensors"
    save_file(tensors, path, metadata={"warm_start": "{}"})
    monkeypatch.setattr(warm_start, "FILE", path)
    return tiny.replace(warm_start=True)


@pytest.fixture
def tiny() -> Config:
    """Settings of the whole method in its smallest form: a step takes milliseconds."""
    return Config(
        width=4,
        discriminator_widths=(4, 8, 8),
        projection_dimensions=8,
        crops=2,
        identity_crops=2,
        crop_size=32,
        tile_size=16,
        min_width=32,
        max_width=48,
        native_share=0.5,
        smoothing=0.2,
        detail=0.5,
        queries=4,
        r1_interval=2,
        ema_decay=0.9,
        steps=4,
    )


@pytest.fixture
def make_picture(tmp_path: Path) -> MakePicture:
    """Write a seeded picture of coloured blobs and return its path."""

    def make(name: str = "painting.png", width: int = 60, height: int = 45, seed: int = 0, **save) -> Path:
        random = np.random.default_rng(seed)
        coarse = random.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        picture = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
        path = tmp_path / name
        picture.save(path, **save)
        return path

    return make
