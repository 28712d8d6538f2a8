"""What a generator sees of a painting, and what is kept of it: the same in training and in use.

A training looks at whole pictures once and cuts crops from them; a translation prepares its windows one by one. Both
call `without_strokes`, so that a generator meets in use what it was trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sinct.data.grain import grain_at
from sinct.data.smoothing import ITERATIONS, total_variation_smooth

Cut = Callable[[slice, slice], Tensor]
"""Rows and columns of a picture, in pixels -> (3, H, W) in [-1, 1], on any device."""


@dataclass(frozen=True)
class Content:
    """How a painting is prepared for a generator.

    Attributes:
        smoothing: contrast on [-1, 1] that total-variation smoothing takes out; 0 leaves the painting as it is.
        detail: share of that contrast which the generator still sees, in [0, 1].
        grain: standard deviation of the noise laid over what it sees, in units of [-1, 1].
        seed: of the noise.
    """

    smoothing: float = 0.0
    detail: float = 1.0
    grain: float = 0.0
    seed: int = 0

    @property
    def reach(self) -> int:
        """Pixels beyond a cut, on each side, that its preparation depends on."""
        return ITERATIONS if self.detail < 1 and self.smoothing > 0 else 0


def without_strokes(picture: Tensor, content: Content) -> tuple[Tensor, Tensor]:
    """Reduce brush strokes: what the generator sees without its noise, and the content to be kept.

    Args:
        picture: (3, H, W) in [-1, 1].
        content: how.

    Returns:
        Two of (3, H, W) in [-1, 1]: `detail` of what was smoothed away is left in the first, nothing in the second.
    """
    kept = total_variation_smooth(picture, content.smoothing)
    return torch.lerp(kept, picture, content.detail), kept


def prepare(pixels: Tensor, content: Content) -> Tensor:
    """Bring a whole picture into the form that a generator is trained on, noise included.

    Args:
        pixels: (3, H, W) in [-1, 1].
        content: how.

    Returns:
        (3, H, W), about [-1, 1]; the same for the same seed and size.
    """
    height, width = pixels.shape[1:]
    whole = prepared(lambda rows, columns: pixels[:, rows, columns], height, width, content)
    return whole(slice(0, height), slice(0, width))


def prepared(cut: Cut, height: int, width: int, content: Content) -> Cut:
    """`prepare` cut by cut: each cut is the same as that of the whole picture prepared, to rounding.

    Args:
        cut: gives the picture's pixels.
        height: of the picture in pixels.
        width: of the picture in pixels.
        content: how.
    """
    reach = content.reach

    def prepare_cut(rows: slice, columns: slice) -> Tensor:
        top, left = max(0, rows.start - reach), max(0, columns.start - reach)
        bottom, right = min(height, rows.stop + reach), min(width, columns.stop + reach)
        pixels = cut(slice(top, bottom), slice(left, right))
        if reach:  # otherwise smoothing would be computed to be thrown away
            pixels, _ = without_strokes(pixels, content)
        pixels = pixels[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        if content.grain > 0:
            pixels = pixels + grain_at(rows, columns, content.grain, content.seed).to(pixels)
        return pixels

    return prepare_cut
