"""Where to look closely: the places where the methods differ most."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

CROP_SIZE = 192
"""Side of a crop in pixels."""

PLACES = 4
"""Most places to show."""

_NEIGHBOURHOOD = 31
"""Side in pixels of the neighbourhoods over which contrast is equalised."""

_FAINT = 0.1
"""Contrast in [0, 2] below which a neighbourhood stays faint instead of being amplified."""


class Place(NamedTuple):
    """A square of a picture, in pixels."""

    left: int
    top: int
    size: int

    def cut(self, picture: Image.Image) -> Image.Image:
        """Cut the square out of a picture."""
        return picture.crop((self.left, self.top, self.left + self.size, self.top + self.size))


def disagreement(pictures: Iterable[Tensor]) -> Tensor:
    """How much pictures of the same scene differ in what they draw, not in their tones.

    Args:
        pictures: one or more, each (3, H, W) in [-1, 1]; read one by one, so that few are in memory at once.

    Returns:
        (H, W) variance between the pictures, averaged over channels, after each picture's neighbourhoods
        have been brought to zero mean and, above a threshold, to equal contrast; 0 for equal pictures.
    """
    count, total, squares = 0, torch.zeros(()), torch.zeros(())
    for picture in pictures:
        mean = _blur(picture)
        deviation = (_blur(picture.square()) - mean.square()).clamp_(min=0).sqrt_()
        normal = (picture - mean) / (deviation + _FAINT)
        count, total, squares = count + 1, total + normal, squares + normal.square()
    return (squares / count - (total / count).square()).clamp_(min=0).mean(dim=0)


def _blur(x: Tensor) -> Tensor:
    """Mean over each pixel's neighbourhood, as far as it lies inside the picture, (3, H, W) -> (3, H, W)."""
    for sides in ((1, _NEIGHBOURHOOD), (_NEIGHBOURHOOD, 1)):
        padding = (sides[0] // 2, sides[1] // 2)
        x = F.avg_pool2d(x, sides, stride=1, padding=padding, count_include_pad=False)
    return x


def highest_places(score: Tensor, size: int, count: int) -> list[Place]:
    """Squares with the highest mean score that do not overlap, the highest first.

    Any two are also at least a third of the picture apart, across or down, so that they show different things.

    Args:
        score: (H, W).
        size: side of the squares, at most the shorter side of the picture.
        count: most squares; there are fewer where no more fit.
    """
    step = max(1, size // 8)
    means = F.avg_pool2d(score[None], size, stride=step)[0]
    rows, columns = (torch.arange(n) for n in means.shape)
    down, across = (-(-max(size, side // 3) // step) for side in score.shape)  # in steps of the grid
    found: list[Place] = []
    while len(found) < count and not means.isneginf().all():
        row, column = divmod(int(means.argmax()), means.shape[1])
        found.append(Place(column * step, row * step, size))
        near = ((rows - row).abs() < down)[:, None] & ((columns - column).abs() < across)
        means = means.masked_fill(near, -torch.inf)
    return found


def choose_places(
    painting: Image.Image, results: Sequence[Image.Image], size: int | None = None, count: int = PLACES
) -> list[Place]:
    """Places where results differ most, or where a single result differs from the painting; all the same size.

    Args:
        painting: sets the size of the results.
        results: one or more pictures of that size.
        size: side of the places in pixels; None takes `CROP_SIZE`, or half of a small picture's shorter side.
        count: most places.
    """
    compared = results if len(results) > 1 else [painting, *results]
    if size is None:
        size = min(CROP_SIZE, min(painting.size) // 2)
    return highest_places(disagreement(map(_tensor, compared)), size, count) if size else []


def similar_place(photo: Image.Image, crops: Iterable[Image.Image], size: int) -> Place:
    """The photo's square whose mean colour and contrast come closest to those of some crops.

    It shows the texture that these crops should have, though not necessarily the same things.
    """
    size = min(size, *photo.size)
    step = max(1, size // 8)
    wanted = torch.stack([_look(_tensor(crop), min(crop.size), 1)[:, 0, 0] for crop in crops]).mean(dim=0)
    distance = (_look(_tensor(photo), size, step) - wanted[:, None, None]).square().sum(dim=0)
    row, column = divmod(int(distance.argmin()), distance.shape[1])
    return Place(column * step, row * step, size)


def _look(picture: Tensor, size: int, step: int) -> Tensor:
    """(4, rows, columns): each square's mean per channel, and its standard deviation."""
    mean = F.avg_pool2d(picture, size, stride=step)
    variance = F.avg_pool2d(picture.square(), size, stride=step) - mean.square()
    return torch.cat([mean, variance.mean(dim=0, keepdim=True).clamp_(min=0).sqrt_()])


def _tensor(picture: Image.Image) -> Tensor:
    """(3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.array(picture)).movedim(2, 0).float().div_(127.5).sub_(1)
