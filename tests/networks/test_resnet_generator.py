import pytest
import torch
from torch.autograd import gradcheck

from sinct.networks import resnet_generator
from sinct.networks.base import GeneratorBase
from sinct.networks.choice import describe, make_generator
from sinct.networks.resnet_generator import ResnetGenerator, mirrored_to
from tests.support.networks import noise, with_random_biases
from tests.support.reference import published, published_resnet

FEATURES = "pixels_padded", "down1_conv", "down2_conv", "block0", "block4"
"""The published names of what CUT compares."""


def generator(width: int = 2, blocks: int = 6) -> ResnetGenerator:
    """A tiny one with random biases, in float64."""
    return with_random_biases(lambda: ResnetGenerator(width, blocks))


def test_generator_has_the_published_number_of_parameters() -> None:
    assert sum(parameter.numel() for parameter in ResnetGenerator().parameters()) == 11_378_179


# The published values are float32, and rounding in thirty layers moves them by 1e-5.


def test_picture_is_that_of_the_published_code() -> None:
    values = published("resnet9_generator")
    translation = published_resnet(values)(values["in.picture"])
    torch.testing.assert_close(translation, values["out.picture"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("depth", "name"), list(enumerate(FEATURES)))
def test_features_are_those_of_the_published_code(depth: int, name: str) -> None:
    values = published("resnet9_generator")
    features = published_resnet(values).encode(values["in.picture"])
    torch.testing.assert_close(features[depth], values[f"out.features.{name}"], rtol=0, atol=1e-4)


@pytest.mark.parametrize(("depth", "seen"), list(enumerate((1, 9, 15, 35, 99))))
def test_receptive_fields_are_those_of_the_appendix(
    monkeypatch: pytest.MonkeyPatch, depth: int, seen: int
) -> None:
    """Without instance norm, through which everything depends on everything, and with a gradient everywhere."""
    monkeypatch.setattr(resnet_generator, "active", lambda maps: maps)
    monkeypatch.setattr(resnet_generator, "instance_norm", lambda maps: maps)
    x = noise(1, 3, 160, 160).requires_grad_()
    feature = generator().encode(x)[depth]
    feature[0, :, feature.shape[2] // 2, feature.shape[3] // 2].sum().backward()
    for places in x.grad[0].abs().sum(dim=0).nonzero(as_tuple=True):
        assert places.max() - places.min() + 1 == seen


def test_every_pixel_depends_on_all_others() -> None:
    x = noise(1, 3, 64, 200).requires_grad_()
    generator()(x)[0, :, 0, 0].sum().backward()
    assert (x.grad.abs().sum(dim=1) > 0).all()


@pytest.mark.parametrize("size", [(8, 8), (8, 16), (9, 14), (31, 33), (5, 23), (2, 3), (1, 1), (1, 40)])
def test_generator_keeps_any_size(size: tuple[int, int]) -> None:
    network, x = generator(), noise(2, 3, *size)
    assert network(x).shape == x.shape
    assert network(x).isfinite().all()


@pytest.mark.parametrize("size", [(9, 14), (31, 33), (3, 23)])
def test_other_sizes_are_continued_by_their_mirror_image_and_cropped(size: tuple[int, int]) -> None:
    network, x = generator(), noise(1, 3, *size)
    height, width = (max(-(-length // 4) * 4, 8) for length in size)
    continued = mirrored_to(x, height, width)
    assert torch.equal(continued[..., : size[0], : size[1]], x)
    torch.testing.assert_close(network(x), network(continued)[..., : size[0], : size[1]])
    for ours, theirs in zip(network.encode(x), network.encode(continued), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ("length", "wanted"), [(4, [0, 1, 2, 3, 2, 1, 0, 1]), (2, [0, 1, 0, 1, 0, 1, 0, 1]), (1, [0] * 8)]
)
def test_mirrored_as_often_as_it_takes(length: int, wanted: list[int]) -> None:
    picture = torch.arange(float(length)).view(1, 1, 1, length).expand(-1, -1, length, -1)
    found = mirrored_to(picture, 8, 8)
    assert found.shape == (1, 1, 8, 8)
    assert found[0, 0, 5].tolist() == wanted
    assert torch.equal(mirrored_to(picture.mT, 8, 8), found.mT)


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = generator(), noise(3, 3, 12, 16)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


def test_translation_lies_between_minus_1_and_1() -> None:
    assert generator()(100 * noise(1, 3, 16, 16)).abs().max() <= 1


def test_generator_passes_gradcheck() -> None:
    assert gradcheck(generator(blocks=5), noise(1, 3, 8, 8).requires_grad_(), fast_mode=True)


def test_translate_gives_the_picture_that_forward_gives() -> None:
    network, x = generator(), noise(1, 3, 12, 14)
    torch.testing.assert_close(network.translate(x)[0], network(x), rtol=0, atol=0)


@pytest.mark.parametrize("gradients", [True, False])
def test_encode_equals_the_features_of_translate(gradients: bool) -> None:
    """Also where activations work in place, which must not reach the features."""
    network, x = generator(), noise(1, 3, 12, 16)
    with torch.set_grad_enabled(gradients):
        met = network.translate(x)[1]
    for one, other in zip(network.encode(x), met, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_feature_channels_are_those_of_encode() -> None:
    network = generator(width=3)
    features = network.encode(noise(1, 3, 12, 16))
    assert network.feature_channels == tuple(depth.shape[1] for depth in features)
    assert network.depths == len(features)


def test_encode_runs_no_block_behind_the_features() -> None:
    network = generator()
    for unneeded in (network.blocks[5], network.up1, network.to_rgb):
        unneeded.register_forward_hook(lambda *_: pytest.fail("a layer ran that PatchNCE does not need"))
    assert len(network.encode(noise(1, 3, 16, 16))) == 5


@pytest.mark.parametrize(
    ("deepest", "unneeded"), [(0, "stem"), (1, "down2"), (2, "blocks.0"), (3, "blocks.1")]
)
def test_encode_stops_at_the_deepest_that_is_asked_for(deepest: int, unneeded: str) -> None:
    network, x = generator(), noise(1, 3, 16, 16)
    places = {depth: torch.tensor([[0, 5]]) for depth in range(deepest, -1, -1)}
    whole = GeneratorBase.encode_at(network, x, places)
    network.get_submodule(unneeded).register_forward_hook(lambda *_: pytest.fail("ran"))
    assert len(network.encode(x, deepest)) == deepest + 1
    for ours, theirs in zip(network.encode_at(x, places), whole, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=0)


def test_halo_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'resnet' has no halo, because instance norm .*; translate .* one piece"
    ):
        _ = ResnetGenerator(2).halo


@pytest.mark.parametrize("blocks", [6, 9])
def test_described_generator_can_be_built_again(blocks: int) -> None:
    network = ResnetGenerator(3, blocks)
    assert describe(network) == {"name": "resnet", "width": 3, "blocks": blocks}
    again = make_generator(**describe(network))
    again.load_state_dict(network.state_dict())


def test_fewer_blocks_than_compared_are_refused() -> None:
    with pytest.raises(ValueError, match=r"4 residual blocks are fewer than the 5 .*; take 6 or 9"):
        ResnetGenerator(2, 4)


def test_seed_alone_decides_about_the_weights() -> None:
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(ResnetGenerator(2).state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])


def test_training_in_bfloat16_widens_no_maps_on_the_way() -> None:
    network, seen = ResnetGenerator(8, 6), []
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d) and module is not network.stem:
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(noise(2, 3, 16, 16).float())
    assert set(seen) == {torch.bfloat16}
