"""Trainings for `benchmarks.time_to_quality`, with what they give at each mark."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from benchmarks.scenes import Pair
from sinct import Config
from sinct.inference.model import Model
from sinct.networks.base import GeneratorBase
from sinct.objectives.cut import Trainer
from sinct.training.best import Looks


@dataclass(frozen=True)
class Snapshot:
    """What a training gives at a mark.

    Attributes:
        mark: steps asked for.
        steps: steps taken by then; fewer than the mark where the settings' patience ended the training.
        seconds: seconds trained, up to the end of the last of them.
        model: the model that somebody who stopped there would get.
    """

    mark: int
    steps: int
    seconds: float
    model: Model


def train(pair: Pair, config: Config, marks: Sequence[int], device: torch.device) -> list[Snapshot]:
    """Train as `sinct.train` does, and copy at each mark what would be its result.

    The result is the best state so far where the settings ask for one and states have been compared, which is in
    the last quarter of a training; otherwise the present one. Nothing is written, and no preview is made.

    Args:
        pair: the painting and photo to train on.
        config: the complete settings, with a length in steps.
        marks: steps, ascending, none beyond the training's length.
        device: where the training runs.

    Raises:
        TrainingError: a loss is not finite.
        ConfigError: a picture is too narrow for a crop.
    """
    trainer = Trainer([pair.painting], [pair.photo], config, device)
    looks = Looks(trainer, [pair.painting], [pair.photo]) if config.patience else None
    snapshots: list[Snapshot] = []

    def model(generator: GeneratorBase) -> Model:
        return trainer.model(generator, trainer.sampler.widths, {})

    def keep(due: Sequence[int]) -> None:
        result = model(copy.deepcopy(trainer.result))
        taken = trainer.steps_done, trainer.seconds_done
        snapshots.extend(Snapshot(mark, *taken, result) for mark in due)

    for _ in trainer.run():
        if looks is not None:
            looks.take(lambda prepared: model(trainer.present).generate(prepared))
        if trainer.steps_done in marks:
            keep([trainer.steps_done])
        if trainer.plateaued:
            break
    keep(marks[len(snapshots) :])
    return snapshots
