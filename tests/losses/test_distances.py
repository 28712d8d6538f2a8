"""Distances between pictures and halves against slow loops."""

import pytest
import torch
from torch import Tensor

from sinct.losses.distances import Scale, distance_loss, half_distances, pair_distances


def between(x: Tensor, y: Tensor) -> float:
    """Mean absolute difference, number by number."""
    pairs = list(zip(x.flatten().tolist(), y.flatten().tolist(), strict=True))
    return sum(abs(a - b) for a, b in pairs) / len(pairs)


def test_pairs_are_all_pairs_of_pictures():
    x = torch.rand(4, 3, 4, 6, dtype=torch.float64)
    expected = [between(x[i], x[j]) for i in range(4) for j in range(i + 1, 4)]
    torch.testing.assert_close(pair_distances(x), torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(
    ("halves", "first", "second"),
    [
        ("top_bottom", (slice(None, 3), slice(None)), (slice(3, None), slice(None))),
        ("left_right", (slice(None), slice(None, 4)), (slice(None), slice(4, None))),
    ],
)
def test_halves_are_those_of_each_picture(halves, first, second):
    x = torch.rand(3, 3, 6, 8, dtype=torch.float64)
    expected = [between(picture[:, *first], picture[:, *second]) for picture in x]
    torch.testing.assert_close(half_distances(x, halves), torch.tensor(expected, dtype=torch.float64))


def test_the_middle_row_of_an_odd_number_is_in_neither_half():
    x = torch.zeros(1, 1, 5, 2)
    x[:, :, 2] = 1
    assert half_distances(x, "top_bottom") == 0


def test_loss_is_the_mean_change_in_standard_deviations():
    before, after = torch.rand(5, dtype=torch.float64), torch.rand(5, dtype=torch.float64)
    source, target = (Scale(*torch.rand(2, dtype=torch.float64)) for _ in range(2))
    expected = 0.0
    for a, b in zip(before.tolist(), after.tolist(), strict=True):
        usual_a, usual_b = (float(value) for value in (source.mean, target.mean))
        expected += abs((a - usual_a) / float(source.deviation) - (b - usual_b) / float(target.deviation)) / 5
    assert float(distance_loss(before, after, source, target)) == pytest.approx(expected)


def test_loss_is_zero_where_distances_are_as_usual_in_both_domains():
    source, target = (
        Scale(torch.tensor(0.25), torch.tensor(0.5)),
        Scale(torch.tensor(1.0), torch.tensor(2.0)),
    )
    before = torch.tensor([0.25, 0.75, 0.0])
    after = torch.tensor([1.0, 3.0, 0.0])
    assert distance_loss(before, after, source, target) == 0


@pytest.mark.parametrize(
    "distances", [pair_distances, lambda x: half_distances(x, "top_bottom")], ids=["pairs", "halves"]
)
def test_gradients_are_those_of_finite_differences(distances):
    x = torch.rand(3, 2, 4, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    assert torch.autograd.gradcheck(distances, x.requires_grad_(True))


def test_half_precision_is_widened():
    x = torch.rand(2, 3, 8, 8).bfloat16()
    assert pair_distances(x).dtype == half_distances(x, "left_right").dtype == torch.float32
