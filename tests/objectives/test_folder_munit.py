"""MUNIT on folders."""

import pytest
import torch

from sinct.errors import ConfigError
from sinct.objectives.folder_multimodal import MEAN_SHARE
from sinct.objectives.folder_munit import FolderMunitTrainer, MunitSettings
from tests.support.folder_pictures import drawn_domains, mean_colour_moves, tiny_munit
from tests.support.learning import (
    check_that_all_learn,
    check_that_directions_begin_alike_if_asked,
    check_that_it_continues,
)

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderMunitTrainer:
        return FolderMunitTrainer(domains.source, domains.target, tiny_munit(**changes), CPU)

    return made


def test_the_published_weights_are_the_defaults():
    settings = MunitSettings()
    assert (settings.image_weight, settings.content_weight, settings.style_weight) == (10, 1, 1)
    assert (settings.learning_rate, settings.betas, settings.batch_size) == (0.0001, (0.5, 0.999), 1)
    assert (settings.styles, settings.scales, settings.width) == (8, 3, 64)


def mean_l1(found, wanted):
    """The mean of absolute differences, number by number."""
    pairs = list(zip(found.flatten().tolist(), wanted.flatten().tolist(), strict=True))
    return sum(abs(one - other) for one, other in pairs) / len(pairs)


@torch.no_grad()
def test_the_terms_are_those_of_the_objective_written_out(make):
    trainer = make(cycle_weight=10.0, batch_size=2)
    batch = trainer.sample()
    x1, x2 = batch
    forward, backward = trainer.generator, trainer.backward
    state = trainer.random.get_state()
    s1, s2 = torch.randn(2, 3, generator=trainer.random), torch.randn(2, 3, generator=trainer.random)
    trainer.random.set_state(state)

    c1, c2 = forward.content_of(x1), backward.content_of(x2)
    own1, own2 = backward.style_of(x1), forward.style_of(x2)
    to_2, to_1 = forward.decode(c1, s2), backward.decode(c2, s1)
    image = mean_l1(backward.decode(c1, own1), x1) + mean_l1(forward.decode(c2, own2), x2)  # eq. 1
    content = mean_l1(backward.content_of(to_2), c1) + mean_l1(forward.content_of(to_1), c2)  # eq. 2
    style = mean_l1(forward.style_of(to_2), s2) + mean_l1(backward.style_of(to_1), s1)  # eq. 3
    back_1 = backward.decode(backward.content_of(to_2), own1)
    back_2 = forward.decode(forward.content_of(to_1), own2)
    cycle = mean_l1(back_1, x1) + mean_l1(back_2, x2)
    fooled = sum(  # least squares, at each scale
        sum((logit - 1) ** 2 for logit in logits.flatten().tolist()) / logits.numel()
        for logits in (*trainer.discriminator(to_2), *trainer.backward_discriminator(to_1))
    )

    with torch.enable_grad():
        losses = trainer.step(batch)
    for found, wanted in (
        (losses.image, image),
        (losses.content, content),
        (losses.style, style),
        (losses.cycle, cycle),
        (losses.adversarial_g, fooled),
    ):
        assert found.item() == pytest.approx(wanted, rel=1e-4)


def test_discriminators_judge_both_domains_at_all_scales(make):
    trainer = make()
    x1, x2 = trainer.sample()
    found, _ = trainer.judge(trainer.discriminator, x2, x1)
    wanted = 0.0
    for real, fake in zip(trainer.discriminator(x2), trainer.discriminator(x1), strict=True):
        wanted += 0.5 * ((real - 1) ** 2).mean().item() + 0.5 * (fake**2).mean().item()
    assert found.item() == pytest.approx(wanted, rel=1e-5)


def test_r1_is_the_squared_gradient_of_all_logits(make):
    trainer = make(r1_weight=1.0, batch_size=2)
    x1, x2 = trainer.sample()
    _, found = trainer.judge(trainer.discriminator, x2, x1)
    x2 = x2.clone().requires_grad_()
    total = sum(logits.sum() for logits in trainer.discriminator(x2))
    (gradient,) = torch.autograd.grad(total, x2)
    assert found.item() == pytest.approx(gradient.square().sum().item() / 2, rel=1e-4)
    assert trainer.step((x1, x2.detach())).r1 > 0


def test_both_directions_begin_with_the_same_weights_if_asked(make):
    check_that_directions_begin_alike_if_asked(make)


def test_every_network_learns(make):
    trainer = make()
    check_that_all_learn(trainer, "generator", "backward", "discriminator", "backward_discriminator")


def test_a_stopped_training_continues_bit_for_bit(make):
    whole = check_that_it_continues(make)
    assert "average.mean_style" in whole


def test_the_mean_style_is_that_of_the_targets_seen(make):
    trainer = make()
    wanted = None
    for step in range(3):
        batch = trainer.sample()
        with torch.no_grad():
            style = trainer.generator.style_of(batch.target).mean(dim=0)
        trainer.step(batch)
        trainer.steps_done += 1
        wanted = style if wanted is None else wanted + (style - wanted) / (step + 1)
    torch.testing.assert_close(trainer.generator.mean_style, wanted)
    assert trainer.average.mean_style.equal(trainer.generator.mean_style)
    trainer.steps_done = 10_000
    trainer.keep_style(wanted[None] + 1)
    torch.testing.assert_close(trainer.generator.mean_style, wanted + MEAN_SHARE)


@pytest.mark.parametrize(("done", "share"), [(0, 1), (99, 1), (100, 0.5), (250, 0.25)])
def test_the_rate_is_halved_again_and_again(make, done, share):
    trainer = make(rate_halving=100, steps=1000)
    trainer.steps_done = done
    assert trainer.rate == pytest.approx(0.0001 * share)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"generator": "resnet"}, "unknown generator 'resnet'; choose one of munit"),
        ({"discriminator": "patchgan"}, "unknown discriminator 'patchgan'; choose one of multiscale"),
        ({"scales": 3}, "at 3 scales need a crop_size of 64 or more, got 32; give larger crops or fewer"),
        ({"crop_size": 34}, "a multiple of 4, got 34"),
        ({"styles": 0}, "styles must be above 0"),
    ],
)
def test_settings_that_do_not_fit_are_refused(changes, reason):
    with pytest.raises(ConfigError, match=reason):
        tiny_munit(**changes)


@pytest.mark.slow
def test_some_hundred_steps_move_the_source_toward_the_target(tmp_path):
    """Red discs toward blue squares, with the mean style and with any that is drawn."""
    config = tiny_munit(width=8, discriminator_width=8, steps=250, learning_rate=0.0005, styles=8)
    mean_colour_moves(tmp_path, "munit", config)
