"""How wide a painting's strokes are (ours)."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.data.smoothing import rolling_guidance

WIDEST = 16.0
"""Width in pixels of the widest strokes that are looked for; what is wider counts as a shape."""

CELL = 32
"""Side in pixels of the cells in which strokes are measured."""

WEAVE = 1.0
"""Standard deviation in pixels of the blur before measuring, so that canvas, grain and JPEG's noise hardly count."""


@torch.no_grad()
def stroke_width(paintings: Sequence[Tensor]) -> float:
    """Estimate the width of the strokes that paintings are made of, in pixels.

    What rolling guidance takes away at the widest scale is strokes, as far as a cell shows no edge of a shape.
    Across them, it swings like a wave whose length follows from the energies of the swing and of its slope (Rice
    1944); half a wave is a stroke. The answer is the median over the cells, weighted by their swing.

    Args:
        paintings: (3, H, W) in [-1, 1]; one answer is given for all.

    Returns:
        At most `WIDEST`; 0 for pictures without any swing.
    """
    widths, weights = zip(*(_cells(painting) for painting in paintings), strict=True)
    return _weighted_median(torch.cat(widths), torch.cat(weights))


def _cells(painting: Tensor) -> tuple[Tensor, Tensor]:
    """Width of the strokes in each cell of (3, H, W), and its weight, (N,) each."""
    detail = (painting - rolling_guidance(painting, WIDEST)).mean(dim=0)[None, None]
    detail = gaussian_blur2d(detail, (7, 7), (WEAVE, WEAVE), border_type="replicate")
    down = F.pad(detail, (0, 0, 0, 1), mode="replicate").diff(dim=2)
    across = F.pad(detail, (0, 1, 0, 0), mode="replicate").diff(dim=3)
    maps = torch.cat([detail.square(), down.square(), across.square(), down * across], dim=1)
    swing, yy, xx, yx = F.avg_pool2d(maps, min(CELL, *painting.shape[1:]))[0].flatten(1)
    slope = (yy + xx) / 2 + (((yy - xx) / 2).square() + yx.square()).sqrt()
    widths = math.pi * (swing / slope.clamp_min(1e-12)).sqrt()
    return widths.clamp(max=WIDEST), swing.sqrt()


def _weighted_median(values: Tensor, weights: Tensor) -> float:
    """Value at which half of the weight is reached; 0 where there is no weight."""
    order = values.argsort()
    reached = weights[order].cumsum(0)
    if reached[-1] <= 1e-6:
        return 0.0
    return float(values[order][int((reached < reached[-1] / 2).sum())])
