"""Patch-based GcGAN: geometry consistency on crops of one pair, with the networks of the paper's objective.

Fu et al. 2019, "Geometry-Consistent Generative Adversarial Networks for One-Sided Unsupervised Domain Mapping"
(arXiv:1809.05852). That a translation commutes with a turn of the picture keeps the content, instead of PatchNCE; all
else is as in `cut`, and as for the baseline `cyclegan`: zoomed crops, generator, discriminators on tiles,
non-saturating loss with R1, running average, settings. Ours, as the authors have no such variant; `folder_gcgan` is
theirs. One generator translates pictures as they are and turned.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import FROM_0, bounded
from sinct.data.pair import ALL_SHOWN, PairBatch, Shown
from sinct.errors import ConfigError
from sinct.losses.adversarial import generator_loss
from sinct.losses.geometry import GEOMETRIES, geometry_loss
from sinct.networks.seeding import seeded
from sinct.objectives.pair_gan import PairGan, PairGanSettings
from sinct.training.loop import update
from sinct.training.terms import LEFT_ALONE, PASSES, SAME_TURNED, SMOOTH, TOLD_APART, Term


@dataclass(frozen=True)
class GcSettings(PairGanSettings):
    """Settings of one training; the weights are those of the authors' code.

    Attributes:
        geometry: what turns pictures: "rotation", a quarter turn clockwise, or "flip", top for bottom.
        geometry_weight: weight of geometry consistency.
        identity_weight: weight of the identity loss.
    """

    geometry: str = "rotation"
    geometry_weight: float = bounded(20.0, FROM_0)
    identity_weight: float = bounded(5.0, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        check_geometry(self.geometry)


class GcLosses(NamedTuple):
    """Terms of the objective at one step, as they are and turned added up, before weighting; scalars.

    Attributes:
        adversarial_d: adversarial loss of both discriminators.
        r1: R1 of both discriminators; NaN at steps of a pair without R1, 0 on folders where it is off.
        adversarial_g: adversarial loss of translations, as they are and turned.
        geometry: L1 on [-1, 1] between translations of pictures and of the same pictures turned, in both directions.
        identity: L1 on [-1, 1] between targets, as they are and turned, and what is made of them; 0 where it is off.
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    geometry: Tensor
    identity: Tensor


class GcTrainer(PairGan[GcLosses]):
    """G: painting -> photo, a discriminator for pictures as they are and for turned ones; see `PairGan`."""

    name = "gcgan"
    settings_type = GcSettings
    settings: GcSettings

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: GcSettings,
        device: torch.device,
        shown: Shown = ALL_SHOWN,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(paintings, photos, settings, device, shown, tell)
        self.geometry = GEOMETRIES[settings.geometry]
        with seeded(settings.seed):
            generator = self.make_generator()
            discriminators = [self.make_discriminator() for _ in range(2)]
        self.generator = self.placed(generator)
        self.discriminator, self.turned_discriminator = map(self.placed, discriminators)
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "turned_discriminator": self.turned_discriminator,
        }
        self.optimizer_g = self.adam(self.generator)
        self.optimizer_d = self.adam(self.discriminator, self.turned_discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminators", "nats", "D", won_below=0.025, meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", interval=settings.r1_interval, meaning=SMOOTH),
            Term("adversarial_g", "Generator", "nats", "G", meaning=PASSES),
            Term("geometry", "Geometry", "L1 on [-1, 1]", "geometry", digits=3, meaning=SAME_TURNED),
            Term("identity", "Identity", "L1 on [-1, 1]", "L1", digits=3, meaning=LEFT_ALONE),
        )

    def step(self, batch: PairBatch) -> GcLosses:
        """Update both discriminators once, then the generator once; only the crops of painting and photo are used."""
        settings, kept = self.settings, self.settings.identity_crops
        x, y = batch.painting, batch.photo
        turned_x, turned_y = self.geometry.turned(x), self.geometry.turned(y)
        D, turned_D = self.discriminator, self.turned_discriminator

        with self.autocast():
            made = self.made(self.generator, torch.cat([x, y[:kept], turned_x, turned_y[:kept]]))
        fake, same, turned_fake, turned_same = torch.split(made, [len(x), kept, len(x), kept])

        # Discriminators: the photo's tiles, as they are and turned, against those of detached translations.
        adversarial, r1_upright = self.judge(D, y, fake)
        turned_adversarial, r1_turned = self.judge(turned_D, turned_y, turned_fake)
        adversarial_d, r1 = adversarial + turned_adversarial, r1_upright + r1_turned
        update(self.optimizer_d, adversarial_d + self.lazy_r1(r1))

        # Generator: fool both discriminators, agree on every crop of the painting, leave the photo alone.
        D.requires_grad_(False)
        turned_D.requires_grad_(False)
        with self.autocast():
            adversarial_g = generator_loss(D(self.tiles(fake))) + generator_loss(
                turned_D(self.tiles(turned_fake))
            )
        geometry = geometry_loss(fake, turned_fake, self.geometry)
        identity = torch.zeros_like(geometry)
        if kept:
            identity = F.l1_loss(same, y[:kept]) + F.l1_loss(turned_same, turned_y[:kept])
        update(
            self.optimizer_g,
            adversarial_g + settings.geometry_weight * geometry + settings.identity_weight * identity,
        )
        terms = adversarial_d, r1, adversarial_g, geometry, identity
        return GcLosses(*(term.detach() for term in terms))


def check_geometry(name: str) -> None:
    """See that a geometry is known.

    Raises:
        ConfigError: it is not.
    """
    if name not in GEOMETRIES:
        raise ConfigError(f"unknown geometry {name!r}; choose one of {', '.join(GEOMETRIES)}")
