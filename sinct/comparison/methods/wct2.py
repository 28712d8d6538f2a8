"""WCT²: one pass through an autoencoder that gives the features of the painting the photo's statistics.

Yoo et al. 2019 (arXiv:1903.09760): VGG-19 up to conv4_1 with Haar wavelet pooling, a mirrored decoder that
gets the wavelet's high bands and the features before pooling ("cat5"), and whitening and colouring of Li et
al. 2017 (arXiv:1705.08086) on the way. Layers, names and constants are those of the authors' repository,
so that its weights for four levels load: `wave_encoder_cat5_l4.pth` and `wave_decoder_cat5_l4.pth`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.comparison.methods import Job, Method, Result
from sinct.errors import ConfigError, InputError, one_line
from sinct.runtime.budget import Budget

BANDS = ("LL", "LH", "HL", "HH")
"""Low (L) or high (H) pass, along the height first, then along the width."""

_FILTERS = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64)  # low and high, times √2

HAAR = torch.stack([torch.outer(down, across) / 2 for down in _FILTERS for across in _FILTERS])
"""(4, 2, 2) kernels in the order of `BANDS`, orthonormal: all entries are ±1/2."""

RIDGE = 1.0
"""Added to all eigenvalues by the authors' code; see `recolour`."""

THRESHOLD = 1e-5
"""Directions with smaller eigenvalues are dropped; never the case with a ridge of 1."""

_CHUNK = 2**17
"""Positions that are widened to float64 at a time."""


# Wavelet


def haar_pool(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One level of the Haar wavelet transform: correlation with each kernel at stride 2.

    Args:
        x: (N, C, H, W) of even height and width.

    Returns:
        LL, LH, HL, HH, (N, C, H/2, W/2) each. LH answers to changes along the width, HL along the height.
        Together they have the energy of `x`.

    Raises:
        ValueError: height or width is odd.

    Yoo et al. 2019 (arXiv:1903.09760), wavelet corrected transfer: kernels LLᵀ, LHᵀ, HLᵀ, HHᵀ of
    Lᵀ = [1 1] / √2 and Hᵀ = [-1 1] / √2.
    """
    if x.shape[-2] % 2 or x.shape[-1] % 2:
        raise ValueError(f"haar_pool needs an even height and width, got {x.shape[-2]}x{x.shape[-1]}")
    blocks = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2)
    low, width, height, diagonal = torch.einsum("nchrws,brs->bnchw", blocks, HAAR.to(x))
    return low, width, height, diagonal


def haar_unpool(band: Tensor, kernel: Tensor) -> Tensor:
    """Spread one band to the size it was pooled from: transposed convolution at stride 2.

    Args:
        band: (N, C, H, W).
        kernel: (2, 2), the band's own of `HAAR`.

    Returns:
        (N, C, 2H, 2W). The sum over the four bands of `haar_pool(x)` is `x`.
    """
    return torch.kron(band, kernel.to(band))


# Whitening and colouring


class Moments(NamedTuple):
    """First and second moments of features.

    Attributes:
        mean: (C,), float64.
        covariance: (C, C), float64.
    """

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """Mean and unbiased covariance of features.

    Args:
        features: (C, N). One position alone has covariance 0.

    Computed in float64 whatever the features are: float32 sums over a million positions would lose the
    small eigenvalues. Where the device has no float64 (MPS) they are computed on the CPU.
    """
    wide = [
        part.cpu() if part.device.type == "mps" else part for part in torch.split(features, _CHUNK, dim=1)
    ]
    count = features.shape[1]
    mean = torch.stack([part.double().sum(dim=1) for part in wide]).sum(dim=0) / count
    scatter = torch.zeros((), dtype=torch.float64, device=mean.device)
    for part in wide:
        centred = part.double() - mean[:, None]
        scatter = scatter + centred @ centred.T
    return Moments(mean, scatter / max(count - 1, 1))


def recolour(
    content: Tensor, style: Moments, *, ridge: float = RIDGE, threshold: float = THRESHOLD
) -> Tensor:
    """Whiten features and colour them with other moments (WCT).

        y = C_s^(1/2) C_c^(-1/2) (x - mean_c) + mean_s,  with powers C^p = E D^p Eᵀ,  C + ridge I = E D Eᵀ

    Args:
        content: (C, N) features x with moments mean_c, C_c.
        style: moments mean_s, C_s that they shall get.
        ridge: added to both covariances.
        threshold: directions E whose eigenvalue in D is smaller are left out of the power.

    Returns:
        (C, N) of the content's dtype. With ridge 0 and no direction dropped its moments are the style's.

    Li et al. 2017 (arXiv:1705.08086), eqs. 2-3. They have no ridge, which the default departs from, as the
    code of Yoo et al. does: with 1 the result keeps a little of the content's covariance, weak directions
    are amplified at most √(D_s) times, and the threshold is never reached.
    """
    mean, covariance = moments(content)
    power = partial(_power, ridge=ridge, threshold=threshold)
    transform = power(style.covariance, 0.5) @ power(covariance, -0.5)
    centred = content - mean.to(content)[:, None]
    return (transform.to(content) @ centred).add_(style.mean.to(content)[:, None])


def whiten_colour(
    content: Tensor, style: Tensor, *, ridge: float = RIDGE, threshold: float = THRESHOLD
) -> Tensor:
    """Give content features (C, N) the moments of style features (C, M); see `recolour`."""
    return recolour(content, moments(style), ridge=ridge, threshold=threshold)


def _power(covariance: Tensor, exponent: float, *, ridge: float, threshold: float) -> Tensor:
    """(C, C) power of a covariance with a ridge, on the directions that reach the threshold."""
    values, vectors = torch.linalg.eigh(covariance)
    values = values + ridge
    kept = values >= threshold
    directions: Tensor = vectors[:, kept]
    scales: Tensor = values[kept].pow(exponent)
    return directions * scales @ directions.T


# Regions


@dataclass(frozen=True)
class Guide:
    """Which positions of features belong to which region.

    Attributes:
        labels: (H, W) of the padded picture; None makes the whole picture one region.
        matched: the numbers that are transferred.
    """

    labels: Tensor | None = None
    matched: tuple[int, ...] = ()

    def select(self, height: int, width: int) -> dict[int, Tensor | slice]:
        """Index of each matched region among height x width positions, row by row; absent where empty."""
        if self.labels is None:
            return {0: slice(None)}
        own = F.interpolate(self.labels[None, None].float(), (height, width), mode="nearest-exact").flatten()
        return {number: index for number in self.matched if (index := own == number).any()}


def matched_regions(painting: Tensor, photo: Tensor) -> tuple[int, ...]:
    """Numbers of the regions large enough in both maps to be transferred, as the authors' code has it.

    Args:
        painting: (H, W) integers.
        photo: (H', W') integers.

    Returns:
        Those with more than 10 pixels in each map and less than 100 times as many in one as in the other.
    """
    ours, theirs = (Counter(labels.flatten().tolist()) for labels in (painting, photo))
    return tuple(
        number
        for number in sorted(ours.keys() & theirs.keys())
        if min(ours[number], theirs[number]) > 10
        and max(ours[number], theirs[number]) < 100 * min(ours[number], theirs[number])
    )


def _measure(features: Tensor, guide: Guide) -> dict[int, Moments]:
    """Moments of (1, C, H, W) features in each region."""
    flat = features[0].flatten(1)
    return {number: moments(flat[:, index]) for number, index in guide.select(*features.shape[2:]).items()}


def _transfer(features: Tensor, targets: Mapping[int, Moments], guide: Guide) -> None:
    """Recolour (1, C, H, W) features in place, region by region, within the range they had there."""
    flat = features[0].view(features.shape[1], -1)  # never a copy, which would be changed in vain
    for number, index in guide.select(*features.shape[2:]).items():
        if number in targets:
            own = flat[:, index]
            flat[:, index] = recolour(own, targets[number]).clamp_(own.min(), own.max())


# Networks


class Skip(NamedTuple):
    """What a pooling hands to the unpooling of its level.

    Attributes:
        bands: LH, HL, HH, (N, C, H/2, W/2) each.
        original: (N, C, H, W), what was pooled.
    """

    bands: tuple[Tensor, ...]
    original: Tensor


class _Bands(nn.Module):
    """The four kernels of `HAAR` for each channel, under the names that the published weights have."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, kernel in zip(BANDS, HAAR, strict=True):
            band = nn.Module()
            band.register_buffer("weight", kernel.float().expand(channels, 1, 2, 2).clone())
            self.add_module(name, band)


class _Network(nn.Module):
    """Convolutions and poolings by their published names.

    Args:
        title: encoder or decoder, for messages.
        convolutions: name -> channels in, channels out, kernel size.
        poolings: name -> channels.
        state: state dict; None draws random weights.
        seed: of the random weights: normal, Kaiming by fan-in for ReLU, biases zero.

    Raises:
        ConfigError: the state dict does not fit.
    """

    def __init__(
        self,
        title: str,
        convolutions: Mapping[str, tuple[int, int, int]],
        poolings: Mapping[str, int],
        state: Mapping[str, Tensor] | None,
        seed: int,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for name, (inputs, outputs, size) in convolutions.items():
            # Built without values: torch would draw them from its global generator.
            convolution = nn.Conv2d(inputs, outputs, size, device="meta").to_empty(device="cpu")
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=generator)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
            self.add_module(name, convolution)
        for name, channels in poolings.items():
            self.add_module(name, _Bands(channels))
        if state is not None:
            wrong = f"these are not the published weights wave_{title}_cat5_l4.pth of WCT²"
            try:
                self.load_state_dict(state)
            except RuntimeError as error:
                reason = one_line(error)
                raise ConfigError(f"{wrong} ({reason})") from None
            for name, channels in poolings.items():
                for key, kernel in _Bands(channels).state_dict().items():
                    if not torch.allclose(self.state_dict()[f"{name}.{key}"], kernel, atol=1e-6):
                        raise ConfigError(f"{wrong} ({name}.{key} is no Haar wavelet)")
        self.requires_grad_(False).eval()

    def convolve(self, name: str, parts: Iterable[Tensor]) -> Tensor:
        """Convolution of features that stand one after the other in channels, without joining them.

        A sum of convolutions of the parts: joined, five full-size parts would be by far the largest tensor.
        """
        convolution = self.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        result: Tensor | None = None
        start = 0
        for part in parts:
            weight = convolution.weight[:, start : start + part.shape[1]]
            start += part.shape[1]
            edge = weight.shape[-1] // 2
            padded = F.pad(part, (edge,) * 4, mode="reflect") if edge else part
            if result is None:
                result = F.conv2d(padded, weight, convolution.bias)
            else:
                result += F.conv2d(padded, weight)
        assert result is not None
        return result


class Encoder(_Network):
    """VGG-19 from the picture to relu4_1 in four levels that end in relu1_1, relu2_1, relu3_1, relu4_1.

    conv0 is a 1x1 convolution without ReLU that turns RGB in [0, 1] into what the VGG was trained on. All
    other convolutions are 3x3 with reflection padding, followed by ReLU.

    Args:
        state: the published state dict; None draws random weights.
        seed: of the random weights.

    Raises:
        ConfigError: the state dict does not fit.
    """

    _LAYERS = (
        ("conv0", "conv1_1"),
        ("conv1_2", "pool1", "conv2_1"),
        ("conv2_2", "pool2", "conv3_1"),
        ("conv3_2", "conv3_3", "conv3_4", "pool3", "conv4_1"),
    )

    def __init__(self, state: Mapping[str, Tensor] | None = None, *, seed: int = 0) -> None:
        super().__init__(
            "encoder",
            {
                "conv0": (3, 3, 1),
                "conv1_1": (3, 64, 3),
                "conv1_2": (64, 64, 3),
                "conv2_1": (64, 128, 3),
                "conv2_2": (128, 128, 3),
                "conv3_1": (128, 256, 3),
                "conv3_2": (256, 256, 3),
                "conv3_3": (256, 256, 3),
                "conv3_4": (256, 256, 3),
                "conv4_1": (256, 512, 3),
            },
            {"pool1": 64, "pool2": 128, "pool3": 256},
            state,
            seed,
        )

    def forward(self, x: Tensor, level: int) -> tuple[Tensor, Skip | None]:
        """One level.

        Args:
            x: (N, 3, H, W) in [0, 1] for level 1, else the features of the level before.
            level: 1 to 4.

        Returns:
            Features of this level, and what its pooling leaves for the decoder; level 1 has no pooling.
        """
        skip = None
        for name in self._LAYERS[level - 1]:
            if name.startswith("pool"):
                low, *bands = haar_pool(x)
                skip = Skip(tuple(bands), x)
                x = low
            elif name == "conv0":
                x = self.convolve(name, [x])
            else:
                x = self.convolve(name, [x]).relu_()
        return x, skip


class Decoder(_Network):
    """The encoder mirrored, in levels 4 to 1 that begin with what the encoder's levels end in.

    An unpooling spreads LL, LH, HL and HH and hands them, with the features before pooling, to the next
    convolution. All convolutions are 3x3 with reflection padding, followed by ReLU but for the last.

    Args:
        state: the published state dict; None draws random weights.
        seed: of the random weights.

    Raises:
        ConfigError: the state dict does not fit.
    """

    _LAYERS = (
        ("conv1_1",),
        ("conv2_1", "recon_block1", "conv1_2_2"),
        ("conv3_1", "recon_block2", "conv2_2_2"),
        ("conv4_1", "recon_block3", "conv3_4_2", "conv3_3", "conv3_2"),
    )

    def __init__(self, state: Mapping[str, Tensor] | None = None, *, seed: int = 0) -> None:
        super().__init__(
            "decoder",
            {
                "conv4_1": (512, 256, 3),
                "conv3_4_2": (5 * 256, 256, 3),
                "conv3_3": (256, 256, 3),
                "conv3_2": (256, 256, 3),
                "conv3_1": (256, 128, 3),
                "conv2_2_2": (5 * 128, 128, 3),
                "conv2_1": (128, 64, 3),
                "conv1_2_2": (5 * 64, 64, 3),
                "conv1_1": (64, 3, 3),
            },
            {"recon_block3": 256, "recon_block2": 128, "recon_block1": 64},
            state,
            seed,
        )

    def forward(self, x: Tensor, level: int, skip: Skip | None) -> Tensor:
        """One level.

        Args:
            x: features of the encoder's level 4 for level 4, else those of the level above.
            level: 4 to 1.
            skip: of the encoder's same level; level 1 has none.

        Returns:
            Features for the next lower level; after level 1 (N, 3, H, W), a picture of about [0, 1].
        """
        parts: Iterable[Tensor] = [x]
        for name in self._LAYERS[level - 1]:
            if name.startswith("recon_block"):
                assert skip is not None
                # Lazily: each spread band is as large as the original, and only one is needed at a time.
                parts = chain(map(haar_unpool, (x, *skip.bands), HAAR), [skip.original])
            else:
                x = self.convolve(name, parts)
                x = x if name == "conv1_1" else x.relu_()
                parts = [x]
        return x


# The pass


def walk(encoder: Encoder, decoder: Decoder, picture: Tensor) -> Iterator[tuple[str, Tensor]]:
    """Take a picture through both networks and stop at each place where features may be exchanged.

    Args:
        encoder: first half.
        decoder: second half.
        picture: (1, 3, H, W) in [0, 1], height and width multiples of 8 and at least 16.

    Yields:
        Names and (1, C, H', W') features, which may be changed in place: `encoder 1` to `encoder 4` behind
        the encoder's levels, `pool1 LH` to `pool3 HH` on their way to the decoder, `decoder 4` to
        `decoder 1` before the decoder's levels, and last `picture`.
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
"""That `walk` stops at."""


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    at_encoder: bool = True,
    at_skips: bool = True,
    at_decoder: bool = True,
) -> Result:
    """Give a painting the look of a photo by WCT².

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: of this run.
        at_encoder: exchange moments behind each level of the encoder.
        at_skips: exchange moments of the high bands.
        at_decoder: exchange moments before each level of the decoder but the first, whose features the
            encoder has exchanged already; before the first, too, without `at_encoder`.

    Raises:
        ConfigError: the weights are others.
        InputError: a picture is too small.
        Interrupted: between two places.

    All three are on by default, as in the authors' class and their demonstration. Departures: they crop to
    multiples of 16 and we reflect at the right and lower edge to multiples of 8 and cut away again, so that
    the picture keeps its size; they reduce pictures to 512 pixels and we take them as they are.
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
            targets[place] = _measure(features, guides[1])
    for place, features in walk(encoder, decoder, inputs[0]):
        _step(job.budget)
        if place in wanted:
            _transfer(features, targets[place], guides[0])

    height, width = painting.shape[1:]
    pixels = features[0, :, :height, :width].clamp(0, 1) * 2 - 1
    facts: dict[str, Any] = {"places": len(wanted), "padded": list(features.shape[2:])}
    if job.regions:
        facts["regions"] = list(matched)
    return Result(pixels.cpu(), facts)


def _step(budget: Budget) -> None:
    """Report one place of the two walks; all are made, however short the time."""
    for _ in budget.stage(1 / (2 * _PLACES), 1):
        pass


def _padded(picture: Tensor) -> Tensor:
    """(C, H, W) -> (1, C, H', W'), continued by reflection to multiples of 8."""
    height, width = picture.shape[1:]
    if min(height, width) < 9:  # an eighth must be 2 px or more for the reflection padding there
        raise InputError(
            f"picture of {width}x{height} px is too small for WCT²; it needs 9 px or more a side"
        )
    down, right = (-size % 8 for size in (height, width))
    return F.pad(picture[None], (0, right, 0, down), mode="reflect")


METHOD = Method(
    title="WCT²",
    source="Yoo et al. 2019, arXiv:1903.09760",
    run=run,
    weights=("wct2_encoder", "wct2_decoder"),
)
