"""A job, which stays the same from the collection through the ledger to a worker, and its outcome."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sinct.batch import storage
from sinct.batch.settings import Settings
from sinct.runtime.json_files import plain, read_json, restored, write_json

SERIES = "shared-model"
"""Name of the job that trains one model for all pictures."""


@dataclass(frozen=True)
class Job:
    """One picture to make, or a model for several.

    Attributes:
        name: unique; the output's path within the batch's folder, without suffix.
        kind: "pair" trains on one painting and translates it; "series" trains on several and translates none;
            "apply" translates with the model of a series.
        paintings: paths or URLs; several for a series.
        photos: paths or URLs, which together are the target; none for "apply".
        output: path or URL; empty for a series.
        settings: settings of the training and the output.
        needs: name of the job whose model is applied.
        fault: why the job cannot be done, in one line, if that is known beforehand.
        masks: path or URL of the mask that says where to translate, see `sinct.pictures.masks`; at most one.
    """

    name: str
    kind: str
    paintings: tuple[str, ...]
    photos: tuple[str, ...]
    output: str
    settings: Settings
    needs: str | None = None
    fault: str | None = None
    masks: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[str, ...]:
        """All files that the job reads, except a model."""
        return (*self.paintings, *self.photos, *self.masks)

    def seeded(self, seed: int) -> "Job":
        """The same job with another seed."""
        return replace(self, settings=replace(self.settings, seed=seed))

    def to_json(self) -> dict[str, Any]:
        """Values as JSON would return them; what earlier versions did not know is left out while it is empty."""
        values = {**plain(self), "settings": self.settings.to_json()}
        if not self.masks:
            del values["masks"]
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Job":
        """Read what `to_json` returned.

        Raises:
            ValueError: it is something else.
        """
        job: Job = restored(cls, values)
        return job


@dataclass(frozen=True)
class Request:
    """A job, and what else its worker must know.

    Attributes:
        job: what is asked for.
        key: hash of what the result depends on; a run with another key starts over.
        folder: folder for the run, on a disk that every worker can reach.
        model: folder of the series' run, for "apply".
        device: auto, cpu, cuda, cuda:N or mps.
        threads: threads on a CPU; None leaves the choice to torch.
        max_memory: bytes while a picture is translated; None for sinct's default.
        halvings: how often the number of crops in a step is halved for lack of memory.
        sharing: workers on the same device; time limits are meant for a worker that has it to itself.
    """

    job: Job
    key: str
    folder: str
    model: str = ""
    device: str = "auto"
    threads: int | None = None
    max_memory: int | None = None
    halvings: int = 0
    sharing: int = 1

    def to_json(self) -> dict[str, Any]:
        """Values as JSON would return them."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Request":
        """Read what `to_json` returned.

        Raises:
            ValueError: it is something else.
        """
        request: Request = restored(cls, values)
        return request


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        key: key of its request.
        reason: why there is no result, in one line; None if there is one.
        again: whether another attempt may succeed.
        out_of_memory: whether it failed for lack of memory.
        warnings: flaws that one would see in the picture, one line each.
        figures: figures about the run, by name.
        output_sha256: SHA-256 of the output's bytes, in hexadecimal.
    """

    key: str
    reason: str | None = None
    again: bool = False
    out_of_memory: bool = False
    warnings: tuple[str, ...] = ()
    figures: Mapping[str, Any] = field(default_factory=dict)
    output_sha256: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Values as JSON would return them."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Outcome":
        """Read what `to_json` returned.

        Raises:
            ValueError: it is something else.
        """
        outcome: Outcome = restored(cls, values)
        return outcome

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


def distinct(jobs: Sequence[Job]) -> list[Job]:
    """Give each job a unique name, and a fault to jobs that would write the same output as another.

    Names and outputs that differ only in case count as the same, since some disks treat them so.
    """
    outputs: dict[str, Job] = {}
    names: set[str] = set()
    found = []
    for job in jobs:
        earlier = outputs.setdefault(storage.folded(job.output), job)
        if earlier is not job:
            fault = (
                f"its output {job.output} is also the output for {earlier.paintings[0]}; rename one, or name outputs "
                "in a manifest"
            )
            job = replace(job, fault=job.fault or fault)
        name, number = job.name, 1
        while storage.folded(name) in names or name == SERIES:
            number += 1
            name = f"{job.name} ({number})"
        names.add(storage.folded(name))
        found.append(replace(job, name=name))
    return found
