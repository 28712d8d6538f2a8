"""Stroke-based painterly rendering: any RGB picture as layers of oil-like brush strokes.

The layering follows Hertzmann, "Painterly Rendering with Curved Brush Strokes of Multiple Sizes" (SIGGRAPH 1998):
from the coarsest brush to the finest, strokes go where the canvas still differs from the picture, blurred to match
the brush, and they run along the contours. Departures: directions come from a smoothed structure tensor, so that
flat areas get calm strokes; strokes have bristle marks and a thickness of paint, which is lit at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.floating[Any]]

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
GROUND = np.array([0.72, 0.62, 0.50], np.float32)
WEAVE = 2 * np.pi / 2.1
"""Distance between a canvas's threads, in pixels."""


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur of (H, W) or (H, W, C) over `sigma` pixels, mirrored at the borders."""
    if sigma <= 0:
        return image
    radius = min(int(3 * sigma) + 1, min(image.shape[:2]) - 1)
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        pad = [(radius, radius) if a == axis else (0, 0) for a in range(image.ndim)]
        padded = np.pad(image, pad, mode="reflect")
        n = padded.shape[axis]
        gain = np.fft.rfft(kernel, n)
        gain = gain.reshape([-1 if a == axis else 1 for a in range(image.ndim)])
        full = np.fft.irfft(np.fft.rfft(padded, axis=axis) * gain, n, axis=axis)
        # The kernel is centred on `radius`, so valid samples start at twice that.
        image = np.asarray(np.take(full, np.arange(2 * radius, n), axis=axis), np.float32)
    return image


def stroke_directions(image: Array, radius: float) -> Array:
    """Find unit vectors (H, W, 2), as (x, y), along the contours of an (H, W, 3) picture.

    They are the minor eigenvectors of a structure tensor smoothed over three brush radii, so that neighbouring
    strokes agree. A slight pull to the horizontal decides where there is no gradient.
    """
    gy, gx = np.gradient(blur(image @ LUMA, 0.6 * radius))
    tensor = np.stack([gx * gx, gx * gy, gy * gy], -1).astype(np.float32)
    xx, xy, yy = np.moveaxis(blur(tensor, 3.0 * radius), -1, 0)
    yy = yy + 1e-6
    angle = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    return np.stack([np.cos(angle), np.sin(angle)], -1).astype(np.float32)


def trace_strokes(
    seeds: Array, reference: Array, canvas: Array, directions: Array, step: float, segments: int
) -> tuple[Array, NDArray[np.intp]]:
    """Follow the directions from every seed until the stroke's colour no longer fits.

    Args:
        seeds: (N, 2) start points as (x, y), px.
        reference: (H, W, 3) picture that the strokes should match.
        canvas: (H, W, 3) painting so far.
        directions: (H, W, 2) unit vectors.
        step: length of one segment, px.
        segments: most segments per stroke.

    Returns:
        (N, segments + 1, 2) points, and (N,) how many of them each stroke uses, at least 2.
    """
    h, w = reference.shape[:2]
    limit = np.array([w - 1, h - 1], np.float32)

    def pixel(points: Array) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        at = np.clip(np.rint(points), 0, limit).astype(np.intp)
        return at[:, 1], at[:, 0]

    points = np.repeat(seeds[:, None], segments + 1, 1).astype(np.float32)
    count = np.full(len(seeds), segments + 1, np.intp)
    color = reference[pixel(seeds)]
    heading = directions[pixel(seeds)]
    for i in range(1, segments + 1):
        here = points[:, i - 1]
        along = directions[pixel(here)]
        along = along * np.where((along * heading).sum(-1, keepdims=True) < 0, -1, 1)
        heading = 0.6 * along + 0.4 * heading
        heading /= np.linalg.norm(heading, axis=-1, keepdims=True) + 1e-9
        there = here + step * heading
        points[:, i] = there
        target = reference[pixel(there)]
        worse = np.abs(target - color).sum(-1) > np.abs(target - canvas[pixel(there)]).sum(-1)
        outside = ((there < 0) | (there > limit)).any(-1)
        if i >= 2:
            count = np.where((worse | outside) & (count > i), i, count)
    return points, np.maximum(count, 2)


def stroke_seeds(error: Array, spacing: float, threshold: float, rng: np.random.Generator) -> Array:
    """Seed points (N, 2), as (x, y): one in each square of `spacing` px whose mean error exceeds the threshold."""
    h, w = error.shape
    rows, columns = max(int(h / spacing), 1), max(int(w / spacing), 1)
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) * h / rows, (np.arange(columns) + 0.5) * w / columns, indexing="ij"
    )
    mean = blur(error, 0.5 * spacing)[y.astype(int), x.astype(int)]
    jitter = rng.uniform(-0.5, 0.5, (2, rows, columns)) * spacing
    x, y = np.clip(x + jitter[0], 0, w - 1), np.clip(y + jitter[1], 0, h - 1)
    seeds = np.stack([x[mean > threshold], y[mean > threshold]], -1).astype(np.float32)
    return seeds[rng.permutation(len(seeds))]


def mix_colors(
    colors: Array,
    palette: Array | None,
    pull: float,
    hue: float,
    saturation: float,
    value: float,
    rng: np.random.Generator,
) -> Array:
    """Pull colours (N, 3) towards a palette (K, 3), then jitter each one; see `paint` for the amounts."""
    if palette is not None:
        distance = ((colors[:, None] - palette) ** 2).sum(-1)
        weight = np.exp(-(distance - distance.min(1, keepdims=True)) / (2 * 0.12**2))
        colors = colors + pull * (weight @ palette / weight.sum(1, keepdims=True) - colors)
    n = len(colors)
    luma = (colors @ LUMA)[:, None]
    blue, red = colors[:, 2:] - luma, colors[:, :1] - luma
    # Turn and stretch chroma as a vector in the plane: this changes hue and saturation without leaving RGB.
    turn = rng.normal(0, hue, (n, 1))
    stretch = 1 + rng.normal(0, saturation, (n, 1))
    spread = 0.16 * hue * np.maximum(luma, 0)
    grey = rng.normal(0, spread, (n, 1)), rng.normal(0, spread, (n, 1))
    blue, red = (
        stretch * (blue * np.cos(turn) - red * np.sin(turn)) + grey[0],
        stretch * (blue * np.sin(turn) + red * np.cos(turn)) + grey[1],
    )
    luma = luma * (1 + rng.normal(0, value, (n, 1)))
    green = luma - (LUMA[0] * red + LUMA[2] * blue) / LUMA[1]
    mixed = np.concatenate([luma + red, green, luma + blue], 1)
    return np.asarray(mixed.clip(0, 1), np.float32)


def draw_stroke(
    canvas: Array, height: Array, points: Array, color: Array, radius: float, marks: Array
) -> None:
    """Lay one stroke of paint on the canvas, in place.

    Args:
        canvas: (H, W, 3) colours.
        height: (H, W) thickness of paint, in units of a full stroke of the coarsest brush.
        points: (K, 2) polyline as (x, y), px.
        color: (3,) colour of the paint.
        radius: half the brush's width, px.
        marks: (M,) paint that each bristle across the brush carries, in [0, 1].
    """
    h, w = height.shape
    reach = radius + 1.5
    x0, y0 = np.maximum(np.floor(points.min(0) - reach), 0).astype(int)
    x1, y1 = np.ceil(points.max(0) + reach).astype(int) + 1
    x1, y1 = min(x1, w), min(y1, h)
    if x1 <= x0 or y1 <= y0:
        return
    start, leg = points[:-1], np.diff(points, axis=0)
    length = np.sqrt((leg * leg).sum(1)) + 1e-6
    dx = np.arange(x0, x1, dtype=np.float32)[None, :, None] - start[:, 0]
    dy = np.arange(y0, y1, dtype=np.float32)[:, None, None] - start[:, 1]
    share = (dx * leg[:, 0] + dy * leg[:, 1]) / length**2
    inside = np.clip(share, 0, 1)
    off2 = (dx - inside * leg[:, 0]) ** 2 + (dy - inside * leg[:, 1]) ** 2
    nearest = off2.argmin(-1)
    rows, columns = np.indices(nearest.shape, sparse=True)
    side = ((dx * leg[:, 1] - dy * leg[:, 0]) / length)[rows, columns, nearest]
    off = np.sqrt(off2[rows, columns, nearest])
    before = np.cumsum(length) - length
    along = (before + inside * length)[rows, columns, nearest] / (before[-1] + length[-1])
    lane = np.clip((side / radius * 0.5 + 0.5) * (len(marks) - 1), 0, len(marks) - 1.001)
    left = lane.astype(int)
    bristle = marks[left] + (marks[left + 1] - marks[left]) * (lane - left)

    # Bristles with little paint run dry towards the end of the stroke, and shape its outline.
    edge = radius * (0.78 + 0.22 * bristle)
    load = np.clip(2.2 * bristle + 1.5 - 2.6 * along**2, 0, 1)
    alpha = np.clip(edge - off + 0.5, 0, 1) * (0.25 + 0.75 * load) * 0.95
    # Paint is pushed from the middle of the stroke to its sides and end.
    t = np.clip(off / radius, 0, 1)
    thick = (0.45 + 0.4 * bristle + 0.45 * t**3 + 0.25 * along**4) * np.sqrt(np.clip(1.05 - t**4, 0, 1))

    view, lift = canvas[y0:y1, x0:x1], height[y0:y1, x0:x1]
    tone = color * (0.93 + 0.14 * bristle)[..., None]
    view += (tone - view) * alpha[..., None]
    lift += (thick * (0.3 + 0.05 * radius) + 0.45 * lift - lift) * alpha


def light_paint(
    canvas: Array,
    height: Array,
    impasto: float,
    grain: float,
    rng: np.random.Generator,
    *,
    weave: float = WEAVE,
) -> Array:
    """Shade the painting (H, W, 3) by the relief of paint and canvas, lit from the upper left.

    Args:
        canvas: (H, W, 3) colours.
        height: (H, W) thickness of paint.
        impasto: relief of the paint.
        grain: relief of the canvas.
        rng: draws its unevenness.
        weave: distance between its threads, in pixels.
    """
    h, w = height.shape
    y, x = np.mgrid[:h, :w].astype(np.float32)
    wobble = blur(rng.standard_normal((h, w)).astype(np.float32), 9) * 22
    turn = 2 * np.pi / weave
    cloth = np.sin((x + wobble) * turn) * np.sin((y + wobble) * turn) + 0.6 * rng.standard_normal((h, w))
    # Thick paint fills the canvas's weave.
    relief = impasto * height + grain * cloth.astype(np.float32) / (1 + 1.2 * height)
    gy, gx = np.gradient(blur(relief.astype(np.float32), 0.55))
    slope = np.asarray(0.6 * gx + 0.8 * gy).clip(-0.8, 0.8)[..., None]
    # Wet-looking paint: steep flanks facing the light also shine.
    lit = canvas * (1 + 0.55 * slope) + 0.16 * np.maximum(slope - 0.12, 0)
    return np.asarray(np.clip(lit, 0, 1), np.float32)


def paint(
    image: ArrayLike,
    *,
    brush_sizes: Sequence[float] = (18.0, 10.0, 5.5, 3.0),
    palette: ArrayLike | None = None,
    palette_pull: float = 0.5,
    hue_jitter: float = 0.12,
    saturation_jitter: float = 0.18,
    value_jitter: float = 0.05,
    detail: float = 0.045,
    segments: int = 7,
    impasto: float = 0.5,
    canvas_grain: float = 0.05,
    seed: int = 0,
) -> Array:
    """Paint a picture with brush strokes.

    Args:
        image: (H, W, 3) sRGB in [0, 1].
        brush_sizes: brush radii, px, coarse to fine; the last one sets the smallest stroke.
        palette: (K, 3) sRGB colours in [0, 1] that strokes are pulled towards, or None for the picture's own.
        palette_pull: share of the way to the palette, in [0, 1].
        hue_jitter: spread of each stroke's hue, radians.
        saturation_jitter: spread of each stroke's saturation, as a share of it.
        value_jitter: spread of each stroke's lightness, as a share of it.
        detail: mean absolute difference that finer brushes do not correct, in [0, 1].
        segments: most segments per stroke, each 1.3 radii long.
        impasto: relief of the strokes; 0 paints flat.
        canvas_grain: relief of the canvas; 0 paints on paper.
        seed: seeds all random choices.

    Returns:
        (H, W, 3) float32 sRGB in [0, 1].

    Raises:
        ValueError: the picture is not (H, W, 3), or the brush sizes are empty, not positive or not falling.

    >>> paint(np.zeros((32, 48, 3)), brush_sizes=(8, 4)).shape
    (32, 48, 3)
    """
    source = np.asarray(image, np.float32)
    if source.ndim != 3 or source.shape[2] != 3 or min(source.shape[:2]) < 2:
        raise ValueError(f"image of shape {source.shape} is not (H, W, 3); pass an RGB picture")
    if not brush_sizes or list(brush_sizes) != sorted(brush_sizes, reverse=True) or brush_sizes[-1] <= 0:
        raise ValueError(
            f"brush sizes {tuple(brush_sizes)} px are not positive and falling; order them from coarse to fine"
        )
    colors_of_palette = None if palette is None else np.asarray(palette, np.float32)
    rng = np.random.default_rng(seed)
    # A warm ground: priming shows between strokes, not white.
    ground = 0.5 * source.mean((0, 1)) + 0.5 * GROUND
    canvas = np.tile(ground, (*source.shape[:2], 1)).astype(np.float32)
    height = np.zeros(source.shape[:2], np.float32)
    for layer, radius in enumerate(brush_sizes):
        reference = blur(source, 0.5 * radius)
        error = np.abs(reference - canvas).mean(-1)
        seeds = stroke_seeds(error, 1.1 * radius, -1.0 if layer == 0 else detail, rng)
        if not len(seeds):
            continue
        flow = stroke_directions(source, radius)
        points, count = trace_strokes(seeds, reference, canvas.copy(), flow, 1.3 * radius, segments)
        at = np.rint(seeds).astype(int)
        own = reference[at[:, 1], at[:, 0]]
        colors = mix_colors(
            own, colors_of_palette, palette_pull, hue_jitter, saturation_jitter, value_jitter, rng
        )
        bristles = max(int(1.4 * radius), 3)
        marks = rng.random((len(seeds), bristles), np.float32)
        for k in range(len(seeds)):
            draw_stroke(canvas, height, points[k, : count[k]], colors[k], radius, marks[k])
    return light_paint(canvas, height, impasto, canvas_grain, rng)
