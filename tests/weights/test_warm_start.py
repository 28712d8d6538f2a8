"""The warm start that comes with sinct."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import assets
from assets.dabs import Manner, paint_dabs
from sinct import ConfigError, WeightsError, preset
from sinct.data.content import Content, prepare
from sinct.data.pair_content import prepare_pair
from sinct.losses.patches import patch_distance
from sinct.networks.choice import make_generator
from sinct.weights.warm_start import FILE, load_warm_start, warm_start_facts

CPU = torch.device("cpu")


def draft_generator():
    settings = preset("draft", CPU)
    return make_generator(settings.generator, settings.width).requires_grad_(False)


def test_the_file_is_small_and_names_what_it_was_learned_from():
    assert FILE.stat().st_size <= 8_000_000
    facts = warm_start_facts()
    assert len(facts["photographs"]) == 127
    assert all(each["author"] and each["licence"] for each in facts["photographs"])


def test_a_generator_that_starts_warm_restores_texture_it_has_not_seen():
    """The demo's photo took no part in the training, and the painter's choices here are none of those drawn then."""
    with Image.open(Path(next(iter(assets.__path__))) / "demo-photo.jpg") as picture:
        pixels = np.asarray(picture.crop((300, 150, 556, 406)), np.float32) / 255
    photo = torch.from_numpy(pixels).permute(2, 0, 1) * 2 - 1
    painting = (
        torch.from_numpy(paint_dabs(pixels, Manner(brushes=(8, 4, 2)), seed=1)).permute(2, 0, 1) * 2 - 1
    )
    learned = Content(smoothing=0.3, detail=0.3, grain=0.06)
    content = prepare_pair([painting], [photo], learned, in_photos_colours=True, repaint=False).content
    seen = prepare(painting, content)[None]
    generator = draft_generator()
    load_warm_start({"generator": generator})
    distances = [
        patch_distance(crops, photo[None], torch.Generator().manual_seed(0))
        for crops in (generator(seen), seen)
    ]
    assert distances[0] < 0.7 * distances[1]


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(WeightsError, match="install sinct again, or train with `warm_start=False`"):
        load_warm_start({"generator": draft_generator()}, tmp_path / "none.safetensors")


def test_a_damaged_file_is_told(tmp_path):
    path = tmp_path / "damaged.safetensors"
    path.write_bytes(FILE.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="cannot be read"):
        load_warm_start({"generator": draft_generator()}, path)


def test_networks_of_another_shape_are_refused():
    with pytest.raises(ConfigError, match="does not fit the generator"):
        load_warm_start({"generator": make_generator("crisp", 8)})
