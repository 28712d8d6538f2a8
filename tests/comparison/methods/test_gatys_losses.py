"""Losses of Gatys et al. against slow loops and closed forms."""

import itertools
import math

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import gradcheck

from sinct.comparison.methods.gatys import (
    CONTENT_LAYER,
    STYLE_LAYERS,
    content_loss,
    gram_matrix,
    normalise,
    style_loss,
)
from sinct.networks.vgg import VGG
from tests.support.gatys import noise


def waves(*shape: int, start: float = 0.0) -> Tensor:
    """sin(k + start) over the elements k = 0, 1, … in row-major order."""
    return torch.arange(math.prod(shape), dtype=torch.float64).add(start).sin().view(shape)


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
