import copy
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sinct.errors import OutOfMemoryError
from sinct.inference.whole import translate_whole
from sinct.networks.choice import GENERATORS, make_generator
from sinct.networks.stylegan2_generator import Generator
from sinct.pictures.cuts import mirrored
from tests.support.streaming import make_model


@pytest.fixture(scope="module")
def generator() -> Generator:
    """Tiny, with biases that make padded borders differ from the inside, and output that needs no clamp."""
    torch.manual_seed(0)
    network = Generator(width=2)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    nn.init.normal_(network.decoder[-1].weight, std=0.2)
    nn.init.zeros_(network.decoder[-1].bias)
    return network


@pytest.fixture
def noisy(generator: Generator) -> Generator:
    """The same with noise that has some weight."""
    network = copy.deepcopy(generator)
    nn.init.constant_(network.decoder[3].noise_weight, 0.5)
    return network


def noise(height: int, width: int) -> Tensor:
    return torch.rand(3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1


def translate_picture(generator: Generator, picture: Tensor, **options: Any) -> Tensor:
    """Of a picture in memory."""
    return translate_whole(
        generator, lambda rows, columns: picture[:, rows, columns], *picture.shape[1:], **options
    )


sizes = st.one_of(st.integers(1, 8), st.integers(60, 160))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(height=sizes, width=sizes, window=st.integers(66, 110))
def test_windowed_equals_whole(generator: Generator, height: int, width: int, window: int) -> None:
    picture = noise(height, width)
    whole = translate_picture(generator, picture)
    assert whole.abs().max() < 1  # or the clamp would hide differences
    windowed = translate_picture(generator, picture, window=window)
    # Convolutions over another size may add in another order: some 1e-7 each, far below a seam
    torch.testing.assert_close(windowed, whole, rtol=0, atol=1e-5)


def test_short_halo_would_show(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tolerance above can fail: a halo 6 px too short already exceeds it."""
    picture = noise(120, 120)
    whole = translate_picture(generator, picture)
    monkeypatch.setattr(Generator, "halo", generator.halo - 6)
    assert (translate_picture(generator, picture, window=80) - whole).abs().max() > 1e-5


@pytest.mark.parametrize("size", [(1, 1), (1, 6), (7, 1), (5, 9), (4, 6)])
def test_size_is_kept(generator: Generator, size: tuple[int, int]) -> None:
    translated = translate_picture(generator, noise(*size))
    assert translated.shape == (3, *size)
    assert translated.dtype == torch.float32


@pytest.mark.parametrize("size", [(40, 36), (39, 37)])
def test_picture_is_continued_by_its_mirror_image(generator: Generator, size: tuple[int, int]) -> None:
    picture = noise(*size)
    odd = [side % 2 for side in size]
    continued = F.pad(picture[None], (32, 32 + odd[1], 32, 32 + odd[0]), mode="reflect")
    expected = generator(continued)[0, :, 32 : 32 + size[0], 32 : 32 + size[1]]
    torch.testing.assert_close(translate_picture(generator, picture), expected)


def test_picture_smaller_than_its_margin_is_mirrored_again_and_again() -> None:
    picture = torch.arange(3.0).view(1, 1, 3)
    cut = mirrored(lambda rows, columns: picture[:, rows, columns], 1, 3)
    assert cut(slice(-2, 1), slice(-5, 6))[0].tolist() == [[1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1]] * 3
    assert cut(slice(0, 1), slice(-2, 0)).tolist() == [[[2, 1]]]


def test_no_line_shows_along_the_border(generator: Generator) -> None:
    """An even picture stays even up to its border, where zeros beyond it would show."""
    translated = translate_picture(generator, torch.full((3, 40, 40), 0.4))
    assert (translated - translated[:, 20:21, 20:21]).abs().max() < 1e-5
    alone = generator(torch.full((1, 3, 40, 40), 0.4))[0]
    assert (alone - alone[:, 20:21, 20:21]).abs().max() > 1e-2


def test_result_is_clamped(generator: Generator) -> None:
    translated = translate_picture(generator, 1e5 * noise(8, 8))
    assert translated.min() == -1
    assert translated.max() == 1


def test_noise_is_the_same_in_windows_and_for_the_same_seed_alone(noisy: Generator) -> None:
    picture = noise(150, 170)
    whole, windows, other = (
        translate_picture(noisy, picture, window=window, seed=seed)
        for window, seed in ((300, 3), (120, 3), (300, 4))
    )
    torch.testing.assert_close(windows, whole)
    assert (other - whole).abs().mean() > 1e-3


def test_noise_makes_places_differ_that_look_the_same(generator: Generator, noisy: Generator) -> None:
    flat = torch.full((3, 40, 40), 0.4)
    assert translate_picture(generator, flat).std(dim=(1, 2)).max() < 1e-5
    assert translate_picture(noisy, flat).std(dim=(1, 2)).max() > 1e-3


def test_result_needs_no_gradient(generator: Generator) -> None:
    assert not translate_picture(generator, noise(4, 4)).requires_grad


def test_picture_is_left_alone(generator: Generator) -> None:
    picture = noise(6, 8)
    translate_picture(generator, picture)
    assert torch.equal(picture, noise(6, 8))


def test_mixed_precision_is_near_the_full(generator: Generator) -> None:
    picture = noise(12, 12)
    mixed = translate_picture(generator, picture, mixed_precision=True)
    assert mixed.dtype == torch.float32
    # bfloat16 rounds by 0.4 %, some ten layers add up to a few per cent of an output below 1
    torch.testing.assert_close(mixed, translate_picture(generator, picture), rtol=0, atol=0.05)


@pytest.mark.parametrize("name", GENERATORS)
def test_mixed_precision_leaves_enough_values_for_16_bits(name: str) -> None:
    torch.manual_seed(0)
    network = make_generator(name, 8).requires_grad_(False)
    ramp = torch.linspace(-0.9, 0.9, 128 * 128).view(1, 128, 128).expand(3, -1, -1)
    mixed, full = (
        translate_picture(network, ramp, mixed_precision=on).unique().numel() for on in (True, False)
    )
    assert mixed > 0.9 * full > 20_000  # in bfloat16 throughout, 943 to 3,001


def test_window_smaller_than_twice_the_halo_is_refused(generator: Generator) -> None:
    with pytest.raises(ValueError, match="a window of 60 px leaves nothing inside a halo of 30 px"):
        translate_picture(generator, noise(70, 70), window=60)


def test_generator_that_needs_the_whole_picture_gets_it_as_it_is() -> None:
    torch.manual_seed(0)
    network = make_generator("resnet", 2).requires_grad_(False)
    picture = noise(45, 70)
    translated = translate_picture(network, picture, window=16)
    torch.testing.assert_close(translated, network(picture[None])[0], rtol=0, atol=1e-6)


def test_whole_picture_that_does_not_fit_into_memory_is_refused_at_once(
    tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tries = make_model(tiny, "resnet"), []

    def full(*_, **__) -> None:
        tries.append(1)
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr("sinct.inference.model.translate_whole", full)
    with pytest.raises(
        OutOfMemoryError, match=r"a picture of 70x45 px, which the generator 'resnet' .*one piece"
    ):
        model.generate(noise(45, 70))
    assert tries == [1]
