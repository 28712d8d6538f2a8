"""What tests of translations in rows share."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from sinct.inference import streamed
from sinct.inference.model import Model
from sinct.pictures.picture import write_picture
from sinct.pictures.windows import Sides
from tests.support.streaming import make_model


@pytest.fixture
def model(tiny) -> Model:
    return make_model(tiny.replace(grain=0.05))


@pytest.fixture
def noisy(tmp_path):
    """Write noise, which hides no difference between two ways to compute a pixel; a little larger than a window."""

    def make(name="in.png", width=210, height=190, channels=3, bits=8, **save) -> Path:
        random = np.random.default_rng(0)
        samples = random.integers(0, 2**bits, (height, width, channels), dtype=f"uint{bits}")
        path = tmp_path / name
        if bits == 16:
            pixels = torch.from_numpy(samples.astype(np.float32)).permute(2, 0, 1) / 32767.5 - 1
            write_picture(path, pixels, bits=16, **save)
        else:
            Image.fromarray(samples).save(path, **save)
        return path

    return make


@pytest.fixture
def small_windows(monkeypatch):
    """Plan windows far smaller than a test picture, which memory alone would never ask for."""
    monkeypatch.setattr(streamed, "plan_sides", lambda *_, **__: Sides(172, 188))
