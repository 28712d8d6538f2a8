"""What a generator sees of a painting, and what it should keep: the same in training and in use.

Training prepares whole pictures once and cuts crops from them; translation prepares one window after another. Both
smooth and recolour alike, so that in use a generator sees what it was trained on.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from sinct.data.colours import recolour
from sinct.data.grain import grain_at
from sinct.data.smoothing import ITERATIONS, total_variation_smooth

Cut = Callable[[slice, slice], Tensor]
"""Rows and columns of a picture, in pixels -> (3, H, W) in [-1, 1], on any device."""


@dataclass(frozen=True)
class Content:
    """How a painting is prepared for a generator.

    Attributes:
        smoothing: contrast on [-1, 1] that total-variation smoothing removes; 0 leaves the painting unchanged.
        detail: share of that contrast that the generator still sees, in [0, 1].
        grain: standard deviation of the noise added to what it sees, in units of [-1, 1].
        seed: seeds the noise.
        colours: the map from the painting's colours to the photo's, see `sinct.data.colours`; none leaves them.
    """

    smoothing: float = 0.0
    detail: float = 1.0
    grain: float = 0.0
    seed: int = 0
    colours: tuple[float, ...] = ()

    @property
    def reach(self) -> int:
        """How many pixels around a cut its preparation depends on, on each side."""
        return ITERATIONS if self.detail < 1 and self.smoothing > 0 else 0


def without_strokes(picture: Tensor, content: Content) -> tuple[Tensor, Tensor]:
    """Reduce brush strokes, and give it the photo's colours, for what the generator sees and for the content to keep.

    Args:
        picture: (3, H, W) in [-1, 1].
        content: how to prepare it.

    Returns:
        Two pictures (3, H, W) in [-1, 1], without grain: the first keeps the share `detail` of what is smoothed
        away, the second none of it.
    """
    seen, kept = _smoothed(picture, content)
    return recolour(seen, content.colours), recolour(kept, content.colours)


def _smoothed(picture: Tensor, content: Content) -> tuple[Tensor, Tensor]:
    """What `without_strokes` returns, in the picture's own colours."""
    kept = total_variation_smooth(picture, content.smoothing)
    return torch.lerp(kept, picture, content.detail), kept


def prepare(pixels: Tensor, content: Content) -> Tensor:
    """Bring a whole picture into the form that a generator is trained on, grain included.

    Args:
        pixels: (3, H, W) in [-1, 1].
        content: how to prepare it.

    Returns:
        (3, H, W), about [-1, 1]; repeatable for the same seed and size.
    """
    height, width = pixels.shape[1:]
    whole = prepared(lambda rows, columns: pixels[:, rows, columns], height, width, content)
    return whole(slice(0, height), slice(0, width))


def prepared(cut: Cut, height: int, width: int, content: Content) -> Cut:
    """Do what `prepare` does, cut by cut: up to rounding, each cut equals that of the whole prepared picture.

    Args:
        cut: returns the picture's pixels.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        content: how to prepare it.
    """
    reach = content.reach

    def prepare_cut(rows: slice, columns: slice) -> Tensor:
        top, left = max(0, rows.start - reach), max(0, columns.start - reach)
        bottom, right = min(height, rows.stop + reach), min(width, columns.stop + reach)
        pixels = cut(slice(top, bottom), slice(left, right))
        if reach:  # otherwise the result of smoothing would be thrown away
            pixels, _ = _smoothed(pixels, content)
        pixels = pixels[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        pixels = recolour(pixels, content.colours)
        if content.grain > 0:
            pixels = pixels + grain_at(rows, columns, content.grain, content.seed).to(pixels)
        return pixels

    return prepare_cut
