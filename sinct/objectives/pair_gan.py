"""What both objectives share: a GAN on crops of a painting and of photos, with a discriminator on tiles.

Park et al. 2020 (arXiv:2007.15651), appendix B.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn

from sinct.config import ABOVE_0, FROM_0, TrainingSettings, bounded
from sinct.data.content import Content, Seen
from sinct.data.crops import tiles
from sinct.data.pair import ALL_SHOWN, PairBatch, PairSampler, PairSettings, Shown
from sinct.errors import ConfigError
from sinct.losses.adversarial import discriminator_loss, r1_penalty
from sinct.networks.base import GeneratorBase
from sinct.networks.choice import GENERATORS, make_generator
from sinct.networks.tile_discriminator import WIDTHS, Discriminator
from sinct.training.loop import Loop, Losses
from sinct.weights.stroke_remover import stroke_remover_version


@dataclass(frozen=True)
class PairGanSettings(TrainingSettings, PairSettings):
    """Settings of networks and adversarial loss, with those of crops and of every training.

    Attributes:
        generator: name of the generator, see `sinct.networks.choice`; all but "sincut" and "resnet", the paper's, are
            ours.
        width: generator channels at full resolution, twice as many at half resolution; for generators that work on
            2×2 blocks, at half and a quarter of the resolution.
        discriminator_widths: channels at tile_size, tile_size / 2 and so on down to 4 px.
        minibatch_deviation: use the minibatch standard deviation in the discriminator; off in the authors' code.
        tile_size: side of the discriminator's tiles, in pixels; divides crop_size.
        tile_play: most pixels by which the tiles are shifted at random, alike in all crops of a step, so that no
            pattern of the generator stays in step with them; tiles overlap by as much (ours above 0).
        identity_crops: crops that the identity term also uses (ours when below `crops`).
        identity_weight: weight of the L1 distance between a photo and what G makes of it.
        r1_weight: weight of R1, times 1/2.
        r1_interval: steps from one R1 to the next, with proportionally more weight; above 1 is ours.
    """

    generator: str = "sincut"
    width: int = bounded(80, ABOVE_0)
    discriminator_widths: tuple[int, ...] = WIDTHS
    minibatch_deviation: bool = False
    tile_size: int = bounded(64, ABOVE_0)
    tile_play: int = bounded(0, FROM_0)
    identity_crops: int = 16
    identity_weight: float = bounded(1.0, FROM_0)
    r1_weight: float = bounded(1.0, FROM_0)
    r1_interval: int = bounded(1, ABOVE_0)

    @classmethod
    def from_run(cls, values: Mapping[str, Any]) -> Self:
        """See `Settings.from_run`."""
        values = dict(values)
        if "compact" in values:  # a truth value, when there were two generators
            values["generator"] = "compact" if values.pop("compact") else "stylegan2"
        if "rate_epochs" not in values:  # version 0.2, whose discriminator minimised the sum of both terms
            values |= {"rate_epochs": 0, "r1_weight": values["r1_weight"] / 2}
        return super().from_run(values)

    @property
    def generator_depths(self) -> int:
        """How many features the generator's encoder has."""
        return GENERATORS[self.generator].depths

    @property
    def content(self) -> Content:
        """How pictures are prepared for the generator, before the map of colours is known."""
        remover = stroke_remover_version() if self.remove_strokes else ""
        return Content(
            self.smoothing, self.detail, self.grain, self.seed, remover=remover, stroke=self.stroke
        )

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.generator not in GENERATORS:
            raise ConfigError(f"unknown generator {self.generator!r}; choose one of {', '.join(GENERATORS)}")
        if not 0 <= self.identity_crops <= self.crops:
            raise ConfigError(
                f"identity_crops must lie between 0 and crops ({self.crops}), got {self.identity_crops}"
            )
        if self.crop_size % 2 or self.crop_size % self.tile_size:
            raise ConfigError(
                f"crop_size must be even and a multiple of tile_size ({self.tile_size}), got {self.crop_size}"
            )
        widths = self.discriminator_widths
        if not widths or self.tile_size != 4 * 2 ** (len(widths) - 1):
            raise ConfigError(
                f"tile_size {self.tile_size} needs one discriminator width for each halving down to 4 px, "
                f"got {len(widths)}: {widths}"
            )
        if self.tile_play and not (self.crop_size > self.tile_size and self.tile_play <= self.tile_size // 2):
            raise ConfigError(
                f"tile_play needs crops of two or more tiles a side and at most half a tile, {self.tile_size // 2} px, "
                f"got {self.tile_play}"
            )
        if any(width < 1 for width in widths):
            raise ConfigError(f"discriminator_widths must be above 0, got {widths}")


class PairGan(Loop[PairBatch, Losses]):
    """A GAN on crops of a painting and of photos; a subclass adds its objective.

    Args:
        paintings: one or more (3, H, W) in [-1, 1], float32, translated alike. Each step sees one of them.
        photos: one or more (3, H, W) in [-1, 1], which form one target together.
        settings: settings of the objective.
        device: where networks and pictures are kept.
        shown: where the pictures show.
        tell: called with what is being done to prepare them, in a few words.

    Attributes:
        sampler: draws the crops.

    Raises:
        ConfigError: a picture is too narrow for a crop.
    """

    settings_type: ClassVar[type[PairGanSettings]]
    settings: PairGanSettings

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: PairGanSettings,
        device: torch.device,
        shown: Shown = ALL_SHOWN,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        super().__init__(settings, device)
        self.tile_shift = 0
        self.sampler = PairSampler(
            paintings,
            photos,
            settings,
            settings.content,
            device=device,
            random=self.random,
            device_random=self.device_random,
            channels_last=settings.channels_last,
            shown=shown,
            tell=tell,
        )
        self.content = self.sampler.content

    def sample(self) -> PairBatch:
        """Draw the crops of one step, and where their tiles begin."""
        self.shift_tiles()
        return self.sampler.sample()

    def seen(self, number: int, painting: Tensor) -> Seen:
        """See `Loop.seen`."""
        return self.sampler.seen(number)

    def shift_tiles(self) -> None:
        """Draw where the discriminator's tiles begin."""
        if self.settings.tile_play:
            self.tile_shift = int(torch.randint(self.settings.tile_play + 1, (), generator=self.random))

    def make_generator(self) -> GeneratorBase:
        """Build a generator as the settings say, with random weights."""
        return make_generator(self.settings.generator, self.settings.width)

    def make_discriminator(self) -> Discriminator:
        """Build a discriminator as the settings say, with random weights."""
        settings = self.settings
        return Discriminator(
            settings.tile_size, settings.discriminator_widths, deviation=settings.minibatch_deviation
        )

    def judge(
        self,
        discriminator: nn.Module,
        real: Tensor,
        fake: Tensor,
        real_own: Tensor | None = None,
        fake_own: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Adversarial loss and R1 of a discriminator, on tiles of real crops and of detached translations.

        A tile counts as far as it shows the region that its crop is of, by `real_own` and `fake_own`; see `PairBatch`.
        R1 is NaN at steps where it is not due.
        """
        due = self.r1_is_due
        discriminator.requires_grad_(True)
        real = self.tiles(real).requires_grad_(due)  # R1 differentiates with respect to the input
        with self.autocast():
            real_logits = discriminator(real)
            fake_logits = discriminator(self.tiles(fake.detach()))
        weights = self.tile_weights(real_own), self.tile_weights(fake_own)
        adversarial = discriminator_loss(real_logits, fake_logits, *weights)
        return adversarial, r1_penalty(real_logits, real) if due else torch.full_like(adversarial, math.nan)

    def lazy_r1(self, r1: Tensor) -> Tensor:
        """R1 times its weight, which is raised to make up for the steps without R1; 0 at those steps."""
        weight = self.settings.r1_interval * self.settings.r1_weight / 2
        return weight * r1 if self.r1_is_due else torch.zeros_like(r1)

    @property
    def r1_is_due(self) -> bool:
        """Whether the current step computes R1."""
        return self.steps_done % self.settings.r1_interval == 0

    def tiles(self, crops: Tensor) -> Tensor:
        """Divide crops into the tiles that the discriminator sees."""
        return tiles(crops, self.settings.tile_size, self.tile_shift, self.settings.tile_play)

    def tile_weights(self, own: Tensor | None) -> Tensor | None:
        """The share of each tile that shows the region that its crop is of, (N * tiles,); None where all does."""
        return None if own is None else self.tiles(own).mean(dim=(1, 2, 3))
