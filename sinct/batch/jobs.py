"""What is asked for, unchanged on its way from the collection through the ledger to a worker, and what comes back."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sinct.batch import storage
from sinct.batch.settings import Settings
from sinct.runtime.json_files import plain, write_json

SERIES = "shared-model"
"""Name of the job that trains one model for all."""


@dataclass(frozen=True)
class Job:
    """One picture to be made, or a model for several.

    Attributes:
        name: unique; the output's path within the batch's folder, without suffix.
        kind: "pair" trains on one painting and translates it; "series" trains on several and translates none;
            "apply" translates with the model of a series.
        paintings: paths or URLs; several for a series.
        photos: paths or URLs, the target together; none for "apply".
        output: path or URL; empty for a series.
        settings: of the training and the output.
        needs: name of the job whose model is applied.
        fault: why it cannot be done, one line, as far as that is known beforehand.
    """

    name: str
    kind: str
    paintings: tuple[str, ...]
    photos: tuple[str, ...]
    output: str
    settings: Settings
    needs: str | None = None
    fault: str | None = None

    @property
    def inputs(self) -> tuple[str, ...]:
        """Every file that the job reads, except for a model."""
        return (*self.paintings, *self.photos)

    def to_json(self) -> dict[str, Any]:
        """Values as they come back from JSON."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Job":
        """Read what `to_json` returned."""
        tuples = {name: tuple(values[name]) for name in ("paintings", "photos")}
        return cls(**{**values, **tuples, "settings": Settings.from_json(values["settings"])})


@dataclass(frozen=True)
class Request:
    """A job, and what its worker must know besides.

    Attributes:
        job: what is asked for.
        key: hash of what the result depends on; a run of another key is begun again.
        folder: for the run, on a disk that every worker can reach.
        model: folder of the series' run, for "apply".
        device: auto, cpu, cuda, cuda:N or mps.
        threads: for a CPU; None leaves it to torch.
        max_memory: bytes while a picture is translated, None for sinct's own default.
        halvings: how often the crops of a step are halved, for want of memory.
        sharing: workers on the same device: lengths by the clock are meant for one that has it to itself.
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
        """Values as they come back from JSON."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Request":
        """Read what `to_json` returned."""
        return cls(**{**values, "job": Job.from_json(values["job"])})


@dataclass(frozen=True)
class Outcome:
    """How a job ended.

    Attributes:
        key: of its request.
        reason: why there is no result, one line; None where there is one.
        again: whether it may go better another time.
        out_of_memory: whether it failed for want of memory.
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

    def to_json(self) -> dict[str, Any]:
        """Values as they come back from JSON."""
        return plain(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Outcome":
        """Read what `to_json` returned."""
        return cls(**{**values, "warnings": tuple(values["warnings"])})

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        write_json(path, dataclasses.asdict(self))

    @classmethod
    def load(cls, path: Path) -> "Outcome | None":
        """Read what `save` wrote; None where nothing sound is there."""
        try:
            return cls.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None


def distinct(jobs: Sequence[Job]) -> list[Job]:
    """Give each job a name of its own, and a fault to those that would write what another one writes.

    Names and outputs that differ only in capitals count as the same, since some disks take them for the same.
    """
    outputs: dict[str, Job] = {}
    names: set[str] = set()
    found = []
    for job in jobs:
        earlier = outputs.setdefault(storage.folded(job.output), job)
        if earlier is not job:
            fault = (
                f"its output {job.output} is also that of {earlier.paintings[0]}; rename one, or name outputs in a "
                "manifest"
            )
            job = replace(job, fault=job.fault or fault)
        name, number = job.name, 1
        while storage.folded(name) in names or name == SERIES:
            number += 1
            name = f"{job.name} ({number})"
        names.add(storage.folded(name))
        found.append(replace(job, name=name))
    return found
