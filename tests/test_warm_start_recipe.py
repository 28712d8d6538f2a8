"""The recipe of the warm start, on small stand-ins for its photographs."""

import io
import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open

from assets import warm_start as recipe
from assets.dabs import Manner, paint_dabs
from assets.photographs import PHOTOGRAPHS, collect, webp_pictures
from benchmarks import van_gogh
from benchmarks.scenes import RECIPES
from sinct import InputError
from sinct.weights.warm_start import load_warm_start


def photograph(height=300, width=340):
    y, x = np.mgrid[:height, :width] / 60.0
    return np.stack([0.5 + 0.4 * np.sin(x), 0.5 + 0.4 * np.cos(y), 0.5 + 0.3 * np.sin(x + y)], -1).astype(
        np.float32
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recipe")
    picture = Image.fromarray((photograph() * 255).astype(np.uint8))
    path = folder / "one.png"
    picture.save(path)
    settings = recipe.joint_settings(2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipe, "MANNERS", 1)
        patch.setattr(recipe, "LONG_SIDE", (300, 301))
        return recipe.paint_all([path], folder / "paintings", settings.content)


def test_dabs_change_texture_but_not_the_scene():
    photo = photograph()
    painted = paint_dabs(photo, Manner(), seed=3)
    assert painted.shape == photo.shape
    assert painted.min() >= 0
    assert painted.max() <= 1
    assert np.abs(painted - photo).mean() < 0.15
    fine = np.abs(np.diff(painted, axis=0)).mean(), np.abs(np.diff(photo, axis=0)).mean()
    assert fine[0] > 1.5 * fine[1]


def test_dabs_repeat_for_the_same_seed():
    photo = photograph(40, 50)
    first, again, other = (paint_dabs(photo, Manner(), seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_broader_brushes_leave_less_of_the_photograph():
    photo = photograph()
    fine, broad = (
        np.abs(
            paint_dabs(photo, Manner(brushes=brushes, hue=0, saturation=0, value=0), seed=1) - photo
        ).mean()
        for brushes in ((6.0, 2.0), (30.0, 20.0))
    )
    assert broad > 1.5 * fine


def test_an_example_is_a_painting_in_the_photographs_colours(files):
    example = recipe.load_file(files[0])
    seen, kept, photo = (example[name].float() / 127.5 - 1 for name in recipe.Example._fields)
    assert seen.shape == kept.shape == photo.shape
    assert (seen.mean((1, 2)) - photo.mean((1, 2))).abs().max() < 0.15


def test_the_joint_step_runs_and_its_weights_start_a_training(files, tmp_path):
    settings = recipe.joint_settings(1)
    trainer = recipe.JointTrainer(files, settings)
    batch = trainer.sample()
    assert all(crops.shape == (4, 3, 128, 128) for crops in batch)
    trainer.step(batch)
    trainer.steps_done = 1
    recipe.export(trainer, tmp_path / "start.safetensors")
    other = recipe.JointTrainer(files, settings.replace(seed=5))
    networks = {name: getattr(other, name) for name in ("generator", "discriminator", "projection")}
    load_warm_start(networks, tmp_path / "start.safetensors")
    expected = trainer.discriminator.from_rgb.weight
    assert torch.allclose(other.discriminator.from_rgb.weight, expected, atol=2e-3)
    with safe_open(tmp_path / "start.safetensors", framework="pt") as stored:
        facts = json.loads(stored.metadata()["warm_start"])
    assert facts["steps"] == 1
    assert len(facts["photographs"]) == len(PHOTOGRAPHS)


def test_joint_crops_are_the_same_for_the_same_seed(files):
    first, again = (recipe.JointTrainer(files, recipe.joint_settings(1)).sample() for _ in range(2))
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))


def test_nothing_the_benchmarks_measure_on_is_learned_from():
    assert not {photograph.name for photograph in PHOTOGRAPHS} & RECIPES.keys()
    learned = {(photograph.path, photograph.index) for photograph in PHOTOGRAPHS}
    assert not {(picture.path, picture.index) for picture in van_gogh.pictures()} & learned
    assert {photograph.licence for photograph in PHOTOGRAPHS} == {"public domain", "CC-BY-4.0"}


def test_webp_pictures_are_found_between_other_bytes():
    def webp(colour):
        stream = io.BytesIO()
        Image.new("RGB", (8, 8), colour).save(stream, "WEBP")
        return stream.getvalue()

    data = b"qres" + webp("red") + b"RIFFxxxxWAVE" + webp("blue") + b"end"
    found = [Image.open(io.BytesIO(each)).convert("RGB").getpixel((4, 4)) for each in webp_pictures(data)]
    assert len(found) == 2
    assert found[0][0] > 200
    assert found[1][2] > 200


def test_a_missing_package_is_named(tmp_path):
    with pytest.raises(InputError, match=r"gcompris-qt-data_\*\.deb"):
        collect(tmp_path, tmp_path / "photographs")
