"""DRIT++ on two folders of pictures: one content space for both domains, attributes for each.

Lee et al. 2020, "DRIT++: Diverse Image-to-Image Translation via Disentangled Representations" (arXiv:1905.01270), and
Lee et al. 2018 (arXiv:1808.00948), section 3. Where we depart: a domain has one discriminator, which judges both what
has the attributes of a picture and what has drawn ones; drawn attributes are regressed from translations into the
domain, since that is what they are used for; and each network takes one step in turn, the generators first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.errors import ConfigError
from sinct.losses.adversarial import discriminator_loss
from sinct.losses.latent import confusion, kl_from_normal, l1, mode_seeking
from sinct.networks.drit_generator import Attributes, ContentDiscriminator, DritGenerator
from sinct.networks.seeding import seeded
from sinct.objectives.folder_multimodal import MultimodalGan, MultimodalSettings
from sinct.training.loop import update
from sinct.training.terms import CAME_BACK, DECODED, PASSES, SMOOTH, STYLE_FOUND, TOLD_APART, Term


@dataclass(frozen=True)
class DritSettings(MultimodalSettings):
    """Settings of one training; the weights are the papers', if nothing else is said.

    Attributes:
        generator: "drit".
        content_adversarial_weight: weight of the adversarial loss of contents; 1 in the papers.
        cycle_weight: weight of the cross-cycle loss; 10 in the papers.
        image_weight: weight of the reconstruction of pictures; 10 in the papers.
        latent_weight: weight of the regression of drawn attributes; 10 in the papers.
        kl_weight: weight of the divergence of attributes from N(0, I); 0.01 in the papers.
        content_size_weight: weight of the contents' mean absolute value; 0.01 in the papers.
        seeking_weight: weight of mode seeking, which DRIT++ adds; 1 in Mao et al. 2019. 0 gives DRIT.
    """

    generator: str = "drit"
    adversarial: str = "non_saturating"
    crop_size: int = bounded(216, ABOVE_0)
    content_adversarial_weight: float = bounded(1.0, FROM_0)
    cycle_weight: float = bounded(10.0, FROM_0)
    image_weight: float = bounded(10.0, FROM_0)
    latent_weight: float = bounded(10.0, FROM_0)
    kl_weight: float = bounded(0.01, FROM_0)
    content_size_weight: float = bounded(0.01, FROM_0)
    seeking_weight: float = bounded(1.0, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.crop_size < 32:
            raise ConfigError(
                f"the discriminator of contents needs a crop_size of 32 or more, got {self.crop_size}"
            )


class DritLosses(NamedTuple):
    """Losses of one step, as scalars; each is the sum over both domains, but `content_d`, which has both in one."""

    content_d: Tensor
    adversarial_d: Tensor
    r1: Tensor
    content_g: Tensor
    adversarial_g: Tensor
    cycle: Tensor
    image: Tensor
    latent: Tensor
    kl: Tensor
    content_size: Tensor
    seeking: Tensor


class FolderDritTrainer(MultimodalGan[DritLosses]):
    """Networks of both directions, with discriminators of both domains and of content; see `FolderGan` for arguments.

    The generator holds E_X^c, E_Y^a and G_Y, which translate sources x, and `backward` holds E_Y^c, E_X^a and G_X.
    """

    name = "folder-drit"
    settings_type = DritSettings
    settings: DritSettings
    generator: DritGenerator

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: DritSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        with seeded(settings.seed):
            generators = [self.make_generator() for _ in range(2)]
            self.begin_alike(*generators)
            discriminators = [self.make_discriminator() for _ in range(2)]
            content_discriminator = ContentDiscriminator(settings.width)
        self.generator, self.backward = map(self.placed, generators)
        self.backward.share_content(self.generator)
        self.discriminator, self.backward_discriminator = map(self.placed, discriminators)
        self.content_discriminator = self.placed(content_discriminator)
        self.average = self.averaged(self.generator)
        self.networks = {
            "generator": self.generator,
            "backward": self.backward,
            "average": self.average,
            "discriminator": self.discriminator,
            "backward_discriminator": self.backward_discriminator,
            "content_discriminator": self.content_discriminator,
        }
        self.optimizer_g = self.adam(self.generator, self.backward)
        self.optimizer_d = self.adam(self.discriminator, self.backward_discriminator)
        self.optimizer_c = self.adam(self.content_discriminator)
        self.optimizers = {
            "optimizer_g": self.optimizer_g,
            "optimizer_d": self.optimizer_d,
            "optimizer_c": self.optimizer_c,
        }
        self.terms = (
            Term(
                "content_d",
                "Discriminator of contents",
                "nats",
                meaning="lower: contents tell whose they are",
            ),
            Term("adversarial_d", "Discriminators", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("content_g", "Contents", "nats", meaning="lower: contents tell less of whose they are"),
            Term("adversarial_g", "Generators", self.unit, "G", meaning=PASSES),
            Term("cycle", "Cross-cycle", "L1 on [-1, 1]", "cycle", digits=3, meaning=CAME_BACK),
            Term("image", "Reconstruction of pictures", "L1 on [-1, 1]", "L1", digits=3, meaning=DECODED),
            Term("latent", "Regression of attributes", "L1", "latent", meaning=STYLE_FOUND),
            Term("kl", "Attributes from N(0, I)", "nats", meaning="lower: attributes are like drawn ones"),
            Term("content_size", "Size of contents", "L1", meaning="lower: contents are nearer to 0"),
            Term(
                "seeking",
                "Mode seeking",
                "codes' distance by pictures'",
                meaning="lower: another style changes more",
            ),
        )

    def make_generator(self) -> DritGenerator:
        """Build a generator as the settings say, with random weights."""
        return DritGenerator(self.settings.width, self.settings.styles)

    def drawn(self, attributes: Attributes) -> Tensor:
        """Draw attribute vectors from their distributions, (N, styles)."""
        noise = self.codes(len(attributes.mean))
        return attributes.mean + (0.5 * attributes.log_variance).exp() * noise

    def step(self, batch: FolderBatch) -> DritLosses:
        """Update the generators with their encoders once, then the discriminators of both domains and of content."""
        settings, (x, y) = self.settings, batch
        EXc, EYa, GY = self.generator.content_of, self.generator.attributes_of, self.generator.decode
        EYc, EXa, GX = self.backward.content_of, self.backward.attributes_of, self.backward.decode
        DX, DY, Dc = self.backward_discriminator, self.discriminator, self.content_discriminator
        Dc.requires_grad_(False)
        zx1, zx2, zy1, zy2 = (self.codes(len(x)) for _ in range(4))

        with self.autocast():
            cx, cy = EXc(x), EYc(y)
            ax, ay = EXa(x), EYa(y)
            own_x, own_y = self.drawn(ax), self.drawn(ay)
            u, v = GX(cy, own_x), GY(cx, own_y)  # eq. 3: contents swapped
            back_x, back_y = GX(EYc(v), self.drawn(EXa(u))), GY(EXc(u), self.drawn(EYa(v)))  # and back
            same_x, same_y = GX(cx, own_x), GY(cy, own_y)
            fake_x1, fake_x2, fake_y1, fake_y2 = GX(cy, zx1), GX(cy, zx2), GY(cx, zy1), GY(cx, zy2)
            found_x, found_y = EXa(fake_x1).mean, EYa(fake_y1).mean
            logits_x, logits_y = Dc(cx), Dc(cy)

        # Generators and encoders.
        fakes_x, fakes_y = torch.cat([u, fake_x1]), torch.cat([v, fake_y1])
        content_g = confusion(logits_x) + confusion(logits_y)  # eq. 2
        adversarial_g = self.fool(DX, fakes_x) + self.fool(DY, fakes_y)
        cycle = l1(back_x, x) + l1(back_y, y)  # eq. 4
        image = l1(same_x, x) + l1(same_y, y)
        latent = l1(found_x, zx1) + l1(found_y, zy1)
        kl = kl_from_normal(*ax) + kl_from_normal(*ay)
        content_size = l1(cx, torch.zeros_like(cx)) + l1(cy, torch.zeros_like(cy))
        seeking = mode_seeking(fake_x1, fake_x2, zx1, zx2) + mode_seeking(fake_y1, fake_y2, zy1, zy2)
        update(
            self.optimizer_g,
            settings.content_adversarial_weight * content_g
            + adversarial_g
            + settings.cycle_weight * cycle
            + settings.image_weight * image
            + settings.latent_weight * latent
            + settings.kl_weight * kl
            + settings.content_size_weight * content_size
            + settings.seeking_weight * seeking,
        )
        self.keep_style(ay.mean)

        # Discriminators of domains: crops against detached translations into the domain.
        adversarial_x, r1_x = self.judge(DX, x, fakes_x)
        adversarial_y, r1_y = self.judge(DY, y, fakes_y)
        adversarial_d, r1 = adversarial_x + adversarial_y, r1_x + r1_y
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)

        # Discriminator of contents: whose they are.
        Dc.requires_grad_(True)
        with self.autocast():
            logits_x, logits_y = Dc(cx.detach()), Dc(cy.detach())
        content_d = discriminator_loss(logits_x, logits_y)
        update(self.optimizer_c, content_d)
        terms = (
            content_d, adversarial_d, r1, content_g, adversarial_g, cycle, image, latent, kl, content_size, seeking
        )  # fmt: skip
        return DritLosses(*(term.detach() for term in terms))
