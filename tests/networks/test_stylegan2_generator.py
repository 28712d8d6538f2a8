import copy

import pytest
import torch
from torch import Tensor, nn

from sinct.networks.base import GeneratorBase, of_items, update_average
from sinct.networks.choice import make_generator
from sinct.networks.layers import GAIN, LEAK
from sinct.networks.stylegan2_generator import Generator, LinearGenerator
from tests.support.reference import published, published_generator


def generator(width: int = 2, seed: int = 0) -> Generator:
    """A tiny one with random biases, in float64."""
    torch.manual_seed(seed)
    network = Generator(width).double()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return network


def picture(height: int = 8, width: int = 10, count: int = 1) -> Tensor:
    noise = torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(0))
    return noise.double() * 2 - 1


def test_generator_has_the_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in Generator(80).parameters()) == 3_068_404


# The published values are float32, and so large that rounding in ten layers moves them by 1e-5.


def test_picture_is_that_of_the_published_code() -> None:
    values = published("sincut_generator")
    translation = published_generator(values)(values["in.picture"])
    torch.testing.assert_close(translation, values["out.picture"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("depth", "name"), [(1, "down"), (2, "residual")])
def test_features_are_those_of_the_published_code(depth: int, name: str) -> None:
    values = published("sincut_generator")
    features = published_generator(values).encode(values["in.picture"])
    torch.testing.assert_close(features[depth], values[f"out.features.{name}"], rtol=0, atol=1e-4)


def test_each_convolution_from_and_to_rgb_is_activated() -> None:
    network, x = generator(), picture()
    for point, maps in (
        (network.encoder.from_rgb, x),
        (network.decoder[-1], torch.cat([x, x[:, :1]], 1)[:, :2]),
    ):
        mixed = torch.einsum("oi,nihw->nohw", point.weight[..., 0, 0], maps) / maps.shape[1] ** 0.5
        mixed = mixed + point.bias.view(1, -1, 1, 1)
        torch.testing.assert_close(point(maps), GAIN * torch.where(mixed < 0, LEAK * mixed, mixed))


def test_generator_passes_gradcheck() -> None:
    network, x = generator(), picture(4, 4).requires_grad_()
    noise = picture(4, 4)[:, :1]
    nn.init.ones_(network.decoder[3].noise_weight)
    assert torch.autograd.gradcheck(lambda x: network(x, noise), x)


# Noise


def test_noise_does_nothing_at_first_but_its_weight_learns() -> None:
    network, x = generator(), picture()
    translation = network(x, x[:, :1])
    torch.testing.assert_close(translation, network(x), rtol=0, atol=0)
    translation.square().sum().backward()
    assert network.decoder[3].noise_weight.grad.abs() > 0


def test_noise_is_added_behind_the_upsampling_before_bias_and_activation() -> None:
    up, code, noise = generator().decoder[3], picture(4, 5)[:, :1].expand(1, 4, 4, 5), picture(8, 10)[:, :1]
    nn.init.constant_(up.noise_weight, 0.7)
    with torch.no_grad():
        added = up(code, noise)
        up.bias += 0.7 * noise[0, 0, 3, 4]  # has the same effect at that pixel
        torch.testing.assert_close(added[..., 3, 4], up(code)[..., 3, 4])


# Version 0.2's generator


def test_version_02s_generator_gives_what_it_gave() -> None:
    torch.manual_seed(0)
    network = make_generator("stylegan2", 2).double()
    x = torch.linspace(-1, 1, 3 * 8 * 6, dtype=torch.float64).sin().view(1, 3, 8, 6)
    # computed once by the code of version 0.2
    torch.testing.assert_close(
        network(x)[0, :, 3, 2], torch.tensor([-0.003796, -0.000404, -0.0011]).double(), rtol=0, atol=1e-6
    )
    deep = torch.tensor([-0.061397, 0.239762, -0.241424, 0.060748]).double()
    torch.testing.assert_close(network.encode(x)[2][0, :, 1, 1], deep, rtol=0, atol=1e-6)


def test_weights_of_version_02_are_not_taken_for_the_published_generators() -> None:
    with pytest.raises(RuntimeError, match=r"Missing key.*noise_weight"):
        Generator(2).load_state_dict(LinearGenerator(2).state_dict())


@pytest.mark.parametrize("size", [(2, 2), (2, 6), (10, 4), (16, 16)])
def test_generator_keeps_the_size(size: tuple[int, int]) -> None:
    assert generator()(picture(*size)).shape == (1, 3, *size)


@pytest.mark.parametrize("size", [(3, 4), (4, 3), (1, 1)])
def test_generator_refuses_odd_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=rf"even heights and widths, got \(1, 3, {size[0]}, {size[1]}\); pad"
    ):
        generator()(picture(*size))


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = generator(), picture(count=3)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


@pytest.mark.parametrize("offset", [0, 1])  # of the pixel in the downsampling grid
def test_halo_is_the_receptive_radius(offset: int) -> None:
    network = generator()
    centre = network.halo + 4 + offset
    x = picture(2 * network.halo + 10, 2 * network.halo + 10).requires_grad_()
    network(x)[0, :, centre, centre].sum().backward()
    rows, columns = x.grad[0].abs().sum(dim=0).nonzero(as_tuple=True)
    reach = max((rows - centre).abs().max().item(), (columns - centre).abs().max().item())
    assert network.halo - 3 <= reach <= network.halo  # less would spend time on context that nothing reads


def test_translate_gives_the_picture_that_forward_gives() -> None:
    network, x = generator(), picture()
    torch.testing.assert_close(network.translate(x)[0], network(x), rtol=0, atol=0)


def test_encode_equals_the_features_of_translate() -> None:
    network, x = generator(), picture()
    for encoded, met in zip(network.encode(x), network.translate(x)[1], strict=True):
        torch.testing.assert_close(encoded, met, rtol=0, atol=0)


def test_features_survive_the_in_place_activations_of_inference() -> None:
    network, x = generator(), picture()
    trained = network.translate(x)[1]
    with torch.no_grad():
        inferred = network.translate(x)[1]
    for one, other in zip(trained, inferred, strict=True):
        torch.testing.assert_close(one, other)


def test_features_are_those_that_the_docstring_names() -> None:
    network, x = generator(), picture()
    encoder = network.encoder
    down = encoder.down(encoder.from_rgb(x))
    expected = (x, down, encoder.blocks[1](encoder.blocks[0](down)))
    for one, other in zip(network.encode(x), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_encode_runs_no_block_behind_the_features() -> None:
    network = generator()
    for unneeded in (network.encoder.blocks[2], network.decoder):
        unneeded.register_forward_hook(lambda *_: pytest.fail("a block ran that PatchNCE does not need"))
    network.encode(picture())


def test_feature_channels_are_those_of_encode() -> None:
    network = generator(width=3)
    assert network.feature_channels == tuple(depth.shape[1] for depth in network.encode(picture()))


def test_feature_crops_are_items_of_the_batch() -> None:
    features = generator().encode(picture(count=4))
    for part, whole in zip(of_items(features, 1, 3), features, strict=True):
        torch.testing.assert_close(part, whole[1:3], rtol=0, atol=0)


@pytest.mark.parametrize("decay", [0.0, 0.9, 1.0])
def test_average_moves_by_the_decay(decay: float) -> None:
    average, current = generator(seed=0), generator(seed=1)
    before = copy.deepcopy(average)
    update_average(average, current, decay)
    for new, old, other in zip(average.parameters(), before.parameters(), current.parameters(), strict=True):
        torch.testing.assert_close(new, decay * old + (1 - decay) * other)


def test_average_leaves_the_current_network_alone() -> None:
    average, current = generator(seed=0), generator(seed=1)
    before = copy.deepcopy(current)
    update_average(average, current, 0.5)
    assert all(map(torch.equal, before.parameters(), current.parameters()))


@pytest.mark.parametrize("size", [(32, 48), (64, 64), (8, 20)])
def test_features_at_one_position_are_those_of_the_whole_picture(size):
    """Also at corners and borders, where convolutions pad with zeros; and their gradients."""
    torch.manual_seed(0)
    generator, (height, width) = Generator(4).double(), size
    cells = height // 2 * width // 2
    pictures = torch.randn(9, 3, height, width, dtype=torch.float64).requires_grad_()
    inner = torch.tensor(
        [0, 1, width // 2 - 1, width // 2, cells // 2, cells // 3, cells - width // 2, cells - 2, cells - 1]
    )
    places = {1: inner[:, None], 0: 3 * inner[:, None], 2: inner.flip(0)[:, None]}
    near = generator.encode_at(pictures, places)
    whole = GeneratorBase.encode_at(generator, pictures, places)
    for ours, theirs in zip(near, whole, strict=True):
        torch.testing.assert_close(ours, theirs)
    inputs = pictures, *generator.encoder.down.parameters()
    ours, theirs = (
        torch.autograd.grad(sum(each.square().sum() for each in found), inputs) for found in (near, whole)
    )
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_only_what_the_features_depend_on_is_encoded(monkeypatch):
    generator, seen = Generator(4), []
    features = generator.encoder.features
    monkeypatch.setattr(
        generator.encoder, "features", lambda near, depth: (seen.append(near.shape), features(near, depth))[1]
    )
    places = torch.full((2, 1), 1000)
    generator.encode_at(torch.randn(2, 3, 128, 128), {0: places, 1: places, 2: places})
    assert seen == [(2, 3, 10, 10), (2, 3, 26, 26)]
