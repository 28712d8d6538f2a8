"""What the methods share that train a generator: settings, run directory, inference."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sinct.comparison.methods import Job, Result
from sinct.config import Config
from sinct.errors import CheckpointError, Interrupted
from sinct.pictures.picture import Picture
from sinct.presets import preset as preset_config
from sinct.training.loop import Loop
from sinct.training.run_directory import RunDirectory
from sinct.training.session import Progress, run_training


def train_and_translate(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    make: Callable[[Sequence[Tensor], Sequence[Tensor], Config, torch.device], Loop[Any]],
    *,
    preset: str,
    changes: Mapping[str, Any],
) -> Result:
    """Train within the budget, continuing what an interruption left in the job's folder, and translate.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: what is given besides.
        make: of the training.
        preset: name of the settings to start from.
        changes: settings that differ from the preset's.

    Raises:
        Interrupted: the budget said so; the run can be continued.
    """
    config = preset_config(preset, job.device, seed=job.seed).replace(**changes)
    if job.budget.iterations is not None:
        config = config.replace(steps=job.budget.iterations, seconds=None)
    elif job.budget.seconds is not None:
        config = config.replace(steps=None, seconds=job.budget.seconds)
    run = RunDirectory(job.folder / "run")

    def report(progress: Progress) -> None:
        job.budget.report(progress.fraction)

    def train(*, resume: bool) -> Any:
        return run_training(
            [_picture(painting)],
            [_picture(photo)],
            run,
            names={},
            config=config,
            preset=preset,
            device=job.device,
            resume=resume,
            overwrite=not resume,
            on_progress=report,
            should_stop=job.budget.should_stop,
            make=make,
        )

    began = job.budget.elapsed
    try:
        training = train(resume=run.checkpoint.exists())
    except CheckpointError:  # of other settings, or damaged: begin anew
        training = train(resume=False)
    if not training.finished:
        raise Interrupted("stopped as asked; the same command goes on from here")
    earlier = max(0.0, training.seconds - (job.budget.elapsed - began))
    facts = {"steps": training.steps, "seconds of training": round(training.seconds, 1)}
    return Result(training.model.translate(painting), facts, earlier)


def _picture(pixels: Tensor) -> Picture:
    return Picture(pixels, alpha=None, bits=8, dpi=None, exif=None, sha256="")
