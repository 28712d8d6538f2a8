"""Estimates of what a job will take: memory, time and disk space."""

import statistics
from collections.abc import Sequence

import torch

from sinct.api import TRAINING_PIXELS
from sinct.batch import storage
from sinct.batch.ledger import Entry, State
from sinct.errors import SinctError
from sinct.objectives.cut import CutSettings
from sinct.pictures.decoding import read_header
from sinct.pictures.opening import memory_budget

PROCESS = 450_000_000
"""Bytes of an idle process with torch."""

PICTURE = 120
"""Bytes per pixel of painting and photo while they are prepared for training."""

ACTIVATIONS = {False: 32.0, True: 19.0}
"""Bytes per pixel of a step's crops and per channel of the generator, without and with bfloat16, as measured for
the authors' configuration (benchmarks.step_rate)."""

KEPT_BYTES = 10_000_000
"""Disk space that a finished run keeps: the model, preview and log."""


def pixels_of(place: str) -> int | None:
    """Number of pixels of a local picture according to its header; None if the header alone does not tell."""
    if storage.is_remote(place):
        return None
    try:
        width, height = read_header(place).size
    except (SinctError, OSError):
        return None
    return width * height


def memory_need(entry: Entry, max_memory: int | None) -> int:
    """About how many bytes of main memory a job takes at most.

    For a job that has run before, it is what it took then.
    """
    if entry.figures.get("memory") and str(entry.figures.get("device", "cpu")) == "cpu":
        return int(entry.figures["memory"])
    budget = memory_budget(max_memory)
    if entry.job.kind == "apply":
        return budget
    config = entry.job.settings.config(torch.device("cpu"))
    pictures = sum(min(pixels_of(place) or 0, TRAINING_PIXELS) for place in entry.job.inputs)
    return max(budget, PROCESS + PICTURE * pictures + _step(config))


def _step(config: CutSettings) -> int:
    """Bytes for one step of the training."""
    seen = (config.crops * 2 + config.identity_crops) * config.crop_size**2
    return int(seen * config.width * ACTIVATIONS[config.mixed_precision])


def seconds_need(entry: Entry, done: Sequence[Entry], sharing: int) -> float | None:
    """Seconds that a job will take, as similar ones did, or at most; None as long as nothing is known about either.

    Args:
        entry: the job.
        done: finished jobs, from which the time of similar ones is taken.
        sharing: number of jobs on the same device; a time limit takes this many times as long.
    """
    settings = entry.job.settings
    alike = [
        other.figures["seconds"] for other in done
        if other.state is State.done and other.job.kind == entry.job.kind
        and {**other.job.settings.to_json(), "seed": 0} == {**settings.to_json(), "seed": 0}
    ]  # fmt: skip
    if alike:
        return float(statistics.median(alike))
    if entry.job.kind == "apply":
        return None
    config = settings.config(torch.device("cpu"))
    return None if config.seconds is None else config.seconds * sharing


def seconds_left(left: Sequence[Entry], done: Sequence[Entry], *, places: int, sharing: int) -> float | None:
    """Seconds that several jobs will take, or at most; None as long as too little is known.

    Args:
        left: the jobs.
        done: finished jobs, see `seconds_need`.
        places: number of jobs that run at a time.
        sharing: number of jobs on the same device.
    """
    times = [seconds_need(entry, done, sharing) for entry in left]
    known = [seconds for seconds in times if seconds is not None]
    return sum(known) / places if len(known) == len(times) else None


def disk_need(entry: Entry) -> int:
    """About how many bytes a job leaves on the disk: the output, hardly compressed, and the model."""
    depth = 6 if entry.job.settings.bits == 16 else 3
    pixels = pixels_of(entry.painting) or 0
    return KEPT_BYTES + (0 if entry.job.kind == "series" else pixels * depth)
