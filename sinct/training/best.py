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
"""Progress from which states are compared: before, a high learning rate makes them noisy."""

LOOKS = 5
"""Looks at the picture from there to the end."""

PIXELS = 600_000
"""The middle of a larger painting stands for all of it."""


def middle(picture: Tensor, pixels: int = PIXELS) -> Tensor:
    """Cut the middle out of a picture, (C, H, W) -> (C, H', W'), at most about a number of pixels, aspect kept."""
    return excerpt(picture, pixels, 0.5, 0.5)


@torch.no_grad()
def make_score(painting: Tensor, photos: Sequence[Tensor]) -> Callable[[Tensor], float]:
    """Make a measure of translations by statistics and structure together; lower is better.

    It is the mean of two distances to the nearest photo, of colours and of patches without their means, each
    relative to the painting's, plus 1 less the similarity of edges to the painting's: the painting itself
    and a picture with the photo's statistics that shows nothing of the painting both have about 1.

    Args:
        painting: (3, H, W) in [-1, 1].
        photos: (3, H', W') in [-1, 1].

    Returns:
        Function of a translation, (3, H, W) in [-1, 1].

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
    """Looks at the pictures at even shares of the last quarter and keeps the best state by their mean score.

    Args:
        trainer: whose state is kept.
        paintings: (3, H, W) in [-1, 1], that are looked at together.
        photos: (3, H', W') in [-1, 1].
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
        """Look, if it is time; at shares of the progress, so that runs of so many steps can be repeated."""
        if self._due < 0 or self._due <= self.taken:
            return
        self.taken = self._due
        score = fmean(
            score(translate(prepared)) for score, prepared in zip(self.scores, self.prepared, strict=True)
        )
        if self.trainer.best is None or score < self.trainer.best.score:
            self.trainer.keep(score)
