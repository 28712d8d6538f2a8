"""Colours that the photo does not have, and colours of the photo that are gone: tints, casts, things of a wrong colour.

Ours. Each colour of one picture looks for the nearest of the other; the two directions are those of Simakov et al.
2008 ("Summarizing Visual Data Using Bidirectional Similarity"). Distances between distributions, such as
`sinct.measures.distribution.colour_distance`, depend on how much of each colour there is, so that violet shadows hardly
count beside a sky larger than the photo's. Here it does not matter how much of a colour the other picture has, only
whether it has it.
"""

from typing import NamedTuple

import torch
from kornia.color import rgb_to_lab
from torch import Tensor

from sinct.pictures.resampling import averaged

CELL = 8
"""Side in pixels of the cells whose mean colours are compared: grain, leaves and fine strokes do not count."""

STEP = 2.0
"""Colours are rounded to multiples of this, in ΔE: about the least difference that is seen between two areas."""


class Colours(NamedTuple):
    """The colours of a picture.

    Attributes:
        steps: (N, 3) different colours, CIELAB (1976) in whole multiples of `STEP`; on the CPU.
        shares: (N,) share of the picture's cells that have each; they add up to 1.
    """

    steps: Tensor
    shares: Tensor


def colours(*pictures: Tensor) -> Colours:
    """Rounded mean colours of a picture's cells, or of those of several pictures together.

    Args:
        pictures: (3, H, W) in [-1, 1], sRGB; one that is smaller than a cell is a single cell.
    """
    # On the CPU: there are few of them, and not every version of torch can find them on Metal.
    steps = torch.cat([(_cells(picture) / STEP).round() for picture in pictures]).cpu()
    found, counts = torch.unique(steps, dim=0, return_counts=True)
    return Colours(found, counts / counts.sum())


def _cells(picture: Tensor) -> Tensor:
    """(3, H, W) sRGB -> (N, 3) CIELAB of the cells' means."""
    rows, columns = (max(1, side // CELL) for side in picture.shape[-2:])
    means = averaged(picture.float().clamp(-1, 1)[None], (rows, columns))
    lab: Tensor = rgb_to_lab((means + 1) / 2)
    return lab[0].flatten(1).T


def nearest(some: Colours, others: Colours) -> Tensor:
    """Distance from each colour to the nearest of the others, whatever their shares: (N,) ΔE (CIE 1976)."""
    lengths = others.steps.square().sum(dim=1)
    found = [
        # |a - b|² = |a|² + |b|² - 2ab, which is exact for whole numbers, and fast. All at once would take much memory.
        part.square().sum(dim=1) + torch.addmm(lengths, part, others.steps.T, alpha=-2).amin(dim=1)
        for part in torch.split(some.steps, 1024)
    ]
    return STEP * torch.cat(found).sqrt()


def foreign(output: Colours, photo: Colours) -> float:
    """See `foreign_colours`."""
    return float((nearest(output, photo).square() * output.shares).sum().sqrt())


def missing(output: Colours, photo: Colours) -> float:
    """See `missing_colours`."""
    return float((nearest(photo, output) * photo.shares).sum())


def foreign_colours(output: Tensor, photo: Tensor) -> float:
    """How far the output's colours are from the photo's nearest: tinted shadows, a sky of another colour, brown grass.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Root mean square over the output's cells in ΔE (CIE 1976), so that a tenth of the picture that is far off
        counts more than a difference everywhere that is hardly seen; 0 where the photo has every colour.
    """
    return foreign(colours(output), colours(photo))


def missing_colours(output: Tensor, photo: Tensor) -> float:
    """How far the photo's colours are from the output's nearest: white that turned blue, black that became grey.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        photo: (3, H', W') in [-1, 1], sRGB.

    Returns:
        Mean over the photo's cells in ΔE (CIE 1976), not squared, because a rare colour of the photo need not
        occur in the painting's scene; 0 where the output has every colour.
    """
    return missing(colours(output), colours(photo))
