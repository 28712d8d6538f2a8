"""A picture's patches as rows of features, and back to a picture."""

import math
from itertools import product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods._pyramid import Size


class Patches(NamedTuple):
    """All patches of a picture.

    Attributes:
        features: (n, d), row by row. The squared distance between two is the mean squared difference between
            their patches, as far as d coordinates capture it.
        size: rows and columns of patches; their product is n.
    """

    features: Tensor
    size: Size


def principal_components(picture: Tensor, patch_size: int, count: int) -> Tensor:
    """Orthonormal filters along which a picture's patches vary most, in descending order.

    Args:
        picture: (C, H, W); patches are taken half a patch apart.
        patch_size: p, in pixels.
        count: number of components; all C p² of them form a rotation, which preserves every distance.

    Returns:
        (min(count, C p²), C, p, p).
    """
    rows = F.unfold(picture[None].cpu().double(), patch_size, stride=max(1, patch_size // 2))[0]
    rows = rows - rows.mean(dim=1, keepdim=True)
    _, vectors = torch.linalg.eigh(rows @ rows.T)
    components: Tensor = vectors.flip(1).T[:count].to(picture)
    return components.reshape(-1, len(picture), patch_size, patch_size)


def patches_of(picture: Tensor, components: Tensor) -> Patches:
    """Project all patches of a (C, H, W) picture onto (d, C, p, p) orthonormal filters."""
    features = F.conv2d(picture[None], components)[0] / math.sqrt(components[0].numel())
    return Patches(features.flatten(1).T.contiguous(), (features.shape[1], features.shape[2]))


def combine_patches(index: Tensor, photo: Tensor, patch_size: int) -> Tensor:
    """Put the photo's patches where they were matched, and average where they overlap.

    Args:
        index: (h, w), indices into the photo's (H' - p + 1) x (W' - p + 1) patches.
        photo: (C, H', W').
        patch_size: p, in pixels.

    Returns:
        (C, h + p - 1, w + p - 1).
    """
    (height, width), columns = index.shape, photo.shape[2] - patch_size + 1
    pixels = photo.flatten(1).T.contiguous()
    corner = index // columns * photo.shape[2] + index % columns
    total = photo.new_zeros(height + patch_size - 1, width + patch_size - 1, len(photo))
    count = photo.new_zeros(height + patch_size - 1, width + patch_size - 1, 1)
    for down, right in product(range(patch_size), repeat=2):
        here = slice(down, down + height), slice(right, right + width)
        total[here] += pixels[corner + (down * photo.shape[2] + right)]
        count[here] += 1
    return (total / count).permute(2, 0, 1)
