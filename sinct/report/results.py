"""What a comparison found, as it is kept in results.json and read by the report."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sinct.measures import Measure
from sinct.runtime.files import replacing


@dataclass(frozen=True)
class Input:
    """One of the two pictures.

    Attributes:
        name: of the file that was given.
        file: of the copy in the comparison's folder, an upright 8-bit sRGB PNG.
        width: in pixels.
        height: in pixels.
        sha256: of the given file.
    """

    name: str
    file: str
    width: int
    height: int
    sha256: str


@dataclass(frozen=True)
class MethodResult:
    """One method's picture, or why there is none.

    Attributes:
        name: of the method.
        title: as people know it.
        source: paper.
        control: an end of the scale, no contender.
        file: of the picture in the comparison's folder, PNG; None where there is none.
        reason: why there is none, one line; None where there is one.
        seconds: that it took, with loading and without measuring.
        memory: peak resident memory of its process in bytes; None where it is not known.
        device: that it ran on.
        random_weights: its pretrained networks were replaced by random ones.
        optimises: names of measures that it minimises itself.
        settings: of this run.
        facts: of this run.
        warnings: what a person would see in the picture, one line each.
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


@dataclass(frozen=True)
class Comparison:
    """All methods on one pair.

    Attributes:
        painting: the picture that was translated.
        photo: the picture whose look it should take.
        seconds: that each method was given; None without a limit.
        seed: of every random draw.
        environment: machine and versions, by name.
        measures: the columns.
        unavailable: measures that could not be computed, name -> why.
        results: the rows, in order.
    """

    painting: Input
    photo: Input
    seconds: float | None
    seed: int
    environment: Mapping[str, str]
    measures: tuple[Measure, ...]
    unavailable: Mapping[str, str]
    results: tuple[MethodResult, ...]

    def save(self, path: Path) -> None:
        """Write as JSON, whole or not at all."""
        with replacing(path) as temporary:
            temporary.write_text(
                json.dumps(dataclasses.asdict(self), indent=1, ensure_ascii=False), encoding="utf-8"
            )

    @classmethod
    def load(cls, path: Path) -> "Comparison":
        """Read what `save` wrote."""
        values = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            painting=Input(**values["painting"]),
            photo=Input(**values["photo"]),
            seconds=values["seconds"],
            seed=values["seed"],
            environment=values["environment"],
            measures=tuple(Measure(**measure) for measure in values["measures"]),
            unavailable=values["unavailable"],
            results=tuple(
                MethodResult(
                    **{**row, "optimises": tuple(row["optimises"]), "warnings": tuple(row["warnings"])}
                )
                for row in values["results"]
            ),
        )
