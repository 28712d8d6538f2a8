"""How near two sets of pictures are in colour and texture, without a pretrained network."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.distribution import sorted_projections, wasserstein
from sinct.measures.pyramid import gaussian_pyramid, sampled_patches
from sinct.pictures.resampling import antialiased

_PATCH = 7
"""Side of a patch, in pixels."""

_SMALLEST = 2 * _PATCH
"""Shortest side of a picture, in pixels: a patch must fit into its half."""

_SCALES = 3
"""Bands of detail, each twice as coarse as the one before."""

_SAMPLES = 32768
"""Patches, and colours, drawn from a whole set for each level."""

_PROJECTIONS = 64


@dataclass(frozen=True)
class SetDistribution:
    """One set's half of `folder_distance`, to compare several sets with it.

    Attributes:
        colours: (K, N) projections of the set's colours, sorted along the rows.
        textures: the same of its patches in bands of detail, finest first.
    """

    colours: Tensor
    textures: tuple[Tensor, ...]


def set_distribution(
    pictures: Iterable[Tensor], *, count: int | None = None, seed: int = 0
) -> SetDistribution:
    """Projections of the colours and patches of a set of pictures.

    Args:
        pictures: (3, H, W) in [-1, 1] each, sRGB, of any sizes. They are taken one by one and not kept, so that they
            may be read meanwhile.
        count: how many there are about, which sets how much is taken of each; None for a sequence, which tells it.
        seed: seeds positions and directions.

    Raises:
        ConfigError: there is no picture, or one is smaller than 14 px.
    """
    if count is None:
        pictures = list(pictures)
        count = len(pictures)
    samples = max(1, _SAMPLES // max(1, count))
    colours: list[Tensor] = []
    textures: list[list[Tensor]] = [[] for _ in range(_SCALES)]
    for index, picture in enumerate(pictures):
        height, width = picture.shape[-2:]
        if min(height, width) < _SMALLEST:
            raise ConfigError(
                f"a picture of {width}x{height} px is too small to measure; give one of at least "
                f"{_SMALLEST} px per side"
            )
        (lab,) = rgb_to_lab((picture[None].float().clamp(-1, 1) + 1) / 2)
        place = (seed + 1_000_003 * index) % 2**63  # other positions in every picture
        colours.append(sampled_patches(lab, 1, samples, seed=place))
        for patches, band in zip(textures, _bands(lab), strict=False):
            points = sampled_patches(band, _PATCH, samples, seed=place)
            patches.append(points / points.shape[1] ** 0.5)  # values that differ by d are patches d apart
    if not colours:
        raise ConfigError("a set without pictures has no distribution; give at least one picture")
    return SetDistribution(
        colours=sorted_projections(torch.cat(colours), _PROJECTIONS, seed=seed),
        textures=tuple(
            sorted_projections(torch.cat(patches), _PROJECTIONS, seed=seed) for patches in textures if patches
        ),
    )


def _bands(picture: Tensor) -> list[Tensor]:
    """(C, H, W) -> (C, H', W') each: a Laplacian pyramid without its last level, finest first."""
    levels = gaussian_pyramid(picture, _SCALES + 1, smallest=_PATCH)
    return [fine - antialiased(coarse[None], fine.shape[-2:])[0] for fine, coarse in pairwise(levels)]


def distribution_gap(first: SetDistribution, second: SetDistribution) -> float:
    """Distance between two sets' colours and textures: see `folder_distance`."""
    colours = wasserstein(first.colours, second.colours).mean()
    scales = zip(first.textures, second.textures, strict=False)
    textures = torch.stack([wasserstein(a, b).mean() for a, b in scales]).mean()
    return float(colours + textures)


def folder_distance(translations: Sequence[Tensor], targets: Sequence[Tensor], *, seed: int = 0) -> float:
    """Distance between two sets of pictures in colour and texture. Ours; it needs no weights.

    Args:
        translations: (3, H, W) in [-1, 1] each, sRGB, of any sizes.
        targets: the same, of the target domain.
        seed: seeds positions and directions, which alone are random.

    Returns:
        In units of ΔE (CIE 1976), 0 for equal sets: sliced Wasserstein distance W1 between the colours of both sets
        in CIELAB, and that between their patches of 7 px in three bands of a Laplacian pyramid, on average, added.
        Every picture of a set weighs the same. Like FID, it is the higher the fewer pictures there are.

    Raises:
        ConfigError: a set is empty, or a picture is smaller than 14 px.

    It does not see what is where or what is shown, as FID does: use it to compare states of one training, not
    methods. Rabin et al. 2011; Karras et al. 2018 (arXiv:1710.10196), section 5, compare sets by patches of a
    Laplacian pyramid, with each level normalised, which is left out here: contrast counts.
    """
    return distribution_gap(*(set_distribution(pictures, seed=seed) for pictures in (translations, targets)))
