"""Whitening and colouring, whole and by region."""

import math

import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods.wct2 import regions, whitening
from sinct.comparison.methods.wct2.regions import Guide, matched_regions
from sinct.comparison.methods.wct2.whitening import Moments, moments, whiten_colour
from tests.support.wct2 import (
    f64,
    noise,
    svd_whiten_colour,
)

# Moments


def slow_moments(features: Tensor) -> tuple[list[float], list[list[float]]]:
    channels, count = features.shape
    rows = features.tolist()
    mean = [sum(row) / count for row in rows]
    covariance = [
        [
            sum((rows[a][n] - mean[a]) * (rows[b][n] - mean[b]) for n in range(count)) / (count - 1)
            for b in range(channels)
        ]
        for a in range(channels)
    ]
    return mean, covariance


@pytest.mark.parametrize("chunk", [4, 7, 2**17])
def test_moments_equal_a_slow_loop(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whitening, "_CHUNK", chunk)
    features = noise(3, 14)
    mean, covariance = slow_moments(features)
    found = moments(features)
    torch.testing.assert_close(found.mean, f64(mean))
    torch.testing.assert_close(found.covariance, f64(covariance))
    torch.testing.assert_close(found.covariance, torch.cov(features))


def test_moments_of_float32_are_float64() -> None:
    features = noise(3, 50).float() + 1000
    found = moments(features)
    assert found.covariance.dtype == torch.float64
    torch.testing.assert_close(found.covariance, torch.cov(features.double()), rtol=1e-10, atol=1e-10)


def test_one_position_has_no_covariance() -> None:
    assert torch.equal(moments(noise(3, 1)).covariance, torch.zeros(3, 3, dtype=torch.float64))


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_whiten_colour_equals_the_equations_step_by_step(ridge: float) -> None:
    content, style = noise(5, 40), noise(5, 30, seed=1) * 3 + 2
    torch.testing.assert_close(
        whiten_colour(content, style, ridge=ridge), svd_whiten_colour(content, style, ridge)
    )


def test_whitened_and_coloured_features_have_the_moments_of_the_style() -> None:
    content, style = noise(5, 40), noise(5, 5, seed=1) @ noise(5, 30, seed=2) + 2
    result, wanted = moments(whiten_colour(content, style, ridge=0)), moments(style)
    torch.testing.assert_close(result.mean, wanted.mean)
    torch.testing.assert_close(result.covariance, wanted.covariance)


def test_covariance_is_the_styles_where_that_has_fewer_directions() -> None:
    style = noise(5, 2, seed=1) @ noise(2, 30, seed=2)
    result = moments(whiten_colour(noise(5, 40), style, ridge=0))
    torch.testing.assert_close(result.covariance, moments(style).covariance)


def test_directions_that_the_content_lacks_stay_empty() -> None:
    """The content's kept directions E give C_s^(1/2) E Eᵀ C_s^(1/2)."""
    content, style = noise(5, 3) @ noise(3, 40, seed=1), noise(5, 30, seed=2)
    kept = torch.linalg.qr(content - content.mean(dim=1, keepdim=True))[0][:, :3]
    values, vectors = torch.linalg.eigh(moments(style).covariance)
    root = vectors @ values.sqrt().diag() @ vectors.T
    result = moments(whiten_colour(content, style, ridge=0))
    torch.testing.assert_close(result.covariance, root @ kept @ kept.T @ root)


@pytest.mark.parametrize(("variance", "kept"), [(2e-5, True), (0.5e-5, False)])
def test_the_threshold_is_on_eigenvalues(variance: float, kept: bool) -> None:
    content = f64([[1, -1]]) * math.sqrt(variance / 2)
    result = whiten_colour(content, f64([[0, 4]]), ridge=0)  # mean 2, deviation √8
    expected = f64([[4, 0]] if kept else [[2, 2]])
    torch.testing.assert_close(result, expected)


def test_ridge_of_one_channel_has_a_closed_form() -> None:
    content, style = noise(1, 9), noise(1, 7, seed=1) * 3
    scale = ((style.var() + 0.5) / (content.var() + 0.5)).sqrt()
    expected = (content - content.mean()) * scale + style.mean()
    torch.testing.assert_close(whiten_colour(content, style, ridge=0.5), expected)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
@pytest.mark.parametrize("rank", [2, 5])
def test_features_keep_what_they_are_under_their_own_moments(ridge: float, rank: int) -> None:
    features = noise(5, rank) @ noise(rank, 40, seed=1) + 3
    torch.testing.assert_close(whiten_colour(features, features, ridge=ridge), features)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_whiten_colour_passes_gradcheck(ridge: float) -> None:
    content, style = noise(3, 7).requires_grad_(), (noise(3, 6, seed=1) * 2).requires_grad_()
    assert gradcheck(lambda c, s: whiten_colour(c, s, ridge=ridge), (content, style))


def test_whiten_colour_keeps_float32() -> None:
    content, style = noise(5, 40), noise(5, 30, seed=1) * 3 + 2
    result = whiten_colour(content.float(), style.float())
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), whiten_colour(content, style), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("ridge", "expected"),
    [  # computed once by svd_whiten_colour in float64
        (
            1.0,
            [
                [-0.139872663616, 1.567147411884, -1.300515470414, 0.349984674088, -0.53792289414],
                [0.451477563271, -1.043271398886, -0.599089684308, 1.932474473203, -0.226160489139],
            ],
        ),
        (
            0.0,
            [
                [-0.292165642541, 2.889177804223, -2.087891727079, 0.281322418372, -0.851621795176],
                [0.613654706142, -1.822277812529, -0.598861324183, 2.565556628254, -0.242641733543],
            ],
        ),
    ],
)
def test_whiten_colour_of_the_stored_example(ridge: float, expected: list[list[float]]) -> None:
    content = torch.arange(10.0, dtype=torch.float64).square().sin().view(2, 5)
    style = 2 * torch.arange(8.0, dtype=torch.float64).square().cos().view(2, 4)
    result = whiten_colour(content, style, ridge=ridge)
    torch.testing.assert_close(result, f64(expected), rtol=0, atol=1e-11)


# Regions


def test_regions_match_where_both_maps_have_enough_of_them() -> None:
    def labels(**counts: int) -> Tensor:
        return torch.cat([torch.full((n,), int(name[1:])) for name, n in counts.items()])[None]

    painting = labels(_0=11, _1=10, _2=11, _3=1100, _4=1099, _6=50)
    photo = labels(_0=11, _1=500, _2=10, _3=11, _4=11, _5=50)
    assert matched_regions(painting, photo) == (0, 4)


def test_labels_follow_the_centre_of_each_feature() -> None:
    labels = torch.zeros(8, 8)
    labels[2, 6] = 7  # of the 4x4 pixels of a feature two levels down, the third row and column are taken
    assert torch.equal(Guide(labels, (0, 7)).select(2, 2)[7], torch.tensor([False, True, False, False]))


def test_a_region_lost_in_small_features_is_left_out() -> None:
    labels = torch.zeros(8, 8)
    labels[0, 0] = 7
    assert set(Guide(labels, (0, 7)).select(1, 1)) == {0}


def test_each_region_gets_the_moments_of_its_own() -> None:
    labels = torch.zeros(4, 6)
    labels[:, 3:] = 1
    labels[0] = 2  # not matched
    content, style = noise(1, 5, 4, 6), noise(1, 5, 4, 6, seed=1) * 3
    guide = Guide(labels, (0, 1))
    result = content.clone()
    regions.transfer(result, regions.measure(style, guide), guide)
    for number in (0, 1):
        own = labels == number
        expected = whiten_colour(content[0, :, own], style[0, :, own])
        expected = expected.clamp(content[0, :, own].min(), content[0, :, own].max())
        torch.testing.assert_close(result[0, :, own], expected)
    assert torch.equal(result[0, :, 0], content[0, :, 0])


def test_a_region_that_only_one_picture_keeps_is_left_alone() -> None:
    labels = torch.zeros(8, 8)
    labels[:, 4:] = 7
    content, style = noise(1, 3, 2, 2), noise(1, 3, 4, 4, seed=1)
    targets = regions.measure(style, Guide(torch.zeros(8, 8), (0, 7)))
    result = content.clone()
    regions.transfer(result, targets, Guide(labels, (0, 7)))
    assert torch.equal(result[..., 1], content[..., 1])
    assert not torch.equal(result[..., 0], content[..., 0])


def test_transferred_features_stay_in_their_range() -> None:
    features = noise(1, 3, 4, 4)
    low, high = features.min().item(), features.max().item()
    regions.transfer(features, {0: Moments(torch.full((3,), 5.0).double(), torch.eye(3).double())}, Guide())
    assert features.min() >= low
    assert features.max() == high


def test_features_that_cannot_be_changed_in_place_are_refused() -> None:
    features = noise(1, 3, 4, 4).mT
    with pytest.raises(RuntimeError, match="view"):
        regions.transfer(features, regions.measure(features, Guide()), Guide())
