"""DRIT++ on folders."""

import math

import pytest
import torch

from sinct.errors import ConfigError
from sinct.objectives.folder_drit import DritSettings, FolderDritTrainer
from tests.support.folder_pictures import drawn_domains, mean_colour_moves, tiny_drit
from tests.support.learning import (
    check_that_all_learn,
    check_that_directions_begin_alike_if_asked,
    check_that_it_continues,
)

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderDritTrainer:
        return FolderDritTrainer(domains.source, domains.target, tiny_drit(**changes), CPU)

    return made


def test_the_published_weights_are_the_defaults():
    settings = DritSettings()
    weights = {name: getattr(settings, f"{name}_weight") for name in ("cycle", "image", "latent", "kl")}
    assert weights == {"cycle": 10, "image": 10, "latent": 10, "kl": 0.01}
    assert (settings.content_adversarial_weight, settings.content_size_weight, settings.seeking_weight) == (
        1,
        0.01,
        1,
    )
    assert (settings.learning_rate, settings.betas, settings.batch_size) == (0.0001, (0.5, 0.999), 1)
    assert (settings.styles, settings.crop_size, settings.width) == (8, 216, 64)


def mean_l1(found, wanted):
    """The mean of absolute differences, number by number."""
    pairs = list(zip(found.flatten().tolist(), wanted.flatten().tolist(), strict=True))
    return sum(abs(one - other) for one, other in pairs) / len(pairs)


def mean_of(function, *maps):
    """The mean of a function of all numbers, in each map, then summed over the maps."""
    return sum(sum(map(function, each.flatten().tolist())) / each.numel() for each in maps)


@torch.no_grad()
def test_the_terms_are_those_of_the_objective_written_out(make):
    trainer = make()
    batch = trainer.sample()
    x, y = batch
    forward, backward = trainer.generator, trainer.backward  # E_X^c, E_Y^a, G_Y and E_Y^c, E_X^a, G_X
    state = trainer.random.get_state()
    zx, zx_other, zy, zy_other, *noises = (torch.randn(1, 3, generator=trainer.random) for _ in range(8))
    trainer.random.set_state(state)

    def drawn(attributes, noise):
        return attributes.mean + attributes.log_variance.exp().sqrt() * noise

    cx, cy = forward.content_of(x), backward.content_of(y)
    ax, ay = backward.attributes_of(x), forward.attributes_of(y)
    own_x, own_y = drawn(ax, noises[0]), drawn(ay, noises[1])
    u, v = backward.decode(cy, own_x), forward.decode(cx, own_y)
    back_x = backward.decode(backward.content_of(v), drawn(backward.attributes_of(u), noises[2]))
    back_y = forward.decode(forward.content_of(u), drawn(forward.attributes_of(v), noises[3]))
    drawn_x, other_x = backward.decode(cy, zx), backward.decode(cy, zx_other)
    drawn_y, other_y = forward.decode(cx, zy), forward.decode(cx, zy_other)

    def entropy(logit):  # eq. 2
        share = 1 / (1 + math.exp(-logit))
        return -0.5 * math.log(share) - 0.5 * math.log(1 - share)

    def divergence(attributes):
        pairs = zip(attributes.mean[0].tolist(), attributes.log_variance[0].tolist(), strict=True)
        return sum(0.5 * (mean**2 + math.exp(log) - log - 1) for mean, log in pairs)

    def ratio(one, other, code, other_code):
        return 1 / (mean_l1(one, other) / mean_l1(code, other_code) + 1e-5)

    both_x, both_y = torch.cat([u, drawn_x]), torch.cat([v, drawn_y])
    logits = (*trainer.backward_discriminator(both_x), *trainer.discriminator(both_y))
    wanted = {
        "content_g": mean_of(entropy, trainer.content_discriminator(cx), trainer.content_discriminator(cy)),
        "adversarial_g": mean_of(lambda logit: math.log1p(math.exp(-logit)), *logits),
        "cycle": mean_l1(back_x, x) + mean_l1(back_y, y),
        "image": mean_l1(backward.decode(cx, own_x), x) + mean_l1(forward.decode(cy, own_y), y),
        "latent": mean_l1(backward.style_of(drawn_x), zx) + mean_l1(forward.style_of(drawn_y), zy),
        "kl": divergence(ax) + divergence(ay),
        "content_size": mean_of(abs, cx, cy),
        "seeking": ratio(drawn_x, other_x, zx, zx_other) + ratio(drawn_y, other_y, zy, zy_other),
    }
    with torch.enable_grad():
        losses = trainer.step(batch)
    found = {name: getattr(losses, name).item() for name in wanted}
    assert found == pytest.approx(wanted, rel=1e-3)


@torch.no_grad()
def test_the_discriminator_of_contents_tells_sources_from_targets(make):
    trainer = make()
    batch = trainer.sample()
    cx, cy = trainer.generator.content_of(batch.source), trainer.backward.content_of(batch.target)
    network = trainer.content_discriminator
    wanted = 0.5 * mean_of(lambda logit: math.log1p(math.exp(-logit)), network(cx))
    wanted += 0.5 * mean_of(lambda logit: math.log1p(math.exp(logit)), network(cy))
    with torch.enable_grad():
        assert trainer.step(batch).content_d.item() == pytest.approx(wanted, rel=1e-4)


def test_both_directions_have_one_content_space(make):
    trainer = make()
    trainer.step(trainer.sample())
    assert trainer.backward.content.shared is trainer.generator.content.shared
    assert trainer.backward.decoder.shared is trainer.generator.decoder.shared
    parameters = trainer.optimizer_g.param_groups[0]["params"]
    assert len({id(each) for each in parameters}) == len(parameters)
    assert any(each is trainer.generator.content.shared.conv1.weight for each in parameters)


def test_both_directions_begin_with_the_same_weights_if_asked(make):
    check_that_directions_begin_alike_if_asked(make)


def test_every_network_learns(make):
    trainer = make()
    check_that_all_learn(
        trainer, "generator", "backward", "discriminator", "backward_discriminator", "content_discriminator"
    )


def test_a_stopped_training_continues_bit_for_bit(make):
    check_that_it_continues(make)


def test_crops_too_small_for_contents_are_refused():
    with pytest.raises(ConfigError, match="contents needs a crop_size of 32 or more, got 16"):
        tiny_drit(crop_size=16, scales=1)


@pytest.mark.slow
def test_some_hundred_steps_move_the_source_toward_the_target(tmp_path):
    """Red discs toward blue squares, with the mean attributes and with any that are drawn."""
    config = tiny_drit(width=8, discriminator_width=8, steps=250, learning_rate=0.0005, styles=8)
    mean_colour_moves(tmp_path, "drit", config)
