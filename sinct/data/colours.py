"""A closed-form map from a painting's colours to a photo's, so that a generator need not learn them (ours)."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from kornia.filters import box_blur, guided_blur
from torch import Tensor

from sinct.data.palette import FLAT, Places, each_with, quadratic, reduced, sampled
from sinct.data.smoothing import total_variation_smooth
from sinct.pictures.resampling import nearest

RIDGE = 1e-3
"""Weight, per sample, that keeps the map near the colours themselves where the palettes do not decide."""

STROKES = 0.8
"""Contrast on [-1, 1] up to which what can be smoothed away counts as the strokes' variation of colour."""

REPEATS = 4
"""How often each sampled colour is varied as strokes vary colours."""

DOUBT = 0.75
"""Standard deviation by which roughness is varied, in its own: it is measured in a painting's strokes and in a
photo's texture, which agree roughly at best."""

TERMS = 15
"""Terms of a quadratic polynomial in four variables."""

OPPONENT = ((3**-0.5, 3**-0.5, 3**-0.5), (2**-0.5, 0.0, -(2**-0.5)), (6**-0.5, -2 * 6**-0.5, 6**-0.5))
"""Lightness, red against blue, and magenta against green: orthonormal axes of colour, each with a curve."""

KNOTS = 49
"""Knots of a curve, evenly spaced."""

BEYOND = 0.25
"""How far a curve goes on beyond the colours it is fitted to, on each side, as a share of their range."""

STEEPEST = 2.0
"""Most slope of a curve, and the inverse of its least: a steeper one would turn what strokes left into speckles."""

SMOOTH = 1
"""Standard deviation in knots of the window that a curve's slope is averaged over."""

UNKNOWN = 1e-3
"""Weight of the least slope beside the share of colours in that window: what the fit has not seen hardly goes beyond
it."""

NUMBERS = 3 * TERMS + 3 * (2 + KNOTS)
"""Numbers of a map with its curves; maps of earlier versions have none of these."""

AROUND = 33
"""Side in pixels of the windows that roughness is averaged over."""

BESIDE = 7
"""Side in pixels of the windows that tell whether a pixel lies at an edge of the smoothed picture."""

EDGES = 0.01
"""Variance on [-1, 1] from which an edge in the smoothed picture is one between rough and smooth as well."""

LEAST = 0.001
"""How much a pixel right at an edge counts at least, beside 1 elsewhere."""

RANGE = 2.0
"""Standard deviations beyond which roughness counts no further, since the map is known for common ones only."""

FRAME = 12
"""Outermost pixels in which nothing counts as roughness: in scans, they show the edge of the canvas."""

ROUGHNESS_REACH = FRAME + 2 * (AROUND // 2) + 2 * (BESIDE // 2)
"""How far around a pixel its roughness depends on the picture and the smoothed picture, in pixels."""


class Spread(NamedTuple):
    """Mean and standard deviation of a picture's roughness, which differs between paintings and photos."""

    mean: float = 0.0
    deviation: float = 1.0


def roughness(picture: Tensor, smooth: Tensor) -> Tensor:
    """Logarithm of the contrast that smoothing took away around each pixel, with the smoothed picture's edges.

    What smoothing takes away right at an edge is not roughness, so that pixels there count little; those across an
    edge hardly count, or a smooth sky would be as rough as the rock it touches, and get a rim of the rock's colour.

    Args:
        picture: (3, H, W) in [-1, 1].
        smooth: the same without strokes (`sinct.data.smoothing`).

    Returns:
        (1, H, W). A pixel depends on at most `ROUGHNESS_REACH` pixels on each side.

    He et al. 2010, "Guided Image Filtering", with the smoothed picture's luminance as the guide, as a normalised
    convolution (Knutsson & Westin 1993).
    """
    guide = smooth.mean(dim=0)[None, None]
    contrast = (picture - smooth).mean(dim=0).abs()[None, None]
    # Repeated, the outermost pixels of a scan, often its frame, would count most; only tiny pictures cannot do else.
    border = "reflect" if min(guide.shape[2:]) > AROUND // 2 else "replicate"
    if min(guide.shape[2:]) > 3 * FRAME:
        inner = contrast[..., FRAME:-FRAME, FRAME:-FRAME]
        contrast = F.pad(inner, (FRAME, FRAME, FRAME, FRAME), mode="reflect")
    mean = box_blur(guide, BESIDE, border_type=border, separable=True)
    variance = box_blur((guide - mean) ** 2, BESIDE, border_type=border, separable=True)
    counts = LEAST + EDGES / (EDGES + 4 * variance)
    counted, total = (
        guided_blur(guide, each, AROUND, EDGES, border_type=border, separable=True)
        for each in (counts * contrast, counts)
    )
    # The filter's lines may overshoot what was there.
    return (counted / total.clamp_min(LEAST)).clamp(0, 2).add_(FLAT).log_()[0]


def spread_of(maps: Sequence[Tensor], where: Places = None) -> Spread:
    """Mean and standard deviation of one or more maps of `roughness`; all count the same, whatever their size.

    With `where`, (H, W) bool for each, only that part of them counts.
    """
    values = torch.cat([sampled(each, where=part) for each, part in each_with(maps, where)], dim=1)
    return Spread(float(values.mean()), max(1e-3, float(values.std())))


def fit_colours(
    painted: Sequence[Tensor],
    rough: Sequence[Tensor],
    photos: Sequence[Tensor],
    variation: Tensor,
    *,
    weight: float,
    where: Places = None,
) -> tuple[float, ...]:
    """Fit the map that turns painted colours into the photos', for `recolour`.

    What is painted is the photo in the palette of the paintings (`sinct.data.palette`), where rough areas are matched
    to rough ones. The way back, which is known pixel by pixel, is fitted by least squares with a quadratic polynomial
    in colour and roughness: the same white is chalk where it is rough and sky where it is smooth. The painted colours
    are varied first as the strokes vary them: a map that is fitted to exact colours would stretch that variation
    together with the scene's, and turn dabs into speckles (errors in variables). The mapped colours are given the
    photos' mean and covariance. In the end, a curve along each axis of `OPPONENT` gives them the photos' distribution:
    a quadratic alone leaves shadows too black and ochre too yellow, and whites grey.

    Args:
        painted: one or more (3, H, W) in [-1, 1].
        rough: (1, H, W) each, their `roughness`.
        photos: what they were painted from, (3, H, W) in [-1, 1] each.
        variation: covariance of what strokes change in the paintings' colours, see `stroke_variation`.
        weight: how much a standard deviation of roughness counts beside colour, as a distance on [-1, 1].
        where: (H, W) bool for each photo, the part that counts; None for all.

    Returns:
        `NUMBERS` numbers. First 45 coefficients: for red, green and blue, those of 1, r, g, b, t, r², rg, rb, rt, g²,
            gb, gt, b², bt, t² (`sinct.data.palette.quadratic`), where t is roughness in standard deviations from its
            mean. Then three curves: where each begins and ends, and its height at each of `KNOTS`.
    """
    samples = [
        torch.cat(
            [
                sampled(picture, standardised(map_, spread_of([map_], [part])), where=part),
                sampled(photo, where=part),
            ]
        )
        for picture, map_, (photo, part) in zip(painted, rough, each_with(photos, where), strict=True)
    ]
    exact = torch.cat(samples, dim=1)
    repeated = exact.repeat(1, REPEATS)
    known, wanted = repeated[:4], repeated[4:]
    noise = torch.randn(known.shape, generator=torch.Generator().manual_seed(0), dtype=known.dtype)
    known[:3] += torch.linalg.cholesky(variation) @ noise[:3]
    known[3] += DOUBT * noise[3]
    units = torch.tensor([[1.0], [1.0], [1.0], [weight]], dtype=known.dtype)
    terms = quadratic(known * units)
    # What is fitted is the change, so that the ridge pulls towards no change.
    normal = terms @ terms.T / terms.shape[1] + RIDGE * torch.eye(TERMS, dtype=terms.dtype)
    change = (
        torch.linalg.solve(normal, terms @ (wanted - known[:3]).T / terms.shape[1]).T * quadratic(units).T
    )
    change[:, 1:4] += torch.eye(3, dtype=change.dtype)
    terms, wanted = quadratic(exact[:4]), exact[4:]
    colours = _as_varied(change, terms, wanted)
    axes = torch.tensor(OPPONENT, dtype=terms.dtype)
    curves = map(_curve, axes @ colours @ terms, axes @ wanted)
    return (*colours.flatten().tolist(), *(number for curve in curves for number in curve))


def _curve(found: Tensor, wanted: Tensor) -> list[float]:
    """The rising curve from one distribution to another, (N,) each: its ends, and its height at each knot.

    Pitié et al. 2007, "Automated colour grading using colour distribution transfer", section 2.1 (one dimension), with
    its slope smoothed and limited.
    """
    found, wanted = found.sort().values, wanted.sort().values
    margin = BEYOND * float(found[-1] - found[0]) + 1e-3
    low, high = float(found[0]) - margin, float(found[-1]) + margin
    knots = torch.linspace(low, high, KNOTS, dtype=found.dtype)
    step = (high - low) / (KNOTS - 1)
    after = torch.searchsorted(found, knots).clamp(1, len(found) - 1)
    share = ((knots - found[after - 1]) / (found[after] - found[after - 1]).clamp_min(1e-9)).clamp(0, 1)
    heights = torch.lerp(wanted[after - 1], wanted[after], share)
    slopes = (heights.diff() / step).clamp(1 / STEEPEST, STEEPEST)
    known = torch.searchsorted(found, knots).diff().to(found) / len(found)
    averaged = (_blurred(slopes * known) + UNKNOWN / STEEPEST) / (_blurred(known) + UNKNOWN)
    rising = torch.cat([averaged.new_zeros(1), averaged.cumsum(0) * step])
    centre = _at(found, low, high, rising).mean() - wanted.mean()
    return [low, high, *(rising - centre).tolist()]


def _blurred(values: Tensor) -> Tensor:
    """Gaussian average of (N,), with zeros around it."""
    around = torch.arange(-4 * SMOOTH, 4 * SMOOTH + 1, dtype=values.dtype)
    window = torch.exp(-0.5 * (around / SMOOTH) ** 2)
    return F.conv1d(values[None, None], (window / window.sum())[None, None], padding=4 * SMOOTH)[0, 0]


def _at(values: Tensor, low: float, high: float, heights: Tensor) -> Tensor:
    """Height of a curve, given at evenly spaced knots from `low` to `high`, at each value; level beyond its ends."""
    place = ((values - low) * ((len(heights) - 1) / (high - low))).clamp_(0, len(heights) - 1)
    before = place.to(torch.int32).clamp_(0, len(heights) - 2)
    slopes = heights.diff()
    start, slope = (each.index_select(0, before.flatten()).view_as(place) for each in (heights[:-1], slopes))
    return start.addcmul_(place.sub_(before), slope)


def _as_varied(colours: Tensor, terms: Tensor, wanted: Tensor) -> Tensor:
    """Stretch a map's colours until their mean and covariance are the wanted ones.

    Least squares draw them towards their mean, the more the less is known: whites would turn grey and blacks brown.

    Args:
        colours: coefficients, (3, `TERMS`).
        terms: (`TERMS`, N).
        wanted: (3, N).

    Pitié & Kokaram 2007, "The linear Monge-Kantorovitch linear colour mapping for example-based colour transfer".
    """
    found = colours @ terms
    root = _root(_covariance(found))
    inverse = torch.linalg.inv(root)
    stretch = inverse @ _root(root @ _covariance(wanted) @ root) @ inverse
    stretched: Tensor = stretch @ colours
    stretched[:, 0] += wanted.mean(dim=1) - stretch @ found.mean(dim=1)
    return stretched


def _covariance(sample: Tensor) -> Tensor:
    """Covariance of (3, N), with a little more on its diagonal."""
    return torch.cov(sample) + 1e-6 * torch.eye(3, dtype=sample.dtype)


def _root(matrix: Tensor) -> Tensor:
    """Square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    return root


def stroke_variation(paintings: Sequence[Tensor], where: Places = None) -> Tensor:
    """Covariance of what strokes change in colours, (3, 3), float64, from paintings (3, H, W) in [-1, 1].

    With `where`, (H, W) bool for each, only that part of them counts.
    """
    samples = []
    for painting, part in each_with(paintings, where):
        small = reduced(painting)
        part = None if part is None else nearest(part, *small.shape[1:])
        samples.append(sampled(small - total_variation_smooth(small, STROKES), where=part))
    found = torch.cat(samples, dim=1)
    return found @ found.T / found.shape[1] + 1e-8 * torch.eye(3, dtype=found.dtype)


def is_map(numbers: Sequence[float]) -> bool:
    """Whether numbers are a map that `recolour` takes, with curves or, from earlier versions, without."""
    if len(numbers) == 3 * TERMS:
        return True
    return len(numbers) == NUMBERS and all(low < high for low, high, *_ in _curves(numbers))


def _curves(numbers: Sequence[float]) -> list[Sequence[float]]:
    """A map's curves, one for each axis of `OPPONENT`; none in maps of earlier versions."""
    return [numbers[start : start + 2 + KNOTS] for start in range(3 * TERMS, len(numbers), 2 + KNOTS)]


def recolour(picture: Tensor, rough: Tensor, colours: Sequence[float], spread: Spread) -> Tensor:
    """Apply a map that `fit_colours` found, pixel by pixel.

    Args:
        picture: (3, H, W) in [-1, 1].
        rough: (1, H, W), its `roughness`.
        colours: the map's numbers.
        spread: of the roughness of the whole picture, or of all that are translated alike.

    Returns:
        (3, H, W) in [-1, 1], clamped.
    """
    curves = _curves(colours)
    variables = [*picture, standardised(rough, spread)[0]]
    rows = []
    for channel in range(3):
        # Written out product by product, since all at once would need more memory than the generator.
        constant, *c = colours[TERMS * channel : TERMS * (channel + 1)]
        linear, products = c[:4], iter(c[4:])
        row = torch.full_like(picture[0], constant)
        for i, variable in enumerate(variables):
            factor = torch.full_like(row, linear[i])
            for other in variables[i:]:
                factor.add_(other, alpha=next(products))
            row.addcmul_(variable, factor)
        rows.append(row)
    return torch.stack(_graded(rows, curves) if curves else rows).clamp_(-1, 1)


def _graded(rows: Sequence[Tensor], curves: Sequence[Sequence[float]]) -> list[Tensor]:
    """Red, green and blue, (H, W) each, with a curve along each axis of `OPPONENT`."""
    graded = [torch.zeros_like(row) for row in rows]
    for axis, (low, high, *heights) in zip(OPPONENT, curves, strict=True):
        along = torch.zeros_like(rows[0])
        for row, share in zip(rows, axis, strict=True):
            along.add_(row, alpha=share)
        along = _at(along, low, high, along.new_tensor(heights))
        for row, share in zip(graded, axis, strict=True):
            row.add_(along, alpha=share)
    return graded


def standardised(rough: Tensor, spread: Spread) -> Tensor:
    """Roughness, (1, H, W), in standard deviations from its mean, clamped to `RANGE`."""
    return ((rough - spread.mean) / spread.deviation).clamp_(-RANGE, RANGE)
