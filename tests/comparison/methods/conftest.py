"""Networks that tests of methods share, made once; no test changes them."""

import pytest

from sinct.networks.vgg import VGG
from tests.support.wct2 import DECODER_SHAPES, ENCODER_SHAPES, Given, closed_form


@pytest.fixture(scope="session")
def vgg() -> VGG:
    return VGG(16)


@pytest.fixture(scope="session")
def weights() -> Given:
    """Encoder and decoder of closed form, scaled for features beyond the ridge and a picture that is not clipped."""
    encoder = closed_form(ENCODER_SHAPES)
    encoder["conv0.weight"] *= 30
    decoder = closed_form(DECODER_SHAPES)
    decoder["conv1_1.weight"] *= 0.01
    decoder["conv1_1.bias"] += 0.5
    return Given(wct2_encoder=encoder, wct2_decoder=decoder)
