"""Losses of STROTSS against slow loops and closed forms."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods.strotss.losses import (
    Style,
    cosine_distance,
    moment_distance,
    moments,
    objective,
    palette_distance,
    relaxed_emd,
    self_similarity_distance,
    style_distance,
)
from tests.support.strotss import noise, seeded


def waves(n: int, d: int, phase: float) -> Tensor:
    """Row i, column j: (1 + sin(i d + j + phase)) / 2, a formula that any language has."""
    return (1 + torch.arange(float(n * d), dtype=torch.float64).add(phase).sin().view(n, d)) / 2


# Slow loops, written from the paper


def slow_cosine(a: list[float], b: list[float]) -> float:
    lengths = math.sqrt(sum(x * x for x in a)) * math.sqrt(sum(y * y for y in b))
    return 1 - sum(x * y for x, y in zip(a, b, strict=True)) / lengths


def slow_emd(a: list[list[float]], b: list[list[float]], distance) -> float:
    forth = sum(min(distance(x, y) for y in b) for x in a) / len(a)
    back = sum(min(distance(x, y) for x in a) for y in b) / len(b)
    return max(forth, back)


def slow_moments(a: list[list[float]], b: list[list[float]]) -> float:
    n, m, d = len(a), len(b), len(a[0])
    mean_a = [sum(row[j] for row in a) / n for j in range(d)]
    mean_b = [sum(row[j] for row in b) / m for j in range(d)]
    total = sum(abs(x - y) for x, y in zip(mean_a, mean_b, strict=True)) / d
    for j in range(d):
        for k in range(d):
            own = sum((row[j] - mean_a[j]) * (row[k] - mean_a[k]) for row in a) / n
            other = sum((row[j] - mean_b[j]) * (row[k] - mean_b[k]) for row in b) / m
            total += abs(own - other) / d**2
    return total


def slow_self_similarity(a: list[list[float]], b: list[list[float]]) -> float:
    n, total = len(a), 0.0
    for j in range(n):
        column_a = [slow_cosine(a[i], a[j]) for i in range(n)]
        column_b = [slow_cosine(b[i], b[j]) for i in range(n)]
        for x, y in zip(column_a, column_b, strict=True):
            total += abs(x / sum(column_a) - y / sum(column_b))
    return total / n


def slow_objective(x: Tensor, c: Tensor, s: Tensor, alpha: float) -> float:
    total = alpha * slow_self_similarity(x.tolist(), c.tolist()) + slow_moments(x.tolist(), s.tolist())
    total += slow_emd(x.tolist(), s.tolist(), slow_cosine)
    total += slow_emd(x[:, :3].tolist(), s[:, :3].tolist(), math.dist) / alpha
    return total / (2 + alpha + 1 / alpha)


def test_style_distance_equals_a_slow_loop() -> None:
    x, s = noise(7, 5), noise(9, 5, seed=1)
    distance = style_distance(x, s)
    assert distance.dtype == torch.float64
    assert distance.item() == pytest.approx(slow_emd(x.tolist(), s.tolist(), slow_cosine), rel=1e-12)


def test_palette_distance_equals_a_slow_loop() -> None:
    x, s = waves(40, 3, 0), waves(30, 3, 0.7)  # above 25 rows cdist would square and lose digits
    assert palette_distance(x, s).item() == pytest.approx(
        slow_emd(x.tolist(), s.tolist(), math.dist), rel=1e-12
    )


def test_moment_distance_equals_a_slow_loop() -> None:
    x, s = noise(7, 5), noise(9, 5, seed=1)
    distance = moment_distance(x, *moments(s))
    assert distance.item() == pytest.approx(slow_moments(x.tolist(), s.tolist()), rel=1e-12)


def test_self_similarity_distance_equals_a_slow_loop() -> None:
    x, c = noise(7, 5), noise(7, 4, seed=1)
    distance = self_similarity_distance(x, c)
    assert distance.item() == pytest.approx(slow_self_similarity(x.tolist(), c.tolist()), rel=1e-12)


@pytest.mark.parametrize("alpha", [16.0, 1.0, 0.5])
def test_objective_equals_a_slow_loop(alpha: float) -> None:
    x, c, s = noise(6, 5), noise(6, 5, seed=1), noise(8, 5, seed=2)
    value = objective(x, c, Style(s, *moments(s)), alpha)
    assert value.item() == pytest.approx(slow_objective(x, c, s, alpha), rel=1e-12)


def test_losses_of_the_readme_table() -> None:
    """Stored values of the slow loops; the table of sinct/comparison/methods/README.md has them too."""
    x, c, s = waves(4, 5, 0), waves(4, 5, 0.5), waves(6, 5, 1)
    style = Style(s, *moments(s))
    values = {
        "style": style_distance(x, s),
        "palette": palette_distance(x[:, :3], s[:, :3]),
        "moments": moment_distance(x, *moments(s)),
        "self-similarity": self_similarity_distance(x, c),
        "objective, 16": objective(x, c, style, 16),
        "objective, 1": objective(x, c, style, 1),
    }
    assert {name: value.item() for name, value in values.items()} == pytest.approx(STORED, rel=1e-10)


STORED = {
    "style": 0.04517950409213569,
    "palette": 0.29414919679115425,
    "moments": 0.17945004669650502,
    "self-similarity": 0.15045348925547664,
    "objective, 16": 0.1467277344595551,
    "objective, 1": 0.1673080592088179,
}


# Closed forms


def test_losses_of_a_set_with_itself_are_0() -> None:
    x = noise(30, 8).abs()
    assert style_distance(x, x).item() == pytest.approx(0, abs=1e-15)  # rounding of 1 - cos
    assert palette_distance(x[:, :3], x[:, :3]) == 0
    assert moment_distance(x, *moments(x)) == 0
    assert self_similarity_distance(x, x) == 0


def test_relaxed_emd_takes_the_dearer_direction() -> None:
    """Both features of the picture sit on one of the photo's, whose other one is 0.6 away."""
    assert relaxed_emd(torch.tensor([[0.0, 0.6], [0.0, 0.6]])).item() == pytest.approx(0.3)


def test_relaxed_emd_of_single_features_is_their_distance() -> None:
    assert relaxed_emd(torch.tensor([[0.7]])).item() == pytest.approx(0.7)


def test_relaxed_emd_is_symmetric() -> None:
    cost = noise(5, 8).abs()
    assert relaxed_emd(cost) == relaxed_emd(cost.T)


def test_losses_of_style_do_not_depend_on_order() -> None:
    x, s = noise(9, 5), noise(7, 5, seed=1)
    order, other = torch.randperm(9, generator=seeded()), torch.randperm(7, generator=seeded())
    torch.testing.assert_close(style_distance(x[order], s[other]), style_distance(x, s))
    torch.testing.assert_close(palette_distance(x[order], s[other]), palette_distance(x, s))
    torch.testing.assert_close(moment_distance(x[order], *moments(s[other])), moment_distance(x, *moments(s)))


def test_self_similarity_distance_does_not_depend_on_a_common_order() -> None:
    x, c = noise(9, 5), noise(9, 5, seed=1)
    order = torch.randperm(9, generator=seeded())
    torch.testing.assert_close(self_similarity_distance(x[order], c[order]), self_similarity_distance(x, c))


def test_cosine_distance_of_equal_orthogonal_opposite_and_zero_vectors() -> None:
    x = torch.tensor([[2.0, 0.0]])
    y = torch.tensor([[3.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, 0.0]])
    torch.testing.assert_close(cosine_distance(x, y), torch.tensor([[0.0, 1.0, 2.0, 1.0]]))


def test_style_distance_and_self_similarity_do_not_see_magnitudes() -> None:
    x, s = noise(6, 5), noise(6, 5, seed=1)
    torch.testing.assert_close(style_distance(3 * x, s), style_distance(x, s))
    torch.testing.assert_close(self_similarity_distance(3 * x, s), self_similarity_distance(x, s))


def test_moment_distance_of_shifted_features_is_the_shift() -> None:
    x = noise(6, 5)
    assert moment_distance(x + 0.25, *moments(x)).item() == pytest.approx(0.25)


def test_self_similarity_distance_of_a_triangle() -> None:
    """Columns of the orthonormal set are (0, 1, 1)/2; with two vectors equal they are (0, 0, 1) and (1, 1, 0)/2."""
    basis = torch.eye(3, dtype=torch.float64)
    pair = basis[[0, 0, 2]]
    assert self_similarity_distance(basis, pair).item() == pytest.approx((1 + 1 + 0) / 3)


def test_self_similarity_distance_of_equal_features_is_finite() -> None:
    flat = torch.full((50, 8), 0.3, requires_grad=True)
    distance = self_similarity_distance(flat, noise(50, 8, dtype=torch.float32))
    distance.backward()
    assert torch.isfinite(distance)
    assert torch.isfinite(flat.grad).all()


def test_palette_distance_is_the_same_in_the_decorrelated_space_of_the_code() -> None:
    matrix = torch.tensor(
        [[0.577350, 0.577350, 0.577350], [-0.577350, 0.788675, -0.211325], [-0.577350, -0.211325, 0.788675]],
        dtype=torch.float64,
    )
    x, s = waves(9, 3, 0), waves(7, 3, 0.7)
    rotated = palette_distance(x @ matrix.T, s @ matrix.T)
    torch.testing.assert_close(rotated, palette_distance(x, s), rtol=1e-5, atol=0)  # it has six digits


# Gradients, at points without ties


def test_style_distance_passes_gradcheck() -> None:
    assert gradcheck(style_distance, (noise(6, 4).requires_grad_(), noise(5, 4, seed=1)))


def test_palette_distance_passes_gradcheck() -> None:
    assert gradcheck(palette_distance, (noise(6, 3).requires_grad_(), noise(5, 3, seed=1)))


def test_moment_distance_passes_gradcheck() -> None:
    other = moments(noise(5, 4, seed=1))
    assert gradcheck(lambda x: moment_distance(x, *other), noise(6, 4).requires_grad_())


def test_self_similarity_distance_passes_gradcheck() -> None:
    assert gradcheck(self_similarity_distance, (noise(6, 4).requires_grad_(), noise(6, 4, seed=1)))


def test_palette_distance_has_a_finite_gradient_where_colours_are_equal() -> None:
    x = waves(5, 3, 0).requires_grad_()
    palette_distance(x, x.detach()).backward()
    assert torch.isfinite(x.grad).all()
