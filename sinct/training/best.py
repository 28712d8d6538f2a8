"""Which state of a training to keep: the last step of a GAN is seldom its best."""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from sinct.data.content import prepare
from sinct.data.crops import excerpt
from sinct.measures.distribution import (
    colour_distribution,
    distribution_distance,
    patch_distributions,
    wasserstein,
)
from sinct.measures.structure import gradient_similarity
from sinct.training.loop import Loop

FIRST_LOOK = 0.75
"""Progress from which states are compared; before that, a high learning rate makes them noisy."""

LOOKS = 5
"""How often the picture is looked at from there to the end."""

PIXELS = 600_000
"""Most pixels that are scored; of a larger painting, only the middle is."""


def middle(picture: Tensor, pixels: int = PIXELS) -> Tensor:
    """Cut out the middle of a picture, (C, H, W) -> (C, H', W'), with at most about `pixels` pixels, aspect kept."""
    return excerpt(picture, pixels, 0.5, 0.5)


@torch.no_grad()
def make_score(painting: Tensor, photos: Sequence[Tensor]) -> Callable[[Tensor], float]:
    """Make a score for translations from statistics and structure together; lower is better.

    The score is the mean of two distances to the nearest photo, of colours and of patches without their means, each
    relative to the painting's distance, plus 1 minus the similarity of its edges to the painting's. The painting
    itself scores about 1, and so does a picture with the photo's statistics that shows nothing of the painting.

    Args:
        painting: (3, H, W) in [-1, 1].
        photos: (3, H', W') in [-1, 1] each.

    Returns:
        Function from a translation, (3, H, W) in [-1, 1], to its score.

    Raises:
        ConfigError: the painting is too small to measure.
    """

    def statistics(picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        picture = picture.cpu()
        patches = patch_distributions(picture, without_means=True, projections=32, samples=8192)
        return colour_distribution(picture, projections=32, samples=8192), patches

    targets = [statistics(photo) for photo in photos]

    def distances(picture: Tensor) -> Tensor:
        colours, patches = statistics(picture)
        found = [
            (float(wasserstein(colours, colour).mean()), distribution_distance(patches, texture))
            for colour, texture in targets
        ]
        return torch.tensor(min(found, key=sum))

    scale = distances(painting).clamp_min(1e-6)

    def score(translation: Tensor) -> float:
        edges = gradient_similarity(translation.cpu(), painting.cpu())
        return float((distances(translation) / scale).mean()) + 1 - edges

    return score


class Looks:
    """Scores the pictures at regular points of the last quarter and keeps the state with the best mean score.

    Args:
        trainer: training whose best state is kept.
        paintings: (3, H, W) in [-1, 1] each; the score is their mean.
        photos: (3, H', W') in [-1, 1] each.
    """

    def __init__(
        self, trainer: Loop[Any, Any], paintings: Sequence[Tensor], photos: Sequence[Tensor]
    ) -> None:
        self.trainer = trainer
        views = [middle(painting, PIXELS // len(paintings)) for painting in paintings]
        self.prepared = [prepare(view, trainer.content) for view in views]
        self.scores = [make_score(view, photos) for view in views]
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
            score(translate(prepared)) for score, prepared in zip(self.scores, self.prepared, strict=True)
        )
        if self.trainer.best is None or score < self.trainer.best.score:
            self.trainer.keep(score)
