"""The results of a comparison, as stored in results.json and read by the report."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinct.errors import InputError, one_line
from sinct.measures import Measure
from sinct.runtime.files import printable, replacing
from sinct.runtime.json_files import read_json, restored


@dataclass(frozen=True)
class Input:
    """One of the two pictures.

    Attributes:
        name: name of the file that was given.
        file: name of the copy in the comparison's folder, an upright 8-bit sRGB PNG.
        width: width in pixels.
        height: height in pixels.
        sha256: hash of the given file.
    """

    name: str
    file: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class Run:
    """One of several runs of a method.

    Attributes:
        seed: its seed.
        file: name of its picture in the comparison's folder; None where there is none.
        reason: why there is none.
        seconds: time that it took, with loading.
        training_seconds: time that its steps took.
        steps: steps that it took.
        measures: values by name.
    """

    seed: int
    file: str | None = None
    reason: str | None = None
    seconds: float | None = None
    training_seconds: float | None = None
    steps: int | None = None
    measures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class MethodResult:
    """One method's picture, or why there is none.

    Attributes:
        name: key of the method.
        title: name of the method as shown.
        source: paper that describes it.
        control: True for a control, which marks an end of the scale and does not compete.
        file: name of the picture in the comparison's folder, PNG; None where there is no picture.
        reason: why there is no picture, one line; None where there is one.
        seconds: time that it took, with loading but without measuring.
        training_seconds: time that its steps took, without loading; None where it takes none or they are unknown.
        steps: steps or iterations that it took at all its scales; None where it takes none or they are unknown.
        steps_needed: steps that it needs at all its scales; None like `steps`.
        need: how many steps it needs, and who says so; empty for a method in closed form.
        undertrained: in one line, how far it is from the steps that it needs and what to do; None where it took enough.
        seed: seed that it ran with, the first of several; None for a picture made elsewhere.
        runs: all runs with their seeds where there are several; steps, times and measures are then means over them.
        deviations: standard deviations (n - 1) of measures and of `steps`, `training_seconds` and `seconds` over runs.
        kept: it was finished by an earlier call and not asked for in this one.
        elsewhere: its picture was made by another program; steps and time are what was told of it, if anything.
        differs: in what its request differs from that of the comparison, such as its time; empty where in nothing.
        memory: peak resident memory of its process in bytes; None where unknown.
        device: device that it ran on.
        random_weights: its pretrained networks were replaced by random ones.
        optimises: names of measures that it minimises itself.
        settings: settings of this run.
        facts: other facts about this run.
        warnings: visible flaws of the picture, one line each.
        measures: values by name; those that could not be computed are absent.
    """

    name: str
    title: str
    source: str
    control: bool
    file: str | None = None
    reason: str | None = None
    seconds: float | None = None
    memory: int | None = None
    device: str | None = None
    random_weights: bool = False
    optimises: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    training_seconds: float | None = None
    steps: int | None = None
    steps_needed: int | None = None
    need: str = ""
    undertrained: str | None = None
    kept: bool = False
    differs: str = ""
    elsewhere: bool = False
    seed: int | None = None
    runs: tuple[Run, ...] = ()
    deviations: Mapping[str, float] = field(default_factory=dict)

    @property
    def steps_unknown(self) -> bool:
        """Whether it takes steps, but nobody knows how many it took, as in results of version 0.2."""
        return bool(self.need) and self.file is not None and self.steps is None

    @property
    def counts(self) -> bool:
        """Whether its picture can stand for the method."""
        trained = self.undertrained is None and not self.steps_unknown
        return self.file is not None and trained and not self.random_weights and not self.differs


@dataclass(frozen=True)
class Comparison:
    """All methods on one pair.

    Attributes:
        painting: the picture that was translated.
        photo: the picture whose look it should take.
        seconds: time limit of each method; None without a limit.
        seed: seeds all random draws; the first of several.
        environment: machine and versions, by name.
        measures: the columns of the table.
        unavailable: measures that could not be computed, name -> reason.
        results: the rows of the table, in order.
        seeds: number of seeds, from `seed` on, that methods ran with.
        iterations: most iterations at each scale, for a quick try; None without a limit.
    """

    painting: Input
    photo: Input
    seconds: float | None
    seed: int
    environment: Mapping[str, str]
    measures: tuple[Measure, ...]
    unavailable: Mapping[str, str]
    results: tuple[MethodResult, ...]
    seeds: int = 1
    iterations: int | None = None

    @property
    def all_seeds(self) -> str:
        """The seeds in words."""
        return ", ".join(map(str, range(self.seed, self.seed + self.seeds)))

    def save(self, path: Path) -> None:
        """Write as JSON, completely or not at all."""
        with replacing(path) as temporary:
            temporary.write_text(
                json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False), encoding="utf-8"
            )

    @classmethod
    def load(cls, path: Path) -> "Comparison":
        """Read a file that `save` wrote.

        Raises:
            InputError: it is missing or damaged.
        """
        try:
            comparison: Comparison = restored(cls, read_json(path))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or printable(one_line(error))
            raise InputError(
                f"cannot read the results {path}: {reason}; compare the pictures again"
            ) from None
        return comparison
