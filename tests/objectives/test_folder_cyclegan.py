"""CycleGAN on folders."""

import pytest
import torch

from sinct.objectives.folder_cyclegan import FolderCycleTrainer, ImagePool
from tests.support.folder_pictures import drawn_domains, tiny_cycle
from tests.support.learning import check_that_all_learn, check_that_it_continues

CPU = torch.device("cpu")


@pytest.fixture
def make(tmp_path):
    domains = drawn_domains(tmp_path / "pictures")

    def made(**changes) -> FolderCycleTrainer:
        return FolderCycleTrainer(domains.source, domains.target, tiny_cycle(**changes), CPU)

    return made


def test_the_terms_are_those_of_the_objective_written_out(make):
    trainer = make()
    batch = trainer.sample()
    x, y = batch
    G, F_, D_Y, D_X = (
        trainer.generator,
        trainer.backward,
        trainer.discriminator,
        trainer.backward_discriminator,
    )
    with torch.no_grad():
        cycle = (F_(G(x)) - x).abs().mean() + (G(F_(y)) - y).abs().mean()
        identity = (G(y) - y).abs().mean() + (F_(x) - x).abs().mean()
        adversarial = (D_Y(G(x)) - 1).square().mean() + (D_X(F_(y)) - 1).square().mean()
    losses = trainer.step(batch)
    torch.testing.assert_close(losses.cycle, cycle, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.identity, identity, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(losses.adversarial_g, adversarial, rtol=1e-4, atol=1e-5)


def test_every_network_learns(make):
    trainer = make()
    check_that_all_learn(trainer, "generator", "backward", "discriminator", "backward_discriminator")


def test_a_stopped_training_continues_bit_for_bit(make):
    check_that_it_continues(make)


def pictures(*values: float) -> torch.Tensor:
    return torch.tensor(values).view(-1, 1, 1, 1).expand(-1, 3, 2, 2)


def test_a_pool_that_is_not_full_keeps_and_returns_all():
    pool, random = ImagePool(3, 2), torch.Generator().manual_seed(0)
    for number in range(3):
        assert pool.exchange(pictures(number), number, random).equal(pictures(number))
    assert pool.pictures[:, 0, 0, 0].tolist() == [0, 1, 2]


def test_a_full_pool_gives_an_earlier_picture_half_of_the_time():
    pool, random = ImagePool(10, 2), torch.Generator().manual_seed(0)
    for number in range(10):
        pool.exchange(pictures(number), number, random)
    earlier = 0
    for number in range(10, 210):
        held = set(pool.pictures[:, 0, 0, 0].tolist())
        shown = pool.exchange(pictures(number), number, random)[0, 0, 0, 0].item()
        assert shown == number or shown in held
        assert (shown != number) == (number in pool.pictures[:, 0, 0, 0].tolist())
        earlier += shown != number
    assert 70 <= earlier <= 130


def test_no_pool_gives_the_present_pictures():
    assert ImagePool(0, 2).exchange(pictures(5.0), 9, torch.Generator()).equal(pictures(5.0))
