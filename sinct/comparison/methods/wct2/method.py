"""A painting's pass through both networks."""

from collections.abc import Iterator
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods.wct2.networks import Decoder, Encoder, Skip
from sinct.comparison.methods.wct2.regions import Guide, matched_regions, measure, transfer
from sinct.comparison.methods.wct2.wavelet import BANDS
from sinct.comparison.methods.wct2.whitening import Moments
from sinct.errors import InputError
from sinct.runtime.budget import Budget


def walk(encoder: Encoder, decoder: Decoder, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Pass a picture through both networks, pausing wherever features may be exchanged.

    Args:
        encoder: first half.
        decoder: second half.
        picture: (1, 3, H, W) in [0, 1], height and width multiples of 8 and at least 16.

    Yields:
        Names and (1, C, H', W') features, which may be changed in place: `encoder 1` to `encoder 4` after
        the encoder's levels, `pool1 LH` to `pool3 HH` on their way to the decoder, `decoder 4` to
        `decoder 1` before the decoder's levels, and finally `picture`.
    """
    x = picture
    skips: dict[int, Skip | None] = {}
    for level in (1, 2, 3, 4):
        x, skips[level] = encoder(x, level)
        yield f"encoder {level}", x
    for level, skip in skips.items():
        for name, band in zip(BANDS[1:], skip.bands if skip else (), strict=False):
            yield f"pool{level - 1} {name}", band
    for level in (4, 3, 2, 1):
        yield f"decoder {level}", x
        x = decoder(x, level, skips.pop(level))
    yield "picture", x


_PLACES = 4 + 9 + 4 + 1
"""Number of places where `walk` pauses."""


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    at_encoder: bool = True,
    at_skips: bool = True,
    at_decoder: bool = True,
) -> Result:
    """Give a painting the look of a photo with WCT².

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device, seed for random weights, weights, and regions if any.
        at_encoder: exchange moments after each level of the encoder.
        at_skips: exchange moments of the high bands.
        at_decoder: exchange moments before each level of the decoder. The first is skipped with `at_encoder`,
            since its features have been exchanged already.

    Raises:
        ConfigError: the weights are not the published ones.
        InputError: a picture is too small.
        Interrupted: the caller asked to stop.

    All three are on by default, as in the authors' class and demonstration. Departures: the authors crop to
    multiples of 16; we extend the right and lower edges by reflection to multiples of 8 and crop afterwards, so
    that the picture keeps its size. They reduce pictures to 512 pixels; we take them as they are.
    """
    encoder = Encoder(job.weights.load("wct2_encoder"), seed=job.seed).to(job.device)
    decoder = Decoder(job.weights.load("wct2_decoder"), seed=job.seed + 1).to(job.device)
    wanted = {
        *(f"encoder {level}" for level in (1, 2, 3, 4) if at_encoder),
        *(f"pool{number} {band}" for number in (1, 2, 3) for band in BANDS[1:] if at_skips),
        *(f"decoder {level}" for level in (4, 3, 2, 1) if at_decoder and not (at_encoder and level == 4)),
    }
    matched = matched_regions(*job.regions) if job.regions else ()
    guides = [
        Guide(_padded(labels[None].float())[0, 0].to(job.device), matched) for labels in job.regions or ()
    ] or [Guide(), Guide()]
    inputs = [_padded((picture + 1) / 2).to(job.device) for picture in (painting, photo)]

    targets: dict[str, dict[int, Moments]] = {}
    for place, features in walk(encoder, decoder, inputs[1]):
        _step(job.budget)
        if place in wanted:
            targets[place] = measure(features, guides[1])
    for place, features in walk(encoder, decoder, inputs[0]):
        _step(job.budget)
        if place in wanted:
            transfer(features, targets[place], guides[0])

    height, width = painting.shape[1:]
    pixels = features[0, :, :height, :width].clamp(0, 1) * 2 - 1
    facts: dict[str, Any] = {"places": len(wanted), "padded": list(features.shape[2:])}
    if job.regions:
        facts["regions"] = list(matched)
    return Result(pixels.cpu(), facts)


def _step(budget: Budget) -> None:
    """Report one place of the two walks; however short the time, none is left out."""
    for _ in budget.stage(1 / (2 * _PLACES), 1):
        pass


def _padded(picture: Tensor) -> Tensor:
    """(C, H, W) -> (1, C, H', W'), extended by reflection to multiples of 8."""
    height, width = picture.shape[1:]
    if min(height, width) < 9:  # an eighth must be 2 px or more for reflection padding
        raise InputError(
            f"a picture of {width}x{height} px is too small for WCT²; give one with 9 px or more on each side"
        )
    down, right = (-size % 8 for size in (height, width))
    return F.pad(picture[None], (0, right, 0, down), mode="reflect")


METHOD = Method(
    title="WCT²",
    source="Yoo et al. 2019, arXiv:1903.09760",
    run=run,
    weights=("wct2_encoder", "wct2_decoder"),
    seeded=False,
)
