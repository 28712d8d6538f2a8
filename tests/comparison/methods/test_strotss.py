import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods import Job, Result
from sinct.comparison.methods.strotss import method
from sinct.comparison.methods.strotss.features import (
    LAYERS,
    hypercolumns,
    random_positions,
    regular_positions,
)
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
from sinct.comparison.methods.strotss.method import POSITIONS, run
from sinct.comparison.methods.strotss.pyramid import collapse, pyramid, scales
from sinct.errors import ConfigError
from sinct.networks.vgg import VGG
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def waves(n: int, d: int, phase: float) -> Tensor:
    """Row i, column j: (1 + sin(i d + j + phase)) / 2, a formula that any language has."""
    return (1 + torch.arange(float(n * d), dtype=torch.float64).add(phase).sin().view(n, d)) / 2


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


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


# Hypercolumns


@pytest.fixture(scope="module")
def vgg() -> VGG:
    return VGG(16)


def slow_hypercolumn(vgg: VGG, picture: Tensor, row: int, column: int) -> list[float]:
    values = picture[0, :, row, column].tolist()
    for name, layer in zip(LAYERS, vgg(picture * 2 - 1, LAYERS), strict=True):
        stride = 2 ** (int(name[len("relu")]) - 1)
        weights = []
        for at, size in zip((row, column), layer.shape[2:], strict=True):
            place = min(max((at + 0.5) / stride - 0.5, 0), size - 1)
            low = int(place)
            weights.append(
                {low: 1 - (place - low), min(low + 1, size - 1): place - low} if place > low else {low: 1.0}
            )
        values += sum(
            wy * wx * layer[0, :, y, x] for y, wy in weights[0].items() for x, wx in weights[1].items()
        ).tolist()
    return values


@pytest.mark.parametrize(("row", "column"), [(0, 0), (32, 40), (17, 22), (5, 39)])
def test_hypercolumn_equals_a_slow_loop(vgg: VGG, row: int, column: int) -> None:
    picture = noise(1, 3, 33, 41, dtype=torch.float32).sigmoid()
    found = hypercolumns(vgg, picture, torch.tensor([[row, column]]))
    # float32 coordinates are good to 1e-5 pixels
    assert found[0].tolist() == pytest.approx(slow_hypercolumn(vgg, picture, row, column), rel=1e-3, abs=1e-4)


def test_hypercolumns_have_2179_columns_beginning_with_the_colour(vgg: VGG) -> None:
    picture = noise(1, 3, 20, 30, dtype=torch.float32).sigmoid()
    found = hypercolumns(vgg, picture, torch.tensor([[3, 4], [19, 29], [0, 0]]))
    assert found.shape == (3, 2179)
    assert torch.equal(found[1, :3], picture[0, :, 19, 29])


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (15, 17)])
def test_hypercolumns_exist_for_small_pictures(vgg: VGG, size: tuple[int, int]) -> None:
    picture = noise(1, 3, *size, dtype=torch.float32).sigmoid()
    assert torch.isfinite(hypercolumns(vgg, picture, torch.ones(size).nonzero())).all()


def test_hypercolumns_pass_a_gradient_to_the_picture(vgg: VGG) -> None:
    picture = noise(1, 3, 20, 30, dtype=torch.float32).sigmoid().requires_grad_()
    hypercolumns(vgg, picture, torch.tensor([[3, 4]])).sum().backward()
    assert (picture.grad != 0).any()
    assert torch.isfinite(picture.grad).all()


# Positions


@pytest.mark.parametrize("size", [(1, 1), (7, 5), (31, 33), (64, 51), (300, 411), (2000, 60), (1, 5000)])
def test_regular_positions_are_about_as_many_as_wanted_and_inside(size: tuple[int, int]) -> None:
    positions = regular_positions(torch.ones(size, dtype=torch.bool), POSITIONS, seeded())
    assert 0.85 * min(POSITIONS, math.prod(size)) <= len(positions) <= 1.2 * POSITIONS
    assert ((positions >= 0) & (positions < torch.tensor(size))).all()
    assert len(positions.unique(dim=0)) == len(positions)


def test_regular_positions_of_a_small_picture_are_all_of_it() -> None:
    mask = torch.ones(20, 30, dtype=torch.bool)
    assert torch.equal(regular_positions(mask, 1024, seeded()), mask.nonzero())


def test_regular_positions_reach_every_pixel() -> None:
    mask, generator = torch.ones(9, 12, dtype=torch.bool), seeded()
    seen = torch.zeros(9, 12, dtype=torch.bool)
    for _ in range(300):
        rows, columns = regular_positions(mask, 10, generator).T
        seen[rows, columns] = True
    assert seen.all()


@pytest.mark.parametrize("draw", [regular_positions, random_positions])
def test_positions_lie_in_the_mask(draw) -> None:
    mask = noise(40, 50) > 0.5
    positions = draw(mask, 30, seeded())
    assert len(positions) > 0
    assert mask[positions[:, 0], positions[:, 1]].all()


def test_regular_positions_fall_back_on_random_ones() -> None:
    """A line of pixels lies between the rows of most grids."""
    mask = torch.zeros(50, 50, dtype=torch.bool)
    mask[20] = True
    mask[21:, :2] = True
    assert all(len(regular_positions(mask, 1, seeded(seed))) >= 1 for seed in range(20))


def test_random_positions_are_different_pixels() -> None:
    mask = torch.ones(40, 50, dtype=torch.bool)
    assert len(random_positions(mask, 300, seeded()).unique(dim=0)) == 300
    assert len(random_positions(mask, 5000, seeded()).unique(dim=0)) == 2000


# Pyramid and scales


@pytest.mark.parametrize("size", [(64, 64), (51, 37), (1, 9), (1, 1)])
def test_pyramid_collapses_to_the_picture(size: tuple[int, int]) -> None:
    picture = noise(1, 3, *size)
    torch.testing.assert_close(collapse(pyramid(picture)), picture)


def test_pyramid_of_a_flat_picture_has_empty_bands() -> None:
    *bands, rest = pyramid(torch.full((1, 3, 37, 51), 0.3, dtype=torch.float64))
    assert all(band.abs().max() < 1e-15 for band in bands)
    torch.testing.assert_close(rest, torch.full((1, 3, 1, 1), 0.3, dtype=torch.float64))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((512, 300), [(64, 37), (128, 75), (256, 150), (512, 300)]),
        ((966, 1200), [(60, 75), (120, 150), (241, 300), (483, 600), (966, 1200)]),
        ((127, 5), [(127, 5)]),
        ((20, 31), [(20, 31)]),
        ((1, 300), [(1, 75), (1, 150), (1, 300)]),
    ],
)
def test_scales_double_up_to_the_own_size(size: tuple[int, int], expected: list[tuple[int, int]]) -> None:
    assert scales(*size) == expected


# The whole method


def picture(height: int, width: int, seed: int) -> Tensor:
    coarse = noise(1, 3, 5, 5, seed=seed, dtype=torch.float32)
    smooth = F.interpolate(coarse, (height, width), mode="bicubic")[0]
    return (smooth + 0.1 * noise(3, height, width, seed=seed, dtype=torch.float32)).clamp(-1, 1)


@pytest.fixture(autouse=True)
def _few_positions_and_one_backbone(monkeypatch: pytest.MonkeyPatch, vgg: VGG) -> None:
    """A hundredth of the work: matrices of 2179 columns get few rows, and VGG is drawn but once."""
    monkeypatch.setattr(Weights, "load", lambda self, name: None)
    monkeypatch.setattr(method, "VGG", lambda depth, state, seed: vgg)
    monkeypatch.setattr(method, "POSITIONS", 64)
    monkeypatch.setattr(method, "STYLE_POSITIONS", 96)


def small_run(
    painting: Tensor, photo: Tensor, *, iterations: int = 1, seed: int = 0, regions=None, **settings
) -> Result:
    budget = Budget(iterations=iterations)
    return run(
        painting,
        photo,
        Job(budget, torch.device("cpu"), seed, Path(), Weights(random=True), regions),
        **settings,
    )


def test_run_visits_all_scales_and_keeps_the_paintings_size() -> None:
    result = small_run(picture(90, 131, 0), picture(48, 33, 1), iterations=2)
    assert result.pixels.shape == (3, 90, 131)
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1
    assert result.facts == {
        "scales": [
            {"width": 65, "height": 45, "iterations": 2},
            {"width": 131, "height": 90, "iterations": 2},
        ]
    }


def test_schedule_halves_the_content_weight_and_ends_without_the_paintings_band(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []

    def stand_in(start: Tensor, painting: Tensor, photo: Tensor, masks, vgg: VGG, **settings):
        calls.append((start, painting, photo, settings))
        return torch.full_like(painting, 0.5), 0

    monkeypatch.setattr(method, "_optimise", stand_in)
    small_run(picture(180, 256, 0), picture(100, 150, 1), content_weight=8.0)
    assert [call[3]["content_weight"] for call in calls] == [8.0, 4.0, 2.0]
    assert [call[3]["learning_rate"] for call in calls] == [0.002, 0.002, 0.001]
    assert [max(call[2].shape) for call in calls] == [64, 128, 150]  # the photo is never enlarged
    bands = [pyramid(call[1])[0] for call in calls]
    colour = calls[0][2].mean(dim=(2, 3), keepdim=True)
    torch.testing.assert_close(calls[0][0], colour + bands[0])
    torch.testing.assert_close(calls[1][0], 0.5 + bands[1])
    torch.testing.assert_close(calls[2][0], torch.full_like(bands[2], 0.5))


def test_run_is_the_same_for_the_same_seed_whatever_the_global_one() -> None:
    painting, photo = picture(30, 41, 0), picture(33, 24, 1)
    torch.manual_seed(1)
    first = small_run(painting, photo).pixels
    torch.manual_seed(2)
    assert torch.equal(first, small_run(painting, photo).pixels)
    assert not torch.equal(first, small_run(painting, photo, seed=1).pixels)


def test_run_brings_the_colours_to_the_photo() -> None:
    painting, photo = (
        picture(32, 40, 0),
        0.2 * picture(32, 40, 1) + torch.tensor([0.7, 0.0, -0.7])[:, None, None],
    )
    made = small_run(painting, photo).pixels
    means = [x.mean(dim=(1, 2)) for x in (made, painting, photo)]
    assert (means[0] - means[2]).norm() < 0.3 * (means[1] - means[2]).norm()


def test_run_lowers_the_objective(vgg: VGG) -> None:
    painting, photo = picture(24, 24, 0), picture(24, 24, 1)
    everywhere = torch.ones(24, 24).nonzero()
    content, features = (hypercolumns(vgg, (x[None] + 1) / 2, everywhere) for x in (painting, photo))
    style = Style(features, *moments(features))
    values = [
        objective(
            hypercolumns(vgg, (small_run(painting, photo, iterations=n).pixels[None] + 1) / 2, everywhere),
            content,
            style,
            16.0,
        )
        for n in (1, 12)
    ]
    assert values[1] < values[0]


@pytest.mark.parametrize(("size", "other"), [((1, 1), (3, 2)), ((7, 40), (1, 9)), ((17, 16), (200, 3))])
def test_run_takes_any_size(size: tuple[int, int], other: tuple[int, int]) -> None:
    pixels = small_run(picture(*size, 0), picture(*other, 1)).pixels
    assert pixels.shape == (3, *size)
    assert torch.isfinite(pixels).all()


def test_run_takes_flat_pictures() -> None:
    pixels = small_run(torch.full((3, 20, 20), 0.2), torch.full((3, 20, 20), -1.0), iterations=2).pixels
    assert torch.isfinite(pixels).all()


def halves(height: int, width: int, labels: tuple[int, int]) -> Tensor:
    """Upper half one label, lower half the other."""
    return torch.tensor(labels)[(torch.arange(height) >= height // 2).long()][:, None].expand(height, width)


def test_run_keeps_regions_apart() -> None:
    """With the photo's halves swapped by labels, the upper half takes after the photo's lower one."""
    painting = picture(32, 40, 0)
    photo = torch.cat([torch.full((3, 15, 30), 0.8), torch.full((3, 15, 30), -0.8)], dim=1)
    photo = (photo + 0.1 * noise(3, 30, 30, dtype=torch.float32)).clamp(-1, 1)
    like, swapped = (
        small_run(
            painting, photo, iterations=3, regions=(halves(32, 40, (1, 2)), halves(30, 30, labels))
        ).pixels
        for labels in ((1, 2), (2, 1))
    )
    difference = [(x[:, :16].mean() - x[:, 16:].mean()).item() for x in (like, swapped)]
    assert difference[0] > difference[1]


def test_one_region_everywhere_is_no_guidance() -> None:
    painting, photo = picture(20, 24, 0), picture(18, 30, 1)
    regions = torch.full((20, 24), 3), torch.full((18, 30), 3)
    assert torch.equal(small_run(painting, photo, regions=regions).pixels, small_run(painting, photo).pixels)


def test_a_region_that_is_not_in_the_photo_may_look_like_all_of_it() -> None:
    painting, photo = picture(20, 24, 0), picture(18, 30, 1)
    regions = torch.full((20, 24), 3), torch.full((18, 30), 5)
    assert torch.equal(small_run(painting, photo, regions=regions).pixels, small_run(painting, photo).pixels)


def test_content_weight_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="content_weight 0 must be positive; the paper's is 16"):
        small_run(picture(8, 8, 0), picture(8, 8, 1), content_weight=0.0)


def test_iterations_must_be_positive() -> None:
    with pytest.raises(ConfigError, match="iterations 0 must be 1 or more; the paper's are 200"):
        run(
            picture(8, 8, 0),
            picture(8, 8, 1),
            Job(Budget(), torch.device("cpu"), 0, Path(), Weights()),
            iterations=0,
        )


def test_method_states_its_settings_and_weights() -> None:
    assert method.METHOD.weights == ("vgg16",)
    assert method.METHOD.settings({}) == {"content_weight": 16.0, "iterations": 200}
