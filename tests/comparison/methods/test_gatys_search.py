"""The search for a minimum, and the scales it visits."""

import itertools
import math

import pytest
import torch
from torch import Tensor

from sinct.comparison.methods.gatys import (
    minimise,
    resize,
    scale_factors,
)
from sinct.errors import TrainingError
from tests.support.gatys import noise


def test_search_finds_the_minimum_of_a_quadratic() -> None:
    goal = noise(2, 3, 5)
    scale = torch.linspace(1, 20, 30, dtype=torch.float64).view(2, 3, 5)
    fit = minimise(
        lambda x: (scale * (x - goal).square()).sum(), torch.zeros(2, 3, 5).double(), iter(range(200))
    )
    torch.testing.assert_close(fit.x, goal, rtol=0, atol=1e-5)
    assert fit.finite


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2).square() + (1 - x[:-1]).square()).sum()


def test_search_finds_the_minimum_of_rosenbrocks_valley() -> None:
    fit = minimise(rosenbrock, torch.full((6,), -0.5).double(), iter(range(500)))
    torch.testing.assert_close(fit.x, torch.ones(6).double(), rtol=0, atol=1e-4)


def test_search_ends_with_its_evaluations() -> None:
    calls = []

    def counted(x: Tensor) -> Tensor:
        calls.append(1)
        return rosenbrock(x)

    fit = minimise(counted, torch.full((6,), -0.5).double(), iter(range(7)))
    assert fit.evaluations == len(calls) == 7


def test_search_returns_its_best_point() -> None:
    seen: list[tuple[float, Tensor]] = []

    def watched(x: Tensor) -> Tensor:
        loss = rosenbrock(x)
        seen.append((loss.item(), x.detach().clone()))
        return loss

    fit = minimise(watched, torch.full((6,), -0.5).double(), iter(range(20)))
    assert fit.first == seen[0][0]
    assert fit.loss == min(loss for loss, _ in seen)
    torch.testing.assert_close(fit.x, min(seen, key=lambda pair: pair[0])[1], rtol=0, atol=0)


def test_first_trial_moves_by_a_hundredth_on_average() -> None:
    seen: list[Tensor] = []

    def watched(x: Tensor) -> Tensor:
        seen.append(x.detach().clone())
        return 1e3 * (x - 1).square().sum()

    minimise(watched, torch.zeros(400).double(), iter(range(2)))
    assert (seen[1] - seen[0]).abs().mean().item() == pytest.approx(0.01)


def test_search_stays_where_there_is_no_slope() -> None:
    fit = minimise(lambda x: (0 * x).sum(), torch.ones(4), iter(range(10)))
    assert (fit.evaluations, fit.loss) == (1, 0)
    torch.testing.assert_close(fit.x, torch.ones(4), rtol=0, atol=0)


def test_search_stops_at_the_last_good_point_when_the_loss_is_not_finite() -> None:
    calls = itertools.count()
    fit = minimise(
        lambda x: rosenbrock(x) * (math.nan if next(calls) >= 5 else 1),
        torch.full((6,), -0.5).double(),
        iter(range(20)),
    )
    assert (fit.evaluations, fit.finite) == (6, False)
    assert math.isfinite(fit.loss)
    assert rosenbrock(fit.x).item() == pytest.approx(fit.loss)


def test_search_that_cannot_start_says_so() -> None:
    with pytest.raises(TrainingError, match=r"the loss at the start is not finite, .*weights are damaged"):
        minimise(lambda x: x.sum() * math.inf, torch.ones(4), iter(range(3)))


@pytest.mark.parametrize(
    ("long", "short", "expected"),
    [
        (1200, 768, [0.5, 1]),
        (2400, 1500, [0.25, 0.5, 1]),
        (700, 500, [1]),
        (512, 512, [1]),
        (40, 30, [1]),
        (2048, 40, [0.5, 1]),
        (2048, 16, [1]),
    ],
)
def test_scales_double_up_to_the_full_size(long: int, short: int, expected: list[float]) -> None:
    assert scale_factors(long, short, 512) == expected


@pytest.mark.parametrize("long", range(363, 5000, 97))
def test_first_scale_is_nearest_to_what_was_asked(long: int) -> None:
    assert 512 / math.sqrt(2) <= long * scale_factors(long, long, 512)[0] <= 512 * math.sqrt(2)


def test_picture_of_the_right_size_is_not_resampled() -> None:
    picture = noise(3, 20, 31, dtype=torch.float32).tanh()
    assert resize(picture, 20, 31) is picture


def test_resized_picture_keeps_its_range() -> None:
    edge = torch.ones(3, 20, 30)
    edge[:, :, 15:] = -1
    resized = resize(edge, 41, 61)
    assert resized.shape == (3, 41, 61)
    assert resized.abs().max() <= 1
