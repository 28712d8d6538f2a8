"""What a generator sees of a painting, and what it should keep: the same in training and in use.

Training prepares whole pictures once and cuts crops from them; translation prepares one window after another. Both
smooth and recolour alike, so that in use a generator sees what it was trained on.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from sinct.data.colours import ROUGHNESS_REACH, Spread, fit_colours, recolour, roughness, spread_of
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
        spread: mean and standard deviation of the painting's roughness, on which that map depends.
    """

    smoothing: float = 0.0
    detail: float = 1.0
    grain: float = 0.0
    seed: int = 0
    colours: tuple[float, ...] = ()
    spread: tuple[float, float] = Spread()

    @property
    def reach(self) -> int:
        """How many pixels around a cut its preparation depends on, on each side."""
        smoothed = self.smoothing > 0 and (self.detail < 1 or self.colours)
        return (ITERATIONS if smoothed else 0) + (ROUGHNESS_REACH if self.colours else 0)


def without_strokes(picture: Tensor, content: Content) -> tuple[Tensor, Tensor]:
    """Reduce brush strokes, and give it the photo's colours, for what the generator sees and for the content to keep.

    Args:
        picture: (3, H, W) in [-1, 1].
        content: how to prepare it.

    Returns:
        Two pictures (3, H, W) in [-1, 1], without grain: the first keeps the share `detail` of what is smoothed
        away, the second none of it.
    """
    seen, kept, rough = _separated(picture, content)
    return _recoloured(seen, rough, content), _recoloured(kept, rough, content)


def _separated(picture: Tensor, content: Content) -> tuple[Tensor, Tensor, Tensor]:
    """What `without_strokes` returns, in the picture's own colours, and its roughness, if the colours depend on it."""
    kept = total_variation_smooth(picture, content.smoothing)
    rough = roughness(picture, kept) if content.colours else picture[:1]
    return torch.lerp(kept, picture, content.detail), kept, rough


def _recoloured(pixels: Tensor, rough: Tensor, content: Content) -> Tensor:
    """Give pixels the photo's colours, unless no map is known."""
    return recolour(pixels, rough, content.colours, Spread(*content.spread)) if content.colours else pixels


def with_colours(content: Content, paintings: Sequence[Tensor], photos: Sequence[Tensor]) -> Content:
    """Add the map from the paintings' colours to the photos' to how paintings are prepared.

    Args:
        content: how to prepare them otherwise.
        paintings: one or more (3, H, W) in [-1, 1], translated alike.
        photos: one or more (3, H, W) in [-1, 1].
    """
    colours = fit_colours(paintings, photos, content.smoothing)
    return for_pictures(replace(content, colours=colours), paintings)


def for_pictures(content: Content, pictures: Sequence[Tensor]) -> Content:
    """Say how rough pictures are, (3, H, W) each, on which a map of colours depends; all count the same."""
    if not content.colours:
        return content
    maps = [roughness(picture, total_variation_smooth(picture, content.smoothing)) for picture in pictures]
    return replace(content, spread=spread_of(maps))


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
            kept_rows = slice(rows.start - top, rows.stop - top)
            kept_columns = slice(columns.start - left, columns.stop - left)
            seen, _, rough = (each[:, kept_rows, kept_columns] for each in _separated(pixels, content))
            pixels = _recoloured(seen, rough, content)
        if content.grain > 0:
            pixels = pixels + grain_at(rows, columns, content.grain, content.seed).to(pixels)
        return pixels

    return prepare_cut
