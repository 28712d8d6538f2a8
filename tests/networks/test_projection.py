import pytest
import torch
from torch import Tensor

from sinct.networks.base import sample_features
from sinct.networks.projection import Projection, random_positions


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, generator=seeded())


def projection(*channels: int, dimensions: int = 8) -> Projection:
    torch.manual_seed(0)
    return Projection(channels, dimensions)


def test_positions_are_distinct_in_each_crop() -> None:
    positions = random_positions(20, 3, 5, 10, seeded())
    assert positions.shape == (20, 10)
    assert all(len(crop.unique()) == 10 for crop in positions)


def test_positions_lie_in_the_map() -> None:
    positions = random_positions(20, 3, 5, 10, seeded())
    assert positions.min() == 0
    assert positions.max() == 14


def test_positions_are_at_most_all_there_are() -> None:
    positions = random_positions(4, 3, 5, 64, seeded())
    assert torch.equal(positions.sort(dim=1).values, torch.arange(15).expand(4, 15))


def test_positions_differ_between_crops() -> None:
    first, second = random_positions(2, 32, 32, 8, seeded())
    assert not torch.equal(first, second)


def test_same_seed_draws_the_same_positions() -> None:
    first, second, other = (random_positions(4, 8, 8, 5, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_sampling_equals_a_slow_loop() -> None:
    features = noise(2, 3, 4, 5)
    positions = random_positions(2, 4, 5, 6, seeded())
    expected = [
        features[crop, :, position // 5, position % 5] for crop in range(2) for position in positions[crop]
    ]
    assert torch.equal(sample_features(features, positions), torch.stack(expected))


def test_projected_vectors_have_unit_length() -> None:
    for vectors in projection(3, 6)([noise(7, 3), noise(9, 6)]):
        torch.testing.assert_close(vectors.norm(dim=1), torch.ones(len(vectors)))


def test_each_depth_has_its_own_width_and_count() -> None:
    shapes = [tuple(vectors.shape) for vectors in projection(3, 6)([noise(7, 3), noise(9, 6)])]
    assert shapes == [(7, 8), (9, 8)]


def test_each_depth_has_weights_of_its_own() -> None:
    first, second = projection(3, 3)([noise(7, 3)] * 2)
    assert not torch.allclose(first, second)


def test_projection_is_a_two_layer_network() -> None:
    network, samples = projection(3), noise(7, 3)
    (one, _, two), (vectors,) = network.depths[0], network([samples])
    raw = (samples @ one.weight.T + one.bias).clamp(min=0) @ two.weight.T + two.bias
    torch.testing.assert_close(vectors, raw / raw.norm(dim=1, keepdim=True))


@pytest.mark.parametrize(("layer", "fans"), [(0, 160 + 256), (2, 256 + 256)])
def test_weights_begin_xavier_normal_with_gain_002_and_biases_at_0(layer: int, fans: int) -> None:
    linear = projection(160, dimensions=256).depths[0][layer]
    expected = 0.02 * (2 / fans) ** 0.5  # 0.00139 and 0.00125, as in the published code
    assert linear.weight.std().item() == pytest.approx(expected, rel=0.02)  # 40960 weights or more: 0.4 %
    assert not linear.bias.any()


def test_vectors_are_float32_under_autocast() -> None:
    with torch.autocast("cpu", dtype=torch.bfloat16):
        (vectors,) = projection(3)([noise(7, 3)])
    assert vectors.dtype == torch.float32


def test_number_of_samples_must_be_that_of_depths() -> None:
    with pytest.raises(ValueError, match="zip"):
        projection(3, 6)([noise(7, 3)])
