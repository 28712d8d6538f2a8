"""Patch-based CycleGAN: appendix B's own baseline, with the same crops and networks as sinct.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks"
(arXiv:1703.10593). What keeps the content is the way back instead of PatchNCE; everything else is sinct's:
zoomed crops, generator, discriminator of tiles, non-saturating loss with R1, running average, settings.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._gan import train_and_translate
from sinct.config import Config
from sinct.losses.adversarial import generator_loss
from sinct.networks.compact_generator import make_generator
from sinct.networks.tile_discriminator import Discriminator
from sinct.training.loop import Loop, update


class CycleLosses(NamedTuple):
    """Terms of the objective at one step, sums over both directions, before their weights.

    Attributes:
        adversarial_d: of both discriminators, in nats.
        r1: of both discriminators; NaN at steps without R1.
        adversarial_g: of both generators, in nats.
        cycle: L1 on [-1, 1] between crops and themselves after there and back.
        identity: L1 on [-1, 1] between crops and what the generator into their own domain makes of them.
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    cycle: Tensor
    identity: Tensor


class CycleTrainer(Loop[CycleLosses]):
    """G: painting -> photo and F: photo -> painting, with a discriminator each.

    Args:
        paintings, photos, config, device: see `sinct.training.loop.Loop`.
        cycle_weight: of the cycle loss.
        identity_weight: of the identity loss.
    """

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        config: Config,
        device: torch.device,
        *,
        cycle_weight: float,
        identity_weight: float,
    ) -> None:
        super().__init__(paintings, photos, config, device)
        self.cycle_weight, self.identity_weight = cycle_weight, identity_weight
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            generators = [make_generator(config.width, compact=config.compact) for _ in range(2)]
            discriminators = [
                Discriminator(
                    config.tile_size, config.discriminator_widths, deviation=config.minibatch_deviation
                )
                for _ in range(2)
            ]
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

    def step(self, painting: Tensor, content: Tensor, photo: Tensor, painted: Tensor) -> CycleLosses:
        """One update of both discriminators, then one of both generators, on (N, 3, S, S) crops in [-1, 1].

        Args:
            painting: crops of the first domain, X.
            content: not used; the way back keeps the content.
            photo: crops of the second domain, Y.
            painted: not used, for the same reason.
        """
        x, y, kept = painting, photo, self.config.identity_crops
        G, F_ = self.generator, self.backward
        D_Y, D_X = self.discriminator, self.backward_discriminator

        with self.autocast():
            fake_y, same_y = G(torch.cat([x, y[:kept]])).split([len(x), kept])
            fake_x, same_x = F_(torch.cat([y, x[:kept]])).split([len(y), kept])

        # Discriminators: tiles of each domain against tiles of detached translations into it.
        adversarial_y, r1_y = self.judge(D_Y, y, fake_y)
        adversarial_x, r1_x = self.judge(D_X, x, fake_x)
        adversarial_d, r1 = adversarial_y + adversarial_x, r1_y + r1_x
        update(self.optimizer_d, adversarial_d + self.lazy_r1(r1))

        # Generators: fool D, come back to where they started, leave their own domain alone.
        D_Y.requires_grad_(False)
        D_X.requires_grad_(False)
        with self.autocast():
            adversarial_g = generator_loss(D_Y(self.tiles(fake_y))) + generator_loss(D_X(self.tiles(fake_x)))
            back_x, back_y = F_(fake_y), G(fake_x)
        cycle = F.l1_loss(back_x, x) + F.l1_loss(back_y, y)
        identity = F.l1_loss(same_y, y[:kept]) + F.l1_loss(same_x, x[:kept]) if kept else cycle.new_zeros(())
        update(
            self.optimizer_g,
            adversarial_g + self.cycle_weight * cycle + self.identity_weight * identity,
        )
        return CycleLosses(
            adversarial_d.detach(), r1.detach(), adversarial_g.detach(), cycle.detach(), identity.detach()
        )


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    preset: str = "standard",
    cycle_weight: float = 10.0,
    identity_weight: float = 5.0,
    **changes: Any,
) -> Result:
    """Train for the whole budget and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: what is given besides.
        preset: draft, standard or paper; sinct's, so that only the objective differs.
        cycle_weight: 10 in the paper, section 4.
        identity_weight: half of the cycle's in the paper, section 5.2.
        changes: any setting of `sinct.Config`.
    """

    def make(
        paintings: Sequence[Tensor], photos: Sequence[Tensor], config: Config, device: torch.device
    ) -> CycleTrainer:
        return CycleTrainer(
            paintings, photos, config, device, cycle_weight=cycle_weight, identity_weight=identity_weight
        )

    # Both generators meet their domains as they are: what the presets lay over them is for sinct's objective.
    plain = {"grain": 0.0, "repaint": False, **changes}
    return train_and_translate(painting, photo, job, make, preset=preset, changes=plain)


METHOD = Method(
    title="Patch CycleGAN",
    source="Zhu et al. 2017, arXiv:1703.10593, on crops as in Park et al. 2020, appendix B",
    run=run,
)
