"""A painter of short dabs, for many paintings of many kinds in little time.

`assets.painterly` follows each stroke along the contours, one at a time. Here every layer is a jittered grid of
straight dabs, of which each pixel shows the uppermost that covers it. All pixels are drawn at once, so the time does
not depend on the size of the dabs, and brushes of one pixel cost no more than broad ones.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from assets.painterly import GROUND, Array, blur, light_paint, mix_colors, stroke_directions

PROFILES, LANES = 64, 16
"""Brushes to choose from, and how many bristles each has across."""

BAND = 64
"""Rows painted at a time, so that everything stays in the processor's cache."""


@dataclass(frozen=True)
class Manner:
    """How somebody paints.

    Attributes:
        brushes: widths of the dabs in pixels, from coarse to fine; the first layer covers everything.
        elongation: length of a dab in widths, from 1 to 4.
        disorder: spread of the dabs' directions around the contours', in radians.
        detail: mean absolute difference on [0, 1] that finer brushes leave uncorrected.
        overpaint: share of dabs that finer layers place where nothing needs to be corrected.
        dryness: how much of a dab its bristles leave open, in [0, 1].
        hue, saturation, value: spread of each dab's colour, see `assets.painterly.paint`.
        impasto: relief of the paint.
        canvas_grain: relief of the canvas.
        softness: standard deviation in pixels of the blur that a scan adds.
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
    softness: float = 0.0


def paint_dabs(
    image: ArrayLike, manner: Manner, *, palette: ArrayLike | None = None, pull: float = 0.0, seed: int = 0
) -> Array:
    """Paint a picture in dabs.

    Args:
        image: (H, W, 3) sRGB in [0, 1].
        manner: how.
        palette: (K, 3) sRGB colours in [0, 1] that dabs are pulled towards, or None for the picture's own.
        pull: share of the way to the palette, in [0, 1].
        seed: seeds all random choices.

    Returns:
        (H, W, 3) float32 sRGB in [0, 1].
    """
    source = np.asarray(image, np.float32)
    rng = np.random.default_rng(seed)
    colours_of_palette = None if palette is None else np.asarray(palette, np.float32)
    ground = 0.5 * source.mean((0, 1)) + 0.5 * GROUND
    canvas = torch.from_numpy(np.tile(ground, (*source.shape[:2], 1)).astype(np.float32))
    relief = torch.zeros(source.shape[:2])
    for layer, width in enumerate(manner.brushes):
        reference = blur(source, 0.3 * width)
        error = blur(np.abs(reference - canvas.numpy()).mean(-1), 0.4 * width)
        flow = stroke_directions(source, max(1.5, 0.5 * width))
        dabs = _scatter(width, manner, flow, error, 1.0 if layer == 0 else manner.overpaint, rng)
        at = dabs.row, dabs.column
        colours = mix_colors(
            reference[at], colours_of_palette, pull, manner.hue, manner.saturation, manner.value, rng
        )
        _lay(canvas, relief, width, manner, dabs, torch.from_numpy(colours))
    painted = light_paint(canvas.numpy(), relief.numpy(), manner.impasto, manner.canvas_grain, rng)
    return blur(painted, manner.softness)


class Dabs(NamedTuple):
    """One layer: a dab for each cell of a grid that surrounds the picture by `reach` cells.

    Attributes:
        cell: side of a cell in pixels.
        reach: how many cells away a dab can cover a pixel.
        columns: cells in a row of the grid.
        row, column: (K,) pixel whose colour each dab takes.
        shape: (K, 6): centre's y and x, cosine and sine of the direction, size, and rank; a rank of -1 is no dab.
        brush: (K,) which of `bristles` it is painted with.
        bristles: (PROFILES, LANES) paint on each bristle, in [0, 1].
    """

    cell: float
    reach: int
    columns: int
    row: NDArray[np.intp]
    column: NDArray[np.intp]
    shape: Tensor
    brush: Tensor
    bristles: Tensor


def _scatter(
    width: float, manner: Manner, flow: Array, error: Array, chance: float, rng: np.random.Generator
) -> Dabs:
    """Place the dabs of one layer where (H, W) errors ask for them, and elsewhere with a given chance."""
    height, breadth = error.shape
    cell = 0.8 * width
    reach = int(np.ceil(0.5 * max(manner.elongation, 1.0) * width / cell + 0.5))
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
    angle = angle + manner.disorder * rng.standard_normal(angle.shape)
    present = (error[row, column] > manner.detail) | (rng.random(angle.shape) < chance)
    size = rng.uniform(0.75, 1.15, angle.shape)
    rank = np.where(present, rng.random(angle.shape), -1.0)
    shape = np.stack([centre[:, 0], centre[:, 1], np.cos(angle), np.sin(angle), size, rank], -1)
    brush = torch.from_numpy(rng.integers(0, PROFILES, angle.shape))
    bristles = torch.from_numpy(rng.random((PROFILES, LANES), np.float32))
    return Dabs(cell, reach, columns, row, column, torch.from_numpy(shape).float(), brush, bristles)


def _lay(canvas: Tensor, relief: Tensor, width: float, manner: Manner, dabs: Dabs, colours: Tensor) -> None:
    """Lay one layer of dabs on canvas (H, W, 3) and relief (H, W), in place."""
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
            off = across.square() + along.square().square()
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
            tone = torch.where(upper, 0.94 + 0.12 * bristle, tone)
        cover = torch.where(best >= 0, cover, 0)
        paint = colours[chosen] * tone[..., None]
        canvas[top:bottom] += (paint - canvas[top:bottom]) * cover[..., None]
        thick = ridge * (0.3 + 0.03 * width) + 0.45 * relief[top:bottom]
        relief[top:bottom] += (thick - relief[top:bottom]) * cover
