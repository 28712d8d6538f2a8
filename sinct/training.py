"""The method: one step of the paper's objective, and the loop around it.

Park et al. 2020, "Contrastive Learning for Unpaired Image-to-Image Translation" (arXiv:2007.15651),
sections 3.1-3.3 and appendix B. What departs from it is named as ours.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.checkpoint import part, prefixed
from sinct.config import Config
from sinct.crops import random_crops, tiles, uniform, width_range
from sinct.discriminator import Discriminator
from sinct.errors import CheckpointError, TrainingError
from sinct.generator import Features, Generator, update_average
from sinct.losses import discriminator_loss, generator_loss, patch_nce, r1_penalty
from sinct.projection import Projection, random_positions, sample_features
from sinct.smoothing import total_variation_smooth


class Losses(NamedTuple):
    """Terms of the objective at one step, before their weights; scalars, or NaN where a term was not due.

    Attributes:
        adversarial_d: of the discriminator, in nats.
        r1: mean squared gradient norm at the photo's tiles; NaN at steps without R1.
        adversarial_g: of the generator, in nats.
        nce: PatchNCE, mean of painting and photo, in nats.
        identity: L1 between G(photo) and photo on [-1, 1].
    """

    adversarial_d: Tensor
    r1: Tensor
    adversarial_g: Tensor
    nce: Tensor
    identity: Tensor


class Trainer:
    """Networks, optimisers and randomness of one training.

    Args:
        painting: (3, H, W) in [-1, 1], float32.
        photos: one or more (3, H, W) in [-1, 1], the target together.
        config: all settings.
        device: where networks and pictures lie.

    Attributes:
        generator: G.
        average: running average of G (ours), the one to translate with.
        steps_done: updates made so far.
        seconds_done: seconds spent training so far.

    Raises:
        ConfigError: a picture is too narrow for a crop.
    """

    def __init__(
        self, painting: Tensor, photos: Sequence[Tensor], config: Config, device: torch.device
    ) -> None:
        self.config = config
        self.device = device
        for picture in (painting, *photos):
            self._width_range(picture)  # refuse before any work
        painting = painting.to(device)
        content = total_variation_smooth(painting, config.smoothing)
        # One tensor, (6, H, W): what G translates and what PatchNCE keeps, to be cropped at the same places.
        self.source = torch.cat([torch.lerp(content, painting, config.detail), content])
        self.photos = [photo.to(device) for photo in photos]
        with torch.random.fork_rng(devices=[]):  # leaves the caller's random state alone
            torch.manual_seed(config.seed)
            generator = Generator(config.width)
            discriminator = Discriminator(
                config.tile_size, config.discriminator_widths, deviation=config.minibatch_deviation
            )
            channels = [generator.feature_channels[depth] for depth in config.depths]
            projection = Projection(channels, config.projection_dimensions)
        layout = torch.channels_last if config.channels_last else torch.contiguous_format
        self.generator = generator.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.discriminator = discriminator.to(device, memory_format=layout)  # type: ignore[call-overload]
        self.projection = projection.to(device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizer_g = self._adam([*self.generator.parameters(), *self.projection.parameters()])
        self.optimizer_d = self._adam(list(self.discriminator.parameters()))
        self.random = torch.Generator().manual_seed(config.seed)
        self.steps_done = 0
        self.seconds_done = 0.0

    # One step ---------------------------------------------------------------------------------------

    def sample(self) -> tuple[Tensor, Tensor, Tensor]:
        """Draw crops of the painting, of its content and of one photo, each (crops, 3, size, size)."""
        both = self._crops(self.source)
        which = int(torch.randint(len(self.photos), (), generator=self.random))
        return self._layout(both[:, :3]), self._layout(both[:, 3:]), self._crops(self.photos[which])

    def step(self, painting: Tensor, content: Tensor, photo: Tensor) -> Losses:
        """One update of D, then one of G and H, on (N, 3, S, S) crops in [-1, 1]: painting -> photo.

        Args:
            painting: crops to translate.
            content: the same crops as PatchNCE shall keep them; the painting's own in the paper, without
                brush strokes in ours.
            photo: crops of the target.
        """
        config = self.config
        kept = photo[: config.identity_crops]  # that G should leave alone: all in the paper

        with self._autocast():
            output, features = self.generator.translate(torch.cat([painting, kept]))
        translation, identity = output[: len(painting)], output[len(painting) :]

        # Discriminator: tiles of the photo against tiles of detached translations.
        self.discriminator.requires_grad_(True)
        with_r1 = self.steps_done % config.r1_interval == 0
        real = self._tiles(photo).requires_grad_(with_r1)  # R1 differentiates by the input
        with self._autocast():
            real_logits = self.discriminator(real)
            fake_logits = self.discriminator(self._tiles(translation.detach()))
        adversarial_d = discriminator_loss(real_logits, fake_logits)
        r1 = r1_penalty(real_logits, real) if with_r1 else adversarial_d.new_zeros(())
        update(self.optimizer_d, adversarial_d + config.r1_interval * config.r1_weight / 2 * r1)

        # Generator and projection: fool D, keep the content, leave the photo alone.
        self.discriminator.requires_grad_(False)
        with self._autocast():
            adversarial_g = generator_loss(self.discriminator(self._tiles(translation)))
            queries = self.generator.encode(output)
            painting_keys, photo_keys = self._keys(features, painting, content, kept)
        nce = 0.5 * (
            self.patch_nce(queries.crops(0, len(painting)), painting_keys)
            + self.patch_nce(queries.crops(len(painting), None), photo_keys)
        )
        identity_l1 = F.l1_loss(identity, kept) if len(kept) else nce.new_zeros(())
        update(
            self.optimizer_g,
            adversarial_g + config.nce_weight * nce + config.identity_weight * identity_l1,
        )

        decay = min(config.ema_decay, (1 + self.steps_done) / (10 + self.steps_done))  # forgets the start
        update_average(self.average, self.generator, decay)
        self.steps_done += 1
        return Losses(
            adversarial_d.detach(),
            r1.detach() if with_r1 else torch.full_like(r1, math.nan),
            adversarial_g.detach(),
            nce.detach(),
            identity_l1.detach(),
        )

    def patch_nce(self, queries: Features, keys: Features) -> Tensor:
        """PatchNCE of crops of one picture at random positions, averaged over the depths.

        Every key in these crops but its own is a query's negative, since all come from one picture
        (appendix B). Without crops it is 0.
        """
        if len(keys.pixels) == 0:
            return keys.pixels.new_zeros(())
        samples = []
        for depth in self.config.depths:
            query, key = queries[depth], keys[depth]
            count, _, height, width = key.shape
            positions = random_positions(count, height, width, self.config.queries, self.random)
            positions = positions.to(self.device)
            samples.append((sample_features(query, positions), sample_features(key.detach(), positions)))
        with self._autocast():
            projected = self.projection([query for query, _ in samples])
            with torch.no_grad():
                targets = self.projection([key for _, key in samples])
        temperature = self.config.temperature
        losses = [patch_nce(q, k, temperature=temperature) for q, k in zip(projected, targets, strict=True)]
        return torch.stack(losses).mean()

    def _keys(
        self, features: Features, painting: Tensor, content: Tensor, kept: Tensor
    ) -> tuple[Features, Features]:
        """Features of the content and of the photo, reused from the forward pass where they are the same."""
        reuse, first = self.config.reuse_features, len(painting)
        with torch.no_grad():
            return (
                features.crops(0, first)
                if reuse and self.config.smoothing == 0
                else self.generator.encode(content),
                features.crops(first, None) if reuse else self.generator.encode(kept),
            )

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
            for group in (*self.optimizer_d.param_groups, *self.optimizer_g.param_groups):
                group["lr"] = rate
            losses = self.step(*self.sample())
            self.check(losses)
            now = time.monotonic()
            self.seconds_done, before = self.seconds_done + now - before, now
            yield losses

    def check(self, losses: Losses) -> None:
        """Raise TrainingError when a loss is infinite or not a number."""
        for name, value in zip(losses._fields, torch.stack(losses).tolist(), strict=True):
            skipped = name == "r1" and math.isnan(value) and (self.steps_done - 1) % self.config.r1_interval
            if not (math.isfinite(value) or skipped):
                raise TrainingError(
                    f"the loss {name} is {value} at step {self.steps_done}; training stopped, the last good "
                    "checkpoint is kept; resume with a lower learning_rate or another seed"
                )

    # State ------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Every tensor that `load_state` needs to continue bit for bit, by name."""
        tensors = {"random": self.random.get_state()}
        for name in ("generator", "average", "discriminator", "projection"):
            tensors |= prefixed(name, getattr(self, name).state_dict())
        for name in ("optimizer_g", "optimizer_d"):
            for index, moments in getattr(self, name).state_dict()["state"].items():
                tensors |= prefixed(f"{name}.{index}", moments)
        return tensors

    def load_state(self, tensors: dict[str, Tensor], steps_done: int, seconds_done: float) -> None:
        """Continue from what `state` returned after `steps_done` steps and `seconds_done` seconds.

        Raises:
            CheckpointError: the tensors belong to networks of another shape.
        """
        try:
            for name in ("generator", "average", "discriminator", "projection"):
                getattr(self, name).load_state_dict(part(tensors, name))
            for name in ("optimizer_g", "optimizer_d"):
                optimizer = getattr(self, name)
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
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(
                f"the checkpoint does not fit these settings ({reason}); resume with the run's own settings"
            ) from None
        self.steps_done, self.seconds_done = steps_done, seconds_done

    # Plumbing ---------------------------------------------------------------------------------------

    @property
    def widths(self) -> tuple[int, int]:
        """Smallest and largest width in pixels that the painting is seen at."""
        low, high = self._width_range(self.source)
        if self.config.native_share > 0:
            low, high = min(low, self.source.shape[2]), max(high, self.source.shape[2])
        return low, high

    def _width_range(self, picture: Tensor) -> tuple[int, int]:
        config = self.config
        return width_range(
            picture.shape[1],
            picture.shape[2],
            crop_size=config.crop_size,
            min_width=config.min_width,
            max_width=config.max_width,
        )

    def _crops(self, picture: Tensor) -> Tensor:
        """Random crops at a random width, or at the picture's own."""
        config = self.config
        width = uniform(*self._width_range(picture), self.random)
        native = uniform(0, 1, self.random) < config.native_share
        if native and min(picture.shape[1:]) >= config.crop_size:
            width = picture.shape[2]
        return self._layout(
            random_crops(
                picture, count=config.crops, size=config.crop_size, width=width, generator=self.random
            )
        )

    def _layout(self, crops: Tensor) -> Tensor:
        last = self.config.channels_last
        return crops.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)

    def _tiles(self, crops: Tensor) -> Tensor:
        return tiles(crops, self.config.tile_size)

    def _adam(self, parameters: list[torch.nn.Parameter]) -> torch.optim.Adam:
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(
            parameters, lr=self.config.learning_rate, betas=self.config.betas, fused=fused
        )

    def _autocast(self) -> AbstractContextManager[None]:
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.config.mixed_precision)


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step of an optimiser down the gradient of a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


OnStep = Callable[[int, Losses], None]


def laid_out_like(parameter: Tensor, moment: Tensor) -> Tensor:
    """Copy an optimiser's moment into its parameter's memory layout, which files do not keep.

    Fused optimisers walk both in memory order, so another layout would silently pair wrong entries.
    """
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment
