"""WCT2 from picture to picture."""

from collections.abc import Mapping
from itertools import combinations, pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import find
from sinct.comparison.methods.wct2.method import run, walk
from sinct.comparison.methods.wct2.networks import Decoder, Encoder
from sinct.comparison.methods.wct2.wavelet import BANDS
from sinct.errors import InputError, Interrupted
from sinct.runtime.budget import Budget
from tests.support.wct2 import Given, job, picture, svd_whiten_colour


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
    message = f"{size[1]}x{size[0]} px is too small for WCT²; give one with 9 px or more on each side"
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
