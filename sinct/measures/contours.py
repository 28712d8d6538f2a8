"""What painters and sharpening put at the border of things: drawn outlines and light rims."""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.errors import ConfigError
from sinct.pictures.contrast import blurred

THIN = 1.0
"""Standard deviation in pixels of the blur before lines are found: they are 1 to 4 px wide."""

LONG = 8
"""How far a line must go on both ways, in pixels."""

DEEP = 4.0
"""By how much a line must be darker than the ground on either side, in L*."""

RIMS = (1.5, 3.0, 5.0)
"""Scales in pixels at which rims are looked for: each is up to 3.2 scales away from the edge."""

STEP = 10.0
"""Least difference in L* between the two sides of an edge that may have a rim."""

CALM = 0.1
"""How much the ground beyond a rim may vary, as a share of the step: in grass or leaves, every edge would have one."""

FEWEST = 200
"""Pixels of edges below which there is no rim: on restless ground, some places are calm by chance."""


def outlines(output: Tensor, photo: Tensor) -> float:
    """How many more drawn outlines the output has than the photo.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Difference of their `dark_lines`; 0 where the photo has as many, or more.

    Raises:
        ConfigError: a side of a picture is shorter than 3 px.
    """
    return max(0.0, dark_lines(output) - dark_lines(photo))


def dark_lines(picture: Tensor) -> float:
    """Length of the thin dark lines in a picture, less that of the thin light ones.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.

    Returns:
        Pixels of line in a thousand pixels of the picture; 0 where there are as many light lines as dark ones, as
        among leaves, stones and bricks, or more.

    Raises:
        ConfigError: a side is shorter than 3 px.

    Lines are found as in Steger 1998 ("An Unbiased Detector of Curvilinear Structures", section 2). Ours is that they
    must be `DEEP` below both sides all the way, `LONG` in both directions.
    """
    lightness = _lightness(picture)
    return 1000 * max(0, _lines(lightness) - _lines(-lightness)) / lightness.numel()


def _lines(lightness: Tensor) -> int:
    """(H, W) -> pixels that lie on dark lines."""
    smooth = _smoothed(lightness, THIN)
    gy, gx = torch.gradient(smooth)
    (yy, xy), (_, xx) = torch.gradient(gy), torch.gradient(gx)
    across = 0.5 * torch.atan2(2 * xy, xx - yy)  # direction of the greatest curvature
    cos, sin = across.cos(), across.sin()
    curvature = (xx + yy + torch.hypot(xx - yy, 2 * xy)) / 2
    offset = (gx * cos + gy * sin).abs() * torch.maximum(cos.abs(), sin.abs())
    lowest = (curvature > 0) & (
        offset <= 0.6 * curvature
    )  # the minimum lies in this pixel, give or take a tenth
    at, normal = lowest.nonzero().float(), torch.stack([sin[lowest], cos[lowest]], dim=1)
    flanks = torch.stack([_sampled(smooth, at + side * 2.5 * THIN * normal) for side in (-1, 1)])
    depth = (flanks.amin(dim=0) - smooth[lowest]).clamp_min(0)
    depths = torch.zeros_like(smooth)
    depths[lowest] = depth
    near = F.max_pool2d(depths[None], 3, 1, 1)[0]  # a line that goes on one pixel aside goes on
    along = normal.flip(1) * normal.new_tensor([1, -1])
    for distance in range(2, LONG + 1, 2):
        for side in (-1, 1):
            depth = torch.minimum(depth, _sampled(near, at + side * distance * along))
    return int((depth > DEEP).sum())


def light_rims(output: Tensor, photo: Tensor) -> float:
    """How much lighter the rims along the output's edges are than those along the photo's.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Difference of their `overshoot`; 0 where the photo's is as high, or higher.

    Raises:
        ConfigError: a side of a picture is shorter than 3 px.
    """
    return max(0.0, overshoot(output) - overshoot(photo))


def overshoot(picture: Tensor) -> float:
    """How far edges against calm, lighter ground overshoot: the light rim that sharpening leaves.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.

    Returns:
        By how much the ground beside the edge is lighter than the lightest further out, in percent of the step
        between the two sides; the upper quartile over all edges, mean over `RIMS`. 0 where there are no rims, or
        hardly any such edges.

    Raises:
        ConfigError: a side is shorter than 3 px.

    Ours. Edges are where the gradient is greatest in its own direction (Canny 1986).
    """
    lightness = _lightness(picture)
    return max(0.0, sum(_overshoot(lightness, scale) for scale in RIMS) / len(RIMS))


def _overshoot(lightness: Tensor, scale: float) -> float:
    gradient = torch.stack(torch.gradient(_smoothed(lightness, scale)))
    slope = gradient.norm(dim=0)
    steep = slope > 0.3 * STEP / scale
    at = steep.nonzero().float()
    normal = (gradient[:, steep] / slope[steep]).T  # towards the light side
    beside = torch.maximum(_sampled(slope, at + normal), _sampled(slope, at - normal))
    crest = slope[steep] >= beside
    at, normal = at[crest], normal[crest]
    reach = 8 * scale
    limit = at.new_tensor(lightness.shape) - 1
    ends = torch.stack([at + reach * normal, at - reach * normal])
    inside = ((ends >= 0) & (ends <= limit)).all(dim=2).all(dim=0)
    at, normal = at[inside], normal[inside]
    fine = _smoothed(lightness, scale / 2)

    def ground(steps: Iterable[int]) -> Tensor:
        return torch.stack([_sampled(fine, at + 0.8 * scale * step * normal) for step in steps])

    far, dark = ground(range(6, 11)), ground(range(-10, -5))
    step = far.mean(dim=0) - dark.mean(dim=0)
    counted = (step > STEP) & (far.amax(dim=0) - far.amin(dim=0) < CALM * step)
    if counted.sum() < FEWEST:
        return 0.0
    rim = ground(range(2, 5)).amax(dim=0) - far.amax(dim=0)
    shares = (rim / step)[counted].sort().values
    return 100 * float(shares[int(0.75 * (len(shares) - 1))])


def _lightness(picture: Tensor) -> Tensor:
    """(3, H, W) -> (H, W) L* in [0, 100]."""
    height, width = picture.shape[-2:]
    if min(height, width) < 3:
        raise ConfigError(
            f"a picture of {width}x{height} px is too small to look for lines; give one of at least 3 px per side"
        )
    lightness: Tensor = rgb_to_lab((picture.clamp(-1, 1) + 1) / 2)[0]
    return lightness


def _sampled(values: Tensor, at: Tensor) -> Tensor:
    """(H, W) at (N, 2) rows and columns -> (N,), bilinear; beyond the border, the border's."""
    size = at.new_tensor(values.shape) - 1
    grid = (2 * at / size - 1).clamp(-1, 1).flip(1)[None, None]
    return F.grid_sample(values[None, None], grid, align_corners=True)[0, 0, 0]


def _smoothed(values: Tensor, deviation: float) -> Tensor:
    """(H, W) -> (H, W)."""
    return blurred(values[None, None], deviation)[0, 0]
