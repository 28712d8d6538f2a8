import pytest
import torch

from sinct.networks.seeding import seeded


def test_draws_are_those_of_a_seeded_generator_and_the_callers_go_on() -> None:
    torch.manual_seed(5)
    torch.rand(2)
    expected = torch.rand(2)
    torch.manual_seed(5)
    torch.rand(2)
    with seeded(3):
        drawn = torch.rand(4)
    assert drawn.equal(torch.rand(4, generator=torch.Generator().manual_seed(3)))
    assert torch.rand(2).equal(expected)


def test_generators_of_gpus_are_not_seeded(monkeypatch: pytest.MonkeyPatch) -> None:
    def seed_all(seed: int) -> None:
        raise AssertionError

    monkeypatch.setattr(torch.cuda, "manual_seed_all", seed_all)
    with seeded(3):
        torch.rand(1)
