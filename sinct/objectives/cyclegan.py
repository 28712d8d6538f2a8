"""Patch-based CycleGAN: the baseline of appendix B, with the crops and networks of the paper's objective.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
(arXiv:1703.10593). Cycle consistency keeps the content, instead of PatchNCE; all else is as in `cut`: zoomed crops,
generator, discriminator on tiles, non-saturating loss with R1, running average, settings. Settings that prepare
pictures before they are cropped work here too, but none is on by default, nor in `sinct compare`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import FROM_0, bounded
from sinct.data.pair import ALL_SHOWN, PairBatch, Shown
from sinct.losses.adversarial import generator_loss
from sinct.networks.seeding import seeded
from sinct.objectives.pair_gan import PairGan, PairGanSettings
from sinct.training.loop import update
from sinct.training.terms import CAME_BACK, LEFT_ALONE, PASSES, SMOOTH, TOLD_APART, Term


@dataclass(frozen=True)
class CycleSettings(PairGanSettings):
    """Settings of one training; the weights are the paper's.

    Attributes:
        cycle_weight: weight of the cycle loss; 10 in the paper, section 4.
        identity_weight: weight of the identity loss; half of the cycle loss's in the paper, section 5.2.
    """

    cycle_weight: float = bounded(10.0, FROM_0)
    identity_weight: float = bounded(5.0, FROM_0)


class CycleLosses(NamedTuple):
    """Terms of the objective at one step, summed over both directions, before weighting.

    Attributes:
        adversarial_d: adversarial loss of both discriminators, in nats.
        r1: R1 of both discriminators; NaN at steps without R1.
        adversarial_g: adversarial loss of both generators, in nats.
        cycle: L1 on [-1, 1] between crops and their translations there and back.
        identity: L1 on [-1, 1] between crops and what the generator into their own domain makes of them.
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    cycle: Tensor
    identity: Tensor


class CycleTrainer(PairGan[CycleLosses]):
    """G: painting -> photo and F: photo -> painting, each with a discriminator; see `PairGan` for arguments."""

    name = "cyclegan"
    settings_type = CycleSettings
    settings: CycleSettings

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: CycleSettings,
        device: torch.device,
        shown: Shown = ALL_SHOWN,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(paintings, photos, settings, device, shown, tell)
        with seeded(settings.seed):
            generators = [self.make_generator() for _ in range(2)]
            discriminators = [self.make_discriminator() for _ in range(2)]
        self.generator, self.backward = map(self.placed, generators)
        self.discriminator, self.backward_discriminator = map(self.placed, discriminators)
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "backward": self.backward,
            "average": self.average,
            "discriminator": self.discriminator,
            "backward_discriminator": self.backward_discriminator,
        }
        self.optimizer_g = self.adam(self.generator, self.backward)
        self.optimizer_d = self.adam(self.discriminator, self.backward_discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminators", "nats", "D", won_below=0.025, meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", interval=settings.r1_interval, meaning=SMOOTH),
            Term("adversarial_g", "Generators", "nats", "G", meaning=PASSES),
            Term("cycle", "Cycle", "L1 on [-1, 1]", "cycle", digits=3, meaning=CAME_BACK),
            Term("identity", "Identity", "L1 on [-1, 1]", "L1", digits=3, meaning=LEFT_ALONE),
        )

    def step(self, batch: PairBatch) -> CycleLosses:
        """Update both discriminators once, then both generators once.

        The cycle keeps the content, so only the crops of painting and photo are used.
        """
        x, y, kept = batch.painting, batch.photo, self.settings.identity_crops
        G, F_ = self.generator, self.backward
        D_Y, D_X = self.discriminator, self.backward_discriminator

        with self.autocast():
            fake_y, same_y = torch.split(self.made(G, torch.cat([x, y[:kept]])), [len(x), kept])
            fake_x, same_x = torch.split(self.made(F_, torch.cat([y, x[:kept]])), [len(y), kept])

        # Discriminators: tiles of each domain against tiles of detached translations into it.
        adversarial_y, r1_y = self.judge(D_Y, y, fake_y)
        adversarial_x, r1_x = self.judge(D_X, x, fake_x)
        adversarial_d, r1 = adversarial_y + adversarial_x, r1_y + r1_x
        update(self.optimizer_d, adversarial_d + self.lazy_r1(r1))

        # Generators: fool D, return to the original crops, leave their own target domain alone.
        D_Y.requires_grad_(False)
        D_X.requires_grad_(False)
        with self.autocast():
            adversarial_g = generator_loss(D_Y(self.tiles(fake_y))) + generator_loss(D_X(self.tiles(fake_x)))
            back_x, back_y = self.made(F_, fake_y), self.made(G, fake_x)
        cycle = F.l1_loss(back_x, x) + F.l1_loss(back_y, y)
        identity = F.l1_loss(same_y, y[:kept]) + F.l1_loss(same_x, x[:kept]) if kept else cycle.new_zeros(())
        update(
            self.optimizer_g,
            adversarial_g + self.settings.cycle_weight * cycle + self.settings.identity_weight * identity,
        )
        terms = adversarial_d, r1, adversarial_g, cycle, identity
        return CycleLosses(*(term.detach() for term in terms))
