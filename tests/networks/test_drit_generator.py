import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.networks.choice import describe, make_stored
from sinct.networks.drit_generator import ContentDiscriminator, DritGenerator, beside
from tests.support.networks import noise, with_random_biases


def generator(width: int = 2, styles: int = 3) -> DritGenerator:
    """A tiny one with random biases, in float64."""
    network = with_random_biases(lambda: DritGenerator(width, styles))
    network.mean_style.copy_(noise(styles))
    return network


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolution(before: int, behind: int, side: int) -> int:
    return behind * (before * side**2 + 1)


def test_generator_has_the_parameters_that_its_description_gives() -> None:
    """Three convolutions and four blocks; four convolutions and two layers; six blocks and three convolutions."""
    network = DritGenerator()
    block = 2 * convolution(256, 256, 3)
    content = convolution(3, 64, 7) + convolution(64, 128, 3) + convolution(128, 256, 3) + 4 * block
    attributes = convolution(3, 64, 7) + convolution(64, 128, 4) + convolution(128, 256, 4)
    attributes += convolution(256, 256, 4) + 2 * convolution(256, 8, 1)
    decoder = block + 5 * 2 * convolution(264, 264, 3) + convolution(272, 128, 3) + 2 * 128
    decoder += convolution(136, 64, 3) + 2 * 64 + convolution(72, 3, 1)
    assert count(network.content) == content == 5_099_136
    assert count(network.attributes) == attributes == 1_718_160
    assert count(network.decoder) == decoder == 7_847_915
    discriminator = 3 * convolution(256, 256, 4) + convolution(256, 1, 1)
    assert count(ContentDiscriminator(64)) == discriminator == 3_146_753


def test_directions_share_the_last_layer_of_content_and_the_first_of_pictures() -> None:
    one, other = generator(), generator()
    own = count(other)
    other.share_content(one)
    shared = 2 * 2 * convolution(8, 8, 3)
    assert count(other) == own - shared
    with torch.no_grad():
        one.content.shared.conv1.weight.zero_()
        one.decoder.shared.conv2.bias.fill_(3)
    assert not other.content.shared.conv1.weight.any()
    assert other.decoder.shared.conv2.bias.eq(3).all()
    assert not [name for name in other.state_dict() if "shared" in name]
    assert len([name for name in one.state_dict() if "shared" in name]) == 8


@pytest.mark.parametrize("size", [(16, 16), (64, 32)])
def test_content_has_a_quarter_of_the_resolution_and_attributes_no_place(size: tuple[int, int]) -> None:
    network, x = generator(width=3), noise(2, 3, *size)
    assert network.content_of(x).shape == (2, 12, size[0] // 4, size[1] // 4)
    mean, log_variance = network.attributes_of(x)
    assert mean.shape == log_variance.shape == (2, 3)
    assert network.style_of(x).equal(mean)
    assert not log_variance.allclose(mean)


def test_attributes_lie_beside_the_maps_at_every_place() -> None:
    maps, style = noise(2, 3, 4, 5), noise(2, 2)
    found = beside(maps, style)
    assert found[:, :3].equal(maps)
    for row in range(4):
        for column in range(5):
            assert found[:, 3:, row, column].equal(style)


def test_pictures_get_the_mean_style_where_none_is_given() -> None:
    network, x = generator(), noise(2, 3, 16, 16)
    content = network.content_of(x)
    torch.testing.assert_close(network(x), network.decode(content, network.mean_style.expand(2, -1)))
    other = noise(3) + 1
    torch.testing.assert_close(network.with_style(other)(x), network.decode(content, other.expand(2, -1)))
    assert not network.with_style(other)(x).allclose(network(x))


@pytest.mark.parametrize("size", [(8, 16), (9, 14), (31, 33), (5, 23), (2, 3), (1, 1)])
def test_generator_keeps_any_size(size: tuple[int, int]) -> None:
    network, x = generator(), noise(2, 3, *size)
    assert network(x).shape == x.shape
    assert network(x).isfinite().all()
    assert network.style_of(x).isfinite().all()


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = generator(), noise(3, 3, 16, 16)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


def test_generator_passes_gradcheck() -> None:
    network = generator()

    def made(picture: Tensor, style: Tensor) -> Tensor:
        return network.decode(network.content_of(picture), style)

    given = noise(1, 3, 8, 8).requires_grad_(), noise(1, 3).requires_grad_()
    assert gradcheck(made, given, fast_mode=True)


def test_halo_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'drit' has no halo, because instance norm .*; translate .* one piece"
    ):
        _ = generator().halo


def test_described_generator_can_be_built_again_with_its_mean_style() -> None:
    network = DritGenerator(2, 12)
    network.mean_style.fill_(0.5)
    assert describe(network) == {"name": "drit", "width": 2, "styles": 12}
    again = make_stored(network.state_dict(), **describe(network))
    x = noise(1, 3, 16, 16).float()
    torch.testing.assert_close(again(x), network(x), rtol=0, atol=0)


def test_training_in_bfloat16_widens_no_maps_on_the_way() -> None:
    network, seen = DritGenerator(8), []
    for name, module in network.named_modules():
        if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)) and not name.endswith("stem"):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(noise(2, 3, 16, 16).float())
    assert set(seen) == {torch.bfloat16}


def test_discriminator_of_contents_has_a_logit_for_8_places_of_each_side() -> None:
    assert ContentDiscriminator(2)(noise(2, 8, 8, 24).float()).shape == (2, 1, 1, 3)
