"""Pyramids and patches of one picture, for the measures."""

import torch
from torch import Tensor

from sinct.errors import ConfigError
from sinct.pictures.resampling import antialiased


def gaussian_pyramid(picture: Tensor, levels: int, *, smallest: int = 1) -> list[Tensor]:
    """A picture and its halvings, finest first.

    Args:
        picture: (C, H, W).
        levels: most levels.
        smallest: shortest side that a level may have, in pixels; smaller levels are left out.

    Returns:
        (C, H', W') each; half of an odd side is rounded.

    Raises:
        ConfigError: the picture itself is smaller than `smallest`.

    Burt and Adelson 1983 ("The Laplacian Pyramid as a Compact Image Code"), with the triangular filter of bilinear
    interpolation with antialiasing in place of their Gaussian-like one.
    """
    height, width = picture.shape[-2:]
    if min(height, width) < smallest:
        raise ConfigError(
            f"a picture of {width}x{height} px is too small to measure; give one of at least "
            f"{smallest} px per side"
        )
    pyramid = [picture]
    while len(pyramid) < levels:
        size = [round(side / 2) for side in pyramid[-1].shape[-2:]]
        if min(size) < smallest:
            break
        (halved,) = antialiased(pyramid[-1][None], size)
        pyramid.append(halved)
    return pyramid


def sampled_patches(picture: Tensor, patch: int, samples: int, *, seed: int) -> Tensor:
    """Square patches at random positions, each position at most once.

    Args:
        picture: (C, H, W), no side shorter than the patch.
        patch: side of a patch, in pixels.
        samples: number of patches; where there are fewer, all of them in random order.
        seed: seeds the positions, which depend only on it and on the picture's size.

    Returns:
        (N, C patch²), channel by channel.
    """
    height, width = (side - patch + 1 for side in picture.shape[-2:])
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randperm(height * width, generator=generator)[:samples].to(picture.device)
    offsets = torch.arange(patch, device=picture.device)
    rows = (drawn // width)[:, None, None] + offsets[:, None]
    columns = (drawn % width)[:, None, None] + offsets
    return picture[:, rows, columns].transpose(0, 1).flatten(1)
