"""Manners and palettes to paint in, drawn at random for training material."""

from __future__ import annotations

import numpy as np

from assets.dabs import Manner
from assets.painterly import Array


def random_manner(rng: np.random.Generator) -> Manner:
    """Draw how a painting is painted: in oil or watercolour, with brush or knife, fine or broad, drawn or not."""
    finest = _log_uniform(rng, 1.3, 10.0)
    layers = int(rng.integers(2, 5))
    coarser = rng.uniform(1.5, 2.2)
    watercolour = rng.random() < 0.12
    knife = not watercolour and rng.random() < 0.15
    drawn = rng.random() < 0.3
    dark = rng.uniform(0.02, 0.3)
    return Manner(
        brushes=tuple(min(40.0, finest * coarser**layer) for layer in reversed(range(layers))),
        elongation=rng.uniform(1.0, 2.0) if knife else _log_uniform(rng, 1.3, 5.0),
        disorder=rng.uniform(0.05, 0.7),
        detail=rng.uniform(0.015, 0.07),
        overpaint=rng.uniform(0.05, 0.8),
        dryness=0.1 if watercolour else rng.uniform(0.0, 0.8),
        hue=rng.uniform(0.03, 0.5),
        saturation=rng.uniform(0.05, 0.45),
        value=_log_uniform(rng, 0.02, 0.22),
        impasto=0.0 if watercolour else rng.uniform(0.0, 1.2),
        canvas_grain=_log_uniform(rng, 0.01, 0.25),
        weave=_log_uniform(rng, 2.2, 8.0),
        touches=min(0.6 * finest, _log_uniform(rng, 1.0, 3.0)) if rng.random() < 0.65 else 0.0,
        softness=rng.uniform(0.0, 1.0),
        bend=rng.uniform(0.0, 0.5) if rng.random() < 0.5 else 0.0,
        swirl=rng.uniform(0.2, 1.2) if rng.random() < 0.3 else 0.0,
        squareness=4.0 if knife else rng.uniform(1.0, 2.0),
        opacity=rng.uniform(0.25, 0.7) if watercolour else rng.uniform(0.7, 1.0),
        rim=rng.uniform(0.05, 0.3) if watercolour else 0.0,
        outlines=_log_uniform(rng, 1.5, 7.0) if drawn else 0.0,
        ink=tuple((dark * rng.uniform(0.4, 1.3, 3)).tolist()),
        firmness=rng.uniform(0.3, 1.0),
        outlines_first=rng.random() < 0.5,
    )


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def random_palette(photo: Array, rng: np.random.Generator) -> Array:
    """Change a photograph's colours, (H, W, 3) in [0, 1], as painters do: tinted, paler, lighter or darker."""
    middle = photo.mean((0, 1))
    tint = rng.normal(0, 0.07, 3)
    contrast = rng.uniform(0.45, 1.1)
    turn = np.eye(3) + rng.normal(0, 0.12, (3, 3))
    turn /= turn.sum(1, keepdims=True)  # grey stays grey, up to the tint
    level = middle + rng.uniform(-0.1, 0.25)
    changed = (photo - middle) @ turn.T * contrast + level + tint
    return np.asarray(changed.clip(0, 1), np.float32)
