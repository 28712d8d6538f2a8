"""Runs one method on one pair of pictures, in this process or, as `python -m sinct.comparison.worker`, in its own.

In its own process the method's memory can be measured, and its crash does not affect the others; see
`sinct.runtime.processes`. The method writes output.png and outcome.json to its folder.
"""

import dataclasses
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinct.comparison import methods
from sinct.errors import Interrupted, SinctError, one_line
from sinct.pictures.picture import read_picture, write_picture
from sinct.pictures.regions import read_regions
from sinct.runtime.budget import Budget
from sinct.runtime.device import choose_device, is_out_of_memory, peak_memory
from sinct.runtime.json_files import plain, read_json, restored, write_json
from sinct.runtime.processes import Report, serve
from sinct.version import __version__
from sinct.weights.store import Weights


@dataclass(frozen=True)
class Request:
    """What a method is asked for; equal requests give equal results, as far as time limits allow.

    Attributes:
        method: its name.
        painting: path of the painting, relative to the worker's folder.
        photo: path of the photo, relative to the worker's folder.
        sha256: SHA-256 of both original files, and of the region maps.
        seconds: time that it has; None sets no limit.
        iterations: most iterations in each stage; for tests.
        seed: makes it repeatable.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder of pretrained weights; None means the cache.
        random_weights: use random networks instead.
        regions: paths of the region maps for painting and photo, relative to the worker's folder.
        settings: all the method's settings.
        version: version of sinct.
    """

    method: str
    painting: str
    photo: str
    sha256: tuple[str, ...]
    seconds: float | None
    iterations: int | None
    seed: int
    device: str
    weights_dir: str | None
    random_weights: bool
    regions: tuple[str, str] | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    version: str = __version__

    def to_json(self) -> dict[str, Any]:
        """Values as JSON would return them, so that requests can be compared with stored ones."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Any) -> "Request":
        """Turn what JSON returned into a request.

        Raises:
            ValueError: a value is of another type, or a field is unknown or missing.
        """
        request: Request = restored(cls, values)
        return request


@dataclass(frozen=True)
class Outcome:
    """How a method fared.

    Attributes:
        reason: why there is no picture, in one line; None if there is one.
        seconds: time that it took, including the loading of weights.
        memory: peak memory of its process, in bytes; None where the system does not report it.
        device: where it ran.
        facts: facts about this run.
        work: steps taken and needed at each scale; empty for a method in closed form, and in outcomes of version 0.2.
        training_seconds: time that the steps took, without loading; None where there are none.
    """

    reason: str | None
    seconds: float
    memory: int | None
    device: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    work: tuple[methods.Work, ...] = ()
    training_seconds: float | None = None

    def save(self, path: Path) -> None:
        """Write it as JSON, whole or not at all."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Outcome | None":
        """Read what `save` wrote; None if it is missing or damaged."""
        try:
            return cls.from_json(read_json(path))
        except (OSError, ValueError):
            return None

    @classmethod
    def from_json(cls, values: Any) -> "Outcome":
        """Turn what JSON returned into an outcome.

        Raises:
            ValueError: a value is of another type, or a field is unknown or missing.
        """
        outcome: Outcome = restored(cls, values)
        return outcome


def perform(
    request: Request,
    folder: Path,
    *,
    report: Callable[[float], None] = lambda share: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run a method in this process; write its picture to `folder`/output.png, its outcome to `folder`/outcome.json.

    Raises:
        Interrupted: `should_stop` returned True.
    """
    began = time.monotonic()
    device, reason, facts, earlier = request.device, None, {}, 0.0
    work: tuple[methods.Work, ...] = ()
    training: float | None = None
    try:
        method = methods.find(request.method)
        where = choose_device(request.device)
        device = str(where)
        painting, photo = (read_picture(folder / path).pixels for path in (request.painting, request.photo))
        regions = None
        if request.regions:
            regions = read_regions(
                *(folder / path for path in request.regions),
                painting_size=(painting.shape[1], painting.shape[2]),
                photo_size=(photo.shape[1], photo.shape[2]),
            )
        weights = Weights(Path(request.weights_dir) if request.weights_dir else None, request.random_weights)
        budget = Budget(
            request.seconds, iterations=request.iterations, report=report, should_stop=should_stop
        )
        job = methods.Job(budget, where, request.seed, folder, weights, regions)
        result = method.run(painting, photo, job, **request.settings)
        write_picture(folder / "output.png", result.pixels, bits=8, overwrite=True)
        facts, earlier, work = dict(result.facts), result.earlier_seconds, result.work
        if work:
            training = budget.worked if result.training_seconds is None else result.training_seconds
    except Interrupted:
        raise
    except SinctError as error:
        reason = str(error)
    except Exception as error:  # one method's fault must not end the whole comparison
        if is_out_of_memory(error):
            reason = f"out of memory on {device}; close other programs or give smaller pictures"
        else:
            traceback.print_exc()
            reason = f"failed with {type(error).__name__}: {one_line(error)}"
    seconds = earlier + time.monotonic() - began
    outcome = Outcome(reason, seconds, peak_memory(), device, facts, work, training)
    outcome.save(folder / "outcome.json")
    return outcome


def _serve(values: dict[str, Any], report: Report, should_stop: Callable[[], bool]) -> dict[str, Any]:
    outcome = perform(
        Request(**values["request"]),
        Path(values["folder"]),
        report=lambda share: report(share, None),
        should_stop=should_stop,
    )
    return dataclasses.asdict(outcome)


if __name__ == "__main__":
    serve(_serve)
