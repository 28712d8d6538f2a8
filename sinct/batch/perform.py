"""Performs one job of a batch, from fetching inputs to storing the output, wherever it runs."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import filelock
import torch

from sinct import api
from sinct.batch import storage
from sinct.batch.jobs import Job, Outcome, Request
from sinct.data.series import one_or_all, read_series
from sinct.errors import (
    CheckpointError,
    Interrupted,
    OutOfMemoryError,
    OutputError,
    SinctError,
    counted,
    one_line,
)
from sinct.objectives.cut import CutSettings, Trainer
from sinct.pictures.picture import read_picture
from sinct.runtime.device import choose_device, is_out_of_memory, peak_memory
from sinct.runtime.json_files import read_json, write_json
from sinct.runtime.processes import Report
from sinct.training.pair_run import run_training
from sinct.training.progress import Progress, Training
from sinct.training.run_directory import RunDirectory

PATIENCE = 600.0
"""Seconds that a job waits for its own earlier process to end. That process was asked to stop, but checks only between
steps or windows."""


def perform(request: Request, *, report: Report, should_stop: Callable[[], bool]) -> Outcome:
    """Do a job in this process, continuing where an earlier process was stopped.

    Everything is in the request's folder: copies of remote inputs, the run, the lock that keeps two processes from
    doing the same job, and at the end outcome.json.

    Raises:
        Interrupted: `should_stop` returned True; the work done so far is saved.
    """
    folder = Path(request.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder / "lock", should_stop):
            outcome = _made(request, folder, report, should_stop)
            outcome.save(folder / "outcome.json")
        return outcome
    except Interrupted:
        raise
    except filelock.Timeout:
        return Outcome(request.key, "another process is still working on it", again=True)
    except CheckpointError as error:
        (folder / "request.json").unlink(missing_ok=True)  # the next attempt starts over
        return Outcome(request.key, str(error), again=True)
    except SinctError as error:
        lacks_memory = isinstance(error, OutOfMemoryError)
        again = isinstance(error, OutputError) or lacks_memory
        return Outcome(request.key, str(error), again=again, out_of_memory=lacks_memory)
    except OSError as error:
        return Outcome(request.key, f"{error.strerror or error}: {error.filename}", again=True)
    except Exception as error:
        reason = f"failed with {type(error).__name__}: {one_line(error)}"
        return Outcome(request.key, reason, again=True, out_of_memory=is_out_of_memory(error))


@contextmanager
def _alone(path: Path, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Hold a lock, waiting for it unless asked to stop."""
    lock, deadline = filelock.FileLock(path), time.monotonic() + PATIENCE
    while True:
        try:
            lock.acquire(timeout=0.5)
            break
        except filelock.Timeout:
            if should_stop():
                raise Interrupted("stopped as asked") from None
            if time.monotonic() > deadline:
                raise
    try:
        yield
    finally:
        lock.release()


def _made(request: Request, folder: Path, report: Report, should_stop: Callable[[], bool]) -> Outcome:
    began = time.monotonic()
    job, settings = request.job, request.job.settings
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    device = choose_device(request.device)
    resume = _continues(request, folder)
    paintings = _fetched(job.paintings, folder / "inputs" / "painting")
    photos = _fetched(job.photos, folder / "inputs" / "photo")
    output = _local_output(job, folder)
    warnings: list[str] = []
    facts: dict[str, Any] = {"device": str(device)}
    how: dict[str, Any] = {"resume": resume, "overwrite": not resume, "should_stop": should_stop}
    training: Training | None = None
    made: api.Translation | None = None

    def on_progress(progress: Progress) -> None:
        report(progress.fraction * 0.98, progress.remaining)

    def on_pixels(done: int, total: int) -> None:
        share = done / total
        report(share if job.kind == "apply" else 0.98 + 0.02 * share, None)

    if job.kind != "apply":
        how |= {"config": _config(request, device, warnings), "preset": settings.preset}
        how |= {"on_progress": on_progress}
    if job.kind != "series":
        how |= {"device": str(device), "bits": settings.bits, "max_memory": request.max_memory}
        how |= {"profile": settings.profile, "strength": settings.strength, "keep": settings.keep}
        how["mask"] = next(iter(_fetched(job.masks, folder / "inputs" / "mask")), None)
        how |= {"on_pixels": on_pixels}
    if job.kind == "series":
        training = _train_series(paintings, photos, folder / "run", device, warnings, **how)
    elif job.kind == "apply":
        made = api.apply(Path(request.model), paintings[0], output, **how)
    else:
        made = api.translate(paintings[0], photos, output, run_dir=folder / "run", **how)
        training = made.training
    if not all(part.finished for part in (training, made) if part is not None):
        raise Interrupted("stopped as asked")

    found = [] if made is None else list(made.warnings)
    if training is not None:  # if both give the same warning, the finished picture's counts
        codes = {remark.code for remark in found}
        found += [remark for remark in training.warnings if remark.code not in codes]
        facts |= {"steps": training.steps, "training_seconds": round(training.seconds, 1)}
        if training.capped:
            warnings.append(
                f"its time was up at step {training.steps} of {training.planned}; for all of them, leave out `seconds` "
                "or give more"
            )
    if made is not None:
        facts |= {"width": made.size[0], "height": made.size[1], "bytes": output.stat().st_size}
    digest = storage.sha256(str(output)) if made is not None else None
    if storage.is_remote(job.output):
        storage.store(output, job.output)
        output.unlink()
    # What is needed only for continuing is large; models, logs and previews are kept.
    RunDirectory(folder / "run").checkpoint.unlink(missing_ok=True)
    shutil.rmtree(folder / "inputs", ignore_errors=True)
    facts |= {"seconds": round(time.monotonic() - began, 1), "memory": peak_memory()}
    return Outcome(request.key, warnings=(*warnings, *found), figures=facts, output_sha256=digest)


def _fetched(places: Sequence[str], copies: Path) -> list[Path]:
    """The inputs as local files."""
    return [
        storage.fetch(place, copies.parent, f"{copies.name}-{number}") for number, place in enumerate(places)
    ]


def _local_output(job: Job, folder: Path) -> Path:
    """Where the picture is first written: at its place, or beside the run if its place is remote."""
    if storage.is_remote(job.output):
        return folder / f"output{Path(job.output).suffix}"
    output = Path(job.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    return output


def _config(request: Request, device: torch.device, warnings: list[str]) -> CutSettings:
    """The training's settings, with a time limit extended for shared devices and crops halved for lack of memory."""
    config = request.job.settings.config(device)
    if config.seconds is not None:
        config = config.replace(seconds=config.seconds * request.sharing)
    for _ in range(request.halvings):
        config = config.replace(crops=max(2, config.crops // 2), identity_crops=config.identity_crops // 2)
    if request.halvings:
        warnings.append(f"trained with {counted(config.crops, 'crop')} per step, for lack of memory")
    return config


def _train_series(
    paintings: Sequence[Path],
    photos: Sequence[Path],
    run: Path,
    device: torch.device,
    warnings: list[str],
    **how: Any,
) -> Training:
    """Train one model on all paintings that can be read; the others are only left out.

    Raises:
        InputError: no painting can be read, or a photo cannot.
    """
    left_out: dict[Path, str] = {}
    sources = read_series(paintings, left_out)
    warnings += [f"not in the series: {reason}" for reason in left_out.values()]
    names = [painting.name for painting in paintings if painting not in left_out]
    return run_training(
        Trainer,
        sources,
        [read_picture(photo) for photo in photos],
        RunDirectory(run),
        device=device,
        names={"painting": one_or_all(names), "photos": [photo.name for photo in photos]},
        **how,
    )


def _continues(request: Request, folder: Path) -> bool:
    """Whether an equal request left something to continue; otherwise clear the folder and record this request."""
    asked = folder / "request.json"
    mark = {"key": request.key, "halvings": request.halvings, "sharing": request.sharing}
    try:
        same = read_json(asked) == mark
    except (OSError, ValueError):
        same = False
    if not same:
        for stale in (folder / "run", folder / "inputs"):
            shutil.rmtree(stale, ignore_errors=True)
        write_json(asked, mark)
    return same and (request.job.kind == "apply" or RunDirectory(folder / "run").checkpoint.exists())
