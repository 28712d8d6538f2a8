import math
from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from sinct.comparison.methods import Job, find
from sinct.comparison.methods.wct2 import regions, whitening
from sinct.comparison.methods.wct2.method import run, walk
from sinct.comparison.methods.wct2.networks import Decoder, Encoder, Skip
from sinct.comparison.methods.wct2.regions import Guide, matched_regions
from sinct.comparison.methods.wct2.wavelet import BANDS, HAAR, haar_pool, haar_unpool
from sinct.comparison.methods.wct2.whitening import Moments, moments, whiten_colour
from sinct.errors import ConfigError, InputError, Interrupted
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights

State = dict[str, Tensor]

# Published names and shapes, derived from the layers of the authors' model.py.
ENCODER_SHAPES = {
    "conv0.weight": (3, 3, 1, 1),
    "conv0.bias": (3,),
    "conv1_1.weight": (64, 3, 3, 3),
    "conv1_1.bias": (64,),
    "conv1_2.weight": (64, 64, 3, 3),
    "conv1_2.bias": (64,),
    "pool1.LL.weight": (64, 1, 2, 2),
    "pool1.LH.weight": (64, 1, 2, 2),
    "pool1.HL.weight": (64, 1, 2, 2),
    "pool1.HH.weight": (64, 1, 2, 2),
    "conv2_1.weight": (128, 64, 3, 3),
    "conv2_1.bias": (128,),
    "conv2_2.weight": (128, 128, 3, 3),
    "conv2_2.bias": (128,),
    "pool2.LL.weight": (128, 1, 2, 2),
    "pool2.LH.weight": (128, 1, 2, 2),
    "pool2.HL.weight": (128, 1, 2, 2),
    "pool2.HH.weight": (128, 1, 2, 2),
    "conv3_1.weight": (256, 128, 3, 3),
    "conv3_1.bias": (256,),
    "conv3_2.weight": (256, 256, 3, 3),
    "conv3_2.bias": (256,),
    "conv3_3.weight": (256, 256, 3, 3),
    "conv3_3.bias": (256,),
    "conv3_4.weight": (256, 256, 3, 3),
    "conv3_4.bias": (256,),
    "pool3.LL.weight": (256, 1, 2, 2),
    "pool3.LH.weight": (256, 1, 2, 2),
    "pool3.HL.weight": (256, 1, 2, 2),
    "pool3.HH.weight": (256, 1, 2, 2),
    "conv4_1.weight": (512, 256, 3, 3),
    "conv4_1.bias": (512,),
}
DECODER_SHAPES = {
    "conv4_1.weight": (256, 512, 3, 3),
    "conv4_1.bias": (256,),
    "recon_block3.LL.weight": (256, 1, 2, 2),
    "recon_block3.LH.weight": (256, 1, 2, 2),
    "recon_block3.HL.weight": (256, 1, 2, 2),
    "recon_block3.HH.weight": (256, 1, 2, 2),
    "conv3_4_2.weight": (256, 1280, 3, 3),
    "conv3_4_2.bias": (256,),
    "conv3_3.weight": (256, 256, 3, 3),
    "conv3_3.bias": (256,),
    "conv3_2.weight": (256, 256, 3, 3),
    "conv3_2.bias": (256,),
    "conv3_1.weight": (128, 256, 3, 3),
    "conv3_1.bias": (128,),
    "recon_block2.LL.weight": (128, 1, 2, 2),
    "recon_block2.LH.weight": (128, 1, 2, 2),
    "recon_block2.HL.weight": (128, 1, 2, 2),
    "recon_block2.HH.weight": (128, 1, 2, 2),
    "conv2_2_2.weight": (128, 640, 3, 3),
    "conv2_2_2.bias": (128,),
    "conv2_1.weight": (64, 128, 3, 3),
    "conv2_1.bias": (64,),
    "recon_block1.LL.weight": (64, 1, 2, 2),
    "recon_block1.LH.weight": (64, 1, 2, 2),
    "recon_block1.HL.weight": (64, 1, 2, 2),
    "recon_block1.HH.weight": (64, 1, 2, 2),
    "conv1_2_2.weight": (64, 320, 3, 3),
    "conv1_2_2.bias": (64,),
    "conv1_1.weight": (3, 64, 3, 3),
    "conv1_1.bias": (3,),
}


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def f64(values: Sequence[object]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    """(3, H, W) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, height, width, generator=generator) * 1.8 - 0.9


class Given(Weights):
    """Weights from memory; random ones where there are none."""

    def __init__(self, **states: Mapping[str, Tensor]) -> None:
        super().__init__()
        object.__setattr__(self, "states", states)

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        return self.states.get(name)  # type: ignore[attr-defined]


def job(
    weights: Weights | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    regions: tuple[Tensor, Tensor] | None = None,
) -> Job:
    return Job(
        budget or Budget(), torch.device("cpu"), seed, Path("unused"), weights or Given(), regions=regions
    )


def closed_form(shapes: Mapping[str, tuple[int, ...]]) -> State:
    """Weights that any implementation can make: README.md beside the method states the formula."""
    state = {}
    for name, shape in shapes.items():
        k = torch.arange(math.prod(shape))
        if name.endswith("bias"):
            values = 0.1 * ((31 * k) % 11 / 5 - 1)
        elif len(name.split(".")) == 3:
            values = HAAR[BANDS.index(name.split(".")[1])].expand(shape).flatten()
        else:
            fan_in = math.prod(shape[1:])
            values = ((7919 * k) % 1009 / 504 - 1).double() * math.sqrt(6 / fan_in)
        state[name] = values.double().reshape(shape)
    return state


@pytest.fixture(scope="module")
def weights() -> Given:
    """Encoder and decoder of closed form, scaled for features beyond the ridge and a picture that is not clipped."""
    encoder = closed_form(ENCODER_SHAPES)
    encoder["conv0.weight"] *= 30
    decoder = closed_form(DECODER_SHAPES)
    decoder["conv1_1.weight"] *= 0.01
    decoder["conv1_1.bias"] += 0.5
    return Given(wct2_encoder=encoder, wct2_decoder=decoder)


# Haar wavelet


def slow_haar(x: Tensor) -> list[Tensor]:
    """One block of 2x2 after the other, low or high along the height, then along the width."""
    low, high = (1 / math.sqrt(2), 1 / math.sqrt(2)), (-1 / math.sqrt(2), 1 / math.sqrt(2))
    bands = []
    for down, across in ((low, low), (low, high), (high, low), (high, high)):
        band = torch.zeros(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2, dtype=x.dtype)
        for i in range(band.shape[2]):
            for j in range(band.shape[3]):
                for r in (0, 1):
                    for s in (0, 1):
                        band[:, :, i, j] += down[r] * across[s] * x[:, :, 2 * i + r, 2 * j + s]
        bands.append(band)
    return bands


@pytest.mark.parametrize("size", [(2, 2), (6, 10), (4, 14)])
def test_haar_pool_equals_a_slow_loop(size: tuple[int, int]) -> None:
    x = noise(2, 3, *size)
    for band, expected in zip(haar_pool(x), slow_haar(x), strict=True):
        torch.testing.assert_close(band, expected)


def test_haar_pool_of_one_block_has_a_closed_form() -> None:
    bands = haar_pool(torch.tensor([[1.0, 2.0], [4.0, 8.0]])[None, None])
    assert [band.item() for band in bands] == [7.5, 2.5, 4.5, 1.5]


def test_haar_pool_keeps_the_energy() -> None:
    x = noise(2, 3, 6, 10)
    torch.testing.assert_close(sum(band.square().sum() for band in haar_pool(x)), x.square().sum())


def test_unpooled_bands_add_up_to_the_input_exactly() -> None:
    x = (noise(2, 3, 6, 10) * 100).round()  # quarters of whole numbers are exact
    assert torch.equal(sum(map(haar_unpool, haar_pool(x), HAAR), torch.zeros(())), x)


def test_unpooled_bands_add_up_to_the_input() -> None:
    x = noise(2, 3, 6, 10)
    torch.testing.assert_close(sum(map(haar_unpool, haar_pool(x), HAAR)), x, rtol=0, atol=1e-15)


def test_pooling_an_unpooled_band_returns_it_alone() -> None:
    for number, kernel in enumerate(HAAR):
        band = noise(2, 3, 3, 5)
        for other, pooled in enumerate(haar_pool(haar_unpool(band, kernel))):
            torch.testing.assert_close(pooled, band * (number == other))


def test_lh_sees_stripes_along_the_width_and_hl_along_the_height() -> None:
    stripes = torch.tensor([-1.0, 1.0]).repeat(4).expand(1, 1, 8, 8)  # alternates from column to column
    assert [band.abs().max().item() for band in haar_pool(stripes)] == [0, 2, 0, 0]
    assert [band.abs().max().item() for band in haar_pool(stripes.mT)] == [0, 0, 2, 0]


@pytest.mark.parametrize("size", [(3, 4), (4, 5), (7, 7)])
def test_haar_pool_refuses_odd_sizes(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match=f"even height and width, got {size[0]}x{size[1]}"):
        haar_pool(torch.zeros(1, 1, *size))


def test_haar_pool_and_unpool_pass_gradcheck() -> None:
    assert gradcheck(haar_pool, noise(1, 2, 4, 6).requires_grad_())
    assert gradcheck(lambda band: haar_unpool(band, HAAR[1]), noise(1, 2, 3, 2).requires_grad_())


def test_haar_bands_of_the_stored_example() -> None:
    x = torch.arange(8.0, dtype=torch.float64).sin().view(1, 1, 2, 4)
    expected = [  # computed once by slow_haar in float64
        [-0.437127892582, 0.713994267703],
        [0.319674602726, 0.084112339076],
        [-1.278598877389, -0.336423167183],
        [-0.521796382082, 0.852289757842],
    ]
    for band, values in zip(haar_pool(x), expected, strict=True):
        torch.testing.assert_close(band.flatten(), f64(values), rtol=0, atol=1e-12)


# Moments


def slow_moments(features: Tensor) -> tuple[list[float], list[list[float]]]:
    channels, count = features.shape
    rows = features.tolist()
    mean = [sum(row) / count for row in rows]
    covariance = [
        [
            sum((rows[a][n] - mean[a]) * (rows[b][n] - mean[b]) for n in range(count)) / (count - 1)
            for b in range(channels)
        ]
        for a in range(channels)
    ]
    return mean, covariance


@pytest.mark.parametrize("chunk", [4, 7, 2**17])
def test_moments_equal_a_slow_loop(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whitening, "_CHUNK", chunk)
    features = noise(3, 14)
    mean, covariance = slow_moments(features)
    found = moments(features)
    torch.testing.assert_close(found.mean, f64(mean))
    torch.testing.assert_close(found.covariance, f64(covariance))
    torch.testing.assert_close(found.covariance, torch.cov(features))


def test_moments_of_float32_are_float64() -> None:
    features = noise(3, 50).float() + 1000
    found = moments(features)
    assert found.covariance.dtype == torch.float64
    torch.testing.assert_close(found.covariance, torch.cov(features.double()), rtol=1e-10, atol=1e-10)


def test_one_position_has_no_covariance() -> None:
    assert torch.equal(moments(noise(3, 1)).covariance, torch.zeros(3, 3, dtype=torch.float64))


# Whitening and colouring


def svd_whiten_colour(content: Tensor, style: Tensor, ridge: float) -> Tensor:
    """Li et al., eqs. 2-3, step by step, with the singular value decomposition that they use."""

    def decompose(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(dim=1, keepdim=True)
        covariance = (x - mean) @ (x - mean).T / (x.shape[1] - 1) + ridge * torch.eye(len(x)).to(x)
        vectors, values, _ = torch.linalg.svd(covariance)
        return mean, values, vectors

    mean_c, d_c, e_c = decompose(content)
    mean_s, d_s, e_s = decompose(style)
    whitened = e_c @ torch.diag(d_c**-0.5) @ e_c.T @ (content - mean_c)
    return e_s @ torch.diag(d_s**0.5) @ e_s.T @ whitened + mean_s


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_whiten_colour_equals_the_equations_step_by_step(ridge: float) -> None:
    content, style = noise(5, 40), noise(5, 30, seed=1) * 3 + 2
    torch.testing.assert_close(
        whiten_colour(content, style, ridge=ridge), svd_whiten_colour(content, style, ridge)
    )


def test_whitened_and_coloured_features_have_the_moments_of_the_style() -> None:
    content, style = noise(5, 40), noise(5, 5, seed=1) @ noise(5, 30, seed=2) + 2
    result, wanted = moments(whiten_colour(content, style, ridge=0)), moments(style)
    torch.testing.assert_close(result.mean, wanted.mean)
    torch.testing.assert_close(result.covariance, wanted.covariance)


def test_covariance_is_the_styles_where_that_has_fewer_directions() -> None:
    style = noise(5, 2, seed=1) @ noise(2, 30, seed=2)
    result = moments(whiten_colour(noise(5, 40), style, ridge=0))
    torch.testing.assert_close(result.covariance, moments(style).covariance)


def test_directions_that_the_content_lacks_stay_empty() -> None:
    """The content's kept directions E give C_s^(1/2) E Eᵀ C_s^(1/2)."""
    content, style = noise(5, 3) @ noise(3, 40, seed=1), noise(5, 30, seed=2)
    kept = torch.linalg.qr(content - content.mean(dim=1, keepdim=True))[0][:, :3]
    values, vectors = torch.linalg.eigh(moments(style).covariance)
    root = vectors @ values.sqrt().diag() @ vectors.T
    result = moments(whiten_colour(content, style, ridge=0))
    torch.testing.assert_close(result.covariance, root @ kept @ kept.T @ root)


@pytest.mark.parametrize(("variance", "kept"), [(2e-5, True), (0.5e-5, False)])
def test_the_threshold_is_on_eigenvalues(variance: float, kept: bool) -> None:
    content = f64([[1, -1]]) * math.sqrt(variance / 2)
    result = whiten_colour(content, f64([[0, 4]]), ridge=0)  # mean 2, deviation √8
    expected = f64([[4, 0]] if kept else [[2, 2]])
    torch.testing.assert_close(result, expected)


def test_ridge_of_one_channel_has_a_closed_form() -> None:
    content, style = noise(1, 9), noise(1, 7, seed=1) * 3
    scale = ((style.var() + 0.5) / (content.var() + 0.5)).sqrt()
    expected = (content - content.mean()) * scale + style.mean()
    torch.testing.assert_close(whiten_colour(content, style, ridge=0.5), expected)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
@pytest.mark.parametrize("rank", [2, 5])
def test_features_keep_what_they_are_under_their_own_moments(ridge: float, rank: int) -> None:
    features = noise(5, rank) @ noise(rank, 40, seed=1) + 3
    torch.testing.assert_close(whiten_colour(features, features, ridge=ridge), features)


@pytest.mark.parametrize("ridge", [0.0, 1.0])
def test_whiten_colour_passes_gradcheck(ridge: float) -> None:
    content, style = noise(3, 7).requires_grad_(), (noise(3, 6, seed=1) * 2).requires_grad_()
    assert gradcheck(lambda c, s: whiten_colour(c, s, ridge=ridge), (content, style))


def test_whiten_colour_keeps_float32() -> None:
    content, style = noise(5, 40), noise(5, 30, seed=1) * 3 + 2
    result = whiten_colour(content.float(), style.float())
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), whiten_colour(content, style), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("ridge", "expected"),
    [  # computed once by svd_whiten_colour in float64
        (
            1.0,
            [
                [-0.139872663616, 1.567147411884, -1.300515470414, 0.349984674088, -0.53792289414],
                [0.451477563271, -1.043271398886, -0.599089684308, 1.932474473203, -0.226160489139],
            ],
        ),
        (
            0.0,
            [
                [-0.292165642541, 2.889177804223, -2.087891727079, 0.281322418372, -0.851621795176],
                [0.613654706142, -1.822277812529, -0.598861324183, 2.565556628254, -0.242641733543],
            ],
        ),
    ],
)
def test_whiten_colour_of_the_stored_example(ridge: float, expected: list[list[float]]) -> None:
    content = torch.arange(10.0, dtype=torch.float64).square().sin().view(2, 5)
    style = 2 * torch.arange(8.0, dtype=torch.float64).square().cos().view(2, 4)
    result = whiten_colour(content, style, ridge=ridge)
    torch.testing.assert_close(result, f64(expected), rtol=0, atol=1e-11)


# Regions


def test_regions_match_where_both_maps_have_enough_of_them() -> None:
    def labels(**counts: int) -> Tensor:
        return torch.cat([torch.full((n,), int(name[1:])) for name, n in counts.items()])[None]

    painting = labels(_0=11, _1=10, _2=11, _3=1100, _4=1099, _6=50)
    photo = labels(_0=11, _1=500, _2=10, _3=11, _4=11, _5=50)
    assert matched_regions(painting, photo) == (0, 4)


def test_labels_follow_the_centre_of_each_feature() -> None:
    labels = torch.zeros(8, 8)
    labels[2, 6] = 7  # of the 4x4 pixels of a feature two levels down, the third row and column are taken
    assert torch.equal(Guide(labels, (0, 7)).select(2, 2)[7], torch.tensor([False, True, False, False]))


def test_a_region_lost_in_small_features_is_left_out() -> None:
    labels = torch.zeros(8, 8)
    labels[0, 0] = 7
    assert set(Guide(labels, (0, 7)).select(1, 1)) == {0}


def test_each_region_gets_the_moments_of_its_own() -> None:
    labels = torch.zeros(4, 6)
    labels[:, 3:] = 1
    labels[0] = 2  # not matched
    content, style = noise(1, 5, 4, 6), noise(1, 5, 4, 6, seed=1) * 3
    guide = Guide(labels, (0, 1))
    result = content.clone()
    regions.transfer(result, regions.measure(style, guide), guide)
    for number in (0, 1):
        own = labels == number
        expected = whiten_colour(content[0, :, own], style[0, :, own])
        expected = expected.clamp(content[0, :, own].min(), content[0, :, own].max())
        torch.testing.assert_close(result[0, :, own], expected)
    assert torch.equal(result[0, :, 0], content[0, :, 0])


def test_a_region_that_only_one_picture_keeps_is_left_alone() -> None:
    labels = torch.zeros(8, 8)
    labels[:, 4:] = 7
    content, style = noise(1, 3, 2, 2), noise(1, 3, 4, 4, seed=1)
    targets = regions.measure(style, Guide(torch.zeros(8, 8), (0, 7)))
    result = content.clone()
    regions.transfer(result, targets, Guide(labels, (0, 7)))
    assert torch.equal(result[..., 1], content[..., 1])
    assert not torch.equal(result[..., 0], content[..., 0])


def test_transferred_features_stay_in_their_range() -> None:
    features = noise(1, 3, 4, 4)
    low, high = features.min().item(), features.max().item()
    regions.transfer(features, {0: Moments(torch.full((3,), 5.0).double(), torch.eye(3).double())}, Guide())
    assert features.min() >= low
    assert features.max() == high


def test_features_that_cannot_be_changed_in_place_are_refused() -> None:
    features = noise(1, 3, 4, 4).mT
    with pytest.raises(RuntimeError, match="view"):
        regions.transfer(features, regions.measure(features, Guide()), Guide())


# Networks


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
    with pytest.raises(ConfigError, match=r"of WCT² \(pool2\.LH\.weight is no Haar wavelet\)"):
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


# The pass


def reference(given: Given, painting: Tensor, photo: Tensor, at: set[str]) -> Tensor:
    """The published pass in its plainest form, in float64: joined features, grouped convolutions, SVD.

    Args:
        painting: (1, 3, H, W) in [0, 1], sides multiples of 8.
        photo: the same.
        at: some of encoder, skip, decoder.
    """
    e, d = given.load("wct2_encoder"), given.load("wct2_decoder")
    assert e is not None
    assert d is not None

    def conv(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
        padded = F.pad(x, (1, 1, 1, 1), mode="reflect")
        return F.conv2d(padded, state[f"{name}.weight"], state[f"{name}.bias"])

    def encode(x: Tensor, level: int, skips: dict[int, list[Tensor]]) -> Tensor:
        if level == 1:
            x = F.conv2d(x, e["conv0.weight"], e["conv0.bias"])
            return conv(e, "conv1_1", x).relu()
        for name in {2: ["conv1_2"], 3: ["conv2_2"], 4: ["conv3_2", "conv3_3", "conv3_4"]}[level]:
            x = conv(e, name, x).relu()
        bands = [
            F.conv2d(x, e[f"pool{level - 1}.{band}.weight"], stride=2, groups=x.shape[1]) for band in BANDS
        ]
        skips[level] = [*bands[1:], x]
        return conv(e, {2: "conv2_1", 3: "conv3_1", 4: "conv4_1"}[level], bands[0]).relu()

    def decode(x: Tensor, level: int, skips: dict[int, list[Tensor]]) -> Tensor:
        if level == 1:
            return conv(d, "conv1_1", x)
        x = conv(d, {4: "conv4_1", 3: "conv3_1", 2: "conv2_1"}[level], x).relu()
        lh, hl, hh, original = skips[level]
        spread = [
            F.conv_transpose2d(
                band, d[f"recon_block{level - 1}.{name}.weight"], stride=2, groups=band.shape[1]
            )
            for name, band in zip(BANDS, (x, lh, hl, hh), strict=True)
        ]
        x = torch.cat([*spread, original], dim=1)
        for name in {4: ["conv3_4_2", "conv3_3", "conv3_2"], 3: ["conv2_2_2"], 2: ["conv1_2_2"]}[level]:
            x = conv(d, name, x).relu()
        return x

    def exchange(content: Tensor, style: Tensor) -> Tensor:
        result = svd_whiten_colour(content[0].flatten(1), style[0].flatten(1), ridge=1.0)
        return result.clamp(content.min(), content.max()).view_as(content)

    style_skips: dict[int, list[Tensor]] = {}
    style = {}
    x = photo
    for level in (1, 2, 3, 4):
        style["encoder", level] = x = encode(x, level, style_skips)
    for level in (4, 3, 2):
        style["decoder", level] = x
        x = decode(x, level, style_skips)
    style["decoder", 1] = x

    skips: dict[int, list[Tensor]] = {}
    x = painting
    for level in (1, 2, 3, 4):
        x = encode(x, level, skips)
        if "encoder" in at:
            x = exchange(x, style["encoder", level])
    if "skip" in at:
        for level in (2, 3, 4):
            for band in range(3):
                skips[level][band] = exchange(skips[level][band], style_skips[level][band])
    for level in (4, 3, 2, 1):
        if "decoder" in at and not (level == 4 and "encoder" in at):
            x = exchange(x, style["decoder", level])
        x = decode(x, level, skips)
    return x


@pytest.mark.parametrize(
    "at",
    [{"encoder", "skip", "decoder"}, {"encoder"}, {"skip"}, {"decoder"}],
    ids=lambda at: "-".join(sorted(at)),
)
def test_run_equals_the_published_pass(at: set[str], weights: Given) -> None:
    painting, photo = picture(24, 32), picture(32, 16, seed=1) * 0.5
    plain = reference(weights, (painting[None].double() + 1) / 2, (photo[None].double() + 1) / 2, at)
    result = run(
        painting,
        photo,
        job(weights),
        at_encoder="encoder" in at,
        at_skips="skip" in at,
        at_decoder="decoder" in at,
    )
    assert plain.min() > 0  # nothing is clipped
    assert plain.max() < 1
    assert plain.std() > 0.01
    # float32 through 19 convolutions and 16 transforms
    torch.testing.assert_close(result.pixels.double(), plain[0] * 2 - 1, rtol=0, atol=1e-5)


def test_run_of_the_stored_example(weights: Given) -> None:
    painting, photo = (
        (step * torch.arange(3 * height * width) % 251 / 250).view(3, height, width)
        for height, width, step in ((16, 24, 17), (24, 16, 29))
    )
    result = run(painting * 2 - 1, photo.square() * 2 - 1, job(weights)).pixels
    expected = [  # computed once by `reference` in float64
        [-0.16357654, -0.212440965, -0.153392935],
        [0.226750515, 0.114901358, 0.198199573],
        [0.104630405, 0.136985393, 0.10433837],
    ]
    found = result[:, [0, 7, 15], [0, 11, 23]]
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=1e-5)  # float32
    mean = torch.tensor([-0.202666978, 0.171705924, 0.071931486])
    torch.testing.assert_close(result.mean(dim=(1, 2)), mean, rtol=0, atol=1e-5)


def test_the_painting_stays_as_decoded_under_its_own_moments(weights: Given) -> None:
    painting = picture(24, 16)
    exchanged = run(painting, painting, job(weights)).pixels
    plain = run(painting, painting, job(weights), at_encoder=False, at_skips=False, at_decoder=False).pixels
    torch.testing.assert_close(exchanged, plain, rtol=0, atol=1e-5)


@pytest.mark.parametrize("size", [(9, 30), (17, 23), (16, 16)])
def test_result_has_the_size_of_the_painting(size: tuple[int, int], weights: Given) -> None:
    result = run(picture(*size), picture(11, 19), job(weights))
    assert result.pixels.shape == (3, *size)
    assert result.pixels.dtype == torch.float32
    assert result.pixels.abs().max() <= 1


def test_odd_pictures_are_continued_by_reflection(weights: Given) -> None:
    painting, photo = picture(17, 23), picture(9, 24)
    whole = F.pad(painting[None], (0, 1, 0, 7), mode="reflect")[0]
    result = run(painting, photo, job(weights))
    expected = run(whole, F.pad(photo[None], (0, 0, 0, 7), mode="reflect")[0], job(weights))
    assert torch.equal(result.pixels, expected.pixels[:, :17, :23])
    assert result.facts == {"places": 16, "padded": [24, 24]}


@pytest.mark.parametrize("size", [(8, 40), (40, 3)])
def test_run_refuses_tiny_pictures(size: tuple[int, int], weights: Given) -> None:
    message = f"{size[1]}x{size[0]} px is too small for WCT²; it needs 9 px or more a side"
    with pytest.raises(InputError, match=message):
        run(picture(*size), picture(16, 16), job(weights))
    with pytest.raises(InputError, match=message):
        run(picture(16, 16), picture(*size), job(weights))


def test_random_networks_follow_the_seed() -> None:
    painting, photo = picture(16, 16), picture(16, 16, seed=1)
    given = Given(wct2_encoder=Encoder(seed=5).state_dict(), wct2_decoder=Decoder(seed=6).state_dict())
    drawn = run(painting, photo, job(seed=5)).pixels
    assert torch.equal(drawn, run(painting, photo, job(given)).pixels)
    assert drawn.std() > 0


def test_one_region_everywhere_is_no_guidance(weights: Given) -> None:
    painting, photo = picture(18, 20), picture(16, 24, seed=1)
    regions = (torch.full((18, 20), 3), torch.full((16, 24), 3))
    guided = run(painting, photo, job(weights, regions=regions))
    torch.testing.assert_close(guided.pixels, run(painting, photo, job(weights)).pixels, rtol=0, atol=1e-5)
    assert guided.facts["regions"] == [3]


def test_regions_without_a_match_are_left_as_decoded(weights: Given) -> None:
    painting, photo = picture(16, 16), picture(16, 16, seed=1)
    regions = (torch.zeros(16, 16).long(), torch.ones(16, 16).long())
    guided = run(painting, photo, job(weights, regions=regions))
    plain = run(painting, photo, job(weights), at_encoder=False, at_skips=False, at_decoder=False)
    assert torch.equal(guided.pixels, plain.pixels)
    assert guided.facts["regions"] == []


def test_each_picture_has_its_own_map(weights: Given) -> None:
    painting, photo = picture(16, 16), picture(16, 16, seed=1)
    photo[:, :, 8:] *= 0.2
    left = torch.zeros(16, 16).long()
    left[:, 8:] = 1
    zeros = torch.zeros_like(left)
    maps = [(zeros, zeros), (zeros, left), (zeros, 1 - left), (left, zeros), (1 - left, zeros)]
    results = [run(painting, photo, job(weights, regions=pair)).pixels for pair in maps]
    assert all((a - b).abs().max() > 1e-3 for a, b in combinations(results, 2))


# Budget


def test_both_passes_are_made_however_short_the_time(weights: Given) -> None:
    painting, photo = picture(16, 16), picture(16, 16, seed=1)
    hurried = run(painting, photo, job(weights, Budget(1e-9, iterations=1))).pixels
    assert torch.equal(hurried, run(painting, photo, job(weights)).pixels)


def test_progress_grows_to_the_end(weights: Given) -> None:
    shares: list[float] = []
    run(picture(16, 16), picture(16, 16), job(weights, Budget(report=shares.append)))
    assert all(a < b for a, b in pairwise(shares))
    assert shares[0] == 0
    assert shares[-1] == pytest.approx(35 / 36)


@pytest.mark.parametrize("after", [0, 5, 30])
def test_an_interrupt_is_noticed_at_the_next_place(after: int, weights: Given) -> None:
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Interrupted, match="stopped as asked"):
        run(picture(16, 16), picture(16, 16), job(weights, Budget(should_stop=stop)))
    assert asked == after + 1


def test_walk_stops_at_every_place() -> None:
    places = [place for place, _ in walk(Encoder(), Decoder(), torch.rand(1, 3, 16, 16))]
    assert places == [
        *(f"encoder {level}" for level in (1, 2, 3, 4)),
        *(f"pool{number} {band}" for number in (1, 2, 3) for band in ("LH", "HL", "HH")),
        *(f"decoder {level}" for level in (4, 3, 2, 1)),
        "picture",
    ]


def test_method_is_found_with_its_settings() -> None:
    method = find("wct2")
    assert method.weights == ("wct2_encoder", "wct2_decoder")
    assert method.settings({}) == {"at_encoder": True, "at_skips": True, "at_decoder": True}
