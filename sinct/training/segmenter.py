"""Trains the network that scores street scenes: DRN-D-22 on photographs with label maps.

Park et al. 2020, appendix C.2, take "the recommended setting" of github.com/fyu/drn with batches of 32, a learning rate
of 0.01 and 250 epochs, at 256x128 px. That setting is: SGD with momentum 0.9 and weight decay 0.0001, a rate that is
divided by ten every 100 epochs, random crops, half of them mirrored, cross-entropy without pixels of no class, and a
start from the network trained on ImageNet. Its crops are 896 px of photographs of 2048x1024 px; the paper does not say
how large its own are. Ours are 112 px, the same share of the height.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, SEEDS, SHARE, Settings, bounded
from sinct.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    OutOfMemoryError,
    OutputError,
    TrainingError,
    WeightsError,
    counted,
)
from sinct.inference import checkpoint
from sinct.inference.checkpoint import part, prefixed
from sinct.measures.street_classes import IGNORED, STREET_CLASSES
from sinct.measures.street_scores import SIZE, normalised, read_classes, read_scene
from sinct.networks.drn import DRN, STRIDE, load_published
from sinct.runtime.device import is_out_of_memory
from sinct.runtime.files import printable
from sinct.runtime.json_files import restored
from sinct.training.loop import fastest_convolutions
from sinct.weights.store import checksum_of, read_state

MEAN = (0.290101, 0.328081, 0.286964)
DEVIATION = (0.182954, 0.186566, 0.184475)
"""Of the channels of Cityscapes' photographs on [0, 1], as published with the setting."""

KIND = "segmenter"
"""Kind of the file in its description."""

SAVE_SECONDS = 60.0
"""Most work that a crash can lose; an interrupt loses none."""


@dataclass(frozen=True)
class SegmenterSettings(Settings):
    """How the network is trained. The defaults are those of the paper, see above.

    Attributes:
        epochs: passes over the photographs.
        batch_size: photographs in a step; the last of an epoch has what is left.
        learning_rate: of SGD at first.
        fall_epochs: epochs after which the rate is divided by ten, again and again.
        momentum: of SGD.
        weight_decay: of SGD.
        crop_size: side in pixels of the crops, a multiple of 8.
        width: channels of the network's first level (ours; 16 as published).
        seed: makes the training repeatable.
    """

    epochs: int = bounded(250, ABOVE_0)
    batch_size: int = bounded(32, ABOVE_0)
    learning_rate: float = bounded(0.01, ABOVE_0)
    fall_epochs: int = bounded(100, ABOVE_0)
    momentum: float = bounded(0.9, SHARE)
    weight_decay: float = bounded(1e-4, FROM_0)
    crop_size: int = bounded(112, ABOVE_0)
    width: int = bounded(16, ABOVE_0)
    seed: int = bounded(0, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.crop_size % STRIDE or self.crop_size > min(SIZE):
            raise ConfigError(
                f"crop_size must be a multiple of {STRIDE} up to {min(SIZE)}, got {self.crop_size}"
            )
        if self.seed >= SEEDS:
            raise ConfigError(f"seed must be below 2**63, got {self.seed}")


class Segmenter(NamedTuple):
    """A network that segments street scenes.

    Attributes:
        network: normalised pictures -> logits of `STREET_CLASSES`, in evaluation mode.
        mean, deviation: of each channel on [0, 1], with which pictures are normalised.
        origin: what it is, in a line: its file's checksum, and how it was trained where that is known.
    """

    network: DRN
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    origin: str


class TrainedSegmenter(NamedTuple):
    """How a training ended.

    Attributes:
        steps: steps done.
        planned: steps in all.
        loss: mean cross-entropy of the last epoch's steps, in nats; NaN where none was taken now.
    """

    steps: int
    planned: int
    loss: float

    @property
    def finished(self) -> bool:
        """Whether all steps are done."""
        return self.steps == self.planned


def train_segmenter(
    pairs: Sequence[tuple[Path, Path]],
    output: Path,
    settings: SegmenterSettings,
    *,
    start: Mapping[str, Tensor] | None,
    numbers: str,
    device: torch.device,
    resume: bool = False,
    overwrite: bool = False,
    on_reading: Callable[[int, int], None] = lambda done, total: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainedSegmenter:
    """Train on photographs with label maps, which are kept in memory: 0.13 MB a photograph.

    Args:
        pairs: photographs with their label maps, see `sinct.measures.street_scores.find_labels`.
        output: file for the network; until the training is done, it also holds what is needed to go on.
        settings: see `SegmenterSettings`.
        start: file of github.com/fyu/drn to begin with; None begins with random weights.
        numbers: what the label maps' numbers are, see `sinct.measures.street_scores.NUMBERS`.
        device: where to train.
        resume: go on with `output` where it is there, bit for bit on a CPU; a finished one stays as it is.
        overwrite: replace it.
        on_reading: called with photographs read and photographs in all.
        on_step: called with steps done and steps in all.
        should_stop: asked before each step; everything is saved then.

    Raises:
        InputError: a photograph or a label map cannot be read, or no pixel has a class.
        OutputError: the file is there already, or cannot be written.
        CheckpointError: it is another training, or damaged.
        ConfigError: the start does not fit.
        TrainingError: the loss is not finite.
        OutOfMemoryError: the device has too little memory.
    """
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` contradict each other; give one of them")
    if output.exists() and not (resume or overwrite):
        raise OutputError(
            f"{printable(output)} already exists; give `resume=True` to go on with it, `overwrite=True` to replace it, "
            "or another `output`"
        )
    planned = settings.epochs * math.ceil(len(pairs) / settings.batch_size)
    network = DRN(len(STREET_CLASSES), width=settings.width, seed=settings.seed)
    if start is not None:
        load_published(network, start, classifier=False)
    network.to(device).train()
    optimizer = torch.optim.SGD(
        [parameter for parameter in network.parameters() if parameter.requires_grad],
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )
    facts = {
        "config": settings.to_dict(),
        "photographs": len(pairs),
        "begun_with_imagenet": start is not None,
    }
    done = 0
    if resume and output.exists():
        done = _restore(output, facts, network, optimizer)
    if done >= planned:
        return TrainedSegmenter(done, planned, math.nan)
    scenes, truth = _read(pairs, numbers, on_reading)

    def save(step: int) -> None:
        network_state = prefixed("network", network.state_dict())
        moments = {} if step == planned else _moments(network, optimizer)
        checkpoint.save(
            output, KIND, {**network_state, **moments}, {**facts, "step": step, "planned": planned}
        )

    losses: list[Tensor] = []
    saved = time.monotonic()
    while done < planned and not should_stop():
        pictures, labels = _batch(scenes, truth, settings, done)
        _fall(optimizer, settings, done, planned)
        losses.append(_step(network, optimizer, pictures.to(device), labels.to(device)))
        done += 1
        losses = losses[-(planned // settings.epochs) :]
        on_step(done, planned)
        if done < planned and time.monotonic() - saved > SAVE_SECONDS:
            _checked(losses, done)
            save(done)
            saved = time.monotonic()
    mean = _checked(losses, done)
    save(done)
    return TrainedSegmenter(done, planned, mean)


def load_segmenter(path: Path, device: torch.device) -> Segmenter:
    """Load a network that `train_segmenter` wrote, or one of github.com/fyu/drn for Cityscapes.

    Args:
        path: `.safetensors` of ours, or a file with the authors' names of tensors (`drn_d_22_cityscapes.pth`).
        device: where to put it.

    Raises:
        WeightsError: it is missing, or not such a network.
        CheckpointError: it is damaged, or of another kind.
    """
    if not path.is_file():
        raise WeightsError(
            f"there is no network {printable(path)}; train one with `sinct folders segmenter`, or give a file of "
            "github.com/fyu/drn"
        )
    origin = f"sha256 {checksum_of(path)}"
    if path.suffix.lower() == ".safetensors":
        stored = checkpoint.load(path)
        settings, step, planned = _described(path, stored.description)
        first = stored.tensors.get("network.base.0.0.weight")
        if (
            first is None or len(first) != settings.width
        ):  # else a description could ask for any amount of memory
            raise CheckpointError(
                f"{printable(path)} does not fit its own settings; train again or restore a copy"
            )
        network = DRN(len(STREET_CLASSES), width=settings.width)
        _fill(path, network, stored.tensors)
        origin = f"DRN-D-22 of sinct after step {step} of {planned}, {origin}"
    else:
        network = DRN(len(STREET_CLASSES))
        try:
            load_published(network, read_state(path))
        except ConfigError as error:
            raise WeightsError(f"{printable(path)}: {error}") from None
        origin = f"{path.name}, {origin}"
    network.to(device).eval().requires_grad_(False)
    return Segmenter(network, MEAN, DEVIATION, origin)


def _read(
    pairs: Sequence[tuple[Path, Path]], numbers: str, on_reading: Callable[[int, int], None]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """All photographs (N, H, W, 3) and numbers of classes (N, H, W)."""
    width, height = SIZE
    scenes = np.empty((len(pairs), height, width, 3), dtype=np.uint8)
    truth = np.empty((len(pairs), height, width), dtype=np.uint8)
    for number, (picture, labels) in enumerate(pairs):
        scenes[number], truth[number] = read_scene(picture), read_classes(labels, numbers=numbers)
        on_reading(number + 1, len(pairs))
    if (truth == IGNORED).all():
        raise InputError(f"no pixel of {counted(len(pairs), 'label map')} has a class; give other label maps")
    return scenes, truth


def _batch(
    scenes: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], settings: SegmenterSettings, step: int
) -> tuple[Tensor, Tensor]:
    """Crops for a step and their numbers of classes. What is drawn depends on the seed and the step alone."""
    batches = math.ceil(len(scenes) / settings.batch_size)
    epoch, number = divmod(step, batches)
    order = np.random.default_rng((settings.seed, epoch)).permutation(len(scenes))
    chosen = order[number * settings.batch_size : (number + 1) * settings.batch_size]
    random = np.random.default_rng((settings.seed, epoch, number))
    side, (width, height) = settings.crop_size, SIZE
    pictures, labels = [], []
    for index in chosen:
        top, left = random.integers(height - side + 1), random.integers(width - side + 1)
        place = (slice(top, top + side), slice(left, left + side))
        flip = -1 if random.random() < 0.5 else 1
        pictures.append(scenes[index][place][:, ::flip])
        labels.append(truth[index][place][:, ::flip])
    return normalised(np.stack(pictures), MEAN, DEVIATION), torch.from_numpy(np.stack(labels)).long()


def _fall(optimizer: torch.optim.Optimizer, settings: SegmenterSettings, step: int, planned: int) -> None:
    epoch = step // (planned // settings.epochs)
    for group in optimizer.param_groups:
        group["lr"] = settings.learning_rate * 0.1 ** (epoch // settings.fall_epochs)


def _step(network: DRN, optimizer: torch.optim.Optimizer, pictures: Tensor, labels: Tensor) -> Tensor:
    """Take one step and return its loss."""
    try:
        with fastest_convolutions():
            logits = network(pictures)
            # summed, so that a batch without any class has the loss 0, not 0/0
            total = F.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
            loss = total / (labels != IGNORED).sum().clamp_min(1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            return loss.detach()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    raise OutOfMemoryError(
        f"a batch of {len(pictures)} does not fit into the memory; give a smaller `batch_size`, or free some memory"
    )


def _checked(losses: Sequence[Tensor], step: int) -> float:
    mean = float(torch.stack(list(losses)).mean()) if losses else math.nan
    if losses and not math.isfinite(mean):
        raise TrainingError(
            f"the loss is {mean} by step {step}; train again with a lower learning_rate or another seed"
        )
    return mean


def _moments(network: DRN, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    names = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    states = optimizer.state_dict()["state"]
    return {
        f"momentum.{name}": states[index]["momentum_buffer"]
        for index, name in enumerate(names)
        if index in states and states[index].get("momentum_buffer") is not None
    }


def _restore(output: Path, facts: Mapping[str, Any], network: DRN, optimizer: torch.optim.Optimizer) -> int:
    """Load a training to go on with, and return the steps done.

    Raises:
        CheckpointError: it is another one.
    """
    stored = checkpoint.load(output)
    settings, step, _ = _described(output, stored.description)
    asked = SegmenterSettings.from_dict(facts["config"])
    differing = [
        name
        for name in SegmenterSettings.names()
        if getattr(settings, name) != getattr(asked, name)
    ]  # fmt: skip
    differing += [
        name for name in ("photographs", "begun_with_imagenet") if stored.description.get(name) != facts[name]
    ]
    if differing:
        raise CheckpointError(
            f"{printable(output)} is another training, with other values of {', '.join(differing)}; give its settings, "
            "`overwrite=True` or another `output`"
        )
    _fill(output, network, stored.tensors)
    moments = part(stored.tensors, "momentum")
    names = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    if moments:
        parameters = dict(network.named_parameters())
        if moments.keys() != set(names) or any(moments[n].shape != parameters[n].shape for n in names):
            raise CheckpointError(f"{printable(output)} is damaged; start again with `overwrite=True`")
        state = {index: {"momentum_buffer": moments[name]} for index, name in enumerate(names)}
        optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    return step


def _described(path: Path, description: Mapping[str, Any]) -> tuple[SegmenterSettings, int, int]:
    """Settings, steps done and steps planned, from the description of a file.

    Raises:
        CheckpointError: it describes something else.
    """
    if description.get("kind") != KIND:
        raise CheckpointError(
            f"{printable(path)} is a {printable(str(description.get('kind'))[:40])}, not a network for street scenes; "
            "train one with `sinct folders segmenter`"
        )
    try:
        config = restored(Mapping[str, Any], description["config"], "config")
        step, planned = (restored(int, description[name], name) for name in ("step", "planned"))
        return SegmenterSettings.from_dict(config), step, planned
    except (ConfigError, KeyError, ValueError, TypeError) as error:
        raise CheckpointError(
            f"{printable(path)} is damaged ({printable(str(error)[:200])}); train again"
        ) from None


def _fill(path: Path, network: DRN, tensors: Mapping[str, Tensor]) -> None:
    try:
        network.load_state_dict(part(tensors, "network"))
    except RuntimeError:
        raise CheckpointError(
            f"{printable(path)} does not fit its own settings; train again or restore a copy"
        ) from None
