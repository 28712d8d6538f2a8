"""CycleGAN on two folders of pictures.

Zhu et al. 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (arXiv:1703.10593),
sections 3 and 4, with the networks that CUT uses too (Park et al. 2020, appendix C.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.config import FROM_0, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.networks.seeding import seeded
from sinct.objectives.cyclegan import CycleLosses
from sinct.objectives.folder_gan import FolderGan, FolderGanSettings
from sinct.training.loop import update
from sinct.training.terms import CAME_BACK, LEFT_ALONE, PASSES, SMOOTH, TOLD_APART, Term


@dataclass(frozen=True)
class FolderCycleSettings(FolderGanSettings):
    """Settings of one training; the weights are the paper's.

    Attributes:
        cycle_weight: weight of the cycle loss; 10 in the paper, section 4.
        identity_weight: weight of the identity loss; half of the cycle loss's in the paper, section 5.2.
        pool: earlier translations of each direction from which the discriminator gets one every second time, so that
            it does not forget; 50 in the paper, section 4. 0 gives it the present ones.
    """

    cycle_weight: float = bounded(10.0, FROM_0)
    identity_weight: float = bounded(5.0, FROM_0)
    pool: int = bounded(50, FROM_0)


class ImagePool(nn.Module):
    """Earlier translations, to show to a discriminator (Shrivastava et al. 2017, arXiv:1612.07828, section 2.3).

    Args:
        size: how many it holds; 0 holds none.
        side: height and width of each, in pixels.

    Attributes:
        pictures: (size, 3, side, side), a buffer, so part of checkpoints.
    """

    pictures: Tensor

    def __init__(self, size: int, side: int) -> None:
        super().__init__()
        self.register_buffer("pictures", torch.zeros(size, 3, side, side))

    @torch.no_grad()
    def exchange(self, pictures: Tensor, earlier: int, random: torch.Generator) -> Tensor:
        """Keep new pictures, and return as many: each itself, or one kept before, whose place it takes.

        Until the pool is full, all are kept and returned; then each is exchanged with probability 1/2.

        Args:
            pictures: (N, 3, side, side).
            earlier: how many pictures it has been given before.
            random: decides; on the CPU.
        """
        size = len(self.pictures)
        shown = []
        for number, picture in enumerate(pictures, start=earlier):
            place, exchanged = number, False
            if number >= size > 0:
                place = int(torch.randint(size, (), generator=random))
                exchanged = bool(torch.rand((), generator=random) < 0.5)
            shown.append(self.pictures[place].to(picture, copy=True) if exchanged else picture)
            if exchanged or number < size:
                self.pictures[place] = picture
        return torch.stack(shown)


class FolderCycleTrainer(FolderGan[CycleLosses]):
    """G: source -> target and F: target -> source, each with a discriminator; see `FolderGan` for arguments."""

    name = "folder-cyclegan"
    settings_type = FolderCycleSettings
    settings: FolderCycleSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderCycleSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        with seeded(settings.seed):
            generators = [self.make_generator() for _ in range(2)]
            discriminators = [self.make_discriminator() for _ in range(2)]
        self.generator, self.backward = map(self.placed, generators)
        self.discriminator, self.backward_discriminator = map(self.placed, discriminators)
        self.pool, self.backward_pool = (
            ImagePool(settings.pool, settings.crop_size).to(device) for _ in range(2)
        )
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "backward": self.backward,
            "average": self.average,
            "discriminator": self.discriminator,
            "backward_discriminator": self.backward_discriminator,
            "pool": self.pool,
            "backward_pool": self.backward_pool,
        }
        self.optimizer_g = self.adam(self.generator, self.backward)
        self.optimizer_d = self.adam(self.discriminator, self.backward_discriminator)
        self.optimizers = {"optimizer_g": self.optimizer_g, "optimizer_d": self.optimizer_d}
        self.terms = (
            Term("adversarial_d", "Discriminators", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("adversarial_g", "Generators", self.unit, "G", meaning=PASSES),
            Term("cycle", "Cycle", "L1 on [-1, 1]", "cycle", digits=3, meaning=CAME_BACK),
            Term("identity", "Identity", "L1 on [-1, 1]", "L1", digits=3, meaning=LEFT_ALONE),
        )

    def step(self, batch: FolderBatch) -> CycleLosses:
        """Update both generators once, then both discriminators once, as the authors' code does."""
        settings, (x, y) = self.settings, batch
        G, F_ = self.generator, self.backward
        D_Y, D_X = self.discriminator, self.backward_discriminator
        both = settings.identity_weight > 0

        with self.autocast():
            fake_y, same_y = self.made(G, torch.cat([x, y]) if both else x).tensor_split([len(x)])
            fake_x, same_x = self.made(F_, torch.cat([y, x]) if both else y).tensor_split([len(y)])
            back_x, back_y = self.made(F_, fake_y), self.made(G, fake_x)

        # Generators: fool D, return to the original crops, leave their own target domain alone.
        adversarial_g = self.fool(D_Y, fake_y) + self.fool(D_X, fake_x)
        cycle = F.l1_loss(back_x, x) + F.l1_loss(back_y, y)
        identity = F.l1_loss(same_y, y) + F.l1_loss(same_x, x) if both else torch.zeros_like(cycle)
        update(
            self.optimizer_g,
            adversarial_g + settings.cycle_weight * cycle + settings.identity_weight * identity,
        )

        # Discriminators: each domain against detached translations into it, present and earlier ones.
        earlier = self.steps_done * settings.batch_size
        shown_y = self.pool.exchange(fake_y.detach(), earlier, self.random)
        shown_x = self.backward_pool.exchange(fake_x.detach(), earlier, self.random)
        adversarial_y, r1_y = self.judge(D_Y, y, shown_y)
        adversarial_x, r1_x = self.judge(D_X, x, shown_x)
        adversarial_d, r1 = adversarial_y + adversarial_x, r1_y + r1_x
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)
        terms = adversarial_d, r1, adversarial_g, cycle, identity
        return CycleLosses(*(term.detach() for term in terms))
