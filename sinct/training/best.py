"""Which state of a training to keep: the last step of a GAN is seldom its best."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any, NamedTuple

import torch
from torch import Tensor

from sinct.data.crops import excerpt_slices
from sinct.measures.casts import Colours, colours, foreign, missing
from sinct.measures.distribution import (
    colour_distribution,
    distribution_distance,
    patch_distributions,
    pooled,
    wasserstein,
)
from sinct.measures.structure import coarse_edges, edge_agreement
from sinct.training.loop import Loop

FIRST_LOOK = 0.75
"""Progress from which states are compared; before that, a high learning rate makes them noisy."""

LOOKS = 5
"""How often the picture is looked at from there to the end."""

PIXELS = 250_000
"""Pixels that are scored, of all paintings together; a painting with no more than its share is scored whole."""

PLACES = ((0, 1 / 3), (1 / 3, 1), (2 / 3, 0), (1, 2 / 3))
"""Where windows of a larger painting lie, from its top and from its left, each from 0 to 1. Each is at a height of its
own, so that of a picture of 1 MP nearly all heights are seen, the sky too. More and smaller windows would spend more
of the generator's time on their margins."""

EDGES = (32, 64, 128)
"""Longer sides in pixels to which a whole painting is reduced before its edges are compared."""

FEWEST = 8
"""Least longer side in pixels to which a window is reduced for that."""

CASTS = 4.0
"""Casts in ΔE of a painting from which on those of its translation count relative to them. A painting in the photo's
own colours would make the least change of colour decide."""


def windows(height: int, width: int, number: int, count: int) -> list[tuple[slice, slice]]:
    """Rows and columns of the windows by which a painting is judged, at its own resolution.

    Args:
        height: height of the painting, in pixels.
        width: width of the painting, in pixels.
        number: number of the painting in its series, from 0.
        count: paintings in the series. They share the places, so that together they are judged from top to bottom.

    Returns:
        Windows of the painting's shape, of `PIXELS` together over the whole series, or the painting as a whole.
    """
    own = PLACES[number % len(PLACES) :: count]
    pixels = PIXELS // max(len(PLACES), count)
    if height * width <= pixels * len(own):
        return [(slice(0, height), slice(0, width))]
    return [excerpt_slices(height, width, pixels, *place) for place in own]


@torch.no_grad()
def make_score(
    painting: Sequence[Tensor], photos: Sequence[Tensor], *, share: float = 1.0
) -> Callable[[Sequence[Tensor]], float]:
    """Make a score for translations from statistics and structure together; lower is better.

    The score is the mean of three distances to the nearest photo, of colours, of patches without their means, and
    of casts (colours that one has and the other has not), each relative to the painting's distance, plus 1 minus
    the similarity of its edges to the painting's. The painting itself scores about 1, and so does a picture with
    the photo's statistics that shows nothing of the painting.

    Args:
        painting: windows of the painting, (3, H, W) in [-1, 1] each, which are judged together.
        photos: (3, H', W') in [-1, 1] each.
        share: longer side of a window by that of the whole painting, so that edges are compared at the same scale
            in both.

    Returns:
        Function from the translations of these windows, (3, H, W) in [-1, 1] each, to their score.

    Raises:
        ConfigError: a window or a photo is smaller than a patch.
    """
    sizes = _edge_sizes(painting[0], share)
    targets = [_statistics([photo]) for photo in photos]

    def distances(views: Sequence[Tensor]) -> Tensor:
        seen = _statistics(views)
        return torch.tensor(min((_distances(seen, target) for target in targets), key=sum))

    scale = torch.maximum(distances(painting), torch.tensor([1e-6, 1e-6, CASTS]))
    kept = _edges(painting, sizes)

    def score(translation: Sequence[Tensor]) -> float:
        pairs = zip(_edges(translation, sizes), kept, strict=True)
        similarity = fmean(float(edge_agreement(made, wanted)) for made, wanted in pairs)
        return float((distances(translation) / scale).mean()) + 1 - similarity

    return score


def make_judge(painting: Tensor, photos: Sequence[Tensor]) -> Callable[[Tensor], float]:
    """Make the same score for whole translations of one painting, by the windows in which its states are compared.

    Args:
        painting: (3, H, W) in [-1, 1].
        photos: (3, H', W') in [-1, 1] each.

    Returns:
        Function from a translation, (3, H, W) in [-1, 1], to its score, see `make_score`.

    Raises:
        ConfigError: a window or a photo is smaller than a patch.
    """
    height, width = painting.shape[1:]
    places = windows(height, width, 0, 1)
    views = [painting[:, rows, columns] for rows, columns in places]
    score = make_score(views, photos, share=max(views[0].shape[1:]) / max(height, width))
    return lambda translation: score([translation[:, rows, columns] for rows, columns in places])


class _Statistics(NamedTuple):
    """Distributions of colours and patches, and which colours there are."""

    colours: Tensor
    patches: list[Tensor]
    palette: Colours


def _statistics(views: Sequence[Tensor]) -> _Statistics:
    """Statistics of several pictures together, (3, H, W) in [-1, 1] each."""
    views = [view.cpu() for view in views]
    samples = 8192 // len(views)
    patches = [
        patch_distributions(view, without_means=True, projections=32, samples=samples) for view in views
    ]
    return _Statistics(
        pooled([colour_distribution(view, projections=32, samples=samples) for view in views]),
        [pooled(level) for level in zip(*patches, strict=True)],
        colours(*views),
    )


def _distances(seen: _Statistics, photo: _Statistics) -> tuple[float, float, float]:
    """Distances of colours (ΔE), patches (grey levels) and casts (ΔE)."""
    return (
        float(wasserstein(seen.colours, photo.colours).mean()),
        distribution_distance(seen.patches, photo.patches),
        foreign(seen.palette, photo.palette) + missing(seen.palette, photo.palette),
    )


def _edges(views: Sequence[Tensor], sizes: Sequence[int]) -> list[Tensor]:
    """Edges of several pictures together: a vector for each size. A flat window then counts little."""
    found = [coarse_edges(view.cpu(), sizes) for view in views]
    return [torch.cat([edges.flatten() for edges in level]) for level in zip(*found, strict=True)]


def _edge_sizes(view: Tensor, share: float) -> list[int]:
    """Longer sides that a window is reduced to: those of the whole painting in proportion, but no less than shows."""
    height, width = view.shape[1:]
    least = max(FEWEST, math.ceil(4 * max(height, width) / min(height, width)))  # 4 px on the shorter side
    return sorted({max(least, round(size * share)) for size in EDGES})


class Looks:
    """Scores the pictures at regular points of the last quarter and keeps the state with the best mean score.

    A window is translated as a picture of its own, continued beyond its border like any other. What the generator
    sees of it is the same as in the whole picture.

    Args:
        trainer: training whose best state is kept.
        paintings: (3, H, W) in [-1, 1] each; the score is their mean.
        photos: (3, H', W') in [-1, 1] each.
        numbers: which of the paintings that are trained on these are; by default the first ones.

    Raises:
        ConfigError: a painting or photo is smaller than a patch.
    """

    def __init__(
        self,
        trainer: Loop[Any, Any],
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        numbers: Sequence[int] = (),
    ) -> None:
        self.trainer = trainer
        self.prepared: list[list[Tensor]] = []
        self.scores = []
        for number, painting in enumerate(paintings):
            height, width = painting.shape[1:]
            places = windows(height, width, number, len(paintings))
            views = [painting[:, rows, columns] for rows, columns in places]
            share = max(views[0].shape[1:]) / max(height, width)
            self.scores.append(make_score(views, photos, share=share))
            whole = trainer.seen(numbers[number] if numbers else number, painting).prepared
            self.prepared.append([whole[:, rows, columns] for rows, columns in places])
        self.taken = self._due

    @property
    def _due(self) -> int:
        return math.floor((self.trainer.progress - FIRST_LOOK) / (1 - FIRST_LOOK) * LOOKS + 1e-6)

    def take(self, translate: Callable[[Tensor], Tensor]) -> None:
        """Look if it is time; progress decides, so that a run with a given number of steps is repeatable."""
        if self._due < 0 or self._due <= self.taken:
            return
        self.taken = self._due
        score = fmean(
            score([translate(view) for view in views])
            for score, views in zip(self.scores, self.prepared, strict=True)
        )
        if self.trainer.best is None or score < self.trainer.best.score:
            self.trainer.keep(score)
