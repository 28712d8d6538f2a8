"""A closed-form map from a painting's colours to a photo's, so that a generator need not learn them (ours)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from sinct.data.palette import match_palette, palette_of, quadratic, reduced, sampled
from sinct.data.smoothing import total_variation_smooth

RIDGE = 1e-3
"""Weight, per sample, that keeps the map near the colours themselves where the palettes do not decide."""

STROKES = 0.8
"""Contrast on [-1, 1] up to which what can be smoothed away counts as the strokes' variation of colour."""

REPEATS = 4
"""How often each sampled colour is varied as strokes vary colours."""

TERMS = 10
"""Terms of a quadratic polynomial in three variables."""


def fit_colours(paintings: Sequence[Tensor], photos: Sequence[Tensor]) -> tuple[float, ...]:
    """Fit the map that turns the paintings' palette into the photos', for `recolour`.

    Each photo is first given the paintings' palette (`sinct.data.palette`), where rough areas are matched to rough
    ones. The way back, which is known pixel by pixel, is fitted by least squares with a quadratic polynomial. The
    painted colours are varied first as the strokes vary them: a map that is fitted to exact colours would stretch
    that variation together with the scene's, and turn dabs into speckles (errors in variables).

    Args:
        paintings: one or more (3, H, W) in [-1, 1].
        photos: one or more (3, H, W) in [-1, 1].

    Returns:
        30 coefficients: for red, green and blue, those of 1, r, g, b, r², rg, rb, g², gb, b²
            (`sinct.data.palette.quadratic`).
    """
    palette = palette_of(paintings)
    pairs = [(sampled(match_palette(photo, palette)), sampled(photo)) for photo in photos]
    painted, wanted = (torch.cat(each, dim=1).repeat(1, REPEATS) for each in zip(*pairs, strict=True))
    painted += _variation(paintings, painted.shape[1])
    terms = quadratic(painted)
    # What is fitted is the change, so that the ridge pulls towards no change.
    normal = terms @ terms.T / terms.shape[1] + RIDGE * torch.eye(TERMS, dtype=terms.dtype)
    change = torch.linalg.solve(normal, terms @ (wanted - painted).T / terms.shape[1]).T
    change[:, 1:4] += torch.eye(3, dtype=change.dtype)
    return tuple(change.flatten().tolist())


def recolour(picture: Tensor, colours: Sequence[float]) -> Tensor:
    """Apply a map that `fit_colours` found, pixel by pixel.

    Args:
        picture: (3, H, W) in [-1, 1].
        colours: its coefficients; none leave the picture unchanged.

    Returns:
        (3, H, W) in [-1, 1], clamped.
    """
    if not colours:
        return picture
    red, green, blue = picture
    rows = []
    for channel in range(3):
        # Written out term by term, since ten maps at once would need more memory than the generator.
        c = colours[TERMS * channel : TERMS * (channel + 1)]
        row = red * (red * c[4] + green * c[5] + blue * c[6] + c[1])
        row += green * (green * c[7] + blue * c[8] + c[2])
        row += blue * (blue * c[9] + c[3])
        rows.append(row.add_(c[0]))
    return torch.stack(rows).clamp_(-1, 1)


def _variation(paintings: Sequence[Tensor], count: int) -> Tensor:
    """Draw what strokes change in colours, (3, count), float64, with the covariance found in the paintings."""
    small = [reduced(painting) for painting in paintings]
    strokes = [sampled(each - total_variation_smooth(each, STROKES)) for each in small]
    found = torch.cat(strokes, dim=1)
    covariance = found @ found.T / found.shape[1] + 1e-8 * torch.eye(3, dtype=found.dtype)
    normal = torch.randn(3, count, generator=torch.Generator().manual_seed(0), dtype=found.dtype)
    varied: Tensor = torch.linalg.cholesky(covariance) @ normal
    return varied
