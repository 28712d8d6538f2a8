"""How well a picture's texture is known from the photo: strokes and smears are not, whatever their colour.

Ours. It follows the bidirectional similarity of Simakov et al. 2008 ("Summarizing Visual Data Using
Bidirectional Similarity"): each patch of one picture looks for its nearest patch in the other. It differs in
what is compared. Comparing a patch's pixels would not work: a smooth patch always has a near neighbour, so blurring
would count as a gain, and a rough one never does, whether it shows rock or strokes. Patches are described instead by
their contrast at each scale and in each direction, as in first-order scattering (Bruna and Mallat 2013,
arXiv:1203.1513, section 2). Contrast is in decibels, so that too little counts as much as too much.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.pyramid import gaussian_pyramid
from sinct.pictures.resampling import averaged

CELL = 16
"""Stride of the patches in pixels; a patch is twice as wide."""

LEVELS = 4
"""Scales at which contrast is measured: differences over 1, 2, 4 and 8 pixels."""

LIGHTNESS_FLOOR, COLOUR_FLOOR = 1.0, 2.0
"""Contrasts in ΔE that do not count: noise, compression artefacts, differences too small to see.

A ΔE of 1 is just noticeable; fine patterns in colour alone are harder to see, and JPEG drops the finest.
"""

MOST = 8192
"""Most patches of a picture that are compared, drawn at random where there are more (above about 2 MP)."""


class Textures(NamedTuple):
    """Descriptions of a picture's patches.

    Attributes:
        contrasts: (N, 28) in dB re 1 ΔE: lightness at four scales in four directions, then colour at the three
            coarser scales in the same directions, scale by scale.
        positions: (N, 2) row and column of each patch, in units of `CELL`.
    """

    contrasts: Tensor
    positions: Tensor


def textures(picture: Tensor, *, seed: int = 0) -> Textures:
    """Contrasts of all patches of a picture.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.
        seed: seeds the choice of patches where there are too many.

    Raises:
        ConfigError: the picture is smaller than a patch.
    """
    height, width = picture.shape[-2:]
    lab: Tensor = rgb_to_lab((picture.float().clamp(-1, 1) + 1) / 2)
    pyramid = gaussian_pyramid(lab, 1, smallest=2 * CELL) + gaussian_pyramid(lab, LEVELS)[1:]
    cells = (height // CELL, width // CELL)
    found = []
    for index, level in enumerate(pyramid):
        squares = differences(level).square()  # [directions, channels, h, w]
        found.append(_decibels(_patch_means(squares[:, 0], cells), LIGHTNESS_FLOOR))
        if index > 0:
            found.append(_decibels(_patch_means(squares[:, 1:].sum(dim=1), cells), COLOUR_FLOOR))
    contrasts = torch.cat(found)
    rows, columns = contrasts.shape[-2:]
    positions = torch.cartesian_prod(torch.arange(rows), torch.arange(columns)).view(-1, 2)
    drawn = torch.randperm(len(positions), generator=torch.Generator().manual_seed(seed))[:MOST]
    return Textures(contrasts.flatten(1).T[drawn.to(picture.device)], positions[drawn].to(picture.device))


def differences(picture: Tensor) -> Tensor:
    """Differences of neighbouring pixels: to the right, downwards and along both diagonals.

    Args:
        picture: (C, H, W).

    Returns:
        (4, C, H - 1, W - 1); those along the diagonals are divided by √2, as the neighbours there are farther away.
    """
    corner, right = picture[:, :-1, :-1], picture[:, :-1, 1:]
    below, across = picture[:, 1:, :-1], picture[:, 1:, 1:]
    return torch.stack([right - corner, below - corner, (across - corner) / 2**0.5, (below - right) / 2**0.5])


def _patch_means(values: Tensor, cells: tuple[int, int]) -> Tensor:
    """(C, h, w) -> (C, rows, columns): means over patches of 2x2 cells, whatever the level's size."""
    return F.avg_pool2d(averaged(values, cells), 2, stride=1)


def _decibels(squares: Tensor, floor: float) -> Tensor:
    return 10 * torch.log10(squares + floor**2)


def nearest(queries: Textures, keys: Textures, *, apart: int = 0) -> Tensor:
    """Distance of each query to the nearest key.

    Args:
        queries: N patches.
        keys: M patches.
        apart: rows or columns that a key must be away from the query, for patches of the same picture, which
            would otherwise find themselves.

    Returns:
        (N,) root mean square differences over the contrasts, in dB.

    Raises:
        ConfigError: a query has no key that far away.
    """
    found = []
    for begin in range(0, len(queries.contrasts), 1024):
        contrasts, positions = (values[begin : begin + 1024] for values in queries)
        distance = torch.cdist(contrasts, keys.contrasts, compute_mode="donot_use_mm_for_euclid_dist")
        if apart:
            away = (positions[:, None] - keys.positions).abs().amax(dim=2)
            distance = distance.masked_fill(away < apart, torch.inf)
        found.append(distance.amin(dim=1))
    distances = torch.cat(found)
    if not distances.isfinite().all():
        raise ConfigError(
            f"the photo is too small to compare its texture with itself; give one of at least "
            f"{(2 * apart + 1) * CELL} px on its longer side"
        )
    return distances / math.sqrt(queries.contrasts.shape[1])


def unfamiliarity(output: Textures, photo: Textures) -> float:
    """Mean distance from patches to their nearest in the other picture, both ways, in dB.

    Simakov et al. 2008, eq. 1: coherence, from each patch of the output to the nearest in the photo, and
    completeness, from each patch of the photo to the nearest in the output.
    """
    return float((nearest(output, photo).mean() + nearest(photo, output).mean()) / 2)


def own_unfamiliarity(photo: Textures) -> float:
    """Mean distance from a photo's patches to their nearest that neither overlaps nor touches them, in dB."""
    return float(nearest(photo, photo, apart=3).mean())


def familiarity(output: Tensor, photo: Tensor, painting: Tensor) -> float:
    """How far the output's texture is from the photo's, on a scale from the photo to the painting.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.
        painting: (3, H'', W'') in [-1, 1], sRGB.

    Returns:
        0 where output and photo are as near to each other as the photo's own patches are, 1 where the output
        is as far away as the painting. Below 0 where it repeats parts of the photo, above 1 where it is
        farther away than the painting.

    Raises:
        ConfigError: a picture is too small, or the painting is as near to the photo as the photo to itself.
    """
    described = textures(photo)
    zero = own_unfamiliarity(described)
    one = unfamiliarity(textures(painting), described)
    return on_scale(unfamiliarity(textures(output), described), zero, one)


def on_scale(value: float, zero: float, one: float) -> float:
    """Map a distance in dB linearly so that `zero` becomes 0 and `one` becomes 1.

    Raises:
        ConfigError: `one` is not above `zero`.
    """
    if not one > zero:
        raise ConfigError(
            f"the painting's texture is as near to the photo's ({one:.2f} dB) as the photo's own patches are "
            f"to each other ({zero:.2f} dB), so there is no scale; measure with another photo"
        )
    return (value - zero) / (one - zero)
