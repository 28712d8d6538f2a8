"""One job of a batch, from fetched inputs to a stored output; where it runs is not its business."""

import dataclasses
import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import filelock
import torch

from sinct import api
from sinct.batch import storage
from sinct.batch.settings import Settings
from sinct.comparison.worker import peak_memory
from sinct.errors import (
    CheckpointError,
    DeviceError,
    InputError,
    Interrupted,
    OutputError,
    SinctError,
    one_line,
)
from sinct.inference.model import is_out_of_memory
from sinct.objectives.cut import CutSettings
from sinct.pictures.picture import read_picture
from sinct.runtime.device import choose_device
from sinct.runtime.json_files import plain, write_json
from sinct.training.progress import Progress, Training
from sinct.training.run_directory import RunDirectory

PATIENCE = 600.0
"""Seconds that a job waits for an earlier process of its own to end, which was told to stop but looks at that wish
only between two steps or windows."""

OnShare = Callable[[float, float | None], None]
"""Called with the share that is done, in [0, 1], and the seconds left where they can be told."""


@dataclass(frozen=True)
class Request:
    """All that a job needs, JSON-serialisable.

    Attributes:
        name: of the job.
        kind: "pair" trains on one painting and translates it; "series" trains on several and translates none;
            "apply" translates with the model of a series.
        paintings: paths or URLs.
        photos: paths or URLs, the target together; empty for "apply".
        output: path or URL of the picture; empty for "series".
        folder: for the run, on a disk that every worker can reach.
        model: folder of the series' run, for "apply".
        settings: see `sinct.batch.settings.Settings`.
        key: hash of what the result depends on; a run of another key is begun again.
        device: auto, cpu, cuda, cuda:N or mps.
        threads: for a CPU; None leaves it to torch.
        max_memory: bytes while a picture is translated, None for sinct's own default.
        halvings: how often the crops a step are halved, for want of memory.
        sharing: workers on the same device: lengths by the clock are for one that has it for itself.
    """

    name: str
    kind: str
    paintings: tuple[str, ...]
    photos: tuple[str, ...]
    output: str
    folder: str
    settings: Mapping[str, Any]
    key: str
    model: str = ""
    device: str = "auto"
    threads: int | None = None
    max_memory: int | None = None
    halvings: int = 0
    sharing: int = 1

    def to_json(self) -> dict[str, Any]:
        """As it comes back from JSON."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Request":
        """Read what `to_json` returned."""
        tuples = {name: tuple(values[name]) for name in ("paintings", "photos")}
        return cls(**{**values, **tuples})


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        key: of its request.
        reason: why there is no result, one line; None where there is one.
        again: whether it may go better another time.
        out_of_memory: whether memory was what it lacked.
        warnings: what a person would see in the picture, one line each.
        figures: of the run, by name.
        output_sha256: of the output's bytes, in hexadecimal.
    """

    key: str
    reason: str | None = None
    again: bool = False
    out_of_memory: bool = False
    warnings: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    output_sha256: str | None = None

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Outcome":
        """Read fields that went through JSON."""
        return cls(**{**values, "warnings": tuple(values["warnings"])})

    @classmethod
    def load(cls, path: Path) -> "Outcome | None":
        """Read what `save` wrote; None where nothing sound is there."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def perform(request: Request, *, report: OnShare, should_stop: Callable[[], bool]) -> Outcome:
    """Do a job in this process, or go on with it where an earlier process was stopped.

    Everything lies in the request's folder: copies of remote inputs, the run, the lock that keeps two processes
    from the same job, and at the end outcome.json.

    Raises:
        Interrupted: `should_stop` said so; what is done is saved.
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
        return Outcome(request.key, "another process still works on it", again=True)
    except CheckpointError as error:
        (folder / "request.json").unlink(missing_ok=True)  # the next attempt begins anew
        return Outcome(request.key, str(error), again=True)
    except SinctError as error:
        lacks_memory = isinstance(error, DeviceError) and "memory" in str(error)
        again = isinstance(error, OutputError) or lacks_memory
        return Outcome(request.key, str(error), again=again, out_of_memory=lacks_memory)
    except OSError as error:
        return Outcome(request.key, f"{error.strerror or error}: {error.filename}", again=True)
    except Exception as error:
        reason = f"broke off with {type(error).__name__}: {one_line(error)}"
        return Outcome(request.key, reason, again=True, out_of_memory=is_out_of_memory(error))


@contextmanager
def _alone(path: Path, should_stop: Callable[[], bool]) -> Iterator[None]:
    """Hold a lock, waiting for it while nobody says to stop."""
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


def _made(request: Request, folder: Path, report: OnShare, should_stop: Callable[[], bool]) -> Outcome:
    began = time.monotonic()
    if request.threads is not None:
        torch.set_num_threads(request.threads)
    device = choose_device(request.device)
    resume = _continues(request, folder)
    paintings = _fetched(request.paintings, folder / "inputs" / "painting")
    photos = _fetched(request.photos, folder / "inputs" / "photo")
    settings = Settings.from_json(request.settings)
    output = _local_output(request, folder)
    warnings: list[str] = []
    facts: dict[str, Any] = {"device": str(device)}
    how: dict[str, Any] = {
        "device": str(device), "resume": resume, "overwrite": not resume, "should_stop": should_stop
    }  # fmt: skip
    training: Training | None = None
    made: api.Translation | None = None

    def on_progress(progress: Progress) -> None:
        report(progress.fraction * 0.98, progress.remaining)

    def on_pixels(done: int, total: int) -> None:
        share = done / total
        report(share if request.kind == "apply" else 0.98 + 0.02 * share, None)

    if request.kind != "apply":
        how |= {"config": _config(request, settings, device, warnings), "preset": settings.preset}
        how |= {"on_progress": on_progress}
    if request.kind != "series":
        how |= {"bits": settings.bits, "max_memory": request.max_memory, "on_pixels": on_pixels}
    if request.kind == "series":
        training = api.train(_readable(paintings, warnings), photos, folder / "run", **how)
    elif request.kind == "apply":
        made = api.apply(Path(request.model), paintings[0], output, **how)
    else:
        made = api.translate(paintings[0], photos, output, run_dir=folder / "run", **how)
        training = made.training
    if not all(part.finished for part in (training, made) if part is not None):
        raise Interrupted("stopped as asked")

    found = [] if made is None else list(made.warnings)
    if training is not None:  # of the finished picture where both warn of the same
        codes = {remark.code for remark in found}
        found += [remark for remark in training.warnings if remark.code not in codes]
        facts |= {"steps": training.steps, "training_seconds": round(training.seconds, 1)}
    if made is not None:
        facts |= {"width": made.size[0], "height": made.size[1], "bytes": output.stat().st_size}
    digest = storage.sha256(str(output)) if made is not None else None
    if storage.is_remote(request.output):
        storage.store(output, request.output)
        output.unlink()
    # What only continuing needs is large: a collection keeps models, logs and previews.
    RunDirectory(folder / "run").checkpoint.unlink(missing_ok=True)
    shutil.rmtree(folder / "inputs", ignore_errors=True)
    facts |= {"seconds": round(time.monotonic() - began, 1), "memory": peak_memory()}
    return Outcome(request.key, warnings=(*warnings, *found), figures=facts, output_sha256=digest)


def _fetched(places: Sequence[str], copies: Path) -> list[Path]:
    """The inputs as local files."""
    return [
        storage.fetch(place, copies.parent, f"{copies.name}-{number}") for number, place in enumerate(places)
    ]


def _local_output(request: Request, folder: Path) -> Path:
    """Where the picture is written first: where it belongs, or beside the run if that is remote."""
    if storage.is_remote(request.output):
        return folder / f"output{Path(request.output).suffix}"
    output = Path(request.output)
    output.parent.mkdir(parents=True, exist_ok=True)
    return output


def _config(request: Request, settings: Settings, device: torch.device, warnings: list[str]) -> CutSettings:
    """All settings of the training: time by the clock is shared among workers, and crops halved for want of memory."""
    config = settings.config(device)
    if config.seconds is not None:
        config = config.replace(seconds=config.seconds * request.sharing)
    for _ in range(request.halvings):
        config = config.replace(crops=max(2, config.crops // 2), identity_crops=config.identity_crops // 2)
    if request.halvings:
        warnings.append(f"trained with {config.crops} crops a step, for want of memory")
    return config


def _readable(paintings: Sequence[Path], warnings: list[str]) -> list[Path]:
    """Paintings of a series without those that cannot be read, which cost only themselves.

    Raises:
        InputError: none can be read.
    """
    found, error = [], None
    for painting in paintings:
        try:
            read_picture(painting)
            found.append(painting)
        except InputError as reason:
            error = reason
            warnings.append(f"not in the series: {reason}")
    if error is not None and not found:
        raise error
    return found


def _continues(request: Request, folder: Path) -> bool:
    """Whether there is something to continue that was asked for in the same way; from now on there may be."""
    asked = folder / "request.json"
    mark = {"key": request.key, "halvings": request.halvings, "sharing": request.sharing}
    try:
        same = json.loads(asked.read_text(encoding="utf-8")) == mark
    except (OSError, ValueError):
        same = False
    if not same:
        for stale in (folder / "run", folder / "inputs"):
            shutil.rmtree(stale, ignore_errors=True)
        write_json(asked, mark)
    return same and (request.kind == "apply" or RunDirectory(folder / "run").checkpoint.exists())
