import math
import sys
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from sinct.errors import ConfigError, WeightsError
from sinct.measures.inception import Inception, frechet_distance, kernel_distance
from sinct.measures.learned import CHANNELS, DISTSNetwork, L2Pooling, LPIPSNetwork, dists, lpips
from sinct.networks.torchvision_compat import import_torchvision
from sinct.networks.vgg import VGG

CPU = torch.device("cpu")


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def picture(height: int = 65, width: int = 80, seed: int = 0) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module")
def inception() -> Inception:
    return Inception(None, CPU)


def torchvision_features() -> nn.Sequential:
    """VGG-16's layers with the random weights that `VGG(16)` draws."""
    vgg = import_torchvision().models.vgg
    layers = vgg.make_layers(vgg.cfgs["D"])
    ours = [layer for layer in VGG(16).layers.values() if isinstance(layer, nn.Conv2d)]
    theirs = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    for a, b in zip(theirs, ours, strict=True):
        a.load_state_dict(b.state_dict())
    return layers


# LPIPS


def test_lpips_equals_a_slow_loop() -> None:
    first, second = ([noise(1, c, 2, 3, seed=s + c) for c in (2, 4)] for s in (0, 9))
    weights = [noise(c, seed=c).abs() for c in (2, 4)]
    expected = 0.0
    for a, b, weight in zip(first, second, weights, strict=True):
        for y in range(2):
            for x in range(3):
                p, q = a[0, :, y, x], b[0, :, y, x]
                difference = p / math.sqrt(sum(p**2)) - q / math.sqrt(sum(q**2))
                expected += float(sum(weight * difference**2)) / 6
    assert lpips(first, second, weights) == pytest.approx(expected)


def test_lpips_equals_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    import_torchvision()
    reference = pytest.importorskip("torchmetrics.functional.image.lpips")
    monkeypatch.setattr(reference, "_get_tv_model_features", lambda *_: torchvision_features())
    theirs = reference._LPIPS(net="vgg")
    ours = LPIPSNetwork(None, {k: v for k, v in theirs.state_dict().items() if k.startswith("lin")}, CPU)
    a, b = picture(), picture(seed=1)
    expected = theirs(a[None], b[None]).item()
    assert lpips(ours.features(a), ours.features(b), ours.weights) == pytest.approx(expected, rel=1e-4)


def test_lpips_of_a_picture_with_itself_is_0() -> None:
    network = LPIPSNetwork(None, None, CPU)
    assert lpips(network.features(picture()), network.features(picture()), network.weights) == 0


def test_lpips_reduces_large_pictures() -> None:
    assert LPIPSNetwork(None, None, CPU).features(picture(513, 16))[0].shape == (1, 64, 513, 16)
    assert LPIPSNetwork(None, None, CPU).features(picture(520, 530))[4].shape == (1, 512, 32, 32)


def test_lpips_refuses_other_weights() -> None:
    with pytest.raises(
        WeightsError, match=r"not the weights of LPIPS: lin0.model.1.weight of shape \(1, 64, 1, 1\)"
    ):
        LPIPSNetwork(None, {"lin0.weight": torch.zeros(64)}, CPU)


# DISTS


def test_dists_equals_a_slow_loop() -> None:
    first, second = ([noise(1, c, 3, 4, seed=s + c) for c in (2, 3)] for s in (0, 9))
    alpha, beta = ([noise(c, seed=s + c).abs() for c in (2, 3)] for s in (1, 5))
    total = float(sum(w.sum() for w in (*alpha, *beta)))
    similarity = 0.0
    for a, b, wa, wb in zip(first, second, alpha, beta, strict=True):
        for c in range(a.shape[1]):
            x, y = a[0, c].flatten().tolist(), b[0, c].flatten().tolist()
            mx, my = sum(x) / 12, sum(y) / 12
            vx, vy = sum((v - mx) ** 2 for v in x) / 12, sum((v - my) ** 2 for v in y) / 12
            cov = sum((p - mx) * (q - my) for p, q in zip(x, y, strict=True)) / 12
            similarity += float(wa[c]) * (2 * mx * my + 1e-6) / (mx**2 + my**2 + 1e-6)
            similarity += float(wb[c]) * (2 * cov + 1e-6) / (vx + vy + 1e-6)
    assert dists(first, second, alpha, beta) == pytest.approx(1 - similarity / total)


def test_dists_equals_torchmetrics(monkeypatch: pytest.MonkeyPatch) -> None:
    import_torchvision()
    reference = pytest.importorskip("torchmetrics.functional.image.dists")
    monkeypatch.setattr(reference, "vgg16", lambda **_: SimpleNamespace(features=torchvision_features()))
    theirs = reference.DISTSNetwork()
    ours = DISTSNetwork(None, {"alpha": theirs.alpha, "beta": theirs.beta}, CPU)
    a, b = picture(), picture(seed=1)
    expected = theirs((a[None] + 1) / 2, (b[None] + 1) / 2).item()
    found = dists(ours.features(a), ours.features(b), ours.alpha, ours.beta)
    assert found == pytest.approx(expected, rel=1e-4)


def test_dists_of_a_picture_with_itself_is_0() -> None:
    network = DISTSNetwork(None, None, CPU)
    features = network.features(picture())
    assert dists(features, features, network.alpha, network.beta) == pytest.approx(0, abs=1e-12)


def test_dists_reduces_large_pictures_to_256_px() -> None:
    assert DISTSNetwork(None, None, CPU).features(picture(300, 600))[0].shape == (1, 3, 256, 512)


def test_l2_pooling_of_a_constant_keeps_it_inside() -> None:
    pooled = L2Pooling()(torch.full((1, 2, 9, 10), -3.0))
    assert pooled.shape == (1, 2, 5, 5)
    torch.testing.assert_close(pooled[..., 1:-1, 1:], torch.full((1, 2, 3, 4), 3.0))


def test_dists_refuses_other_weights() -> None:
    with pytest.raises(WeightsError, match=r"not the weights of DISTS: alpha of shape \(1, 1475, 1, 1\)"):
        DISTSNetwork(None, {"beta": torch.zeros(1, 3 + sum(CHANNELS), 1, 1)}, CPU)


# Fréchet distance


def test_frechet_distance_in_one_dimension_has_a_closed_form() -> None:
    a, b = noise(40, 1), 3 * noise(30, 1, seed=1) + 2
    expected = (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
    assert frechet_distance(a, b) == pytest.approx(expected.item())


def test_frechet_distance_of_a_shifted_set_is_the_squared_shift() -> None:
    shift = torch.tensor([1.0, -2.0, 0.5]).double()
    assert frechet_distance(noise(50, 3), noise(50, 3) + shift) == pytest.approx(shift.square().sum().item())


def test_frechet_distance_takes_the_root_of_a_product_that_is_not_symmetric() -> None:
    a, b = noise(50, 3) @ noise(3, 3, seed=1), noise(60, 3, seed=2) @ noise(3, 3, seed=3)
    product = torch.cov(a.T) @ torch.cov(b.T)
    root = (
        torch.linalg.eigvals(product).real.sqrt().sum()
    )  # similar to a positive matrix: eigenvalues are real
    shift = (a.mean(0) - b.mean(0)).square().sum()
    expected = shift + torch.cov(a.T).trace() + torch.cov(b.T).trace() - 2 * root
    assert frechet_distance(a, b) == pytest.approx(expected.item())


def test_frechet_distance_of_fewer_points_than_dimensions_is_finite_and_not_negative() -> None:
    assert frechet_distance(noise(3, 8), noise(3, 8)) == pytest.approx(0, abs=1e-6)
    assert frechet_distance(noise(3, 8), noise(4, 8, seed=1)) > 0


# Kernel distance


def test_kernel_distance_equals_a_slow_loop() -> None:
    a, b = noise(4, 3), noise(6, 3, seed=1) + 0.5

    def kernel(x: Tensor, y: Tensor) -> float:
        return (float(x @ y) / 3 + 1) ** 3

    expected = sum(kernel(x, y) for i, x in enumerate(a) for j, y in enumerate(a) if i != j) / 12
    expected += sum(kernel(x, y) for i, x in enumerate(b) for j, y in enumerate(b) if i != j) / 30
    expected -= 2 * sum(kernel(x, y) for x in a for y in b) / 24
    assert kernel_distance(a, b) == pytest.approx(expected)


def test_kernel_distance_is_0_on_average_for_one_distribution() -> None:
    found = [kernel_distance(noise(20, 4, seed=k), noise(20, 4, seed=1000 + k)) for k in range(200)]
    assert sum(found) / 200 == pytest.approx(0, abs=0.05)
    assert min(found) < 0
    assert kernel_distance(noise(20, 4), noise(20, 4, seed=1) + 1) > 1


# Inception


def test_inception_positions_are_those_before_the_second_pooling(inception: Inception) -> None:
    assert inception.positions(picture()).shape == (12 * 16, 192)  # 65x80: 32x39, 30x37, 14x18, 12x16


def test_inception_crops_are_four_times_what_fits(inception: Inception) -> None:
    features = inception.crops(picture(40, 60))
    assert features.shape == (6, 2048)
    assert features.std() > 0


def test_inception_is_the_same_whatever_the_global_seed(inception: Inception) -> None:
    torch.manual_seed(5)
    other = Inception(None, CPU)
    assert torch.equal(other.positions(picture()), inception.positions(picture()))


def test_inception_refuses_other_weights() -> None:
    with pytest.raises(WeightsError, match="not the weights of FID's Inception"):
        Inception({"conv": torch.zeros(1)}, CPU)


def test_inception_refuses_tiny_pictures(inception: Inception) -> None:
    with pytest.raises(
        ConfigError,
        match="picture of 30x20 px is too small for Inception; give one of at least 21 px per side",
    ):
        inception.positions(picture(20, 30))


def test_inception_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", None)
    with pytest.raises(
        WeightsError, match=r'torch-fidelity is not installed; run `pip install "\.\[measures\]"` in a clone'
    ):
        Inception(None, CPU)
