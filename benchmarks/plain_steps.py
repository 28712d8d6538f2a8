"""The steps of CUT and CycleGAN as the papers' code takes them: one plain forward pass for each purpose.

They share networks, losses and settings with ours, so that only the way of computing differs; written from Park et al.
2020 (arXiv:2007.15651), section 3, and Zhu et al. 2017 (arXiv:1703.10593), section 3, to be measured against.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.data.folder_sampler import FolderBatch
from sinct.losses.contrastive import patch_nce
from sinct.networks.base import sample_features
from sinct.objectives.cyclegan import CycleLosses
from sinct.objectives.folder_cut import FolderCutLosses, FolderCutTrainer
from sinct.objectives.folder_cyclegan import FolderCycleTrainer
from sinct.training.loop import update


class PlainCut(FolderCutTrainer):
    """CUT and FastCUT: inputs and outputs are encoded anew for PatchNCE, and all their features are kept."""

    def step(self, batch: FolderBatch) -> FolderCutLosses:
        """See `FolderCutTrainer.step`."""
        settings, (source, target) = self.settings, batch
        flipped = settings.flip_equivariance and bool(torch.rand((), generator=self.random) < 0.5)
        inputs = torch.cat([source, target]) if settings.identity_nce else source
        output = self.generator(inputs.flip(3) if flipped else inputs)
        translation, same = output.tensor_split([len(source)])

        adversarial_d, r1 = self.judge(self.discriminator, target, translation)
        update(self.optimizer_d, adversarial_d)

        adversarial_g = self.fool(self.discriminator, translation)
        nce = self.compared(translation, source, flipped=flipped)
        nce_identity = torch.zeros_like(nce)
        if settings.identity_nce:
            nce_identity = self.compared(same, target, flipped=flipped)
        content = 0.5 * (nce + nce_identity) if settings.identity_nce else nce
        update(self.optimizer_g, adversarial_g + settings.nce_weight * content)
        return FolderCutLosses(
            *(term.detach() for term in (adversarial_d, r1, adversarial_g, nce, nce_identity))
        )

    def compared(self, output: Tensor, picture: Tensor, *, flipped: bool) -> Tensor:
        """PatchNCE of some outputs and their inputs; both encodings record a gradient, though keys get none."""
        made, given = self.generator.encode(output), self.generator.encode(picture)
        made = tuple(depth.flip(3) for depth in made) if flipped else made
        places = self.positions(given)
        queries, keys = (
            self.projection([sample_features(features[depth], where) for depth, where in places.items()])
            for features in (made, given)
        )
        losses = [
            patch_nce(query, key.detach(), temperature=self.settings.temperature, images=len(picture))
            for query, key in zip(queries, keys, strict=True)
        ]
        return torch.stack(losses).mean()


class PlainCycle(FolderCycleTrainer):
    """CycleGAN: each of six translations is a pass of its own."""

    def step(self, batch: FolderBatch) -> CycleLosses:
        """See `FolderCycleTrainer.step`."""
        settings, (x, y) = self.settings, batch
        G, F_ = self.generator, self.backward
        D_Y, D_X = self.discriminator, self.backward_discriminator
        fake_y, fake_x = G(x), F_(y)
        back_x, back_y = F_(fake_y), G(fake_x)

        adversarial_g = self.fool(D_Y, fake_y) + self.fool(D_X, fake_x)
        cycle = F.l1_loss(back_x, x) + F.l1_loss(back_y, y)
        identity = torch.zeros_like(cycle)
        if settings.identity_weight > 0:
            identity = F.l1_loss(G(y), y) + F.l1_loss(F_(x), x)
        update(
            self.optimizer_g,
            adversarial_g + settings.cycle_weight * cycle + settings.identity_weight * identity,
        )

        earlier = self.steps_done * settings.batch_size
        shown_y = self.pool.exchange(fake_y.detach(), earlier, self.random)
        shown_x = self.backward_pool.exchange(fake_x.detach(), earlier, self.random)
        adversarial_y, r1 = self.judge(D_Y, y, shown_y)
        adversarial_x, _ = self.judge(D_X, x, shown_x)
        update(self.optimizer_d, adversarial_y + adversarial_x)
        terms = adversarial_y + adversarial_x, r1, adversarial_g, cycle, identity
        return CycleLosses(*(term.detach() for term in terms))
