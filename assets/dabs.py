"""A painter of short dabs, for many paintings of many kinds in little time.

`assets.painterly` follows each stroke along the contours, one at a time. Here every layer is a jittered grid of
straight dabs, of which each pixel shows the uppermost that covers it. All pixels are drawn at once, so the time does
not depend on the size of the dabs, and brushes of one pixel cost no more than broad ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from assets.painterly import GROUND, LUMA, WEAVE, Array, blur, light_paint, mix_colors, stroke_directions

PROFILES, LANES = 64, 16
"""Brushes to choose from, and how many bristles each has across."""

BAND = 64
"""Rows painted at a time, so that everything stays in the processor's cache."""


@dataclass(frozen=True)
class Manner:
    """How somebody paints.

    Attributes:
        brushes: widths of the dabs in pixels, from coarse to fine; the first layer covers everything.
        elongation: length of a dab in widths, from 1 to 8.
        disorder: spread of the dabs' directions around the contours', in radians.
        detail: mean absolute difference on [0, 1] that finer brushes leave uncorrected.
        overpaint: share of dabs that finer layers place where nothing needs to be corrected.
        dryness: how much of a dab its bristles leave open, in [0, 1].
        hue, saturation, value: spread of each dab's colour, see `assets.painterly.paint`.
        impasto: relief of the paint.
        canvas_grain: relief of the canvas.
        weave: distance between the canvas's threads, in pixels.
        touches: width in pixels of a last brush that only adds what the others missed, as painters do with small
            things; 0 adds nothing.
        softness: standard deviation in pixels of the blur that a scan adds.
        bend: how far dabs are bent, as a share of half their length; 0 paints straight ones.
        swirl: spread in radians of a slow turn of all directions away from the contours.
        squareness: 1 paints oval dabs, 4 the flat marks of a palette knife.
        opacity: of the paint, in [0, 1]; watercolours are thin.
        rim: darkness of the dabs' edges, where watercolours dry last.
        outlines: width in pixels of lines drawn along the contours; 0 draws none.
        ink: (r, g, b) of these lines, sRGB in [0, 1].
        firmness: opacity of these lines, in [0, 1].
        outlines_first: draw them before the finest two brushes instead of last.
    """

    brushes: tuple[float, ...] = (12.0, 6.0, 3.0, 1.5)
    elongation: float = 2.5
    disorder: float = 0.25
    detail: float = 0.03
    overpaint: float = 0.15
    dryness: float = 0.3
    hue: float = 0.12
    saturation: float = 0.18
    value: float = 0.05
    impasto: float = 0.5
    canvas_grain: float = 0.05
    weave: float = WEAVE
    touches: float = 0.0
    softness: float = 0.0
    bend: float = 0.0
    swirl: float = 0.0
    squareness: float = 1.0
    opacity: float = 1.0
    rim: float = 0.0
    outlines: float = 0.0
    ink: tuple[float, float, float] = (0.12, 0.11, 0.16)
    firmness: float = 0.8
    outlines_first: bool = False


class Painting(NamedTuple):
    """A rendered painting.

    Attributes:
        picture: (H, W, 3) float32 sRGB in [0, 1].
        stroke: (H, W) float32, width in pixels of the strokes seen at each place.
    """

    picture: Array
    stroke: Array


def paint_dabs(
    image: ArrayLike, manner: Manner, *, palette: ArrayLike | None = None, pull: float = 0.0, seed: int = 0
) -> Array:
    """Paint a picture in dabs; the picture that `paint_with_scale` returns."""
    return paint_with_scale(image, manner, palette=palette, pull=pull, seed=seed).picture


def paint_with_scale(
    image: ArrayLike, manner: Manner, *, palette: ArrayLike | None = None, pull: float = 0.0, seed: int = 0
) -> Painting:
    """Paint a picture in dabs, and tell how wide they are.

    Args:
        image: (H, W, 3) sRGB in [0, 1].
        manner: how.
        palette: (K, 3) sRGB colours in [0, 1] that dabs are pulled towards, or None for the picture's own.
        pull: share of the way to the palette, in [0, 1].
        seed: seeds all random choices.
    """
    source = np.asarray(image, np.float32)
    rng = np.random.default_rng(seed)
    colours_of_palette = None if palette is None else np.asarray(palette, np.float32)
    ground = 0.5 * source.mean((0, 1)) + 0.5 * GROUND
    canvas = torch.from_numpy(np.tile(ground, (*source.shape[:2], 1)).astype(np.float32))
    relief = torch.zeros(source.shape[:2])
    stroke = torch.full(source.shape[:2], float(manner.brushes[0]))
    turn = _slow_turn(source.shape[:2], manner.swirl, rng)
    brushes = (*manner.brushes, manner.touches) if manner.touches else manner.brushes
    for layer, width in enumerate(brushes):
        if manner.outlines and manner.outlines_first and layer == max(0, len(manner.brushes) - 2):
            _draw_outlines(canvas, relief, stroke, source, manner, rng)
        reference = blur(source, 0.3 * width)
        error = blur(np.abs(reference - canvas.numpy()).mean(-1), 0.4 * width)
        flow = stroke_directions(source, max(1.5, 0.5 * width))
        chance = 1.0 if layer == 0 else manner.overpaint if layer < len(manner.brushes) else 0.0
        dabs = _scatter(width, manner, flow, error, chance, rng, turn)
        at = dabs.row, dabs.column
        colours = mix_colors(
            reference[at], colours_of_palette, pull, manner.hue, manner.saturation, manner.value, rng
        )
        _lay(canvas, relief, stroke, width, manner, dabs, torch.from_numpy(colours))
    if manner.outlines and not manner.outlines_first:
        _draw_outlines(canvas, relief, stroke, source, manner, rng)
    painted = light_paint(
        canvas.numpy(), relief.numpy(), manner.impasto, manner.canvas_grain, rng, weave=manner.weave
    )
    return Painting(blur(painted, manner.softness), stroke.numpy())


class Dabs(NamedTuple):
    """One layer: a dab for each cell of a grid that surrounds the picture by `reach` cells.

    Attributes:
        cell: side of a cell in pixels.
        reach: how many cells away a dab can cover a pixel.
        columns: cells in a row of the grid.
        row, column: (K,) pixel whose colour each dab takes.
        shape: (K, 6): centre's y and x, cosine and sine of the direction, size, and rank; a rank of -1 is no dab.
        bow: (K,) how far each is bent, in [-1, 1].
        brush: (K,) which of `bristles` it is painted with.
        bristles: (PROFILES, LANES) paint on each bristle, in [0, 1].
    """

    cell: float
    reach: int
    columns: int
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    shape: Tensor
    bow: Tensor
    brush: Tensor
    bristles: Tensor


def _scatter(
    width: float,
    manner: Manner,
    flow: Array,
    error: Array,
    chance: float,
    rng: np.random.Generator,
    turn: Array | None,
) -> Dabs:
    """Place the dabs of one layer where (H, W) errors ask for them, and elsewhere with a given chance."""
    height, breadth = error.shape
    cell = 0.8 * width
    longest = 1.15 * max(manner.elongation, 1.0) * (1 + 0.6 * manner.bend)
    reach = int(np.ceil(0.5 * longest * width / cell + 0.5))
    rows, columns = (int(np.ceil(side / cell)) + 2 * reach for side in (height, breadth))
    grid = (
        np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1).reshape(-1, 2) - reach
    )
    centre = (grid + rng.random(grid.shape)) * cell
    row, column = (
        np.clip(centre[:, axis].round().astype(np.intp), 0, side - 1)
        for axis, side in enumerate((height, breadth))
    )
    angle = np.arctan2(flow[..., 1], flow[..., 0])[row, column]
    if turn is not None:
        angle = angle + turn[row, column]
    angle = angle + manner.disorder * rng.standard_normal(angle.shape)
    present = (error[row, column] > manner.detail) | (rng.random(angle.shape) < chance)
    size = rng.uniform(0.75, 1.15, angle.shape)
    rank = np.where(present, rng.random(angle.shape), -1.0)
    shape = np.stack([centre[:, 0], centre[:, 1], np.cos(angle), np.sin(angle), size, rank], -1)
    brush = torch.from_numpy(rng.integers(0, PROFILES, angle.shape))
    bristles = torch.from_numpy(rng.random((PROFILES, LANES), np.float32))
    bow = torch.from_numpy(rng.uniform(-1, 1, angle.shape)).float()
    return Dabs(cell, reach, columns, row, column, torch.from_numpy(shape).float(), bow, brush, bristles)


def _slow_turn(size: tuple[int, int], swirl: float, rng: np.random.Generator) -> Array | None:
    """Angles (H, W) in radians that change slowly over the picture, or None for none."""
    if not swirl:
        return None
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 5, 5)).astype(np.float32))
    turn: Array = F.interpolate(coarse, size, mode="bicubic")[0, 0].numpy()
    return swirl * turn


def _draw_outlines(
    canvas: Tensor,
    relief: Tensor,
    stroke: Tensor,
    source: Array,
    manner: Manner,
    rng: np.random.Generator,
) -> None:
    """Draw lines along the contours of a picture (H, W, 3), in place on canvas, relief and stroke widths."""
    width = manner.outlines
    line = replace(
        manner, elongation=max(3.0, manner.elongation), disorder=0.1, detail=0.0, opacity=manner.firmness
    )
    contours = _contours(source, max(1.5, 1.2 * width))
    flow = stroke_directions(source, max(1.5, 0.7 * width))
    dabs = _scatter(width, line, flow, np.zeros_like(contours), 1.0, rng, None)
    # Each dab moves to the strongest contour near it, or is not drawn.
    reach = max(1, round(0.6 * width))
    padded = torch.from_numpy(contours)[None, None]
    strongest, index = F.max_pool2d(padded, 2 * reach + 1, 1, reach, return_indices=True)
    at = dabs.row, dabs.column
    place = index[0, 0].numpy()[at]
    row, column = np.divmod(place, contours.shape[1])
    angle = np.arctan2(flow[row, column, 1], flow[row, column, 0]) + 0.1 * rng.standard_normal(row.shape)
    shape = dabs.shape.clone()
    for at_, values in enumerate((row, column, np.cos(angle), np.sin(angle))):
        shape[:, at_] = torch.from_numpy(np.asarray(values, np.float32))
    shape[torch.from_numpy(strongest[0, 0].numpy()[at] <= 0), 5] = -1.0
    ink = np.asarray(manner.ink, np.float32)
    colours = 0.85 * ink + 0.15 * source[row, column] + 0.02 * rng.standard_normal((len(row), 3))
    moved = dabs._replace(shape=shape)
    _lay(canvas, relief, stroke, width, line, moved, torch.from_numpy(colours.clip(0, 1).astype(np.float32)))


def _contours(source: Array, scale: float) -> Array:
    """Strength of a picture's contours, (H, W), 0 off them.

    They are where the Laplacian changes its sign and the gradient is above twice its mean. Marr & Hildreth 1980,
    "Theory of Edge Detection".
    """
    luma = source @ LUMA
    fine, coarse = blur(luma, scale), blur(luma, 1.6 * scale)
    gy, gx = np.gradient(fine)
    strength = np.hypot(gx, gy)
    sign = fine > coarse
    crossing = np.zeros_like(sign)
    crossing[:, 1:] |= sign[:, 1:] != sign[:, :-1]
    crossing[1:] |= sign[1:] != sign[:-1]
    return np.where(crossing & (strength > 2 * strength.mean()), strength, 0).astype(np.float32)


def _lay(
    canvas: Tensor,
    relief: Tensor,
    stroke: Tensor,
    width: float,
    manner: Manner,
    dabs: Dabs,
    colours: Tensor,
) -> None:
    """Lay one layer of dabs on canvas (H, W, 3), relief (H, W) and stroke widths (H, W), in place."""
    height, breadth = relief.shape
    length = manner.elongation * width
    reaches = range(-dabs.reach, dabs.reach + 1)
    for top in range(0, height, BAND):
        bottom = min(top + BAND, height)
        y, x = torch.arange(top, bottom)[:, None].float(), torch.arange(breadth)[None].float()
        row = (y / dabs.cell).long().expand(-1, breadth) + dabs.reach
        column = (x / dabs.cell).long().expand(bottom - top, -1) + dabs.reach
        best = torch.full((bottom - top, breadth), -0.5)
        chosen = torch.zeros_like(row)
        cover, ridge, tone = (torch.zeros_like(best) for _ in range(3))
        for i, j in itertools.product(reaches, reaches):
            index = (row + i) * dabs.columns + column + j
            cy, cx, cos, sin, size, rank = dabs.shape[index].unbind(-1)
            dy, dx = y - cy, x - cx
            along = (dx * cos + dy * sin) / (0.5 * length * size)
            across = (dy * cos - dx * sin) / (0.5 * width * size)
            if manner.bend:
                across = across + manner.bend * manner.elongation * dabs.bow[index] * (along.square() - 0.4)
            off = across.abs().pow(2 * manner.squareness) + along.square().square()
            upper = (off < 1) & (rank > best)
            if not upper.any():
                continue
            lane = ((across.clamp(-1, 1) + 1) * (0.5 * (LANES - 1))).long()
            bristle = dabs.bristles[dabs.brush[index], lane]
            dry = 1 - manner.dryness * (1 - bristle) * (along + 1)
            best = torch.where(upper, rank, best)
            chosen = torch.where(upper, index, chosen)
            cover = torch.where(upper, (2.5 * (1 - off)).clamp(0, 1) * dry.clamp(0.05, 1), cover)
            ridge = torch.where(upper, 0.4 + 0.4 * bristle + 0.4 * off.square(), ridge)
            edge = manner.rim * off.clamp(0, 1).square() if manner.rim else 0.0
            tone = torch.where(upper, 0.94 + 0.12 * bristle - edge, tone)
        cover = torch.where(best >= 0, cover * manner.opacity, 0)
        paint = colours[chosen] * tone[..., None]
        canvas[top:bottom] += (paint - canvas[top:bottom]) * cover[..., None]
        thick = ridge * (0.3 + 0.03 * width) + 0.45 * relief[top:bottom]
        relief[top:bottom] += (thick - relief[top:bottom]) * cover
        stroke[top:bottom] += (width - stroke[top:bottom]) * cover
