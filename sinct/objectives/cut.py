"""The paper's objective: one step of SinCUT, and its settings.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation" (arXiv:2007.15651),
sections 3.1-3.3 and appendix B. The defaults, and with them the preset `paper`, are appendix B as printed, with the
authors' code where it is silent. The preset `authors` is the configuration of that code. Settings that leave both are
marked as ours. Both presets depart from appendix B or from the code in these points:

- PatchNCE is averaged over depths, and over painting and photo, as in the code; eqs. 3 to 5 sum.
- They train in bfloat16 where the device gains from it (`mixed_precision`).
- Crops are cut at whole pixels of the picture and then scaled; the code scales the picture first. A picture in which a
  crop would not fit at the width drawn is scaled to a larger one.
- With `free_zoom`, each crop's cell in its grid is drawn; the code goes through a shuffled list of cells, which comes
  to the same over a training.
- Epochs are sixteenths of the training, whatever its length.
- In use, the generator's noise depends on seed and position, so that a picture is the same each time and in windows of
  any size; the code draws new noise. The picture is continued by its mirror image, so that the zeros that convolutions
  pad with leave no line along its border.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, SHARE, bounded
from sinct.data.pair import ALL_SHOWN, PairBatch, Shown
from sinct.data.strokes import AS_TOLD
from sinct.errors import ConfigError
from sinct.losses.adversarial import generator_loss
from sinct.losses.contrastive import patch_nce
from sinct.losses.features import feature_matching
from sinct.losses.patches import SMALLEST_CROP, patch_distance
from sinct.networks.base import Features, of_items, sample_features
from sinct.networks.projection import Projection, random_positions
from sinct.networks.seeding import seeded
from sinct.objectives.pair_gan import PairGan, PairGanSettings
from sinct.training.loop import update
from sinct.training.terms import PASSES, RECOGNISED, SMOOTH, TOLD_APART, Term
from sinct.weights.warm_start import load_warm_start

ANCHOR = 16
"""Side in pixels of the cells whose mean colours are held; texture within them is free."""

LOOSEST = 0.25
"""Factor of PatchNCE's weight at a `faithful` of 0."""


@dataclass(frozen=True)
class CutSettings(PairGanSettings):
    """Settings of one training. The defaults are those of the preset `paper`.

    The other settings are described where they belong: networks and adversarial loss in `PairGanSettings`, crops in
    `sinct.data.pair.PairSettings`, length, optimiser and seed in `sinct.config.TrainingSettings`.

    Attributes:
        projection_dimensions: length of the vectors that PatchNCE compares.
        temperature: softmax divisor of PatchNCE, dimensionless.
        alike: cosine similarity of two keys from which PatchNCE does not ask to tell them apart; 1 always asks (ours
            below 1).
        depths: which of the encoder's features PatchNCE compares: 0 the pixels, 1 the downsampling block's
            output, 2 the second residual block's; leaving out 0 is ours.
        queries: query positions per crop and depth; more than 1 is ours.
        shared_positions: draw the query positions once for all crops of a picture, as the authors' code does, instead
            of for each crop (ours).
        nce_weight: weight of PatchNCE. Where strokes are taken out, it is lowered with their width and follows
            `faithful`, see `content_weight`.
        matching_weight: weight of the distance between the discriminator's maps of a photo and of what G makes of
            it; 0 leaves it out (ours otherwise).
        patch_weight: weight of the distance between the distributions of small patches in translations and in the
            photo; 0 leaves it out (ours otherwise).
        anchor_weight: weight of the squared distance between the colours of translation and content, averaged over
            cells of `ANCHOR` px, which lets colours move a little and never far; makes sense
            where the content is in the photo's colours; 0 leaves it out (ours otherwise).
        warm_start: begin with networks learned on many painted photographs instead of random ones, see
            `sinct.weights.warm_start` (ours).
        reuse_features: take PatchNCE's keys from the forward pass instead of encoding again; changes speed, not
            results (ours).
    """

    projection_dimensions: int = bounded(256, ABOVE_0)
    temperature: float = bounded(0.07, ABOVE_0)
    alike: float = bounded(1.0, SHARE)
    depths: tuple[int, ...] = (0, 1, 2)
    queries: int = bounded(1, ABOVE_0)
    shared_positions: bool = True
    nce_weight: float = bounded(4.0, FROM_0)
    matching_weight: float = bounded(0.0, FROM_0)
    patch_weight: float = bounded(0.0, FROM_0)
    anchor_weight: float = bounded(0.0, FROM_0)
    warm_start: bool = False
    reuse_features: bool = True

    @classmethod
    def from_run(cls, values: Mapping[str, Any]) -> Self:
        """See `Settings.from_run`."""
        if "shared_positions" not in values:
            # Version 0.2 halved the painting's PatchNCE even where no crop of the photo was used.
            share = 1 if values["identity_crops"] else 0.5
            values = {**values, "shared_positions": False, "nce_weight": share * values["nce_weight"]}
        return super().from_run(values)

    @property
    def starts_trained(self) -> bool:
        """See `TrainingSettings.starts_trained`."""
        return self.warm_start

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.matching_weight and len(self.discriminator_widths) == 1:
            raise ConfigError(
                "matching_weight needs a discriminator with two or more widths; raise tile_size above 4 px"
            )
        for name, smallest in (("anchor_weight", ANCHOR), ("patch_weight", SMALLEST_CROP)):
            if getattr(self, name) and self.crop_size < smallest:
                raise ConfigError(f"{name} needs crop_size to be {smallest} or more, got {self.crop_size}")
        if self.crops * self.queries < 2 or self.identity_crops * self.queries == 1:
            raise ConfigError("PatchNCE needs 2 or more positions per picture; raise crops or queries")
        known = range(self.generator_depths)
        if not self.depths or not set(self.depths) <= set(known) or len(set(self.depths)) < len(self.depths):
            raise ConfigError(
                f"depths must be some of {', '.join(map(str, known))}, each once, got {self.depths}"
            )


Config = CutSettings
"""The public name of these settings, `sinct.Config`."""


def content_weight(settings: CutSettings, halvings: int) -> float:
    """Weight of PatchNCE in a training: `nce_weight`, where no strokes are taken out.

    What is left of a painting is the vaguer, the broader its strokes were, so the less of it is to be kept: half as
    much for each time that it is halved for them. From a `faithful` of 0 to 1, the weight goes from a quarter to four
    times as much (ours).

    Args:
        settings: those of the training.
        halvings: how often the painting is halved, see `sinct.data.strokes`.
    """
    looseness: float = LOOSEST ** (1 - settings.faithful / AS_TOLD)
    return settings.nce_weight * looseness * 0.5**halvings


class Losses(NamedTuple):
    """Terms of the objective at one step, before weighting; scalars, NaN where a term was not due.

    Attributes:
        adversarial_d: the discriminator's adversarial loss, in nats.
        r1: mean squared gradient norm at the photo's tiles; NaN at steps without R1.
        adversarial_g: the generator's adversarial loss, in nats.
        nce: PatchNCE, mean of painting and photo, in nats; that of the painting where no crop of the photo is used.
        identity: L1 on [-1, 1] between the photo and what G makes of it.
        matching: distance between D's maps of the two, dimensionless; 0 where its weight is 0 (ours).
        patches: distance between small patches of translation and photo, dimensionless; 0 where its weight is 0
            (ours).
        anchor: squared distance on [-1, 1] between mean colours of translation and content; 0 where its weight is 0
            (ours).
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    nce: Tensor
    identity: Tensor
    matching: Tensor
    patches: Tensor
    anchor: Tensor


class Trainer(PairGan[Losses]):
    """The method's networks, optimisers and step; see `PairGan` for arguments and more attributes.

    Attributes:
        nce_weight: weight of PatchNCE, see `content_weight`.
        discriminator: D, which judges tiles.
        projection: H, the MLPs before PatchNCE.
    """

    name = "cut"
    settings_type = CutSettings
    settings: CutSettings

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: CutSettings,
        device: torch.device,
        shown: Shown = ALL_SHOWN,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(paintings, photos, settings, device, shown, tell)
        self.nce_weight = content_weight(settings, self.content.halvings)
        with seeded(settings.seed):
            generator, discriminator = self.make_generator(), self.make_discriminator()
            channels = [generator.feature_channels[depth] for depth in settings.depths]
            projection = Projection(channels, settings.projection_dimensions)
        if settings.warm_start:
            load_warm_start(
                {"generator": generator, "discriminator": discriminator, "projection": projection}
            )
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
        self.terms = (
            Term("adversarial_d", "Discriminator", "nats", "D", won_below=0.025, meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", interval=settings.r1_interval, meaning=SMOOTH),
            Term("adversarial_g", "Generator", "nats", "G", meaning=PASSES),
            Term("nce", "PatchNCE", "nats", "NCE", meaning=RECOGNISED),
            Term(
                "identity",
                "Identity",
                "L1 on [-1, 1]",
                "L1",
                digits=3,
                meaning="lower: a painted photo becomes itself again",
            ),
            Term(
                "matching",
                "Feature matching",
                "share of D's values",
                meaning="lower: it gets its texture back from that, too",
            ),
            Term(
                "patches",
                "Patches",
                "share of the photo's contrast",
                meaning="lower: small patches are like the photo's",
            ),
            Term(
                "anchor",
                "Colours of cells",
                "squared, on [-1, 1]",
                meaning="lower: colours stay near the matched ones",
            ),
        )

    def step(self, batch: PairBatch) -> Losses:
        """Update D once, then G and H once: painting -> photo."""
        settings, count = self.settings, len(batch.painting)
        kept = settings.identity_crops
        photo, painted = batch.photo[:kept], batch.painted[:kept]

        seen = torch.cat([batch.painting, painted])
        noise = self.noise(seen)
        with self.autocast():
            output, features = self.generator.translate(seen, noise)
        translation, identity = output[:count], output[count:]

        # Discriminator: tiles of the photo against tiles of detached translations.
        own = batch.photo_own, batch.painting_own
        adversarial_d, r1 = self.judge(self.discriminator, batch.photo, translation, *own)
        update(self.optimizer_d, adversarial_d + self.lazy_r1(r1))

        # Generator and projection: fool D, keep the content, give the photo back.
        self.discriminator.requires_grad_(False)
        with self.autocast():
            logits = self.discriminator(self.tiles(translation))
            adversarial_g = generator_loss(logits, self.tile_weights(batch.painting_own))
            content_keys, photo_keys = self._keys(features, batch.content, painted)
            places, photo_places = self.positions(content_keys), self.positions(photo_keys)
            all_places = {depth: torch.cat([places[depth], photo_places[depth]]) for depth in places}
            queries = self.generator.encode_at(output, all_places)
        first = [each[: places[depth].numel()] for depth, each in zip(places, queries, strict=True)]
        nce = self.patch_nce(first, content_keys, places)
        if len(photo):  # without crops of the photo, the painting's term has its whole weight
            second = [each[places[depth].numel() :] for depth, each in zip(places, queries, strict=True)]
            nce = 0.5 * (nce + self.patch_nce(second, photo_keys, photo_places))
        identity_l1 = F.l1_loss(identity, photo) if len(photo) else nce.new_zeros(())
        matching = self.matching(identity, photo)
        patches = self.patches(translation, batch.photo)
        anchor = self.anchor(translation, batch.content)
        update(
            self.optimizer_g,
            adversarial_g
            + self.nce_weight * nce
            + settings.identity_weight * identity_l1
            + settings.matching_weight * matching
            + settings.patch_weight * patches
            + settings.anchor_weight * anchor,
        )

        terms = adversarial_d, r1, adversarial_g, nce, identity_l1, matching, patches, anchor
        return Losses(*(term.detach() for term in terms))

    def matching(self, restored: Tensor, photo: Tensor) -> Tensor:
        """Distance between D's maps of photo crops and of what G restored from their painted versions."""
        if not (self.settings.matching_weight and len(restored)):
            return restored.new_zeros(())
        with self.autocast():
            with torch.no_grad():
                wanted = self.discriminator.maps(self.tiles(photo))
            return feature_matching(self.discriminator.maps(self.tiles(restored)), wanted)

    def patches(self, translation: Tensor, photo: Tensor) -> Tensor:
        """Distance between the distributions of small patches in crops of the translation and of the photo."""
        if not self.settings.patch_weight:
            return translation.new_zeros((), dtype=torch.float32)
        return patch_distance(translation, photo, self.random, self.device_random)

    def anchor(self, translation: Tensor, content: Tensor) -> Tensor:
        """Squared distance between the mean colours of translation and content in cells: colours must not drift far."""
        if not self.settings.anchor_weight:
            return translation.new_zeros((), dtype=torch.float32)
        found, wanted = (F.avg_pool2d(crops.float(), ANCHOR) for crops in (translation, content))
        return F.mse_loss(found, wanted)

    def positions(self, keys: Features) -> dict[int, Tensor]:
        """Draw random positions in crops of one picture, (N, P) for each depth."""
        found = {}
        for depth in self.settings.depths:
            count, _, height, width = keys[depth].shape
            drawn = 1 if self.settings.shared_positions else count
            positions = random_positions(drawn, height, width, self.settings.queries, self.device_random)
            found[depth] = positions.expand(count, -1)
        return found

    def patch_nce(self, queries: Sequence[Tensor], keys: Features, positions: Mapping[int, Tensor]) -> Tensor:
        """PatchNCE at these positions in crops of one picture, averaged over the depths.

        All come from one picture, so a query's negatives are the keys of all these crops but its own (appendix B).
        """
        sampled = [sample_features(keys[depth].detach(), places) for depth, places in positions.items()]
        with self.autocast():
            projected = self.projection(queries)
            with torch.no_grad():
                targets = self.projection(sampled)
        losses = [
            patch_nce(q, k, temperature=self.settings.temperature, alike=self.settings.alike)
            for q, k in zip(projected, targets, strict=True)
        ]
        return torch.stack(losses).mean()

    def _keys(self, features: Features, content: Tensor, painted: Tensor) -> tuple[Features, Features]:
        """Features of the content and of the painted photo; from the forward pass where that makes no difference."""
        reuse, count = self.settings.reuse_features, len(content)
        with torch.no_grad():
            return (
                of_items(features, 0, count)
                if reuse and self.settings.smoothing == 0
                else self.generator.encode(content),
                of_items(features, count, None) if reuse else self.generator.encode(painted),
            )
