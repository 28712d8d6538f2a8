"""GcGAN on folders: its step against the objective written out."""

import dataclasses

import pytest
import torch
from torch import Tensor

from sinct.errors import ConfigError
from sinct.objectives.folder_gcgan import FolderGcTrainer
from tests.support.folder_pictures import drawn_domains, tiny_gc
from tests.support.learning import check_that_all_learn, check_that_it_continues

CPU = torch.device("cpu")
SHARED = pytest.mark.parametrize("shared", [True, False], ids=["shared", "apart"])


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderGcTrainer:
        return FolderGcTrainer(domains.source, domains.target, tiny_gc(**changes), CPU)

    return made


def clockwise(pictures: Tensor) -> Tensor:
    return pictures.flip(2).transpose(2, 3)


def upside_down(pictures: Tensor) -> Tensor:
    return pictures.flip(2)


@SHARED
@pytest.mark.parametrize(("name", "f"), [("rotation", clockwise), ("flip", upside_down)])
@pytest.mark.parametrize("batch_size", [1, 2])
def test_the_terms_are_those_of_the_objective_written_out(make, name, f, shared, batch_size):
    trainer = make(geometry=name, shared_generator=shared, batch_size=batch_size)
    batch = trainer.sample()
    x, y = batch
    G, D, turned_D = trainer.generator, trainer.discriminator, trainer.turned_discriminator
    turned_G = G if shared else trainer.turned_generator
    with torch.no_grad():
        fake, turned_fake = G(x), turned_G(f(x))
        adversarial_g = (D(fake) - 1).square().mean() + (turned_D(turned_fake) - 1).square().mean()
        geometry = 2 * (f(fake) - turned_fake).abs().mean()
        identity = (G(y) - y).abs().mean() + (turned_G(f(y)) - f(y)).abs().mean()
        adversarial_d = 0.5 * ((D(y) - 1).square().mean() + D(fake).square().mean())
        adversarial_d += 0.5 * ((turned_D(f(y)) - 1).square().mean() + turned_D(turned_fake).square().mean())
    losses = trainer.step(batch)
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(losses.adversarial_d, adversarial_d, **close)
    torch.testing.assert_close(losses.adversarial_g, adversarial_g, **close)
    torch.testing.assert_close(losses.geometry, geometry, **close)
    torch.testing.assert_close(losses.identity, identity, **close)
    assert losses.r1 == 0


@SHARED
def test_the_generators_follow_the_weighted_sum_of_their_terms(make, shared):
    trainer = make(shared_generator=shared, geometry_weight=7.0, identity_weight=3.0)
    batch = trainer.sample()
    x, y = batch
    G, turned_G = trainer.generator, trainer.turned_generator
    fake, turned_fake = G(x), turned_G(clockwise(x))
    follow = (clockwise(fake).detach() - turned_fake).abs().mean()
    follow = follow + (clockwise(fake) - turned_fake.detach()).abs().mean()
    identity = (G(y) - y).abs().mean() + (turned_G(clockwise(y)) - clockwise(y)).abs().mean()
    adversarial = (trainer.discriminator(fake) - 1).square().mean()
    adversarial = adversarial + (trainer.turned_discriminator(turned_fake) - 1).square().mean()
    learners = [*G.parameters(), *(() if shared else turned_G.parameters())]
    expected = torch.autograd.grad(adversarial + 7 * follow + 3 * identity, learners)
    trainer.step(batch)
    for parameter, gradient in zip(learners, expected, strict=True):
        # Biases before a norm have no gradient, but rounding.
        torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-4)


@SHARED
def test_every_network_learns(make, shared):
    trainer = make(shared_generator=shared)
    parts = ["generator", "discriminator", "turned_discriminator"] + ([] if shared else ["turned_generator"])
    check_that_all_learn(trainer, *parts)


def test_generators_that_share_nothing_begin_differently(make):
    trainer = make(shared_generator=False)
    assert not trainer.generator.stem.weight.equal(trainer.turned_generator.stem.weight)


def test_generators_that_share_all_are_one(make):
    trainer = make()
    assert trainer.turned_generator is trainer.generator
    assert "turned_generator" not in trainer.networks


def test_without_its_weight_identity_is_not_computed(make):
    trainer = make(identity_weight=0.0)
    seen = []
    trainer.generator.register_forward_hook(lambda module, inputs, output: seen.append(len(output)))
    assert trainer.step(trainer.sample()).identity == 0
    assert seen == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [{}, {"geometry": "flip"}, {"shared_generator": False}, {"batch_size": 2, "mixed_precision": True}],
    ids=lambda changes: ", ".join(changes) or "gcgan",
)
def test_a_stopped_training_continues_bit_for_bit(make, changes):
    check_that_it_continues(lambda: make(**changes))


def test_an_unknown_geometry_is_refused():
    with pytest.raises(ConfigError, match="unknown geometry 'shear'; choose one of rotation, flip"):
        dataclasses.replace(tiny_gc(), geometry="shear")
