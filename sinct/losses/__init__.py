"""The terms of the objectives, as pure functions of logits, tiles and feature vectors.

Each returns a scalar in float32 or better. They know nothing of networks or settings.
"""

from sinct.losses.adversarial import discriminator_loss, generator_loss, r1_penalty
from sinct.losses.contrastive import patch_nce
from sinct.losses.features import feature_matching

__all__ = ["discriminator_loss", "feature_matching", "generator_loss", "patch_nce", "r1_penalty"]
