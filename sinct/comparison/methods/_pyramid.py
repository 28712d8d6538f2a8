"""Picture sizes from coarse to fine, for methods that work with patches of both pictures."""

import math
from typing import NamedTuple

from torch import Tensor

from sinct.errors import ConfigError, InputError
from sinct.pictures.resampling import antialiased

Size = tuple[int, int]


class Level(NamedTuple):
    """Sizes (height, width) of painting and photo at one level, and its share of all levels' pixels."""

    painting: Size
    photo: Size
    share: float


def plan_levels(painting: Size, photo: Size, *, coarsest: int, ratio: float, patch_size: int) -> list[Level]:
    """Plan a pyramid from coarse to fine that ends with the painting's own size.

    Level k of n is `ratio`^(n - k) times as large as the last; n is chosen so that the painting's shorter side
    begins as near to `coarsest` as possible. The photo is scaled by the same factors, so that a pixel means the
    same everywhere; a photo with more pixels than the painting is first reduced to as many. No side gets
    shorter than a patch.

    Args:
        painting: (height, width) in pixels.
        photo: (height, width) in pixels.
        coarsest: shorter side of the painting at the first level, in pixels; a smaller painting has one level.
        ratio: side of a level divided by the side of the next, in (0, 1).
        patch_size: side of a patch, in pixels.

    Raises:
        ConfigError: a setting is out of range.
        InputError: a picture is smaller than a patch.
    """
    if not 0 < ratio < 1:
        raise ConfigError(f"ratio {ratio} must be between 0 and 1; give 0.75")
    if coarsest < 1 or patch_size < 1:
        raise ConfigError(f"coarsest {coarsest} and patch_size {patch_size} must be 1 px or more")
    for name, size in (("painting", painting), ("photo", photo)):
        if min(size) < patch_size:
            raise InputError(
                f"{name} {size[1]}x{size[0]} px is smaller than a patch of {patch_size} px; "
                "give a larger picture or a smaller patch_size"
            )
    reduction = min(1.0, math.sqrt(math.prod(painting) / math.prod(photo)))
    steps = max(0, round(math.log(coarsest / min(painting)) / math.log(ratio)))
    scales = [ratio**step for step in range(steps, -1, -1)]
    sizes = [
        (_scaled(painting, scale, patch_size), _scaled(photo, reduction * scale, patch_size))
        for scale in scales
    ]
    pixels = sum(math.prod(size) for size, _ in sizes)
    return [Level(mine, its, math.prod(mine) / pixels) for mine, its in sizes]


def _scaled(size: Size, scale: float, least: int) -> Size:
    return max(least, round(size[0] * scale)), max(least, round(size[1] * scale))


def resize(picture: Tensor, size: Size) -> Tensor:
    """Resize (C, H, W) bilinearly, with a wider kernel where it shrinks."""
    if picture.shape[1:] == size:
        return picture
    return antialiased(picture[None], size)[0]
