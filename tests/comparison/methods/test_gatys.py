import itertools
import math
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck

from sinct.comparison.methods import Job, Result
from sinct.comparison.methods.gatys import (
    CONTENT_LAYER,
    METHOD,
    STYLE_LAYERS,
    content_loss,
    gram_matrix,
    minimise,
    normalise,
    resize,
    run,
    scale_factors,
    style_loss,
)
from sinct.errors import ConfigError, InputError, Interrupted, TrainingError, WeightsError
from sinct.networks.vgg import VGG
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def waves(*shape: int, start: float = 0.0) -> Tensor:
    """sin(k + start) over the elements k = 0, 1, … in row-major order."""
    return torch.arange(math.prod(shape), dtype=torch.float64).add(start).sin().view(shape)


# Losses


def slow_sums(features: Tensor) -> list[list[float]]:
    """Eq. 3: G_ij = Σ_k F_ik F_jk."""
    maps = [channel.flatten().tolist() for channel in features[0]]
    return [[sum(a * b for a, b in zip(i, j, strict=True)) for j in maps] for i in maps]


def slow_style_loss(features: list[Tensor], photo: list[Tensor]) -> float:
    """Eqs. 4-5 as printed, for pictures of one size: E_l = 1/(4 N² M²) Σ (G - A)², L = Σ w_l E_l, w_l = 1/L."""
    total = 0.0
    for f, a in zip(features, photo, strict=True):
        n, m = f.shape[1], f.shape[2] * f.shape[3]
        pairs = zip(itertools.chain(*slow_sums(f)), itertools.chain(*slow_sums(a)), strict=True)
        total += sum((g - t) ** 2 for g, t in pairs) / (4 * n**2 * m**2) / len(features)
    return total


def test_gram_matrix_equals_a_slow_loop() -> None:
    features = noise(1, 4, 3, 5)
    expected = torch.tensor(slow_sums(features), dtype=torch.float64) / 15
    torch.testing.assert_close(gram_matrix(features)[0], expected)


def test_gram_matrix_of_a_batch_is_that_of_its_items() -> None:
    features = noise(3, 4, 3, 5)
    torch.testing.assert_close(gram_matrix(features), torch.cat([gram_matrix(f[None]) for f in features]))


def test_gram_matrix_does_not_see_where_things_are() -> None:
    features = noise(1, 4, 3, 5)
    shuffled = features.flatten(2)[..., torch.randperm(15, generator=torch.Generator().manual_seed(0))]
    torch.testing.assert_close(gram_matrix(shuffled.view(1, 4, 5, 3)), gram_matrix(features))


def test_gram_matrix_of_a_repeated_picture_is_the_same() -> None:
    features = noise(1, 4, 3, 5)
    torch.testing.assert_close(gram_matrix(features.repeat(1, 1, 2, 3)), gram_matrix(features))


def test_gram_matrix_of_even_maps_is_the_product_of_their_values() -> None:
    values = torch.tensor([1.0, 2.0, -3.0], dtype=torch.float64)
    features = values.view(1, 3, 1, 1).expand(1, 3, 7, 5)
    torch.testing.assert_close(gram_matrix(features)[0], torch.outer(values, values))


def test_content_loss_equals_a_slow_loop() -> None:
    features, target = noise(1, 4, 3, 5), noise(1, 4, 3, 5, seed=1)
    pairs = zip(features.flatten().tolist(), target.flatten().tolist(), strict=True)
    expected = 0.5 * sum((f - p) ** 2 for f, p in pairs) / (4 * 15)  # eq. 1, divided by N M
    loss = content_loss(features, target)
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(expected, rel=1e-12)


def test_style_loss_equals_a_slow_loop() -> None:
    shapes = [(1, 4, 6, 5), (1, 7, 3, 3)]
    features = [noise(*shape, seed=i) for i, shape in enumerate(shapes)]
    photo = [noise(*shape, seed=9 + i) for i, shape in enumerate(shapes)]
    loss = style_loss(features, [gram_matrix(f) for f in photo])
    assert loss.dtype == torch.float64
    assert loss.item() == pytest.approx(slow_style_loss(features, photo), rel=1e-12)


def test_losses_are_zero_where_nothing_differs() -> None:
    features = noise(1, 4, 3, 5)
    assert content_loss(features, features).item() == 0
    assert style_loss([features], [gram_matrix(features)]).item() == 0


def test_style_loss_does_not_depend_on_the_size_of_the_photo() -> None:
    features, photo = noise(1, 4, 3, 5), noise(1, 4, 2, 2, seed=1)
    torch.testing.assert_close(
        style_loss([features], [gram_matrix(photo.repeat(1, 1, 3, 2))]),
        style_loss([features], [gram_matrix(photo)]),
    )


def test_gradient_of_content_loss_is_eq_2() -> None:
    features, target = noise(1, 4, 3, 5).requires_grad_(), noise(1, 4, 3, 5, seed=1)
    content_loss(features, target).backward()
    torch.testing.assert_close(features.grad, (features - target).detach() / (4 * 15))


def test_gradient_of_style_loss_is_eq_6() -> None:
    """∂E/∂F_ij = 1/(N² M²) ((F^T (G - A))^T)_ij, with sums over positions in G and A."""
    features, photo = noise(1, 4, 3, 5).requires_grad_(), noise(1, 4, 3, 5, seed=1)
    style_loss([features], [gram_matrix(photo)]).backward()
    difference = 15 * (gram_matrix(features) - gram_matrix(photo))[0].detach()
    expected = (features[0].detach().flatten(1).T @ difference).T / (4**2 * 15**2)
    torch.testing.assert_close(features.grad, expected.view(1, 4, 3, 5))


def test_losses_pass_gradcheck() -> None:
    features, target = noise(1, 3, 2, 4).requires_grad_(), noise(1, 3, 2, 4, seed=1)
    grams = [gram_matrix(target)]
    assert gradcheck(gram_matrix, features)
    assert gradcheck(lambda f: content_loss(f, target), features)
    assert gradcheck(lambda f: style_loss([f], grams), features)


@pytest.mark.parametrize("shape", [(1, 4, 3, 4), (1, 3, 3, 5)], ids=["positions", "maps"])
def test_content_of_another_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises((RuntimeError, UserWarning)):
        content_loss(noise(*shape), noise(1, 4, 3, 5))


# Reference values, which README.md states


class Sines:
    """A VGG-19 whose weights are given by a formula, and two pictures."""

    def __init__(self) -> None:
        state = {}
        for index, layer in enumerate(import_features()):
            if isinstance(layer, nn.Conv2d):
                k = torch.arange(layer.weight.numel(), dtype=torch.float64)
                scale = math.sqrt(4 / (9 * layer.in_channels))
                state[f"features.{index}.weight"] = (scale * (k * k).sin()).view(layer.weight.shape)
                k = torch.arange(layer.out_channels, dtype=torch.float64)
                state[f"features.{index}.bias"] = 0.01 * k.sin()
        self.vgg = VGG(19, state, average_pooling=True).double()
        self.painting = waves(1, 3, 32, 48)
        self.photo = waves(1, 3, 40, 32, start=0.5).pow(3)


def import_features() -> nn.Sequential:
    from sinct.networks.torchvision_compat import import_torchvision

    vgg = import_torchvision().models.vgg
    return vgg.make_layers(vgg.cfgs["E"])


@pytest.fixture(scope="module")
def sines() -> Sines:
    return Sines()


def test_losses_of_reference_features() -> None:
    features, target = waves(1, 3, 4, 5), waves(1, 3, 4, 5, start=0.5)
    photo = waves(1, 3, 2, 7, start=1.0)
    assert gram_matrix(features)[0, 0, 1].item() == pytest.approx(REFERENCE["gram_01"], rel=1e-10)
    assert content_loss(features, target).item() == pytest.approx(REFERENCE["content"], rel=1e-10)
    loss = style_loss([features, target], [gram_matrix(photo), gram_matrix(photo.square())])
    assert loss.item() == pytest.approx(REFERENCE["style"], rel=1e-10)


def test_losses_of_the_reference_network(sines: Sines) -> None:
    names = (*STYLE_LAYERS, CONTENT_LAYER)
    before = sines.vgg(sines.painting, names)
    normalise(sines.vgg, (sines.painting, sines.photo))
    *features, content = sines.vgg(sines.painting, names)
    means = [b.mean().item() / f.mean().item() for b, f in zip(before, (*features, content), strict=True)]
    assert means == pytest.approx(REFERENCE["means"], rel=1e-5)
    (target,) = sines.vgg(sines.painting.flip(3), [CONTENT_LAYER])
    assert content_loss(content, target).item() == pytest.approx(REFERENCE["network_content"], rel=1e-5)
    grams = [gram_matrix(f) for f in sines.vgg(sines.photo, STYLE_LAYERS)]
    layers = [style_loss([f], [a]).item() for f, a in zip(features, grams, strict=True)]
    assert layers == pytest.approx(REFERENCE["network_layers"], rel=1e-5)
    assert style_loss(features, grams).item() == pytest.approx(sum(layers) / 5, rel=1e-12)


# float64; the network's weights, ImageNet's mean and deviation rounded to float32
REFERENCE = {
    "gram_01": 0.19680874354524686,
    "content": 0.06157158364117214,
    "style": 0.016542241307165226,
    "means": [0.79297794, 0.62168264, 0.44565604, 0.29768323, 0.09405606, 0.23632173],
    "network_content": 0.26581608,
    "network_layers": [0.91266152, 0.60637799, 0.62781806, 0.34111683, 0.52778062],
}


# The normalised network


@pytest.fixture
def small_vgg() -> VGG:
    return VGG(19, seed=0, average_pooling=True).double()


def test_normalised_layers_have_a_mean_of_1(small_vgg: VGG) -> None:
    pictures = (noise(1, 3, 32, 48).tanh(), noise(1, 3, 48, 32, seed=1).tanh())
    normalise(small_vgg, pictures)
    names = ("relu1_1", "relu1_2", "relu2_2", "relu3_4", "relu4_2", "relu5_1")
    found = [[f.mean().item() for f in small_vgg(picture, names)] for picture in pictures]
    for one, other in zip(*found, strict=True):
        assert (one + other) / 2 == pytest.approx(1, rel=1e-6)


def test_normalised_features_are_the_old_ones_divided_by_their_mean() -> None:
    vgg = VGG(19, seed=0).double()  # with biases and maximum pooling
    for index, layer in enumerate(layer for layer in vgg.layers.values() if isinstance(layer, nn.Conv2d)):
        layer.bias.data += 0.1 * noise(layer.out_channels, seed=index)
    picture, names = noise(1, 3, 32, 33).tanh(), ("relu1_1", "relu3_1", "relu5_1")
    before = vgg(picture, names)
    normalise(vgg, (picture,))
    for old, new in zip(before, vgg(picture, names), strict=True):
        torch.testing.assert_close(new, old / old.mean(), rtol=1e-6, atol=1e-9)


def test_layer_without_activation_stays_as_it_is(small_vgg: VGG) -> None:
    convolution = small_vgg.layers["conv1_1"]
    assert isinstance(convolution, nn.Conv2d)
    convolution.weight.zero_()
    normalise(small_vgg, (noise(1, 3, 16, 16).tanh(),))
    (feature,) = small_vgg(noise(1, 3, 16, 16).tanh(), ["relu5_1"])
    assert feature.abs().max() == 0


# The search


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
    with pytest.raises(TrainingError, match="loss of the first picture is not finite; the network's weights"):
        minimise(lambda x: x.sum() * math.inf, torch.ones(4), iter(range(3)))


# Scales


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


# The method


def stripes(height: int, width: int, angle: float) -> Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    wave = (0.5 * (math.cos(angle) * x + math.sin(angle) * y)).sin()
    return torch.stack([wave, 0.5 * wave, 0.2 - wave]).clamp(-1, 1)


PAINTING, PHOTO = stripes(48, 65, 0.3), stripes(40, 56, 1.3).mul(0.4).add(0.3)


def job(folder: Path, iterations: int | None = 4, seed: int = 0, **options) -> Job:
    return Job(
        Budget(iterations=iterations, **options), torch.device("cpu"), seed, folder, Weights(random=True)
    )


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    torch.set_num_threads(1)
    return run(PAINTING, PHOTO, job(tmp_path_factory.mktemp("job"), 6), coarsest=32)


def test_result_has_the_paintings_size_and_the_range_of_pixels(result: Result) -> None:
    assert result.pixels.shape == PAINTING.shape
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1


def test_facts_name_each_scale(result: Result) -> None:
    scales = [(scale["width"], scale["height"], scale["iterations"]) for scale in result.facts["scales"]]
    assert scales == [(32, 24, 6), (65, 48, 6)]
    assert result.facts["iterations"] == 12


def test_loss_falls_at_each_scale(result: Result) -> None:
    for scale in result.facts["scales"]:
        assert scale["finite"]
        assert scale["loss"] < 0.7 * scale["loss_at_start"]


def test_result_is_nearer_to_the_photos_style(result: Result) -> None:
    vgg = VGG(19, seed=1, average_pooling=True)  # another network than the one that was minimised
    normalise(vgg, (PAINTING[None], PHOTO[None]))
    grams = [gram_matrix(f) for f in vgg(PHOTO[None], STYLE_LAYERS)]
    before, after = (style_loss(vgg(x[None], STYLE_LAYERS), grams) for x in (PAINTING, result.pixels))
    assert after < 0.8 * before


def test_loss_is_that_of_the_clamped_picture(tmp_path: Path) -> None:
    painting, photo = PAINTING, PHOTO.mul(4)[:, :, :48].clamp(-1, 1)  # drives pixels out of their range
    result = run(painting, photo, job(tmp_path, 8), range_weight=0)
    vgg = VGG(19, seed=0, average_pooling=True)
    normalise(vgg, (painting[None], photo[None]))
    *features, content = vgg(result.pixels[None], (*STYLE_LAYERS, CONTENT_LAYER))
    (target,) = vgg(painting[None], [CONTENT_LAYER])
    grams = [gram_matrix(f) for f in vgg(photo[None], STYLE_LAYERS)]
    loss = content_loss(content, target) + 1000 * style_loss(features, grams)
    assert (result.pixels.abs() == 1).float().mean() > 0.05
    assert result.facts["scales"][0]["loss"] == pytest.approx(loss.item(), rel=1e-3)  # float32


def test_pixels_outside_their_range_come_back(tmp_path: Path) -> None:
    """With no weight they get no gradient, and stay at the limit for good."""
    painting, photo = PAINTING, PHOTO.mul(4)[:, :, :48].clamp(-1, 1)
    stuck, back = (
        run(painting, photo, job(tmp_path, 25), range_weight=weight).pixels for weight in (0.0, 100.0)
    )
    at_limit = [(pixels.abs() == 1).float().mean().item() for pixels in (stuck, back)]
    assert at_limit[1] < at_limit[0]


def test_run_is_reproducible(result: Result, tmp_path: Path) -> None:
    again = run(PAINTING, PHOTO, job(tmp_path, 6), coarsest=32)
    torch.testing.assert_close(again.pixels, result.pixels, rtol=0, atol=0)


def test_painting_that_has_the_style_already_stays(tmp_path: Path) -> None:
    result = run(PAINTING, PAINTING, job(tmp_path), coarsest=64)
    torch.testing.assert_close(result.pixels, PAINTING, rtol=0, atol=1e-6)  # float32


def test_content_weight_holds_the_painting(tmp_path: Path) -> None:
    free = run(PAINTING, PHOTO, job(tmp_path), content_weight=0)
    held = run(PAINTING, PHOTO, job(tmp_path), content_weight=1e9)
    moved = [F.mse_loss(result.pixels, PAINTING).item() for result in (free, held)]
    assert moved[1] < 0.5 * moved[0]


def test_run_stops_when_asked(tmp_path: Path) -> None:
    answers = iter([False, False, True])
    with pytest.raises(Interrupted):
        run(PAINTING, PHOTO, job(tmp_path, should_stop=lambda: next(answers)))


def test_stages_share_the_budget_by_their_work(tmp_path: Path) -> None:
    shares: list[float] = []
    run(PAINTING, PHOTO, job(tmp_path, 2, report=shares.append), coarsest=32)
    coarse = 500 / (500 + 200 * 4)
    assert shares == pytest.approx([0, coarse / 2, coarse, coarse + (1 - coarse) / 2])


def test_missing_weights_are_named(tmp_path: Path) -> None:
    wanting = Job(Budget(iterations=1), torch.device("cpu"), 0, tmp_path, Weights(tmp_path))
    with pytest.raises(WeightsError, match="vgg19-dcbb9e9d"):
        run(PAINTING, PHOTO, wanting)


def test_tiny_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"side of 15 px came; Gatys et al\. needs 16 px"):
        run(PAINTING, PHOTO[:, :15], job(tmp_path))


@pytest.mark.parametrize("setting", [{"iterations": 0}, {"fine_iterations": 0}, {"coarsest": 8}])
def test_setting_out_of_range_is_refused(tmp_path: Path, setting: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="1, 1 and 16 are the least"):
        run(PAINTING, PHOTO, job(tmp_path), **setting)


def test_method_names_its_weights() -> None:
    assert METHOD.weights == ("vgg19",)
    assert set(METHOD.settings({})) >= {"content_weight", "style_weight", "iterations"}
