"""What the methods that train a generator share: settings, run directory, inference."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from sinct.comparison.methods import Job, Result, Work
from sinct.data.regions import RegionMaps, matched_regions
from sinct.errors import CheckpointError, InputError, Interrupted
from sinct.objectives.pair_gan import PairGanSettings
from sinct.pictures.picture import Picture
from sinct.presets import preset as preset_settings
from sinct.training.pair_run import Objective, run_training
from sinct.training.progress import Progress, Training
from sinct.training.run_directory import RunDirectory

PREPARATION = (
    "remove_strokes",
    "smoothing",
    "calm",
    "detail",
    "recolour",
    "repaint",
    "texture",
    "grain",
)
"""Settings of how a preset prepares pictures for sinct's generator."""

OF_THE_COMMAND = ("seed", "seconds")
"""Settings of a training that every comparison gives itself: the seed, and the time for each method."""

PLAIN = {name: getattr(PairGanSettings, name) for name in PREPARATION}
"""Crops of both pictures as they are: the paper's baseline has the method's zooms, crops and networks alone."""


def further_settings(settings: type[PairGanSettings]) -> tuple[str, ...]:
    """Names of the settings of a training that a comparison may change."""
    return tuple(name for name in settings.names() if name not in OF_THE_COMMAND)


def train_and_translate(
    objective: Objective,
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    preset: str,
    changes: Mapping[str, Any],
    guided: bool = False,
) -> Result:
    """Train within the budget and translate; a run that an interruption left in the job's folder continues.

    Args:
        objective: what is trained.
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device, seed and folder.
        preset: sinct's settings to start from, where the objective has settings of the same name.
        changes: settings that differ from the preset; `steps` among them end a training before its time is up.
        guided: whether the job's region maps guide the training.

    Raises:
        Interrupted: the budget asked to stop; the run can be continued.
    """
    start = preset_settings(preset, job.device, seed=job.seed).to_dict()
    needed = int(start["steps"] or 0)
    shared = {name: value for name, value in start.items() if name in objective.settings_type.names()}
    config = objective.settings_type.from_dict({**shared, **changes})
    own = changes.get("steps")
    if job.budget.iterations is not None:
        most = job.budget.iterations if own is None else min(own, job.budget.iterations)
        config = config.replace(steps=most, seconds=None)
    elif job.budget.seconds is not None:
        # All of the time, as for other methods, whatever the preset's steps; but steps that were asked for are an end
        # too, and there are none for one that does not train.
        steps = own if own is not None or config.steps else 0
        config = config.replace(steps=steps, seconds=job.budget.seconds)
    run = RunDirectory(job.folder / "run")

    def report(progress: Progress) -> None:
        job.budget.report(progress.fraction)

    def train(*, resume: bool) -> Training:
        return run_training(
            objective,
            [_picture(painting)],
            [_picture(photo)],
            run,
            names={},
            maps=_matched(job) if guided else None,
            config=config,
            preset=preset,
            device=job.device,
            resume=resume,
            overwrite=not resume,
            on_progress=report,
            should_stop=job.budget.should_stop,
        )

    began = job.budget.elapsed
    try:
        training = train(resume=run.checkpoint.exists())
    except CheckpointError:  # damaged, or made with other settings: start again
        training = train(resume=False)
    if not training.finished:
        raise Interrupted("stopped as asked; run the same command to continue")
    earlier = max(0.0, training.seconds - (job.budget.elapsed - began))
    facts = {"steps": training.steps, "seconds of training": round(training.seconds, 1)}
    work = (Work(training.steps, needed),)
    return Result(training.model.translate(painting), facts, earlier, work, training.seconds)


def _matched(job: Job) -> RegionMaps | None:
    """The regions that both maps of a job share, if there are any."""
    if job.regions is None:
        return None
    painting, photo = job.regions
    count = 1 + max(int(labels.max()) for labels in job.regions)
    try:
        return matched_regions(painting, [photo], [f"region {number}" for number in range(count)])[0]
    except InputError:  # as for the other methods that maps guide, none in common guides nothing
        return None


def _picture(pixels: Tensor) -> Picture:
    return Picture(pixels, alpha=None, bits=8, dpi=None, exif=None, sha256="")
