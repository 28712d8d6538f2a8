"""What the objectives on two folders share: a GAN on crops of many pictures, with the networks of CycleGAN.

Park et al. 2020 (arXiv:2007.15651), appendix C.1, with their code where it is silent.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor, nn

from sinct.config import ABOVE_0, FROM_0, TrainingSettings, bounded
from sinct.data.content import Content
from sinct.data.folder_sampler import FolderBatch, FolderSampler
from sinct.data.scaled import FolderSettings
from sinct.errors import ConfigError, Remark
from sinct.losses.adversarial import (
    discriminator_loss,
    generator_loss,
    least_squares_discriminator_loss,
    least_squares_generator_loss,
    r1_penalty,
)
from sinct.networks.base import GeneratorBase
from sinct.networks.choice import GENERATORS, make_generator
from sinct.networks.patchgan_discriminator import SMALLEST, PatchDiscriminator
from sinct.networks.tile_discriminator import Discriminator
from sinct.training.loop import Loop, Losses

ADVERSARIAL = {
    "least_squares": (least_squares_discriminator_loss, least_squares_generator_loss),
    "non_saturating": (discriminator_loss, generator_loss),
}
"""Losses of discriminator and generator by name."""

DISCRIMINATORS = ("patchgan", "stylegan2")

NAMED = 5
"""Files that a warning names."""

WIDEST = 512
"""Most channels of the discriminator "stylegan2"."""


@dataclass(frozen=True)
class FolderGanSettings(TrainingSettings, FolderSettings):
    """Settings of networks and adversarial loss, with those of pictures and of every training.

    Attributes:
        generator: name of the generator, see `sinct.networks.choice`.
        width: its channels at full resolution.
        discriminator: "patchgan", which judges overlapping patches of 70 px, or "stylegan2", which judges whole crops.
        discriminator_width: its channels behind the first convolution.
        adversarial: "least_squares" or "non_saturating".
        r1_weight: weight of R1, times 1/2; 0 in the paper on folders.
    """

    generator: str = "resnet"
    width: int = bounded(64, ABOVE_0)
    discriminator: str = "patchgan"
    discriminator_width: int = bounded(64, ABOVE_0)
    adversarial: str = "least_squares"
    r1_weight: float = bounded(0.0, FROM_0)
    learning_rate: float = bounded(0.0002, ABOVE_0)
    betas: tuple[float, float] = (0.5, 0.999)

    @property
    def choices(self) -> dict[str, Collection[str]]:
        """Names that may be chosen, by setting."""
        return {"generator": GENERATORS, "discriminator": DISCRIMINATORS, "adversarial": ADVERSARIAL}

    @property
    def generator_stride(self) -> int:
        """What the sides of the generator's pictures are multiples of, in pixels."""
        return GENERATORS[self.generator].stride

    @property
    def generator_depths(self) -> int:
        """How many features the generator's encoder has."""
        return GENERATORS[self.generator].depths

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        for name, known in self.choices.items():
            if getattr(self, name) not in known:
                raise ConfigError(f"unknown {name} {getattr(self, name)!r}; choose one of {', '.join(known)}")
        stride = self.generator_stride
        if self.crop_size % stride:
            raise ConfigError(
                f"the generator {self.generator!r} needs a crop_size that is a multiple of {stride}, got "
                f"{self.crop_size}"
            )
        if self.discriminator == "patchgan" and self.crop_size < SMALLEST:
            raise ConfigError(f"patchgan needs a crop_size of {SMALLEST} or more, got {self.crop_size}")
        if self.discriminator == "stylegan2" and self.crop_size not in [2**power for power in range(2, 14)]:
            raise ConfigError(f"stylegan2 needs a crop_size that is a power of 2, got {self.crop_size}")


class FolderGan(Loop[FolderBatch, Losses]):
    """A GAN on crops of the pictures of two folders; a subclass adds its objective.

    Args:
        sources: picture files of the domain that is translated.
        targets: picture files of the domain that it is translated to.
        settings: settings of the objective.
        device: where networks and crops are kept.

    Attributes:
        sampler: draws the crops.

    Raises:
        InputError: no picture of a domain can be used.
    """

    settings_type: ClassVar[type[FolderGanSettings]]
    settings: FolderGanSettings

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderGanSettings,
        device: torch.device,
    ) -> None:
        super().__init__(settings, device)
        self.content = Content(seed=settings.seed)
        self.loss_of_d, self.loss_of_g = ADVERSARIAL[settings.adversarial]
        self.sampler = FolderSampler(
            sources,
            targets,
            settings,
            seed=settings.seed,
            device=device,
            channels_last=settings.channels_last,
            steps=settings.steps,
        )

    def sample(self) -> FolderBatch:
        """Take the crops of this step."""
        return self.sampler.batch(self.steps_done)

    @property
    def epoch(self) -> float:
        """See `Loop.epoch`."""
        return self.steps_done * self.pictures / self.sampler.epoch_size

    @property
    def pictures(self) -> int:
        """See `Loop.pictures`."""
        return self.settings.batch_size

    @property
    def remarks(self) -> list[Remark]:
        """See `Loop.remarks`: files that are left out or replaced."""
        found: dict[str, list[Remark]] = {}
        for remark in self.sampler.remarks:
            found.setdefault(remark.code, []).append(remark)
        return [Remark(code, _in_one_line(texts)) for code, texts in found.items()]

    def close(self) -> None:
        """See `Loop.close`."""
        self.sampler.close()

    @property
    def unit(self) -> str:
        """Unit of the adversarial losses."""
        return "nats" if self.settings.adversarial == "non_saturating" else "squares"

    def make_generator(self) -> GeneratorBase:
        """Build a generator as the settings say, with random weights."""
        return make_generator(self.settings.generator, self.settings.width)

    def make_discriminator(self) -> nn.Module:
        """Build a discriminator as the settings say, with random weights."""
        width, side = self.settings.discriminator_width, self.settings.crop_size
        if self.settings.discriminator == "patchgan":
            return PatchDiscriminator(width)
        halvings = side.bit_length() - 2  # down to 4 px
        return Discriminator(side, tuple(min(WIDEST, width * 2**level) for level in range(halvings)))

    def judge(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Adversarial loss and R1 of a discriminator, on real crops and detached translations; R1 0 where off."""
        regularised = self.settings.r1_weight > 0
        discriminator.requires_grad_(True)
        real = real.detach().requires_grad_(regularised)  # R1 differentiates with respect to the input
        with self.autocast():
            real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
        adversarial = self.loss_of_d(real_logits, fake_logits)
        return adversarial, r1_penalty(real_logits, real) if regularised else torch.zeros_like(adversarial)

    def fool(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """Adversarial loss of a generator, through a discriminator that does not learn from it."""
        discriminator.requires_grad_(False)
        with self.autocast():
            logits = discriminator(fake)
        return self.loss_of_g(logits)


def _in_one_line(texts: Sequence[str]) -> str:
    """The first few texts, and how many more there are."""
    more = f"; and {len(texts) - NAMED} more" if len(texts) > NAMED else ""
    return "; ".join(texts[:NAMED]) + more
