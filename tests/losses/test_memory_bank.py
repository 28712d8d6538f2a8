import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses import MemoryBank, bank_nce


def keys(count: int, seed: int = 0) -> Tensor:
    return F.normalize(torch.randn(count, 3, generator=torch.Generator().manual_seed(seed)), dim=1)


def bank(size: int = 8) -> MemoryBank:
    torch.manual_seed(0)
    return MemoryBank(3, size)


def test_bank_has_the_published_size() -> None:
    assert MemoryBank().vectors.shape == (16_384, 256)


def test_bank_begins_with_random_unit_vectors() -> None:
    vectors = bank(4096).vectors
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(4096))
    assert vectors.mean(dim=0).abs().max() < 0.05  # in all directions alike
    assert torch.equal(vectors, bank(4096).vectors)
    assert len(vectors.unique(dim=0)) == 4096


@pytest.mark.parametrize(
    "counts", [(8,), (3, 3, 3, 3), (5, 1, 7, 0, 8, 2), (16, 3), (11, 4, 25), (1,) * 20, (8, 8, 8)]
)
def test_enqueueing_equals_a_slow_loop(counts: tuple[int, ...]) -> None:
    """One vector after the other overwrites the oldest, in a ring."""
    made = bank()
    expected, oldest = made.vectors.clone(), 0
    for seed, count in enumerate(counts):
        made.enqueue(keys(count, seed))
        for vector in keys(count, seed):
            expected[oldest] = vector
            oldest = (oldest + 1) % 8
        assert torch.equal(made.vectors, expected)
        assert made.oldest == oldest


def test_bank_keeps_the_newest() -> None:
    made = bank()
    for seed in range(4):
        made.enqueue(keys(3, seed))
    newest = torch.cat([keys(3, seed) for seed in range(4)])[-8:]
    assert torch.equal(made.vectors.sort(dim=0).values, newest.sort(dim=0).values)


def test_negatives_are_those_that_were_enqueued_before() -> None:
    made, query = bank(6), keys(3, seed=9)
    found, expected = [], []
    everything = list(made.vectors)
    for seed in range(5):
        found.append(bank_nce(query, keys(3, seed), made.vectors))
        expected.append(bank_nce(query, keys(3, seed), torch.stack(everything[-6:])))
        made.enqueue(keys(3, seed))
        everything.extend(keys(3, seed))
    torch.testing.assert_close(torch.stack(found), torch.stack(expected))


def test_nothing_in_the_bank_has_a_gradient() -> None:
    made = bank()
    made.enqueue(keys(3).requires_grad_())
    assert not made.vectors.requires_grad
    assert not list(made.parameters())


def test_loss_can_be_differentiated_after_the_bank_went_on() -> None:
    made, query = bank(), keys(3).requires_grad_()
    loss = bank_nce(query, keys(3, 1), made.vectors)
    (expected,) = torch.autograd.grad(loss, query, retain_graph=True)
    made.enqueue(keys(5))
    assert torch.equal(torch.autograd.grad(loss, query)[0], expected)


def test_bank_goes_on_from_its_state() -> None:
    made, again = bank(), MemoryBank(3, 8)
    made.enqueue(keys(5))
    again.load_state_dict(made.state_dict())
    assert set(made.state_dict()) == {"vectors", "oldest"}
    for each in (made, again):
        each.enqueue(keys(6, 1))
    assert torch.equal(made.vectors, again.vectors)


def test_keys_in_bfloat16_are_widened() -> None:
    made = bank()
    made.enqueue(keys(3).bfloat16())
    assert made.vectors.dtype == torch.float32
    assert torch.equal(made.vectors[:3], keys(3).bfloat16().float())


@pytest.mark.parametrize("shape", [(3, 4), (3,), (1, 3, 3)])
def test_keys_of_another_size_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"keys \(.*\) do not fit a bank of 3 dimensions; give \(N, 3\)"):
        bank().enqueue(torch.zeros(shape))
