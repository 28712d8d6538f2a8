"""What the objectives on two folders share whose generators have styles, and so several translations of a picture."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from sinct.config import ABOVE_0, bounded
from sinct.errors import ConfigError
from sinct.losses.adversarial import r1_penalty
from sinct.networks.multiscale_discriminator import SMALLEST, MultiscaleDiscriminator
from sinct.networks.styled import StyledGenerator
from sinct.objectives.folder_gan import ADVERSARIAL, FolderGan, FolderGanSettings
from sinct.training.terms import LossTerms

MEAN_SHARE = 0.01
"""Least share of a step in the mean style: it forgets what the style encoder said some hundred steps ago."""

Losses = TypeVar("Losses", bound=LossTerms)


@dataclass(frozen=True)
class MultimodalSettings(FolderGanSettings):
    """Settings that these objectives share.

    Attributes:
        discriminator: "multiscale", which judges patches of the picture at several sizes.
        scales: at how many, each half as large as the one before; 3 in the papers' code.
        styles: numbers of a style code; 8 in the papers.
        same_start: let both directions begin with the same weights, so that a picture's content means the same to both.
            Nothing in the objectives says that light must not become dark: in some hundred steps, MUNIT made negatives
            of paintings with three seeds of three, and with this in none (ours).
    """

    discriminator: str = "multiscale"
    scales: int = bounded(3, ABOVE_0)
    styles: int = bounded(8, ABOVE_0)
    same_start: bool = False
    learning_rate: float = bounded(0.0001, ABOVE_0)
    load_size: int = bounded(256, ABOVE_0)

    @property
    def choices(self) -> dict[str, Collection[str]]:
        """See `FolderGanSettings.choices`: networks are those of the method."""
        own = type(self)
        return {
            "generator": (own.generator,),
            "discriminator": (own.discriminator,),
            "adversarial": ADVERSARIAL,
        }

    @property
    def generator_stride(self) -> int:
        """See `FolderGanSettings.generator_stride`: content is encoded at a quarter of the resolution."""
        return 4

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        smallest = SMALLEST * 2 ** (self.scales - 1)
        if self.crop_size < smallest:
            raise ConfigError(
                f"discriminators at {self.scales} scales need a crop_size of {smallest} or more, got {self.crop_size}; "
                "give larger crops or fewer scales"
            )


class MultimodalGan(FolderGan[Losses]):
    """A GAN whose generators take style codes, and whose discriminators look at several scales; see `FolderGan`."""

    settings: MultimodalSettings
    generator: StyledGenerator
    average: StyledGenerator

    def codes(self, count: int) -> Tensor:
        """Draw style codes from N(0, I), (count, styles)."""
        generator = self.device_random
        return torch.randn(count, self.settings.styles, generator=generator, device=generator.device)

    def keep_style(self, styles: Tensor) -> None:
        """Bring the mean style of the target domain up to date, which pictures are translated with by default (ours).

        Args:
            styles: (N, styles), of the step's target crops.
        """
        share = max(1 / (self.steps_done + 1), MEAN_SHARE)
        mean = self.generator.mean_style.lerp_(styles.detach().float().mean(dim=0), share)
        self.average.mean_style.copy_(mean)

    def begin_alike(self, forward: nn.Module, backward: nn.Module) -> None:
        """Give the second direction's generator the weights of the first, where the settings say so."""
        if self.settings.same_start:
            backward.load_state_dict(forward.state_dict())

    def make_discriminator(self) -> nn.Module:
        """Build a discriminator as the settings say, with random weights."""
        return MultiscaleDiscriminator(self.settings.discriminator_width, self.settings.scales)

    def judge(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """See `FolderGan.judge`: the sum of the adversarial losses at all scales."""
        regularised = self.settings.r1_weight > 0
        discriminator.requires_grad_(True)
        real = real.detach().requires_grad_(regularised)
        with self.autocast():
            real_logits, fake_logits = discriminator(real), discriminator(fake.detach())
        losses = [self.loss_of_d(*each) for each in zip(real_logits, fake_logits, strict=True)]
        adversarial = torch.stack(losses).sum()
        if not regularised:
            return adversarial, torch.zeros_like(adversarial)
        return adversarial, r1_penalty(torch.cat([each.flatten() for each in real_logits]), real)

    def fool(self, discriminator: nn.Module, fake: Tensor) -> Tensor:
        """See `FolderGan.fool`: the sum of the adversarial losses at all scales."""
        discriminator.requires_grad_(False)
        with self.autocast():
            logits = discriminator(fake)
        return torch.stack([self.loss_of_g(each) for each in logits]).sum()
