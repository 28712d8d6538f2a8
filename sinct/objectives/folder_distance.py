"""DistanceGAN and Self-DistanceGAN on two folders of pictures: a translation that keeps distances.

Benaim & Wolf 2017, "One-Sided Unsupervised Domain Mapping" (arXiv:1706.00826), one-sided, without a way back:

    L_GAN(G, D) + α L_distance(G)    or    L_GAN(G, D) + α L_self-distance(G)

with distances between the pictures of a batch, or between the halves of each. They are normalised by the mean and the
standard deviation of such distances in their domain. Where paper and the authors' code differ, the code decides, which
the published figures come from:

- The halves are top and bottom; the paper writes of left and right first.
- Distances are measured between crops, as steps see them, of at most 900 pictures of each domain (`measured`).
- Batches have 2 pictures, and so a pair; the discriminator is shown earlier translations every second time (`pool`).

Ours: the code takes the standard deviation of distances between whole batches, the paper that of distances between
pictures, as we do; halves have batches of 1, for which the paper proposes them; and the 900 are spread evenly over
their folder. Networks and their first weights are those of CUT and CycleGAN too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sinct.config import ABOVE_0, FROM_0, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.errors import ConfigError, InputError
from sinct.losses.distances import HALVES, Scale, distance_loss, half_distances, pair_distances
from sinct.networks.seeding import seeded
from sinct.objectives.folder_cyclegan import ImagePool
from sinct.objectives.folder_gan import FolderGan, FolderGanSettings
from sinct.training.loop import update
from sinct.training.terms import PASSES, SMOOTH, TOLD_APART, Term

PAIRS = "pairs"
"""Distances between pictures; the others are named in `HALVES`."""

LEAST_DEVIATION = 1e-6
"""Below this, distances on [-1, 1] do not vary, but by rounding."""


@dataclass(frozen=True)
class FolderDistanceSettings(FolderGanSettings):
    """Settings of one training. The defaults are those of DistanceGAN, the weight that of the authors' code.

    Attributes:
        distance: between what: "pairs" of pictures of a batch, or the halves of each picture, "top_bottom" or
            "left_right".
        distance_weight: weight of the change of distances.
        measured: pictures of each domain by which distances are normalised; all, where there are fewer.
        pool: earlier translations from which the discriminator gets one every second time; 0 gives it the present
            ones.
    """

    distance: str = PAIRS
    distance_weight: float = bounded(1.0, FROM_0)
    measured: int = bounded(900, ABOVE_0)
    pool: int = bounded(50, FROM_0)
    batch_size: int = bounded(2, ABOVE_0)

    @property
    def fewest(self) -> int:
        """Pictures whose distances can vary: three have three pairs."""
        return 3 if self.distance == PAIRS else 2

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        known = (PAIRS, *HALVES)
        if self.distance not in known:
            raise ConfigError(f"unknown distance {self.distance!r}; choose one of {', '.join(known)}")
        if self.distance == PAIRS and self.batch_size < 2:
            raise ConfigError(
                f"distances between pictures need a batch_size of 2 or more, got {self.batch_size}; a distance of "
                "top_bottom needs no pairs"
            )
        if self.measured < self.fewest:
            raise ConfigError(f"measured must be {self.fewest} or more, got {self.measured}")


class DistanceLosses(NamedTuple):
    """Terms of the objective at one step, before weighting; scalars.

    Attributes:
        adversarial_d: the discriminator's adversarial loss.
        r1: mean squared gradient norm at the targets; 0 where its weight is 0.
        adversarial_g: the generator's adversarial loss.
        distance: mean change of distances, in standard deviations.
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    distance: Tensor


class Scales(nn.Module):
    """What distances in both domains are usually like; buffers, so part of checkpoints.

    Attributes:
        source, target: mean and standard deviation, (2,); NaN until they are measured.
    """

    source: Tensor
    target: Tensor

    def __init__(self) -> None:
        super().__init__()
        for domain in ("source", "target"):
            self.register_buffer(domain, torch.full((2,), torch.nan))


class FolderDistanceTrainer(FolderGan[DistanceLosses]):
    """G: source -> target, with a discriminator; see `FolderGan` for arguments and more attributes.

    Attributes:
        scales: by what distances are normalised; measured before the first step.

    Raises:
        InputError: a domain has so few pictures that their distances cannot vary.
    """

    name = "folder-distance"
    settings_type = FolderDistanceSettings
    settings: FolderDistanceSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderDistanceSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        counts = {"source": self.sampler.source_count, "target": self.sampler.target_count}
        for domain, count in counts.items():
            if count < settings.fewest:
                raise _alike(domain, settings)
        with seeded(settings.seed):
            generator, discriminator = self.make_generator(), self.make_discriminator()
        self.generator, self.discriminator = self.placed(generator), self.placed(discriminator)
        self.average = self.averaged(self.generator)
        self.pool = ImagePool(settings.pool, settings.crop_size).to(device)
        self.scales = Scales().to(device)
        self.networks = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "pool": self.pool,
            "scales": self.scales,
        }
        self.optimizer_g, self.optimizer_d = self.adam(self.generator), self.adam(self.discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminator", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("adversarial_g", "Generator", self.unit, "G", meaning=PASSES),
            Term(
                "distance",
                "Distance",
                "standard deviations",
                "distance",
                meaning="lower: what differs still differs as much",
            ),
        )
        self.surveyed = False

    def sample(self) -> FolderBatch:
        """Take the crops of this step; before the first one, measure the domains."""
        if self.steps_done == 0 and not self.surveyed:
            self.measure()
        return super().sample()

    def step(self, batch: FolderBatch) -> DistanceLosses:
        """Update G once, then D once, as the authors' code does."""
        settings, (source, target) = self.settings, batch
        with self.autocast():
            fake = self.made(self.generator, source)

        # Generator: fool D, keep the distances of sources.
        adversarial_g = self.fool(self.discriminator, fake)
        distance = distance_loss(
            self.distances(source),
            self.distances(fake),
            Scale(*self.scales.source),
            Scale(*self.scales.target),
        )
        update(self.optimizer_g, adversarial_g + settings.distance_weight * distance)

        # Discriminator: targets against detached translations, present and earlier ones.
        shown = self.pool.exchange(fake.detach(), self.steps_done * settings.batch_size, self.random)
        adversarial_d, r1 = self.judge(self.discriminator, target, shown)
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)
        return DistanceLosses(*(term.detach() for term in (adversarial_d, r1, adversarial_g, distance)))

    def distances(self, pictures: Tensor) -> Tensor:
        """Distances that are to be kept, (K,): between all pairs of pictures, or the halves of each."""
        if self.settings.distance == PAIRS:
            return pair_distances(pictures)
        return half_distances(pictures, self.settings.distance)

    def measure(self) -> None:
        """Find what distances in both domains are usually like.

        Raises:
            InputError: those of a domain do not vary.
        """
        for domain in ("source", "target"):
            crops = torch.stack(list(self.sampler.crops(domain, self.settings.measured)))
            # All pairs of hundreds of pictures: `pdist` is forty times as fast as `pair_distances`.
            if self.settings.distance == PAIRS:
                found = torch.pdist(crops.flatten(1), p=1) / crops[0].numel()
            else:
                found = half_distances(crops, self.settings.distance)
            scale = torch.stack([found.mean(), found.std(correction=0)])
            if len(crops) < self.settings.fewest or not scale[1] > LEAST_DEVIATION:
                raise _alike(domain, self.settings)
            getattr(self.scales, domain).copy_(scale)
        self.surveyed = True


def _alike(domain: str, settings: FolderDistanceSettings) -> InputError:
    """The fault of pictures whose distances cannot be normalised."""
    what = "between" if settings.distance == PAIRS else "between the halves of"
    return InputError(
        f"the distances {what} the {domain} pictures do not vary, so they cannot be compared; give "
        f"{settings.fewest} or more pictures that differ"
    )
