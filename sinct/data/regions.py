"""Regions of a painting and of photos that belong together, such as sky and sky (ours).

A region is what one colour of the region maps covers (`sinct.pictures.regions`). Each has its own way from a painting's
colours and strokes to those of its photos (`Look`), and crops of the two meet only within it.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.data.colours import Spread
from sinct.data.texture import Texture
from sinct.errors import InputError, Remark
from sinct.pictures.resampling import nearest

ELSEWHERE = 0
"""Number of what has no counterpart: it learns from the whole of all photos."""

SMALLEST = 0.002
"""Share of a picture that a region needs to cover, so that there are colours and crops to learn from."""

FULL = 255
"""What stands for all of a pixel in a map with soft borders."""

STORED_SIDE = 1024
"""Longer side in pixels at which a painting's map is kept; between its pixels, regions blend."""


class RegionMaps(NamedTuple):
    """Which region each pixel belongs to.

    Attributes:
        painting: (h, w) uint8, numbers from `ELSEWHERE`, at up to `STORED_SIDE` px.
        photos: (H, W) uint8 for each photo, at its own size.
        total: how many regions have a counterpart; they are numbered from 1.
        colours: what the painting's map calls each of its regions, with its number.
    """

    painting: Tensor
    photos: Sequence[Tensor]
    total: int
    colours: Mapping[str, int] = MappingProxyType({})

    @property
    def sha256(self) -> str:
        """Hash of all of them."""
        digest = hashlib.sha256()
        for labels in (self.painting, *self.photos):
            digest.update(repr(tuple(labels.shape)).encode() + labels.contiguous().numpy().tobytes())
        return digest.hexdigest()


class Look(NamedTuple):
    """A way from a painting's colours and strokes to those of photos, see `sinct.data.content.Content`.

    Attributes:
        colours: coefficients of the map of colours.
        spread: of the painting's roughness.
        left: of what is left of it without strokes.
        texture: the photos' detail.
    """

    colours: tuple[float, ...] = ()
    spread: tuple[float, float] = Spread()
    left: tuple[float, float] = Spread()
    texture: Texture | None = None


@dataclass(frozen=True)
class Regions:
    """The looks of a painting's regions.

    Attributes:
        labels: (h, w) uint8, which region each place belongs to, or with soft borders (3, h, w), see
            `sinct.data.region_borders`; stretched over the picture, whatever its size.
        looks: those of regions 1, 2, ...; `ELSEWHERE` has the content's own.
        colours: what the painting's map called them, such as "#87ceeb", with their numbers; some may have none of
            their own, and the number of `ELSEWHERE`. Empty in models of earlier versions.
    """

    labels: Tensor
    looks: tuple[Look, ...]
    colours: Mapping[str, int] = field(default_factory=dict)


def matched_regions(
    painting: Tensor, photos: Sequence[Tensor], names: Sequence[str]
) -> tuple[RegionMaps, list[Remark]]:
    """Find the regions that painting and photos share.

    Args:
        painting: (H, W) int64, labels from 0 (`sinct.pictures.regions.read_regions`).
        photos: (H', W') int64 for each photo, with the same labels.
        names: what the map calls each label, for remarks.

    Returns:
        The maps, and remarks on regions of the painting that have no counterpart.

    Raises:
        InputError: no region has one.
    """
    count = len(names)
    own = _shares(painting, count)
    theirs = torch.stack([_shares(photo, count) for photo in photos]).amax(dim=0)
    shared = (own >= SMALLEST) & (theirs >= SMALLEST)
    if not shared.any():
        raise InputError(
            "the region maps have no colour in common that covers enough of both pictures "
            f"({SMALLEST:.1%} of each); paint what belongs together in the same flat colour and save as PNG"
        )
    numbers = torch.where(shared, shared.cumsum(0), ELSEWHERE).to(torch.uint8)
    remarks = [
        Remark(
            "regions",
            f"{names[label]} covers {own[label]:.0%} of the painting's map and "
            f"{'too little' if theirs[label] > 0 else 'nothing'} of the photos'; it learns from all of the photos",
        )
        for label in (own >= SMALLEST).logical_and(~shared).nonzero()[:, 0].tolist()
    ]
    maps = RegionMaps(
        nearest(numbers[painting], *stored_size(*painting.shape)),
        [numbers[photo] for photo in photos],
        int(shared.sum()),
        {name: int(number) for name, number, share in zip(names, numbers, own, strict=True) if share > 0},
    )
    return maps, remarks


def stored_size(height: int, width: int) -> tuple[int, int]:
    """Height and width in pixels of the map that is kept of a picture of this size."""
    scale = min(1.0, STORED_SIDE / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _shares(labels: Tensor, count: int) -> Tensor:
    return torch.bincount(labels.flatten(), minlength=count).double() / labels.numel()


def region_weights(
    labels: Tensor, rows: slice, columns: slice, height: int, width: int
) -> Iterator[tuple[int, Tensor | None]]:
    """How much each region counts in a cut of a picture that a map is stretched over.

    Args:
        labels: (h, w) uint8, or with soft borders (3, h, w), see `sinct.data.region_borders`.
        rows, columns: the cut.
        height, width: of the picture.

    Yields:
        The number of a region that the cut shows, and (1, H', W') on the CPU, or None for a region that it shows alone;
        all add up to 1. Between the map's pixels they are interpolated bilinearly, the same in whichever cut.
    """
    above, below, down = _between(labels.shape[-2], rows, height)
    before, behind, across = _between(labels.shape[-1], columns, width)
    corners = [labels[..., first, :][..., second] for first in (above, below) for second in (before, behind)]
    numbers = torch.stack(corners)
    shown = torch.unique(numbers if labels.dim() == 2 else _shown(numbers))
    if len(shown) == 1:
        yield int(shown), None
        return
    for number in shown.tolist():
        a, b, c, d = (share_of(corner, number) for corner in corners)
        upper, lower = torch.lerp(a, b, across), torch.lerp(c, d, across)
        yield number, torch.lerp(upper, lower, down[:, None])[None]


def share_of(labels: Tensor, number: int) -> Tensor:
    """How much of each pixel of a map, (h, w) or (3, h, w), belongs to a region, (h, w) from 0 to 1."""
    if labels.dim() == 2:
        return (labels == number).float()
    first, second, share = labels
    share = share.float() / FULL
    return torch.where(first == number, 1 - share, 0.0) + torch.where(second == number, share, 0.0)


def own_labels(labels: Tensor) -> Tensor:
    """The region that each pixel of a map, (h, w) or (3, h, w), belongs to most, (h, w)."""
    return labels if labels.dim() == 2 else labels[0]


def _shown(numbers: Tensor) -> Tensor:
    """The regions that pixels with soft borders, (N, 3, H, W), show, each at least once, (M,)."""
    first, second, share = numbers.unbind(1)
    return torch.cat([first.flatten(), second[share > 0]])


def _between(before: int, cut: slice, length: int) -> tuple[Tensor, Tensor, Tensor]:
    """The pixels of a map on both sides of each in a cut along one axis, and how far it is towards the second."""
    places = (torch.arange(cut.start, cut.stop, dtype=torch.float64) + 0.5) * before / length - 0.5
    places = places.clamp_(0, before - 1)
    first = places.long().clamp_(max=max(0, before - 2))
    return first, (first + 1).clamp_(max=before - 1), (places - first).float()


def blended(
    labels: Tensor | None,
    rows: slice,
    columns: slice,
    height: int,
    width: int,
    made: Callable[[int], Tensor],
) -> Tensor:
    """What is made of a cut for each region that it shows, each where it belongs.

    Args:
        labels, rows, columns, height, width: see `region_weights`; without labels, all is `ELSEWHERE`.
        made: makes (C, H', W') for the region of this number.
    """
    if labels is None:
        return made(ELSEWHERE)
    result: Tensor | None = None
    for number, weight in region_weights(labels, rows, columns, height, width):
        part = made(number)
        if weight is None:
            return part
        part = part * weight.to(part)
        result = part if result is None else result.add_(part)
    assert result is not None
    return result
