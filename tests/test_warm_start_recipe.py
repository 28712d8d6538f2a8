"""How sinct's own networks are learned, on a small stand-in for the photographs."""

import itertools
import json
import time

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors import safe_open
from torch.utils.data import IterableDataset

from assets import parts, stroke_remover, warm_start
from assets.parts import PaintedPart, Parts, Pool, as_bytes, as_pixels, paint_part
from assets.photographs import PHOTOGRAPHS
from sinct.networks.stroke_remover import Removed, coded
from sinct.weights.stroke_remover import load_stroke_remover
from sinct.weights.warm_start import load_warm_start

CPU = torch.device("cpu")


def picture():
    y, x = np.mgrid[:100, :120] / 60.0
    photograph = np.stack([0.5 + 0.4 * np.sin(x), 0.5 + 0.4 * np.cos(y), 0.5 + 0.3 * np.sin(x + y)], -1)
    return Image.fromarray((photograph * 255).astype(np.uint8))


def part(side, stroke=4.0, seed=0):
    """A painted part of noise."""
    random = torch.Generator().manual_seed(seed)
    pictures = (torch.rand((3, side, side), generator=random) * 2 - 1 for _ in range(3))
    return PaintedPart(*pictures, torch.full((side, side), stroke))


@pytest.fixture
def file(tmp_path, monkeypatch):
    """A photograph's file; photographs are scaled to little more than 100 px."""
    monkeypatch.setattr(parts, "SHORT_SIDE", (100, 110))
    picture().save(tmp_path / "one.png")
    return tmp_path / "one.png"


class Still:
    """Stands in for a pool: one part."""

    device = CPU

    def __init__(self, stored):
        self.stored = stored

    def draw(self, rng):
        return self.stored


# Parts


@pytest.mark.parametrize("seed", range(4))
def test_a_painted_part_has_the_promised_shapes_and_ranges(seed, file):
    made = paint_part(picture(), 64, np.random.default_rng(seed))
    for pixels in (made.painting, made.truth, made.photo):
        assert pixels.shape == (3, 64, 64)
        assert pixels.dtype == torch.float32
        assert pixels.abs().max() <= 1
    assert made.stroke.shape == (64, 64)
    assert made.stroke.min() >= 0.5
    assert made.stroke.max() <= 40


def test_a_painted_part_repeats_for_the_same_seed(file):
    first, again, other = (paint_part(picture(), 64, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    assert not first.painting.equal(other.painting)


def test_paintings_without_strokes_are_told_as_such(file, monkeypatch):
    monkeypatch.setattr(parts, "SMOOTH", 1.0)
    made = paint_part(picture(), 64, np.random.default_rng(0))
    assert (made.stroke == 1).all()
    assert (made.painting - made.truth).abs().mean() < 0.1


def test_bytes_keep_pixels_to_half_a_step():
    pixels = torch.linspace(-1, 1, 1000)
    assert (as_pixels(as_bytes(pixels)) - pixels).abs().max() <= 0.5 / 127.5 + 1e-6


def painting_bytes(made):
    return as_bytes(made.painting)


def test_parts_come_without_end_and_repeat_for_the_same_seed(file):
    first, again, other = (
        torch.stack(list(itertools.islice(Parts([file], 64, painting_bytes, seed), 3))) for seed in (1, 1, 2)
    )
    assert first.shape == (3, 3, 64, 64)
    assert first.equal(again)
    assert not first.equal(other)
    assert not first[0].equal(first[1])


def test_a_pool_paints_in_its_own_process(file):
    pool = Pool(Parts([file], 64, painting_bytes, 0), workers=0, first=2, device=CPU)
    pool.close()
    assert pool.painted == len(pool.stored) >= 2
    assert pool.draw(np.random.default_rng(0)).shape == (3, 64, 64)


class Counting(IterableDataset):
    """Stands in for parts: 0, 1, 2 ..., a few each millisecond."""

    def __iter__(self):
        for number in itertools.count():
            time.sleep(0.0002)
            yield torch.tensor(number)


def test_the_oldest_parts_of_a_pool_give_way():
    pool = Pool(Counting(), workers=0, first=6, device=CPU, capacity=4)
    pool.close()
    assert sorted(int(each) for each in pool.stored) == list(range(pool.painted - 4, pool.painted))


# The stroke remover


def test_widths_are_packed_as_the_network_tells_them():
    kept = stroke_remover.packed(part(16, stroke=8.0))
    assert kept.shape == (7, 16, 16)
    assert kept.dtype == torch.uint8
    assert (kept[6] == round(coded(8.0) * 255)).all()


def test_crops_of_painting_and_truth_stay_on_one_another(monkeypatch):
    monkeypatch.setattr(stroke_remover, "SIDE", 32)
    monkeypatch.setattr(stroke_remover, "CROP", 16)
    made = part(32)
    pool = Still(stroke_remover.packed(made._replace(truth=made.painting)))
    crops = stroke_remover.sample(pool, 40, np.random.default_rng(0))
    assert crops.shape == (40, 7, 16, 16)
    assert crops[:, :3].equal(crops[:, 3:6])
    assert len({crop.numpy().tobytes() for crop in crops}) > 30


def test_the_loss_of_the_truth_is_zero():
    truth = part(32).truth[None]
    code = torch.full((1, 1, 32, 32), 0.5)
    terms = stroke_remover.loss(Removed(truth, torch.full((1, 1, 4, 4), 0.5)), truth, code)
    assert {name: float(term) for name, term in terms.items()} == {"pixels": 0, "gradients": 0, "widths": 0}


def test_a_stroke_remover_is_trained_written_and_loaded(file, tmp_path, monkeypatch):
    monkeypatch.setattr(stroke_remover, "SIDE", 48)
    monkeypatch.setattr(stroke_remover, "CROP", 32)
    trained = stroke_remover.train(
        [file], tmp_path, seconds=0.3, device=CPU, batch=2, workers=0, first=2, seed=1
    )
    written = tmp_path / "stroke_remover.safetensors"
    loaded = load_stroke_remover(CPU, written)
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(loaded.state_dict()[name], value, rtol=1e-3, atol=1e-6)  # half precision
    with safe_open(written, framework="pt") as stored:
        facts = json.loads(stored.metadata()["stroke_remover"])
    assert facts["steps"] >= 1
    assert facts["paintings"] >= 2
    assert len(facts["photographs"]) == len(PHOTOGRAPHS)
    line = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[0])
    assert line["steps"] == 1


# The warm start


@pytest.fixture(scope="module")
def prepared():
    """A part as the generator sees it, the photo, and the photo as if painted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "SHORT_SIDE", (100, 110))
        made = paint_part(picture(), 96, np.random.default_rng(3))
    return made, warm_start.prepared(made)


@pytest.fixture
def settings():
    """Those of the joint training on small networks and crops."""
    return warm_start.joint_settings(2).replace(
        width=4,
        discriminator_widths=(4, 8, 8),
        projection_dimensions=8,
        crop_size=32,
        tile_size=16,
        min_width=32,
        max_width=48,
        queries=4,
        mixed_precision=False,
    )


def test_a_part_is_prepared_in_the_photographs_colours(prepared):
    made, kept = prepared
    assert kept.shape == (9, 96, 96)
    assert kept.dtype == torch.uint8
    assert kept[3:6].equal(as_bytes(made.photo))
    seen, photo = as_pixels(kept[:3]), as_pixels(kept[3:6])
    assert (seen.mean((1, 2)) - photo.mean((1, 2))).abs().max() < 0.15


def test_a_part_is_always_prepared_alike(prepared):
    made, kept = prepared
    assert warm_start.prepared(made).equal(kept)


def test_joint_crops_show_the_photographs_that_are_kept(prepared, settings):
    batch = warm_start.JointTrainer(Still(prepared[1]), settings, CPU).sample()[:4]
    assert all(crops.shape == (2, 3, 32, 32) for crops in batch)
    assert all(crops.isfinite().all() for crops in batch)


def test_joint_crops_are_the_same_for_the_same_seed(prepared, settings):
    first, again, other = (
        warm_start.JointTrainer(Still(prepared[1]), settings.replace(seed=seed), CPU).sample()[:4]
        for seed in (1, 1, 2)
    )
    assert all(a.equal(b) for a, b in zip(first, again, strict=True))
    assert not first[0].equal(other[0])


def test_the_joint_step_runs_and_its_weights_start_a_training(prepared, settings, tmp_path):
    trainer = warm_start.JointTrainer(Still(prepared[1]), settings, CPU)
    before = trainer.discriminator.from_rgb.weight.clone()
    losses = trainer.step(trainer.sample())
    assert all(term.isfinite() for term in losses if not term.isnan())  # what was not due is NaN
    assert not trainer.discriminator.from_rgb.weight.equal(before)
    trainer.steps_done = 1
    warm_start.export(trainer, tmp_path / "start.safetensors", paintings=7)
    other = warm_start.JointTrainer(Still(prepared[1]), settings.replace(seed=5), CPU)
    networks = {name: other.networks[name] for name in ("generator", "discriminator", "projection")}
    load_warm_start(networks, tmp_path / "start.safetensors")
    expected = trainer.discriminator.from_rgb.weight
    torch.testing.assert_close(
        other.discriminator.from_rgb.weight, expected, rtol=1e-3, atol=1e-6
    )  # half precision
    with safe_open(tmp_path / "start.safetensors", framework="pt") as stored:
        facts = json.loads(stored.metadata()["warm_start"])
    assert (facts["steps"], facts["paintings"]) == (1, 7)
    assert len(facts["photographs"]) == len(PHOTOGRAPHS)
