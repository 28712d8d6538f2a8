"""Borders of a region map that follow the picture's edges (ours).

A map that is drawn by hand misses the edges of what it marks by some pixels, and its own borders would show as lines in
the result. Each region's share of a pixel is therefore filtered with the picture's luminance as the guide (He et al.
2010, "Guided Image Filtering"). That moves it to a near edge, and leaves a soft step where there is none. Where the map
itself explains the picture's colours as well, it stays as it was drawn, so that an exact one is not harmed.

A map with soft borders is (3, h, w) uint8: the region that most of a pixel belongs to, the one that the rest of it
does, and how much that rest is, in 255ths.
"""

from collections.abc import Iterator

import torch
from kornia.filters import box_blur, guided_blur
from torch import Tensor

from sinct.data.regions import FULL
from sinct.pictures.resampling import averaged

REACH = 64
"""The map's longer side divided by the filter's radius: how far a drawn border may be from the edge."""

EDGE = 0.06
"""Standard deviation of luminance on [-1, 1] above which a window holds an edge rather than strokes."""

REPEATS = 2
"""How often the filter moves borders; each time it moves them over part of the way."""

STEEP = 3.0
"""By how much the filter's slopes are made steeper, which are as wide as its windows."""

BETTER = (1.15, 1.4)
"""How many times as much of the picture's contrast a moved border has to explain as the drawn one does, for the moved
one to count at all, and to count alone."""

FAINT = 0.02
"""Contrast on [-1, 1] across a drawn border up to which it follows no edge, so that it is softened."""

SMALLEST = 16
"""Longer side in pixels of a map below which its borders stay as they are."""


def refined_for(labels: Tensor, picture: Tensor) -> Tensor:
    """Let a map's borders follow a picture's edges, see `refined`.

    Args:
        labels: (h, w) uint8, the map.
        picture: (3, H, W) in [-1, 1], of any size with its shape.
    """
    return refined(labels, averaged(picture, (labels.shape[0], labels.shape[1])).cpu().float())


@torch.no_grad()
def refined(labels: Tensor, picture: Tensor) -> Tensor:
    """Let a map's borders follow a picture's edges.

    Args:
        labels: (h, w) uint8, the map.
        picture: (3, h, w) in [-1, 1], on the CPU, at the map's size.

    Returns:
        (3, h, w) uint8, a map with soft borders.
    """
    if max(labels.shape) < SMALLEST or len(torch.unique(labels)) == 1:
        return torch.stack([labels, torch.zeros_like(labels), torch.zeros_like(labels)])
    radius = max(1, round(max(labels.shape) / REACH))
    first = labels
    for _ in range(REPEATS):
        first, second, lead = _filtered(first, picture.mean(dim=0), radius)
    rest = (0.5 - STEEP / 2 * lead).clamp_(0, 0.5)

    drawn, moved = (_explained(each, picture, radius) for each in (labels, first))
    low, high = BETTER
    gain = (moved / drawn.clamp_min(1e-9) - low) / (high - low)
    stays = (1 - gain).clamp_(0, 1) * (drawn / FAINT**2).clamp_(max=1)
    return _mixed(labels, first, second, rest, stays)


def _filtered(labels: Tensor, luminance: Tensor, radius: int) -> tuple[Tensor, Tensor, Tensor]:
    """The two regions that have most of each pixel after filtering, (h, w) each, and by how much the first leads."""
    first, second = torch.zeros_like(labels), torch.zeros_like(labels)
    most, next_most = torch.full(labels.shape, -1.0), torch.full(labels.shape, -1.0)
    # One after another: of many regions, all at once would take much memory.
    for number, own in _regions_in(labels):
        share = guided_blur(
            luminance[None, None],
            own[None, None],
            2 * radius + 1,
            EDGE**2,
            border_type="replicate",
            separable=True,
        )[0, 0].clamp_(0, 1)
        leads, follows = share > most, share > next_most
        second = torch.where(leads, first, second.masked_fill(follows, number))
        next_most = torch.where(leads, most, torch.where(follows, share, next_most))
        first, most = first.masked_fill(leads, number), torch.where(leads, share, most)
    next_most.clamp_(min=0)
    return first, second, (most - next_most) / (most + next_most).clamp_min(1e-6)


def _explained(labels: Tensor, picture: Tensor, radius: int) -> Tensor:
    """Variance of the picture's colours around each pixel that lies between regions rather than within, (h, w)."""
    between = torch.zeros(labels.shape)
    for _, own in _regions_in(labels):
        share = _around(own[None], radius)[0]
        sums = _around(own * picture, radius)
        between += sums.square().sum(dim=0) / share.clamp_min(1e-3)
    return (between - _around(picture, radius).square().sum(dim=0)).clamp_(min=0)


def _around(maps: Tensor, radius: int) -> Tensor:
    """Mean of (C, h, w) in the window around each pixel."""
    return box_blur(maps[None], 2 * radius + 1, border_type="replicate", separable=True)[0]


def _regions_in(labels: Tensor) -> Iterator[tuple[int, Tensor]]:
    """The number of each region of a map, and where it is, (h, w) float32."""
    for number in torch.unique(labels).tolist():
        yield number, (labels == number).float()


def _mixed(labels: Tensor, first: Tensor, second: Tensor, rest: Tensor, stays: Tensor) -> Tensor:
    """A map whose pixels belong as much to the drawn region as `stays` says, and else to the two others.

    Where the drawn one is neither of these, the larger part takes all.
    """
    strange = (labels != first) & (labels != second)
    share = rest * (1 - stays) + torch.where(labels == second, stays, 0.0)
    share = torch.where(strange, torch.where(stays > 0.5, 0.0, rest), share)
    first = torch.where(strange & (stays > 0.5), labels, first)
    swapped = share > 0.5
    share = torch.where(swapped, 1 - share, share)
    first, second = torch.where(swapped, second, first), torch.where(swapped, first, second)
    return torch.stack([first, second, share.mul(FULL).round().to(torch.uint8)])
