"""DistanceGAN and Self-DistanceGAN on folders: their step against the objective written out."""

import dataclasses
from itertools import combinations
from statistics import fmean, pstdev

import pytest
import torch
from PIL import Image
from torch import Tensor

from sinct.data.folder_sampler import FolderSampler
from sinct.errors import ConfigError, InputError
from sinct.objectives.folder_distance import FolderDistanceTrainer
from tests.support.folder_pictures import drawn_domains, tiny_distance
from tests.support.learning import check_that_all_learn, check_that_it_continues, run

CPU = torch.device("cpu")
VARIANTS = pytest.mark.parametrize(
    "changes",
    [{}, {"batch_size": 3}, {"distance": "top_bottom", "batch_size": 1}, {"distance": "left_right"}],
    ids=["pairs", "three", "top_bottom", "left_right"],
)


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderDistanceTrainer:
        return FolderDistanceTrainer(domains.source, domains.target, tiny_distance(**changes), CPU)

    return made


def slow_distances(pictures: Tensor, kind: str) -> list[float]:
    """Distances between pictures, or halves of them, one after another."""
    side = pictures.shape[-1] // 2
    if kind == "pairs":
        parts = list(combinations(pictures, 2))
    elif kind == "top_bottom":
        parts = [(each[:, :side], each[:, side:]) for each in pictures]
    else:
        parts = [(each[:, :, :side], each[:, :, side:]) for each in pictures]
    return [float((a - b).abs().double().mean()) for a, b in parts]


@VARIANTS
def test_distances_are_normalised_by_those_of_all_pictures_of_their_domain(make, changes):
    trainer = make(**changes)
    trainer.sample()
    for domain, scale in (("source", trainer.scales.source), ("target", trainer.scales.target)):
        crops = torch.stack(list(trainer.sampler.crops(domain, 900)))
        assert len(crops) == 4
        found = slow_distances(crops, trainer.settings.distance)
        assert scale.tolist() == pytest.approx([fmean(found), pstdev(found)], rel=1e-4)


@VARIANTS
def test_the_terms_are_those_of_the_objective_written_out(make, changes):
    trainer = make(**changes)
    batch = trainer.sample()
    x, y = batch
    with torch.no_grad():
        fake = trainer.generator(x)
        real_logits, fake_logits = trainer.discriminator(y), trainer.discriminator(fake)
    (mean_a, std_a), (mean_b, std_b) = trainer.scales.source.tolist(), trainer.scales.target.tolist()
    kind = trainer.settings.distance
    pairs = zip(slow_distances(x, kind), slow_distances(fake, kind), strict=True)
    expected = fmean(abs((a - mean_a) / std_a - (b - mean_b) / std_b) for a, b in pairs)
    losses = trainer.step(batch)
    assert float(losses.distance) == pytest.approx(expected, rel=1e-4)
    torch.testing.assert_close(losses.adversarial_g, (fake_logits - 1).square().mean(), rtol=1e-4, atol=1e-5)
    adversarial_d = 0.5 * ((real_logits - 1).square().mean() + fake_logits.square().mean())
    torch.testing.assert_close(losses.adversarial_d, adversarial_d, rtol=1e-4, atol=1e-5)
    assert losses.r1 == 0


def test_the_generator_follows_the_weighted_sum_of_its_terms(make):
    trainer = make(distance_weight=3.0)
    batch = trainer.sample()
    fake = trainer.generator(batch.source)
    (mean_a, std_a), (mean_b, std_b) = trainer.scales.source.tolist(), trainer.scales.target.tolist()
    before = (batch.source[0] - batch.source[1]).abs().mean()
    after = (fake[0] - fake[1]).abs().mean()
    distance = ((before - mean_a) / std_a - (after - mean_b) / std_b).abs()
    adversarial = (trainer.discriminator(fake) - 1).square().mean()
    learners = list(trainer.generator.parameters())
    expected = torch.autograd.grad(adversarial + 3 * distance, learners)
    trainer.step(batch)
    for parameter, gradient in zip(learners, expected, strict=True):
        # Biases before a norm have no gradient, but rounding.
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4)


@VARIANTS
def test_every_network_learns(make, changes):
    trainer = make(**changes)
    check_that_all_learn(trainer, "generator", "discriminator")


@pytest.mark.parametrize(
    "changes",
    [{}, {"distance": "top_bottom", "batch_size": 1}, {"batch_size": 3, "mixed_precision": True}],
    ids=["pairs", "halves", "three in bfloat16"],
)
def test_a_stopped_training_continues_bit_for_bit(make, changes):
    check_that_it_continues(lambda: make(**changes))


def test_a_training_that_goes_on_does_not_measure_anew(make, monkeypatch):
    state = run(make(), 2).state()
    resumed = make()
    resumed.load_state(state, 2, 1.0)
    monkeypatch.setattr(FolderSampler, "crops", lambda *_: pytest.fail("measured"))
    run(resumed, 1)


def test_at_most_so_many_pictures_are_measured(make, monkeypatch):
    seen = []
    crops = FolderSampler.crops
    monkeypatch.setattr(
        FolderSampler, "crops", lambda self, domain, most: seen.append(most) or crops(self, domain, most)
    )
    make(measured=3).sample()
    assert seen == [3, 3]


# Pictures whose distances cannot be normalised


@pytest.mark.parametrize(
    ("changes", "count", "message"),
    [
        ({}, 2, "distances between the source pictures do not vary.*give 3 or more pictures that differ"),
        (
            {"distance": "top_bottom"},
            1,
            "between the halves of the source pictures do not vary.*give 2 or more",
        ),
    ],
    ids=["pairs", "halves"],
)
def test_too_few_pictures_are_refused_before_any_work(changes, count, message, tmp_path):
    domains = drawn_domains(tmp_path / "pictures", count=count)
    with pytest.raises(InputError, match=message):
        FolderDistanceTrainer(domains.source, domains.target, tiny_distance(**changes), CPU)


@pytest.mark.parametrize("changes", [{}, {"distance": "left_right"}], ids=["pairs", "halves"])
def test_pictures_that_are_all_alike_are_refused(changes, tmp_path):
    domains = drawn_domains(tmp_path / "pictures")
    for path in domains.target:
        Image.new("RGB", (40, 40), "navy").save(path)
    trainer = FolderDistanceTrainer(domains.source, domains.target, tiny_distance(**changes), CPU)
    with pytest.raises(InputError, match="the target pictures do not vary"):
        trainer.sample()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"distance": "cosine"}, "unknown distance 'cosine'; choose one of pairs, top_bottom, left_right"),
        ({"batch_size": 1}, "batch_size of 2 or more, got 1; a distance of top_bottom needs no pairs"),
        ({"measured": 2}, "measured must be 3 or more, got 2"),
    ],
)
def test_settings_that_cannot_work_are_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(tiny_distance(), **changes)
