"""MUNIT on two folders of pictures: content and style apart, and any style for a picture's content.

Huang et al. 2018, "Multimodal Unsupervised Image-to-Image Translation" (arXiv:1804.04732), sections 3 to 5 and
appendix B. Where we depart: generators are updated before discriminators, which judge the same translations; there is
no weight decay, of which the text says nothing; and no perceptual loss, which the paper has for pictures above 512 px
alone, since it needs the weights of VGG.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, bounded
from sinct.data.folder_sampler import FolderBatch
from sinct.losses.latent import l1
from sinct.networks.munit_generator import MunitGenerator
from sinct.networks.seeding import seeded
from sinct.objectives.folder_multimodal import MultimodalGan, MultimodalSettings
from sinct.training.loop import update
from sinct.training.terms import (
    CAME_BACK,
    DECODED,
    PASSES,
    SMOOTH,
    STYLE_FOUND,
    TOLD_APART,
    Term,
)


@dataclass(frozen=True)
class MunitSettings(MultimodalSettings):
    """Settings of one training; the weights are the paper's, appendix B.1.

    Attributes:
        generator: "munit".
        rate_halving: steps after which the learning rate is halved, again and again; 100,000 in the paper.
            `rate_constant` and `rate_epochs` change nothing here.
        image_weight: weight of the reconstruction of pictures; 10 in the paper.
        content_weight: weight of the reconstruction of contents; 1 in the paper.
        style_weight: weight of the reconstruction of styles; 1 in the paper.
        cycle_weight: weight of the style-augmented cycle loss, which helps on some data sets; 0 leaves it out.
    """

    generator: str = "munit"
    rate_halving: int = bounded(100_000, ABOVE_0)
    image_weight: float = bounded(10.0, FROM_0)
    content_weight: float = bounded(1.0, FROM_0)
    style_weight: float = bounded(1.0, FROM_0)
    cycle_weight: float = bounded(0.0, FROM_0)


class MunitLosses(NamedTuple):
    """Losses of one step, as scalars; each is the sum over both domains."""

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    image: Tensor
    content: Tensor
    style: Tensor
    cycle: Tensor


class FolderMunitTrainer(MultimodalGan[MunitLosses]):
    """Autoencoders of both domains, each with a discriminator; see `FolderGan` for arguments.

    The generator holds E₁ᶜ, E₂ˢ and G₂, which translate sources, and `backward` holds E₂ᶜ, E₁ˢ and G₁.
    """

    name = "folder-munit"
    settings_type = MunitSettings
    settings: MunitSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: MunitSettings,
        device: torch.device,
    ) -> None:
        super().__init__(sources, targets, settings, device)
        with seeded(settings.seed):
            generators = [self.make_generator() for _ in range(2)]
            self.begin_alike(*generators)
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
            Term("adversarial_d", "Discriminators", self.unit, "D", meaning=TOLD_APART),
            Term("r1", "R1", "squared gradient norm", meaning=SMOOTH),
            Term("adversarial_g", "Generators", self.unit, "G", meaning=PASSES),
            Term("image", "Reconstruction of pictures", "L1 on [-1, 1]", "L1", digits=3, meaning=DECODED),
            Term(
                "content",
                "Reconstruction of contents",
                "L1",
                "content",
                meaning="lower: contents are found again in translations",
            ),
            Term("style", "Reconstruction of styles", "L1", "style", meaning=STYLE_FOUND),
            Term("cycle", "Cycle", "L1 on [-1, 1]", digits=3, meaning=CAME_BACK),
        )

    def make_generator(self) -> MunitGenerator:
        """Build a generator as the settings say, with random weights."""
        return MunitGenerator(self.settings.width, styles=self.settings.styles)

    @property
    def rate(self) -> float:
        """See `Loop.rate`: halved again and again."""
        return self.settings.learning_rate * 0.5 ** (self.steps_done // self.settings.rate_halving)

    def step(self, batch: FolderBatch) -> MunitLosses:
        """Update both autoencoders once, then both discriminators once."""
        settings, (x1, x2) = self.settings, batch
        E1c, E2s, G2 = self.generator.content_of, self.generator.style_of, self.generator.decode
        E2c, E1s, G1 = self.backward.content_of, self.backward.style_of, self.backward.decode
        D1, D2 = self.backward_discriminator, self.discriminator
        s1, s2 = self.codes(len(x1)), self.codes(len(x2))

        with self.autocast():
            c1, c2 = E1c(x1), E2c(x2)
            own1, own2 = E1s(x1), E2s(x2)
            same1, same2 = G1(c1, own1), G2(c2, own2)
            fake1, fake2 = G1(c2, s1), G2(c1, s2)
            found_c1, found_c2 = E2c(fake2), E1c(fake1)
            found_s1, found_s2 = E1s(fake1), E2s(fake2)

        # Autoencoders: the same picture again (eq. 1), content (eq. 2) and style (eq. 3) found again, D fooled (eq. 4).
        adversarial_g = self.fool(D1, fake1) + self.fool(D2, fake2)
        image = l1(same1, x1) + l1(same2, x2)
        content = l1(found_c1, c1) + l1(found_c2, c2)
        style = l1(found_s1, s1) + l1(found_s2, s2)
        cycle = torch.zeros_like(image)
        if settings.cycle_weight > 0:  # section 4, style-augmented cycle consistency
            with self.autocast():
                back1, back2 = G1(found_c1, own1), G2(found_c2, own2)
            cycle = l1(back1, x1) + l1(back2, x2)
        update(  # eq. 5
            self.optimizer_g,
            adversarial_g
            + settings.image_weight * image
            + settings.content_weight * content
            + settings.style_weight * style
            + settings.cycle_weight * cycle,
        )

        self.keep_style(own2)

        # Discriminators: each domain against detached translations into it.
        adversarial_1, r1_1 = self.judge(D1, x1, fake1)
        adversarial_2, r1_2 = self.judge(D2, x2, fake2)
        adversarial_d, r1 = adversarial_1 + adversarial_2, r1_1 + r1_2
        update(self.optimizer_d, adversarial_d + settings.r1_weight / 2 * r1)
        terms = adversarial_d, r1, adversarial_g, image, content, style, cycle
        return MunitLosses(*(term.detach() for term in terms))
