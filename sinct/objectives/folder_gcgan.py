"""GcGAN on two folders of pictures: a translation that commutes with a turn of the picture.

Fu et al. 2019, "Geometry-Consistent Generative Adversarial Networks for One-Sided Unsupervised Domain Mapping"
(arXiv:1809.05852). With f a quarter turn or a flip, and ~ for what belongs to pictures turned by f, the objective is

    L_gan(G, D) + L_gan(G~, D~) + λ L_geo(G, G~) + λ_idt L_idt(G, G~)

Where paper and the authors' code differ, the code decides, which the published figures come from:

- G and G~ share all their weights (`shared_generator`), as the paper says; for horse -> zebra and summer <-> winter,
  the code trains two.
- In L_geo, each generator follows the other's picture, which gets no gradient (see `geometry_loss`).
- Each discriminator is shown earlier translations every second time (`pool`).

Ours: batches of 1 and pictures scaled to 286 px, as for all methods that Park et al. 2020 compare; the code has 8, over
four GPUs, and 288 px. Networks and their first weights are those of CUT and CycleGAN too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from sinct.config import FROM_0, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.losses.geometry import GEOMETRIES, geometry_loss
from sinct.networks.seeding import seeded
from sinct.objectives.folder_cyclegan import ImagePool
from sinct.objectives.folder_gan import FolderGan, FolderGanSettings
from sinct.objectives.gcgan import GcLosses, check_geometry
from sinct.training.loop import update
from sinct.training.terms import LEFT_ALONE, PASSES, SAME_TURNED, SMOOTH, TOLD_APART, Term


@dataclass(frozen=True)
class FolderGcSettings(FolderGanSettings):
    """Settings of one training; the weights are those of the authors' code.

    Attributes:
        geometry: what turns pictures: "rotation", a quarter turn clockwise, or "flip", top for bottom.
        shared_generator: translate turned pictures by the generator itself; false gives them one of their own.
        geometry_weight: weight of geometry consistency.
        identity_weight: weight of the identity loss; 3 in the code for labels -> street scenes.
        pool: earlier translations from which each discriminator gets one every second time; 0 gives it the present
            ones.
    """

    geometry: str = "rotation"
    shared_generator: bool = True
    geometry_weight: float = bounded(20.0, FROM_0)
    identity_weight: float = bounded(5.0, FROM_0)
    pool: int = bounded(50, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        check_geometry(self.geometry)


class FolderGcTrainer(FolderGan[GcLosses]):
    """G: source -> target, G~ the same for turned pictures, a discriminator for each; see `FolderGan` for arguments."""

    name = "folder-gcgan"
    settings_type = FolderGcSettings
    settings: FolderGcSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderGcSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        self.geometry = GEOMETRIES[settings.geometry]
        with seeded(settings.seed):
            generators = [self.make_generator() for _ in range(1 if settings.shared_generator else 2)]
            discriminators = [self.make_discriminator() for _ in range(2)]
        placed = [self.placed(generator) for generator in generators]
        self.generator, self.turned_generator = placed[0], placed[-1]
        self.discriminator, self.turned_discriminator = map(self.placed, discriminators)
        self.pool, self.turned_pool = (
            ImagePool(settings.pool, settings.crop_size).to(device) for _ in range(2)
        )
        self.average = self.averaged(self.generator)
        self.networks: dict[str, nn.Module] = {
            "generator": self.generator,
            "average": self.average,
            "discriminator": self.discriminator,
            "turned_discriminator": self.turned_discriminator,
            "pool": self.pool,
            "turned_pool": self.turned_pool,
        }
        if not settings.shared_generator:
            self.networks["turned_generator"] = self.turned_generator
        self.optimizer_g = self.adam(*placed)
        self.optimizer_d = self.adam(self.discriminator, self.turned_discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminators", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("adversarial_g", "Generator", self.unit, "G", meaning=PASSES),
            Term("geometry", "Geometry", "L1 on [-1, 1]", "geometry", digits=3, meaning=SAME_TURNED),
            Term("identity", "Identity", "L1 on [-1, 1]", "L1", digits=3, meaning=LEFT_ALONE),
        )

    def step(self, batch: FolderBatch) -> GcLosses:
        """Update G and G~ once, then both discriminators once, as the authors' code does."""
        settings, (x, y) = self.settings, batch
        turned_x, turned_y = self.geometry.turned(x), self.geometry.turned(y)
        D, turned_D = self.discriminator, self.turned_discriminator
        identity_too = settings.identity_weight > 0

        with self.autocast():
            fake, same = self.made(self.generator, torch.cat([x, y]) if identity_too else x).tensor_split(
                [len(x)]
            )
            turned_fake, turned_same = self.made(
                self.turned_generator, torch.cat([turned_x, turned_y]) if identity_too else turned_x
            ).tensor_split([len(x)])

        # Generators: fool both discriminators, agree on every source, leave targets alone.
        adversarial_g = self.fool(D, fake) + self.fool(turned_D, turned_fake)
        geometry = geometry_loss(fake, turned_fake, self.geometry)
        identity = torch.zeros_like(geometry)
        if identity_too:
            identity = F.l1_loss(same, y) + F.l1_loss(turned_same, turned_y)
        update(
            self.optimizer_g,
            adversarial_g + settings.geometry_weight * geometry + settings.identity_weight * identity,
        )

        # Discriminators: targets, as they are and turned, against detached translations, present and earlier ones.
        earlier = self.steps_done * settings.batch_size
        shown = self.pool.exchange(fake.detach(), earlier, self.random)
        turned_shown = self.turned_pool.exchange(turned_fake.detach(), earlier, self.random)
        adversarial, r1_upright = self.judge(D, y, shown)
        turned_adversarial, r1_turned = self.judge(turned_D, turned_y, turned_shown)
        adversarial_d, r1 = adversarial + turned_adversarial, r1_upright + r1_turned
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)
        terms = adversarial_d, r1, adversarial_g, geometry, identity
        return GcLosses(*(term.detach() for term in terms))
