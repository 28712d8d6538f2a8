import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from sinct.networks import munit_generator
from sinct.networks.choice import describe, make_generator, make_stored
from sinct.networks.munit_generator import MunitGenerator, StyledBlock
from tests.support.networks import noise, with_random_biases


def generator(width: int = 2, blocks: int = 2, styles: int = 3) -> MunitGenerator:
    """A tiny one with random biases, in float64."""
    network = with_random_biases(lambda: MunitGenerator(width, blocks, styles))
    network.mean_style.copy_(noise(styles))
    return network


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def convolution(before: int, behind: int, side: int) -> int:
    return behind * (before * side**2 + 1)


def test_generator_has_the_parameters_that_the_appendix_describes() -> None:
    """c7s1-64, d128, d256, 4 R256; c7s1-64, d128, 3 d256, fc8; 4 R256, u128, u64, c7s1-3; and 8-256-256-4096."""
    network = MunitGenerator()
    down = convolution(3, 64, 7) + convolution(64, 128, 4) + convolution(128, 256, 4)
    blocks = 8 * convolution(256, 256, 3)
    norms = 2 * 128 + 2 * 64
    up = convolution(256, 128, 5) + convolution(128, 64, 5) + convolution(64, 3, 7) + norms
    perceptron = convolution(8, 256, 1) + convolution(256, 256, 1) + convolution(256, 4 * 2 * 2 * 256, 1)
    assert count(network.content) == down + blocks == 5_385_856
    assert (
        count(network.style_encoder)
        == down + 2 * convolution(256, 256, 4) + convolution(256, 8, 1)
        == 2_764_936
    )
    assert count(network.decoder) == blocks + up + perceptron == 6_875_395


@pytest.mark.parametrize("size", [(16, 16), (64, 32)])
def test_content_has_a_quarter_of_the_resolution_and_a_style_no_place(size: tuple[int, int]) -> None:
    network, x = generator(width=3), noise(2, 3, *size)
    assert network.content_of(x).shape == (2, 12, size[0] // 4, size[1] // 4)
    assert network.style_of(x).shape == (2, 3)
    assert network.feature_channels == tuple(maps.shape[1] for maps in network.encode(x))


def test_styled_block_takes_deviation_and_mean_from_the_style() -> None:
    """Eq. 7, channel by channel, with a slow loop."""
    block, x = with_random_biases(lambda: StyledBlock(3)), noise(2, 3, 5, 4)
    style = noise(2, 4, 3)

    def slow_norm(maps: Tensor, deviation: Tensor, mean: Tensor) -> Tensor:
        made = torch.empty_like(maps)
        for n, item in enumerate(maps):
            for c, plane in enumerate(item):
                normed = (plane - plane.mean()) / (plane.var(correction=0) + 1e-5).sqrt()
                made[n, c] = deviation[n, c] * normed + mean[n, c]
        return made

    def padded(maps: Tensor) -> Tensor:
        return torch.nn.functional.pad(maps, (1, 1, 1, 1), mode="reflect")

    hidden = slow_norm(block.conv1(padded(x)), style[:, 0], style[:, 1]).relu()
    wanted = x + slow_norm(block.conv2(padded(hidden)), style[:, 2], style[:, 3])
    torch.testing.assert_close(block(x, style), wanted)


def test_style_encoder_has_no_norm() -> None:
    """Without biases, a picture of twice the contrast has twice the style; instance norm would hide contrast."""
    network, x = MunitGenerator(2, 1, 3).double(), noise(1, 3, 16, 16)
    torch.testing.assert_close(network.style_of(x / 2), network.style_of(x) / 2)
    assert network.style_of(x).abs().max() > 1e-3


def test_another_style_gives_another_translation_of_the_same_content() -> None:
    network, x = generator(), noise(1, 3, 16, 16)
    styled = network.with_style(noise(3) + 1)
    assert not torch.allclose(styled(x), network(x))
    torch.testing.assert_close(styled.content_of(x), network.content_of(x))
    torch.testing.assert_close(styled(x), network.decode(network.content_of(x), noise(1, 3) + 1))
    assert network.style is None


def test_pictures_get_the_mean_style_where_none_is_given() -> None:
    network, x = generator(), noise(2, 3, 16, 16)
    style = network.mean_style.expand(2, -1)
    torch.testing.assert_close(network(x), network.decode(network.content_of(x), style))


def test_style_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a style code has 3 numbers, got \(4,\)"):
        generator().with_style(noise(4))


@pytest.mark.parametrize("size", [(8, 16), (9, 14), (31, 33), (5, 23), (2, 3), (1, 1)])
def test_generator_keeps_any_size(size: tuple[int, int]) -> None:
    network, x = generator(), noise(2, 3, *size)
    assert network(x).shape == x.shape
    assert network(x).isfinite().all()
    assert network.style_of(x).isfinite().all()


@pytest.mark.parametrize("size", [(9, 14), (31, 33)])
def test_other_sizes_are_continued_by_their_mirror_image_and_cropped(size: tuple[int, int]) -> None:
    network, x = generator(), noise(1, 3, *size)
    continued = munit_generator.continued(x, 2)
    assert not any(length % 4 for length in continued.shape[2:])
    torch.testing.assert_close(network(x), network(continued)[..., : size[0], : size[1]])


def test_batch_equals_its_items_one_by_one() -> None:
    network, batch = generator(), noise(3, 3, 16, 16)
    torch.testing.assert_close(network(batch), torch.cat([network(item[None]) for item in batch]))


def test_generator_passes_gradcheck() -> None:
    network = generator(blocks=1)

    def made(picture: Tensor, style: Tensor) -> Tensor:
        return network.decode(network.content_of(picture), style)

    assert gradcheck(made, (noise(1, 3, 8, 8).requires_grad_(), noise(1, 3).requires_grad_()), fast_mode=True)


def test_halo_is_refused() -> None:
    with pytest.raises(
        ValueError, match=r"'munit' has no halo, because instance norm .*; translate .* one piece"
    ):
        _ = generator().halo


def test_described_generator_can_be_built_again_with_its_mean_style() -> None:
    network = MunitGenerator(2, 1, 12)
    network.mean_style.fill_(0.5)
    assert describe(network) == {"name": "munit", "width": 2, "blocks": 1, "styles": 12}
    again = make_stored(network.state_dict(), **describe(network))
    x = noise(1, 3, 16, 16).float()
    torch.testing.assert_close(again(x), network(x), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("styles", 10**9, "styles must be a whole number from 1 to"),
        ("styles", 4, "has the shape"),
        ("styles", -1, "styles must be a whole number from 1 to"),
        ("blocks", 1000, "blocks must be a whole number from 1 to"),
        ("depth", 2, "depth"),
    ],
)
def test_stored_weights_bound_what_is_built(option: str, value: int, reason: str) -> None:
    network = MunitGenerator(2, 1, 3)
    with pytest.raises(ValueError, match=reason):
        make_stored(network.state_dict(), **{**describe(network), option: value})


def test_training_in_bfloat16_widens_no_maps_on_the_way() -> None:
    network, seen = MunitGenerator(8), []
    for name, module in network.named_modules():
        if isinstance(module, torch.nn.Conv2d) and not name.endswith("stem"):
            module.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        network(noise(2, 3, 16, 16).float())
    assert set(seen) == {torch.bfloat16}


def test_seed_alone_decides_about_the_weights() -> None:
    made = []
    for _ in range(2):
        torch.manual_seed(3)
        made.append(make_generator("munit", 2).state_dict())
    assert all(torch.equal(made[0][name], made[1][name]) for name in made[0])
