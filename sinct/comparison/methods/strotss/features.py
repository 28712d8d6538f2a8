"""The features that the distances compare: those of VGG-16 at chosen pixels."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from sinct.networks.vgg import VGG

LAYERS = (
    "relu1_1",
    "relu1_2",
    "relu2_1",
    "relu2_2",
    "relu3_1",
    "relu3_2",
    "relu3_3",
    "relu4_3",
    "relu5_3",
)
"""The layers of a hypercolumn, after the colour, as in the code. Section 2.1 leaves out convolutions 9, 10, 12 and
13; the last two layers would then be relu4_1 and relu5_1."""


def hypercolumns(vgg: VGG, picture: Tensor, positions: Tensor) -> Tensor:
    """Colour and features of all `LAYERS` at the given pixels.

    Args:
        vgg: VGG-16.
        picture: (1, 3, H, W) in [0, 1]; a side below 16 pixels, VGG's minimum, is extended by repeating the edge.
        positions: (n, 2), row and column of each pixel.

    Returns:
        (n, 2179), interpolated bilinearly where the layer is coarser than the picture.

    Section 2.1. After k poolings, pixel (0, 0) of a layer lies in the middle of 2^k × 2^k pixels, as in
    bilinear enlargement. The code puts it at the first of them, and does not interpolate the photo's features.
    """
    height, width = picture.shape[2:]
    padded = F.pad(picture, (0, max(0, 16 - width), 0, max(0, 16 - height)), mode="replicate")
    centres = positions.flip(1).to(picture) + 0.5  # x before y, as grid_sample expects
    columns = [picture[0, :, positions[:, 0], positions[:, 1]].T]
    for name, layer in zip(LAYERS, vgg(padded * 2 - 1, LAYERS), strict=True):
        stride = 2 ** (int(name[4]) - 1)
        size = centres.new_tensor([layer.shape[3], layer.shape[2]])
        grid = (2 * centres / (stride * size) - 1)[None, None]
        sampled = F.grid_sample(layer, grid, mode="bilinear", padding_mode="border", align_corners=False)
        columns.append(sampled[0, :, 0].T)
    return torch.cat(columns, dim=1)


def columns_at(vgg: VGG, picture: Tensor, groups: Sequence[Tensor]) -> Sequence[Tensor]:
    """Hypercolumns at several groups of positions, in one pass through VGG."""
    return torch.split(hypercolumns(vgg, picture, torch.cat(list(groups))), [len(group) for group in groups])


def regular_positions(mask: Tensor, count: int, generator: Generator) -> Tensor:
    """Pixels on a square grid with a random offset.

    Args:
        mask: (H, W), True for pixels that may be taken.
        count: about how many to take; all, if there are no more.
        generator: draws the offset, on the CPU.

    Returns:
        (n, 2), row and column.

    Section 2.5. If the grid misses the mask altogether, as it may a line of pixels, random pixels are taken.
    """
    spacing = max(1.0, (int(mask.sum()) / count) ** 0.5)
    offset = torch.rand(2, generator=generator, dtype=torch.float64) * spacing
    rows, columns = (
        torch.arange(float(start), max(float(start), size), spacing, dtype=torch.float64).long()
        for start, size in zip(offset, mask.shape, strict=True)
    )
    grid = torch.cartesian_prod(rows, columns).to(mask.device)
    chosen = grid[mask[grid[:, 0], grid[:, 1]]]
    return chosen if len(chosen) else random_positions(mask, count, generator)


def random_positions(mask: Tensor, count: int, generator: Generator) -> Tensor:
    """Random pixels, all different: `count` of them, or all if there are fewer.

    Args:
        mask: (H, W), True for pixels that may be taken.
        count: how many to take.
        generator: draws the pixels, on the CPU.

    Returns:
        (n, 2), row and column.
    """
    candidates = mask.nonzero()
    chosen = torch.randperm(len(candidates), generator=generator)[:count]
    return candidates[chosen.to(mask.device)]
