"""Repaint a photo in the palette of one or more paintings, matching smooth areas to smooth and rough to rough."""

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.data.smoothing import total_variation_smooth
from sinct.data.transport import transport
from sinct.pictures.resampling import averaged

SAMPLES = 2**15
"""Pixels sampled from each picture."""

TEXTURE_GAIN, TEXTURE_MOST = 9.0, 0.8
"""How much texture counts beside colour: one standard deviation of it is worth its variance times the gain, and at
most the second number, as a distance on [-1, 1]. Strokes that are alike everywhere in a painting thus count little."""

TEXTURE_SIDE = 1024
"""Longer side in pixels at which texture is measured, so that the canvas in a scan does not count as strokes."""

STROKES = 0.3
"""Contrast on [-1, 1] up to which what can be smoothed away counts as texture (see `sinct.data.smoothing`)."""

CELLS = 32
"""Number of cells along the longer side that texture is averaged over; smaller cells would show single strokes."""

FLAT = 0.01
"""Contrast on [-1, 1] below which textures count as equally smooth."""

Places = Sequence[Tensor | None] | None
"""Which part of each picture counts, (H, W) bool; None for all of one, or of all."""

PART = 2**20
"""Pixels moved at a time."""


def palette_of(pictures: Sequence[Tensor], where: Places = None) -> Tensor:
    """Colours of one or more pictures together with the texture around them, for `match_palette`.

    Args:
        pictures: one or more (3, H, W) in [-1, 1]; all count the same, whatever their size.
        where: (H, W) bool each, the part that counts; None for all.

    Returns:
        (4, N) on the CPU, float64: colours, and texture with mean 0 in the same units.
    """
    sample = torch.cat(
        [sampled(each, texture(each), where=part) for each, part in each_with(pictures, where)], dim=1
    )
    return _scaled(sample, min(TEXTURE_MOST, TEXTURE_GAIN * float(sample[3].var())))


def match_palette(picture: Tensor, palette: Tensor, where: Tensor | None = None) -> Tensor:
    """Move a picture's colours to the distribution of a palette, texture by texture.

    By colour alone, the brightest parts of one picture would be matched to the brightest of the other, white chalk
    to a pale sky. Texture tells them apart, since skies and seas are smooth in paintings as in photos. The joint
    distribution of both is therefore matched; the map is then smoothed to a quadratic polynomial, so that it cannot
    break up gradients.

    Args:
        picture: (3, H, W) in [-1, 1].
        palette: (4, N), see `palette_of`.
        where: (H, W) bool, the part whose colours get that distribution; the rest is mapped alike.

    Returns:
        (3, H, W) in [-1, 1], clamped.

    Ours, based on iterated transport (Pitié et al. 2007, see `sinct.data.transport`).
    """
    rough = texture(picture)
    sample = sampled(picture, rough, where=where)
    scaled = _scaled(sample, float(palette[3].std()))
    moved = transport(scaled, palette, iterations=20, seed=0, share=0.5)[:3]
    centre, deviation = sample.mean(dim=1, keepdim=True), sample.std(dim=1, keepdim=True).clamp_min(1e-3)
    # gelsd, because the system of a grey picture does not have full rank.
    fit = torch.linalg.lstsq(quadratic((sample - centre) / deviation).T, moved.T, driver="gelsd").solution
    fit, centre, deviation = (x.to(picture) for x in (fit.T, centre, deviation))
    parts = zip(*(torch.split(x.flatten(1), PART, dim=1) for x in (picture, rough)), strict=True)
    moved_parts = [fit @ quadratic((torch.cat(part) - centre) / deviation) for part in parts]
    return torch.cat(moved_parts, dim=1).view_as(picture).clamp_(-1, 1)


def texture(picture: Tensor) -> Tensor:
    """Logarithm of the contrast that smoothing removes around each pixel, (3, H, W) in [-1, 1] -> (1, H, W)."""
    height, width = picture.shape[1:]
    small = reduced(picture)
    detail = (small - total_variation_smooth(small, STROKES)).mean(dim=0, keepdim=True).abs()
    share = min(1.0, CELLS / max(detail.shape))
    cells = _averaged(detail, detail.shape[1] * share, detail.shape[2] * share).add(FLAT).log()
    return F.interpolate(cells[None], (height, width), mode="bilinear")[0]


def reduced(picture: Tensor) -> Tensor:
    """Scale a picture, (3, H, W), down to where texture is measured; smaller ones are returned as they are."""
    height, width = picture.shape[1:]
    scale = min(1.0, TEXTURE_SIDE / max(height, width))
    return _averaged(picture, height * scale, width * scale)


def sampled(*maps: Tensor, where: Tensor | None = None) -> Tensor:
    """Maps of one size, (C, H, W), (D, H, W), ... -> (C + D + ..., SAMPLES), at the same evenly spaced pixels.

    They are in reading order, on the CPU, float64. With `where`, (H, W) bool, only pixels there are taken.
    """
    inside = None if where is None else where.flatten().nonzero()[:, 0]
    count = maps[0].shape[1] * maps[0].shape[2] if inside is None else len(inside)
    positions = torch.linspace(0, count - 1, SAMPLES, dtype=torch.float64).long().to(maps[0].device)
    positions = positions if inside is None else inside[positions]
    return torch.cat([x.flatten(1)[:, positions] for x in maps]).cpu().double()


def each_with(pictures: Sequence[Tensor], where: Places) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Each picture with the part of it that counts."""
    return zip(pictures, where or [None] * len(pictures), strict=True)


def _scaled(sample: Tensor, deviation: float) -> Tensor:
    """Bring the texture in (4, N) to mean 0 and a given deviation: what is rough in a photo is not in a painting."""
    rough = sample[3:]
    return torch.cat([sample[:3], deviation / rough.std().clamp_min(1e-3) * (rough - rough.mean())])


def quadratic(x: Tensor) -> Tensor:
    """All products of two rows out of (D, N) and a row of ones: (D + 1) (D + 2) / 2 rows; first 1, then the rows."""
    rows = torch.cat([x.new_ones(1, x.shape[1]), x])
    return torch.stack([rows[i] * rows[j] for i in range(len(rows)) for j in range(i, len(rows))])


def _averaged(x: Tensor, height: float, width: float) -> Tensor:
    """Reduce (C, H, W); each side has at least one pixel."""
    size = max(1, round(height)), max(1, round(width))
    return x if x.shape[1:] == size else averaged(x[None], size)[0]
