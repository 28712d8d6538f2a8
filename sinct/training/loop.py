"""What every training shares, whatever its objective: the clock, the loop, and the state to continue from."""

import copy
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

import torch
from torch import Tensor, nn

from sinct.config import TrainingSettings
from sinct.data.content import Content, Seen, seen
from sinct.errors import CheckpointError, Remark, TrainingError, one_line
from sinct.inference.checkpoint import part, prefixed
from sinct.inference.model import Model
from sinct.networks.base import GeneratorBase, update_average
from sinct.training.terms import LossTerms, Term

Batch = TypeVar("Batch")
Losses = TypeVar("Losses", bound=LossTerms)
Network = TypeVar("Network", bound=nn.Module)


CHECK_INTERVAL = 10
"""Steps after which losses are read. A GPU works ahead of the host, and would have to be waited for at each reading."""


class Best(NamedTuple):
    """The best state so far.

    Attributes:
        score: score of its picture, lower is better (see `sinct.training.best`).
        progress: progress of the training at that point, in [0, 1].
        step: step at which it was reached.
    """

    score: float
    progress: float
    step: int


class Loop(ABC, Generic[Batch, Losses]):
    """A training of a generator and its companion networks.

    A subclass is an objective: it builds its networks in `__init__`, draws what a step sees in `sample`, and takes
    one step in `step`.

    Args:
        settings: settings of the objective.
        device: where networks and pictures are kept.

    Attributes:
        name: the objective's name in files.
        settings_type: class of its settings.
        content: how pictures are prepared for the generator.
        terms: terms of the objective, in the order of the step's losses.
        generator: G.
        average: running average of G (ours), used to translate.
        networks: all networks with a state, by name.
        optimizers: optimisers by name.
        random: makes all random draws of the steps that the host needs; on the CPU.
        device_random: makes those that stay on the device, so that nothing is copied; the same generator on a CPU.
        steps_done: steps taken so far.
        seconds_done: seconds spent training so far.
        best: the best state of the running average so far, see `keep`.
    """

    name: ClassVar[str]
    settings_type: ClassVar[type[TrainingSettings]]
    content: Content
    terms: tuple[Term, ...]
    generator: GeneratorBase
    average: GeneratorBase
    networks: dict[str, nn.Module]
    optimizers: dict[str, torch.optim.Adam]

    def __init__(self, settings: TrainingSettings, device: torch.device) -> None:
        self.settings = settings
        self.device = device
        self.random = torch.Generator().manual_seed(settings.seed)
        self.device_random = self.random
        if device.type != "cpu":
            self.device_random = torch.Generator(device).manual_seed(settings.seed)
        self.unchecked: list[Losses] = []
        self.steps_done = 0
        self.seconds_done = 0.0
        self.best: Best | None = None

    @abstractmethod
    def sample(self) -> Batch:
        """Draw what one step sees."""

    @property
    def epoch(self) -> float | None:
        """Passes over the pictures so far, with their fraction; None where a training has no epochs."""
        return None

    @property
    def pictures(self) -> int:
        """Pictures of each domain that a step sees, where there are epochs."""
        return 1

    @property
    def remarks(self) -> list[Remark]:
        """What a user should know about the inputs so far, one for each code; a subclass may find something."""
        return []

    def close(self) -> None:
        """Free what the training holds beside memory, such as processes; a subclass may hold some."""

    def seen(self, number: int, painting: Tensor) -> Seen:
        """A painting as it is seen in use, on the training's device.

        Args:
            number: its number among the paintings that are trained on; a subclass may have prepared it.
            painting: (3, H, W) in [-1, 1].
        """
        return seen(painting.to(self.device), self.content)

    @abstractmethod
    def step(self, batch: Batch) -> Losses:
        """Update all networks once."""

    # The loop ---------------------------------------------------------------------------------------

    @property
    def progress(self) -> float:
        """Share of the training that is done, in [0, 1]: by steps or by the clock, whichever is further on."""
        return share_done(
            self.steps_done, self.seconds_done, steps=self.settings.steps, seconds=self.settings.seconds
        )

    @property
    def rate(self) -> float:
        """Learning rate of the next step; a subclass may have another course of it."""
        settings = self.settings
        return settings.learning_rate * rate_share(
            self.progress, settings.rate_epochs, settings.rate_constant
        )

    @property
    def capped(self) -> bool:
        """Whether the time was up before all steps were done."""
        steps, seconds = self.settings.steps, self.settings.seconds
        return steps is not None and seconds is not None and self.steps_done < steps and self.progress >= 1

    def run(self) -> Iterator[Losses]:
        """Take steps until the training's length is reached; stop iterating to interrupt it.

        The caller's own work between two steps counts towards `seconds` too, since the user waits for it as well.

        Raises:
            TrainingError: a loss of the last steps is not finite, see `check`; the message names it and the step.
            DeviceError: the device has too little memory.
        """
        before = time.monotonic()
        while self.progress < 1:
            rate = self.rate
            for optimizer in self.optimizers.values():
                for group in optimizer.param_groups:
                    group["lr"] = rate
            with fastest_convolutions():
                losses = self.step(self.sample())
            decay = min(self.settings.ema_decay, (1 + self.steps_done) / (10 + self.steps_done))
            update_average(
                self.average, self.generator, decay
            )  # a low decay at first forgets the random start
            self.steps_done += 1
            self.unchecked.append(losses)
            if self.steps_done % CHECK_INTERVAL == 0 or self.progress >= 1:
                self.check()
            now = time.monotonic()
            self.seconds_done, before = self.seconds_done + now - before, now
            yield losses

    def check(self) -> None:
        """Read the losses of the steps since the last check. Whatever uses or keeps a state does so first.

        Raises:
            TrainingError: one is infinite or not a number.
        """
        if not self.unchecked:
            return
        rows = torch.stack([torch.stack(tuple(losses)) for losses in self.unchecked]).tolist()
        for step, values in enumerate(rows, start=self.steps_done - len(rows)):
            for term, value in zip(self.terms, values, strict=True):
                skipped = math.isnan(value) and not term.is_due(step)
                if not (math.isfinite(value) or skipped):
                    raise TrainingError(
                        f"the loss {term.name} is {value} at step {step + 1}; training stopped and the last good "
                        "checkpoint is kept; train again with a lower learning_rate or another seed"
                    )
        self.unchecked = []

    def model(self, generator: GeneratorBase, widths: tuple[int, int], facts: Mapping[str, Any]) -> Model:
        """Wrap a generator of this training with what is needed to use it, see `Model`.

        Raises:
            TrainingError: see `check`.
        """
        self.check()
        return Model(generator, self.content, widths, self.name, self.settings.to_dict(), facts)

    def keep(self, score: float) -> None:
        """Keep the present running average as the best so far.

        Raises:
            TrainingError: see `check`.
        """
        self.check()
        self.best = Best(score, self.progress, self.steps_done)
        self.networks["best"] = copy.deepcopy(self.average)

    @property
    def present(self) -> GeneratorBase:
        """The generator that would translate now: the running average, or the raw weights where averaging is off."""
        return self.average if self.settings.ema_decay > 0 else self.generator

    @property
    def result(self) -> GeneratorBase:
        """The best generator so far, or the present one where none has been chosen."""
        best = self.networks.get("best")
        return best if isinstance(best, GeneratorBase) else self.present

    @property
    def plateaued(self) -> bool:
        """Whether the picture has not improved for longer than the settings' patience."""
        patience = self.settings.patience
        return self.best is not None and 0 < patience < self.progress - self.best.progress

    # State ------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Return every tensor that `load_state` needs to continue bit for bit, by name.

        Raises:
            TrainingError: see `check`.
        """
        self.check()
        tensors = {name: generator.get_state() for name, generator in self.generators.items()}
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
            CheckpointError: the tensors do not fit the networks.
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
                    if values and fit(parameters[index], values)
                }
                optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
            for name, generator in self.generators.items():
                if (
                    name in tensors or generator is self.random
                ):  # on a GPU, earlier versions drew all on the CPU
                    generator.set_state(tensors[name])
        except (RuntimeError, KeyError, ValueError, TypeError) as error:
            reason = one_line(error)
            raise CheckpointError(
                f"the checkpoint does not fit these settings ({reason}); resume with the run's own settings"
            ) from None
        self.steps_done, self.seconds_done, self.best = steps_done, seconds_done, best

    @property
    def generators(self) -> dict[str, torch.Generator]:
        """The generators of random numbers by name in files; a run may go on on another kind of device."""
        if self.device_random is self.random:
            return {"random": self.random}
        return {"random": self.random, f"random_{self.device.type}": self.device_random}

    # For steps --------------------------------------------------------------------------------------

    def placed(self, network: Network) -> Network:
        """Move a network to the device, in the settings' memory layout."""
        layout = torch.channels_last if self.settings.channels_last else torch.contiguous_format
        return network.to(self.device, memory_format=layout)  # type: ignore[call-overload, no-any-return]

    def averaged(self, generator: Network) -> Network:
        """Start a running average of a generator."""
        return copy.deepcopy(generator).requires_grad_(False)

    def adam(self, *networks: nn.Module) -> torch.optim.Adam:
        """Make an Adam optimiser for all parameters of the networks."""
        parameters = [parameter for network in networks for parameter in network.parameters()]
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(
            parameters, lr=self.settings.learning_rate, betas=self.settings.betas, fused=fused
        )

    def noise(self, pictures: Tensor) -> Tensor | None:
        """Draw what a noisy generator takes beside these pictures, (N, 1, H, W); None for the other generators."""
        if not self.generator.noisy:
            return None
        count, _, height, width = pictures.shape
        generator = self.device_random
        return torch.randn(count, 1, height, width, generator=generator, device=generator.device)

    def made(self, generator: GeneratorBase, pictures: Tensor) -> Tensor:
        """What a generator makes of pictures, with noise where it takes some."""
        made: Tensor = generator(pictures, self.noise(pictures))
        return made

    def autocast(self) -> AbstractContextManager[None]:
        """Compute in bfloat16 where the settings say so."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.mixed_precision)


def share_done(steps_done: int, seconds_done: float, *, steps: int | None, seconds: float | None) -> float:
    """Share of a training that is done, in [0, 1]: the larger of its shares of steps and of time.

    Args:
        steps_done: steps taken.
        seconds_done: seconds spent.
        steps: length in steps; None sets none. A training of 0 steps is done at once.
        seconds: length by the clock; None sets none.
    """
    by_steps = 0.0 if steps is None else steps_done / steps if steps else 1.0
    by_clock = 0.0 if seconds is None else seconds_done / seconds
    return min(1.0, max(by_steps, by_clock))


@contextmanager
def fastest_convolutions() -> Iterator[None]:
    """Let cuDNN try out for each new shape which of its algorithms is fastest; in training, there are few shapes."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.deterministic
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def rate_share(progress: float, epochs: int, constant: float = 0.5) -> float:
    """Share of the learning rate at a point of a training: 1 at first, then falling linearly.

    Args:
        progress: of the training, in [0, 1).
        epochs: parts of equal length in which the rate stays the same: of 16, the last has a ninth. With 0 it falls
            from step to step, to 0 at the end.
        constant: share of the training in which it does not fall, in [0, 1].

    Zhu et al. 2017 (arXiv:1703.10593), section 4; by epochs as in the code of Park et al. 2020.
    """
    if not epochs:
        return min(1.0, (1 - progress) / (1 - constant)) if constant < 1 else 1.0
    held = int(epochs * constant)
    fallen = int(progress * epochs) + 1 - held
    return 1 - max(0, fallen) / (epochs - held + 1)


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Take one step of an optimiser down the gradient of a loss."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def fit(parameter: Tensor, moments: Mapping[str, Tensor]) -> bool:
    """Whether an optimiser's moments belong to a parameter.

    Raises:
        ValueError: they do not; fused optimisers would read beyond them.
    """
    shapes = {name: (tensor.shape, tensor.dtype) for name, tensor in moments.items()}
    whole = parameter.shape, parameter.dtype
    if shapes != {"step": (torch.Size(), torch.float32), "exp_avg": whole, "exp_avg_sq": whole}:
        raise ValueError(
            f"an optimiser's moments do not fit a parameter of the shape {tuple(parameter.shape)}"
        )
    return True


def laid_out_like(parameter: Tensor, moment: Tensor) -> Tensor:
    """Copy an optimiser's moment into its parameter's memory layout, which files do not keep.

    Fused optimisers read both in memory order, so a different layout would silently pair the wrong entries.
    """
    return torch.empty_like(parameter).copy_(moment) if moment.shape == parameter.shape else moment
