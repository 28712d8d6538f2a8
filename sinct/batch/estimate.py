"""What a job will take, before it starts: memory, time, space on the disk."""

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
"""Bytes of a process with torch that does nothing."""

PICTURE = 120
"""Bytes a pixel of painting or photo while they are prepared for a training."""

ACTIVATIONS = {False: 32.0, True: 19.0}
"""Bytes a pixel of a step's crops and channel of the generator, without and with bfloat16: what the
authors' configuration was measured to take (benchmarks.step_rate)."""

KEPT_BYTES = 4_000_000
"""Space that stays of a run: the model, preview and log."""


def pixels_of(place: str) -> int | None:
    """Pixels of a local picture by its header; None where that cannot be told without reading it."""
    if storage.is_remote(place):
        return None
    try:
        width, height = read_header(place).size
    except (SinctError, OSError):
        return None
    return width * height


def memory_need(entry: Entry, max_memory: int | None) -> int:
    """Bytes of main memory that a job takes at most, about.

    A job that was run before takes what it took then.
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
    """Bytes of one step of the training."""
    seen = (config.crops * 2 + config.identity_crops) * config.crop_size**2
    return int(seen * config.width * ACTIVATIONS[config.mixed_precision])


def seconds_need(entry: Entry, done: Sequence[Entry], sharing: int) -> float | None:
    """Seconds that a job takes; None where nothing is known about its steps yet.

    Args:
        entry: of the job.
        done: finished ones, which tell for those that are alike.
        sharing: jobs on the same device, each of which takes so much longer by the clock.
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


def disk_need(entry: Entry) -> int:
    """Bytes that a job leaves on the disk, about: samples of the output, little compressed, and the model."""
    depth = 6 if entry.job.settings.bits == 16 else 3
    pixels = pixels_of(entry.painting) or 0
    return KEPT_BYTES + (0 if entry.job.kind == "series" else pixels * depth)
