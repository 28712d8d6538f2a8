"""The published networks: names, shapes, random weights, and what they hand on."""

import math
from collections.abc import Mapping

import pytest
import torch
import torch.nn.functional as F

from sinct.comparison.methods.wct2.method import run
from sinct.comparison.methods.wct2.networks import Decoder, Encoder, Skip
from sinct.errors import ConfigError
from tests.support.wct2 import (
    DECODER_SHAPES,
    ENCODER_SHAPES,
    Given,
    State,
    closed_form,
    job,
    noise,
    picture,
)


@pytest.mark.parametrize(("network", "shapes"), [(Encoder, ENCODER_SHAPES), (Decoder, DECODER_SHAPES)])
def test_state_dict_has_the_published_names_and_shapes(network, shapes) -> None:
    assert {name: tuple(value.shape) for name, value in network().state_dict().items()} == shapes


@pytest.mark.parametrize(("network", "shapes"), [(Encoder, ENCODER_SHAPES), (Decoder, DECODER_SHAPES)])
def test_state_dict_is_loaded_as_it_is(network, shapes) -> None:
    given = closed_form(shapes)
    kept = network(given).state_dict()
    assert all(torch.equal(kept[name], value.float()) for name, value in given.items())


def test_random_weights_follow_the_seed_alone() -> None:
    before = torch.get_rng_state()
    one, same, other = (Encoder(seed=seed).state_dict()["conv4_1.weight"] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), before)


def test_random_weights_keep_the_scale() -> None:
    weight = Decoder().state_dict()["conv3_4_2.weight"]
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (1280 * 9)), rel=0.01)


def test_weights_of_another_network_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"weights wave_encoder_cat5_l4\.pth of WCT² \(.*Missing key.*\)"):
        Encoder(closed_form(DECODER_SHAPES))
    summing = closed_form(DECODER_SHAPES)
    summing["conv3_4.weight"] = summing.pop("conv3_4_2.weight")[:, :256]  # the published "sum" variant
    with pytest.raises(
        ConfigError, match=r"weights wave_decoder_cat5_l4\.pth of WCT² \(.*conv3_4_2\.weight.*\)"
    ):
        Decoder(summing)


def test_weights_with_another_wavelet_are_refused() -> None:
    state = closed_form(ENCODER_SHAPES)
    state["pool2.LH.weight"] = state["pool2.HL.weight"]
    with pytest.raises(ConfigError, match=r"of WCT² \(pool2\.LH\.weight is not a Haar wavelet\)"):
        Encoder(state)


def test_only_the_last_layer_of_the_decoder_has_no_relu() -> None:
    decoder, skips = Decoder(), (noise(1, 64, 4, 4).float().relu(), noise(1, 64, 8, 8).float().relu())
    assert decoder(skips[1], 1, None).min() < 0
    features = noise(1, 128, 4, 4).float().relu()
    assert decoder(features, 2, Skip((skips[0],) * 3, skips[1])).min() == 0


def test_joining_by_parts_equals_joining() -> None:
    decoder = Decoder(closed_form(DECODER_SHAPES)).double()
    parts = [noise(1, 64, 5, 7, seed=seed) for seed in range(5)]
    state = decoder.state_dict()
    joined = F.pad(torch.cat(parts, dim=1), (1, 1, 1, 1), mode="reflect")
    expected = F.conv2d(joined, state["conv1_2_2.weight"], state["conv1_2_2.bias"])
    torch.testing.assert_close(decoder.convolve("conv1_2_2", parts), expected)


def passing(shapes: Mapping[str, tuple[int, ...]], parts: tuple[int, ...]) -> State:
    """Weights that hand three channels on, through unpooling from some of its five parts."""
    state = {}
    for name, value in closed_form(shapes).items():
        if len(name.split(".")) == 3:
            state[name] = value
            continue
        state[name] = torch.zeros_like(value)
        if name.endswith("weight"):
            outputs, inputs, size, _ = value.shape
            joined = inputs == 5 * outputs
            for part in parts if joined else (0,):
                for channel in range(3):
                    source = part * outputs * joined + channel
                    state[name][channel, source, size // 2, size // 2] = 1
    return state


@pytest.mark.parametrize("parts", [(0, 1, 2, 3), (4,)], ids=["bands", "original"])
def test_networks_that_hand_everything_on_return_the_painting(parts: tuple[int, ...]) -> None:
    """Each band must meet its own kernel and its own place before the convolution for this."""
    given = Given(wct2_encoder=passing(ENCODER_SHAPES, ()), wct2_decoder=passing(DECODER_SHAPES, parts))
    painting = picture(21, 26)
    result = run(painting, picture(16, 16, 1), job(given), at_encoder=False, at_skips=False, at_decoder=False)
    torch.testing.assert_close(result.pixels, painting, rtol=0, atol=2e-6)  # float32


@pytest.mark.parametrize("missing", [0, 1, 2, 3])
def test_every_band_is_needed(missing: int) -> None:
    parts = tuple(part for part in range(4) if part != missing)
    given = Given(wct2_encoder=passing(ENCODER_SHAPES, ()), wct2_decoder=passing(DECODER_SHAPES, parts))
    painting = picture(16, 16)
    result = run(painting, painting, job(given), at_encoder=False, at_skips=False, at_decoder=False)
    assert (result.pixels - painting).abs().max() > 0.1
