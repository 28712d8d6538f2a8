"""The method: one step of the paper's objective.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation" (arXiv:2007.15651),
sections 3.1-3.3 and appendix B. What departs from it is named as ours.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import Config
from sinct.losses.adversarial import feature_matching, generator_loss, patch_nce
from sinct.networks.compact_generator import make_generator
from sinct.networks.projection import Projection, random_positions, sample_features
from sinct.networks.stylegan2_generator import Features
from sinct.networks.tile_discriminator import Discriminator
from sinct.training.loop import Loop, update


class Losses(NamedTuple):
    """Terms of the objective at one step, before their weights; scalars, or NaN where a term was not due.

    Attributes:
        adversarial_d: of the discriminator, in nats.
        r1: mean squared gradient norm at the photo's tiles; NaN at steps without R1.
        adversarial_g: of the generator, in nats.
        nce: PatchNCE, mean of painting and photo, in nats.
        identity: L1 on [-1, 1] between the photo and what G makes of it.
        matching: distance of D's maps between the two, dimensionless; 0 where it has no weight (ours).
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    nce: Tensor
    identity: Tensor
    matching: Tensor


class Trainer(Loop[Losses]):
    """Networks and optimisers of the method; see `sinct.training.loop.Loop` for arguments and attributes.

    Attributes:
        discriminator: D, of tiles.
        projection: H, the MLPs before PatchNCE.
    """

    def __init__(
        self, paintings: Sequence[Tensor], photos: Sequence[Tensor], config: Config, device: torch.device
    ) -> None:
        super().__init__(paintings, photos, config, device)
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random state alone
            torch.manual_seed(config.seed)
            generator = make_generator(config.width, compact=config.compact)
            discriminator = Discriminator(
                config.tile_size, config.discriminator_widths, deviation=config.minibatch_deviation
            )
            channels = [generator.feature_channels[depth] for depth in config.depths]
            projection = Projection(channels, config.projection_dimensions)
        self.generator = self.placed(generator)
        self.discriminator = self.placed(discriminator)
        self.projection = projection.to(device)
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "projection": self.projection,
        }
        self.optimizer_g = self.adam(self.generator, self.projection)
        self.optimizer_d = self.adam(self.discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}

    def step(self, painting: Tensor, content: Tensor, photo: Tensor, painted: Tensor) -> Losses:
        """One update of D, then one of G and H, on (N, 3, S, S) crops in [-1, 1]: painting -> photo.

        Args:
            painting: crops to translate.
            content: the same crops as PatchNCE shall keep them; the painting's own in the paper, without
                brush strokes in ours.
            photo: crops of the target.
            painted: the same crops as G gets them; the photo's own in the paper, as if painted in ours.
        """
        config, count = self.config, len(painting)
        photo_kept, painted = photo[: config.identity_crops], painted[: config.identity_crops]

        with self.autocast():
            output, features = self.generator.translate(torch.cat([painting, painted]))
        translation, identity = output[:count], output[count:]

        # Discriminator: tiles of the photo against tiles of detached translations.
        adversarial_d, r1 = self.judge(self.discriminator, photo, translation)
        update(self.optimizer_d, adversarial_d + self.lazy_r1(r1))

        # Generator and projection: fool D, keep the content, give the photo back.
        self.discriminator.requires_grad_(False)
        with self.autocast():
            adversarial_g = generator_loss(self.discriminator(self.tiles(translation)))
            queries = self.generator.encode(output)
            content_keys, photo_keys = self._keys(features, content, painted)
        nce = 0.5 * (
            self.patch_nce(queries.crops(0, count), content_keys)
            + self.patch_nce(queries.crops(count, None), photo_keys)
        )
        identity_l1 = F.l1_loss(identity, photo_kept) if len(painted) else nce.new_zeros(())
        matching = self.matching(identity, photo_kept)
        update(
            self.optimizer_g,
            adversarial_g
            + config.nce_weight * nce
            + config.identity_weight * identity_l1
            + config.matching_weight * matching,
        )

        terms = adversarial_d, r1, adversarial_g, nce, identity_l1, matching
        return Losses(*(term.detach() for term in terms))

    def matching(self, restored: Tensor, photo: Tensor) -> Tensor:
        """Distance between D's maps of photo crops and of what G made of them when they were painted."""
        if not (self.config.matching_weight and len(restored)):
            return restored.new_zeros(())
        with self.autocast():
            with torch.no_grad():
                wanted = self.discriminator.maps(self.tiles(photo))
            return feature_matching(self.discriminator.maps(self.tiles(restored)), wanted)

    def patch_nce(self, queries: Features, keys: Features) -> Tensor:
        """PatchNCE of crops of one picture at random positions, averaged over the depths.

        Every key in these crops but its own is a query's negative, since all come from one picture
        (appendix B). Without crops it is 0.
        """
        if len(keys.pixels) == 0:
            return keys.pixels.new_zeros(())
        samples = []
        for depth in self.config.depths:
            query, key = queries[depth], keys[depth]
            count, _, height, width = key.shape
            positions = random_positions(count, height, width, self.config.queries, self.random)
            positions = positions.to(self.device)
            samples.append((sample_features(query, positions), sample_features(key.detach(), positions)))
        with self.autocast():
            projected = self.projection([query for query, _ in samples])
            with torch.no_grad():
                targets = self.projection([key for _, key in samples])
        temperature = self.config.temperature
        losses = [patch_nce(q, k, temperature=temperature) for q, k in zip(projected, targets, strict=True)]
        return torch.stack(losses).mean()

    def _keys(self, features: Features, content: Tensor, painted: Tensor) -> tuple[Features, Features]:
        """Features of the content and of the painted photo, reused from the forward pass where they are the same."""
        reuse, first = self.config.reuse_features, len(content)
        with torch.no_grad():
            return (
                features.crops(0, first)
                if reuse and self.config.smoothing == 0
                else self.generator.encode(content),
                features.crops(first, None) if reuse else self.generator.encode(painted),
            )
