"""The terms of the objectives, as pure functions of logits, tiles and feature vectors.

Each returns a scalar in float32 or better. They know nothing of networks or settings. Only the memory bank keeps a
state from step to step.
"""

from sinct.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    r1_penalty,
)
from sinct.losses.contrastive import bank_nce, patch_nce
from sinct.losses.distances import distance_loss, half_distances, pair_distances
from sinct.losses.features import feature_matching
from sinct.losses.geometry import geometry_loss
from sinct.losses.memory_bank import MemoryBank

__all__ = [
    "MemoryBank",
    "bank_nce",
    "discriminator_loss",
    "distance_loss",
    "feature_matching",
    "generator_loss",
    "geometry_loss",
    "half_distances",
    "least_squares_discriminator_loss",
    "least_squares_generator_loss",
    "pair_distances",
    "patch_nce",
    "r1_penalty",
]
