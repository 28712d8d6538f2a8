"""What every training on paintings and photos shares: crops, the clock, the loop, and the state to continue from."""

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Generic, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor, nn

from sinct.config import Config
from sinct.data.crops import random_crops, tiles, uniform, width_range
from sinct.data.grain import grain
from sinct.data.palette import match_palette, palette_of
from sinct.data.smoothing import total_variation_smooth
from sinct.errors import CheckpointError, TrainingError, one_line
from sinct.inference.checkpoint import part, prefixed
from sinct.losses.adversarial import discriminator_loss, r1_penalty
from sinct.networks.stylegan2_generator import GeneratorBase, update_average


class LossTerms(Protocol):
    """A NamedTuple of scalar tensors, one for each term of an objective."""

    @property
    def _fields(self) -> tuple[str, ...]: ...

    @property
    def adversarial_d(self) -> Tensor:
        """Adversarial loss of the discriminator of photos, in nats."""
        ...

    def __iter__(self) -> Iterator[Tensor]: ...


Losses = TypeVar("Losses", bound=LossTerms)
Network = TypeVar("Network", bound=nn.Module)


class Best(NamedTuple):
    """The best state so far.

    Attributes:
        score: of its picture, lower is better (`sinct.training.best`).
        progress: of the training then, in [0, 1].
        step: that it was reached at.
    """

    score: float
    progress: float
    step: int


class Loop(ABC, Generic[Losses]):
    """A training of a generator and its companions on one painting, or a series, and its photos.

    A subclass builds its networks in `__init__` and takes one step of its objective in `step`.

    Args:
        paintings: one or more (3, H, W) in [-1, 1], float32, translated alike. Each step sees one of them.
        photos: one or more (3, H, W) in [-1, 1], the target together.
        config: all settings.
        device: where networks and pictures lie.

    Attributes:
        generator: G.
        average: running average of G (ours), the one to translate with.
        networks: all with a state, by name.
        optimizers: by name.
        steps_done: updates made so far.
        seconds_done: seconds spent training so far.
        best: what was kept of the running average so far, see `keep`.

    Raises:
        ConfigError: a picture is too narrow for a crop.
    """

    generator: GeneratorBase
    average: GeneratorBase
    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Adam]

    def __init__(
        self, paintings: Sequence[Tensor], photos: Sequence[Tensor], config: Config, device: torch.device
    ) -> None:
        self.config = config
        self.device = device
        for picture in (*paintings, *photos):
            scaled_widths(picture, config)  # refuse before any work
        # One tensor each, (6, H, W): what G translates and what is kept of it, to be cropped at the same places.
        self.paintings = [self._with_content(painting.to(device)) for painting in paintings]
        # The same for each photo: what G should give back, and what is left of it when it is painted. A series has
        # one palette: with one for each painting, a painted colour would stand for several of the photo's, and
        # every pair would take memory.
        palette = palette_of(paintings) if config.repaint else None
        self.photos = [
            torch.cat([photo, self._painted(photo, palette)])
            for photo in (photo.to(device) for photo in photos)
        ]
        self.random = torch.Generator().manual_seed(config.seed)
        self.steps_done = 0
        self.seconds_done = 0.0
        self.best: Best | None = None

    @abstractmethod
    def step(self, painting: Tensor, content: Tensor, photo: Tensor, painted: Tensor) -> Losses:
        """One update of all networks on (N, 3, S, S) crops in [-1, 1], as `sample` draws them."""

    def sample(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Draw crops, each (crops, 3, size, size): of one painting, its content, one photo, and that photo painted."""
        # One painting takes no draw, so that trainings of it stay what they were before there were series.
        count = len(self.paintings)
        which = int(torch.randint(count, (), generator=self.random)) if count > 1 else 0
        painting, content = torch.split(self._crops(self.paintings[which]), 3, dim=1)
        which = int(torch.randint(len(self.photos), (), generator=self.random))
        photo, painted = torch.split(self._crops(self.photos[which]), 3, dim=1)
        painting, painted = self._grained(painting), self._grained(painted)
        return self._layout(painting), self._layout(content), self._layout(photo), self._layout(painted)

    def _grained(self, crops: Tensor) -> Tensor:
        """Add noise as the settings say."""
        if not self.config.grain:
            return crops
        count, _, height, width = crops.shape
        return crops + grain(count, height, width, self.config.grain, self.random).to(crops)

    def _with_content(self, painting: Tensor) -> Tensor:
        """A painting with its strokes reduced, and the content that is kept of it."""
        content = total_variation_smooth(painting, self.config.smoothing)
        return torch.cat([torch.lerp(content, painting, self.config.detail), content])

    def _painted(self, photo: Tensor, palette: Tensor | None) -> Tensor:
        """A photo in the paintings' palette, its detail reduced like their strokes; as it is without a palette."""
        return photo if palette is None else self._with_content(match_palette(photo, palette))[:3]

    # The loop ---------------------------------------------------------------------------------------

    @property
    def progress(self) -> float:
        """Share of the training that is done, by steps or by the clock, in [0, 1]."""
        if self.config.steps is not None:
            return min(1.0, self.steps_done / self.config.steps)
        assert self.config.seconds is not None  # Config wants one of the two
        return min(1.0, self.seconds_done / self.config.seconds)

    def run(self) -> Iterator[Losses]:
        """Take steps until the training's length is reached; stop iterating to interrupt it.

        The caller's own work between two steps counts towards `seconds`, as the person waiting counts.

        Raises:
            TrainingError: a loss is not finite; the message names it and the step.
            DeviceError: the device has not enough memory.
        """
        before = time.monotonic()
        while self.progress < 1:
            rate = self.config.learning_rate * min(1.0, 2 - 2 * self.progress)
            for optimizer in self.optimizers.values():
                for group in optimizer.param_groups:
                    group["lr"] = rate
            losses = self.step(*self.sample())
            decay = min(self.config.ema_decay, (1 + self.steps_done) / (10 + self.steps_done))
            update_average(self.average, self.generator, decay)  # forgets the start
            self.steps_done += 1
            self.check(losses)
            now = time.monotonic()
            self.seconds_done, before = self.seconds_done + now - before, now
            yield losses

    def check(self, losses: Losses) -> None:
        """Raise TrainingError when a loss is infinite or not a number."""
        for name, value in zip(losses._fields, torch.stack(tuple(losses)).tolist(), strict=True):
            skipped = name == "r1" and math.isnan(value) and (self.steps_done - 1) % self.config.r1_interval
            if not (math.isfinite(value) or skipped):
                raise TrainingError(
                    f"the loss {name} is {value} at step {self.steps_done}; training stopped, the last good "
                    "checkpoint is kept; resume with a lower learning_rate or another seed"
                )

    def keep(self, score: float) -> None:
        """Keep the running average as it stands, as the best so far."""
        self.best = Best(score, self.progress, self.steps_done)
        self.networks["best"] = copy.deepcopy(self.average)

    @property
    def plateaued(self) -> bool:
        """Whether the picture has not become better for as long as the settings have patience."""
        patience = self.config.patience
        return self.best is not None and 0 < patience < self.progress - self.best.progress

    # State ------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Every tensor that `load_state` needs to continue bit for bit, by name."""
        tensors = {"random": self.random.get_state()}
        for name, network in self.networks.items():
            tensors |= prefixed(name, network.state_dict())
        for name, optimizer in self.optimizers.items():
            for index, moments in optimizer.state_dict()["state"].items():
                tensors |= prefixed(f"{name}.{index}", moments)
        return tensors

    def load_state(
        self, tensors: dict[str, Tensor], steps_done: int, seconds_done: float, best: "Best | None" = None
    ) -> None:
        """Continue from what `state` returned after `steps_done` steps and `seconds_done` seconds, with its `best`.

        Raises:
            CheckpointError: the tensors belong to networks of another shape.
        """
        try:
            if best is not None:
                self.networks["best"] = copy.deepcopy(self.average)
            for name, network in self.networks.items():
                network.load_state_dict(part(tensors, name))
            for name, optimizer in self.optimizers.items():
                parameters = optimizer.param_groups[0]["params"]
                moments = [part(tensors, f"{name}.{index}") for index in range(len(parameters))]
                state = {
                    index: {key: laid_out_like(parameters[index], value) for key, value in values.items()}
                    for index, values in enumerate(moments)
                    if values
                }
                optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            self.random.set_state(tensors["random"])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            reason = one_line(error)
            raise CheckpointError(
                f"the checkpoint does not fit these settings ({reason}); resume with the run's own settings"
            ) from None
        self.steps_done, self.seconds_done, self.best = steps_done, seconds_done, best

    # For steps --------------------------------------------------------------------------------------

    def placed(self, network: Network) -> Network:
        """Bring a network to the device, in the memory layout of the settings."""
        layout = torch.channels_last if self.config.channels_last else torch.contiguous_format
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload, no-any-return]

    def averaged(self, generator: GeneratorBase) -> GeneratorBase:
        """Begin a running average of a generator."""
        return copy.deepcopy(generator).requires_grad_(False)

    def adam(self, *networks: nn.Module) -> torch.optim.Adam:
        """Adam for all parameters of some networks."""
        parameters = [parameter for network in networks for parameter in network.parameters()]
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(
            parameters, lr=self.config.learning_rate, betas=self.config.betas, fused=fused
        )

    def judge(self, discriminator: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        """Adversarial loss and R1 of a discriminator on the tiles of real and of detached translated crops.

        R1 is NaN at steps where it is not due.
        """
        due = self.r1_is_due
        discriminator.requires_grad_(True)
        real = self.tiles(real).requires_grad_(due)  # R1 differentiates by the input
        with self.autocast():
            real_logits = discriminator(real)
            fake_logits = discriminator(self.tiles(fake.detach()))
        adversarial = discriminator_loss(real_logits, fake_logits)
        return adversarial, r1_penalty(real_logits, real) if due else torch.full_like(adversarial, math.nan)

    def lazy_r1(self, r1: Tensor) -> Tensor:
        """R1 with its weight, made up for the steps without it; 0 at those."""
        weight = self.config.r1_interval * self.config.r1_weight / 2
        return weight * r1 if self.r1_is_due else torch.zeros_like(r1)

    @property
    def r1_is_due(self) -> bool:
        """Whether the step that is being taken computes R1."""
        return self.steps_done % self.config.r1_interval == 0

    def tiles(self, crops: Tensor) -> Tensor:
        """What the discriminator sees of crops."""
        return tiles(crops, self.config.tile_size)

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in bfloat16 where the settings say so."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.mixed_precision)

    # Crops ------------------------------------------------------------------------------------------

    @property
    def widths(self) -> tuple[int, int]:
        """Smallest and largest width in pixels that any of the paintings is seen at."""
        lowest, highest = zip(
            *(seen_widths(painting, self.config) for painting in self.paintings), strict=True
        )
        return min(lowest), max(highest)

    def _crops(self, picture: Tensor) -> Tensor:
        """Random crops at a random width, or at the picture's own."""
        config = self.config
        width = uniform(*scaled_widths(picture, config), self.random)
        native = uniform(0, 1, self.random) < config.native_share
        if native and min(picture.shape[1:]) >= config.crop_size:
            width = picture.shape[2]
        return self._layout(
            random_crops(
                picture,
                count=config.crops,
                size=config.crop_size,
                width=width,
                generator=self.random,
                overhang=config.overhang,
            )
        )

    def _layout(self, crops: Tensor) -> Tensor:
        last = self.config.channels_last
        return crops.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def scaled_widths(picture: Tensor, config: Config) -> tuple[int, int]:
    """Smallest and largest width in pixels that a picture, (C, H, W), is scaled to.

    Raises:
        ConfigError: it is too narrow for a crop.
    """
    return width_range(
        picture.shape[1],
        picture.shape[2],
        crop_size=config.crop_size,
        min_width=config.min_width,
        max_width=config.max_width,
    )


def seen_widths(picture: Tensor, config: Config) -> tuple[int, int]:
    """Smallest and largest width in pixels that a picture is seen at: `scaled_widths`, or its own."""
    low, high = scaled_widths(picture, config)
    if config.native_share > 0:
        low, high = min(low, picture.shape[2]), max(high, picture.shape[2])
    return low, high


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of an optimiser down the gradient of a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def laid_out_like(parameter: Tensor, moment: Tensor) -> Tensor:
    """Copy an optimiser's moment into its parameter's memory layout, which files do not keep.

    Fused optimisers walk both in memory order, so another layout would silently pair wrong entries.
    """
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment
