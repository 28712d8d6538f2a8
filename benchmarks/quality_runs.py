"""Trainings for `benchmarks.time_to_quality`: variants, snapshots at marks, measures, stored results."""

import copy
import dataclasses
import json
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import sinct
from benchmarks.machine import describe, write_json
from benchmarks.measures import PAIR_MEASURES, against_truth
from benchmarks.quality_report import Record, contact_sheet, to_image
from benchmarks.scenes import Pair
from sinct import Config, ConfigError
from sinct.comparison.methods.colour_transfer import transfer_colours
from sinct.inference.model import Model
from sinct.measures import Evaluator
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import read_picture, write_picture
from sinct.pictures.resampling import resize

CONTROLS = ("painting", "photo", "colour transfer", "truth")


@dataclass(frozen=True)
class Variant:
    """Settings to train with.

    Attributes:
        label: its name in the tables.
        preset: the preset it starts from.
        changes: settings that differ from the preset, by name.
    """

    label: str
    preset: str
    changes: dict[str, Any]

    def config(self, device: torch.device, *, seconds: float, seed: int) -> Config:
        """The complete settings.

        Raises:
            ConfigError: the preset or a setting is unknown, or a value is out of range.
        """
        config = sinct.preset(self.preset, device, seconds=seconds, seed=seed)
        return config.replace(steps=None, **self.changes)  # the marks decide


def parse_variant(text: str) -> Variant:
    """Read `label:preset` or `label:preset:NAME=VALUE,NAME=VALUE`, with values in JSON.

    Raises:
        ConfigError: the text has another form, or sets what the marks and seeds decide.
    """
    label, _, rest = text.partition(":")
    preset, _, settings = rest.partition(":")
    if not re.fullmatch(r"[\w.+-]+", label) or label in CONTROLS or not preset:
        raise ConfigError(
            f"variant {text!r} is not LABEL:PRESET:NAME=VALUE,...; begin with a label of letters, digits, . + - _ "
            "that is not the name of a control, and a preset"
        )
    changes = {}
    for change in re.split(r",(?=\s*\w+\s*=)", settings) if settings else ():  # lists have commas too
        name, equals, value = change.partition("=")
        try:
            changes[name.strip()] = json.loads(value)
        except ValueError:
            reason = f"{value!r} is not a value" if equals else "has no value"
            raise ConfigError(
                f"variant {label}: {name.strip()} {reason}; give NAME=VALUE with a number, true, false or a list"
            ) from None
    if taken := {"steps", "seconds", "seed"} & changes.keys():
        raise ConfigError(f"variant {label} sets {taken.pop()}; use --marks for the time and --seeds")
    return Variant(label, preset, changes)


@dataclass(frozen=True)
class Snapshot:
    """The state of a training at a mark.

    Attributes:
        mark: seconds asked for.
        seconds: seconds trained, up to the end of the step that reached the mark.
        steps: steps taken by then.
        model: the model at that moment.
    """

    mark: float
    seconds: float
    steps: int
    model: Model


def train(pair: Pair, config: Config, marks: Sequence[float], device: torch.device) -> list[Snapshot]:
    """Train for the time in the settings, and copy the averaged generator at each mark.

    Args:
        pair: the painting and photo to train on.
        config: the complete settings.
        marks: seconds, ascending, none beyond the training's length.
        device: where the training runs.

    Raises:
        TrainingError: a loss is not finite.
        ConfigError: a picture is too narrow for a crop.
    """
    trainer = Trainer([pair.painting], [pair.photo], config, device)
    generator = trainer.average if config.ema_decay > 0 else trainer.generator
    snapshots: list[Snapshot] = []

    def keep(due: Sequence[float]) -> None:
        model = trainer.model(copy.deepcopy(generator), trainer.sampler.widths, {})
        snapshots.extend(Snapshot(mark, trainer.seconds_done, trainer.steps_done, model) for mark in due)

    for _ in trainer.run():
        if due := [mark for mark in marks[len(snapshots) :] if trainer.seconds_done >= mark]:
            keep(due)
    if len(snapshots) < len(marks):  # the clock stopped a hair before the last mark
        keep(marks[len(snapshots) :])
    return snapshots


class Judge:
    """Measures a pair's outputs, always on the CPU, so that every device is judged alike."""

    def __init__(self, pair: Pair) -> None:
        self.pair = pair

    @cached_property
    def evaluator(self) -> Evaluator:
        """Created when first needed; a run whose results are all stored needs none."""
        return Evaluator(self.pair.painting, self.pair.photo, names=PAIR_MEASURES)

    def measure(self, output: Tensor) -> dict[str, float]:
        """All measures that this pair allows, by name, for an output (3, H, W) in [-1, 1]."""
        pair, found = self.pair, self.evaluator.measure(output)
        if pair.truth is not None:
            found |= against_truth(resize(output, *pair.truth.shape[1:]), pair.painting, pair.truth)
        return {name: value for name, value in found.items() if math.isfinite(value)}  # JSON has no infinity


def control_pictures(pair: Pair) -> Iterator[tuple[str, Tensor]]:
    """The pictures at both ends of every measure, and colour transfer alone; (3, H, W) in [-1, 1] each."""
    yield "painting", pair.painting
    yield "photo", pair.photo
    moved = transfer_colours(pair.painting.double(), pair.photo.double(), iterations=20, seed=0)
    yield "colour transfer", moved.clamp(-1, 1).float()
    if pair.truth is not None:
        yield "truth", pair.truth


def kept(
    path: Path, settings: Mapping[str, Any], make: Callable[[], dict[str, Any]], *, fresh: bool
) -> dict[str, Any]:
    """Read a stored result that has the same settings, or make it and store it.

    Args:
        path: the JSON file.
        settings: what the result depends on, JSON-serialisable.
        make: returns the result, JSON-serialisable.
        fresh: make the result even if it is stored.
    """
    wanted = json.loads(json.dumps(settings))
    if not fresh and path.exists():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            stored = {}  # writing it was interrupted
        if stored.get("settings") == wanted:
            return dict(stored)
    result = {"settings": wanted, **make()}
    write_json(path, result)
    return result


@dataclass
class Benchmark:
    """A run over pairs, variants and seeds.

    Attributes:
        folder: where all results go.
        marks: seconds, ascending.
        device: where trainings run.
        fresh: make stored results again.
        say: receives one line about each thing that happens.
    """

    folder: Path
    marks: Sequence[float]
    device: torch.device
    fresh: bool
    say: Callable[[str], None]

    def controls(self, judge: Judge) -> dict[str, Any]:
        """Measure a pair's controls."""
        pair = judge.pair

        def make() -> dict[str, Any]:
            self.say(f"{pair.name}: measuring the controls")
            found = [
                Record(pair.name, name, judge.measure(picture)) for name, picture in control_pictures(pair)
            ]
            return self._result(found)

        return kept(self._path(pair, "controls"), {"pair": pair.key}, make, fresh=self.fresh)

    def training(self, judge: Judge, variant: Variant, seed: int) -> dict[str, Any]:
        """Train once and measure at each mark; save the last translation as a picture.

        Raises:
            TrainingError: a loss is not finite.
        """
        pair = judge.pair
        config = variant.config(self.device, seconds=self.marks[-1], seed=seed)
        facts = describe(self.device)
        settings = {
            "pair": pair.key,
            "config": config.to_dict(),
            "marks": list(self.marks),
            "device": facts["device"],
            "threads": facts["threads"],
        }

        def make() -> dict[str, Any]:
            self.say(f"{pair.name}, {variant.label}, seed {seed}: training {self.marks[-1]:g} s")
            began = time.monotonic()
            snapshots = train(pair, config, self.marks, self.device)
            preparation = time.monotonic() - began - snapshots[-1].seconds
            found = []
            for shot in snapshots:
                output = shot.model.translate(pair.painting)
                values = judge.measure(output)
                found.append(
                    Record(
                        pair.name, variant.label, values, seed, shot.mark, round(shot.seconds, 2), shot.steps
                    )
                )
                brief = ", ".join(
                    f"{name} {values[name]:.3g}"
                    for name in ("familiarity", "colour", "gradient", "strokes")
                    if name in values
                )
                self.say(f"    {shot.mark:g} s, {shot.steps} steps: {brief}")
            write_picture(self.picture(pair, variant, seed), output, overwrite=True)
            return self._result(found) | {"preparation_seconds": round(preparation, 2)}

        return kept(self._path(pair, f"{variant.label}-{seed}"), settings, make, fresh=self.fresh)

    def picture(self, pair: Pair, variant: Variant, seed: int) -> Path:
        """Path of a training's last translation."""
        return self._path(pair, f"{variant.label}-{seed}").with_suffix(".png")

    def sheet(self, pair: Pair, variants: Sequence[Variant], seed: int) -> None:
        """Write a pair's contact sheet with all last translations that exist."""
        shown = {"painting": pair.painting, "photo": pair.photo, "truth": pair.truth}
        panels = [(name, to_image(pixels)) for name, pixels in shown.items() if pixels is not None]
        for variant in variants:
            path = self.picture(pair, variant, seed)
            if path.exists():
                panels.append((f"{variant.label}, {self.marks[-1]:g} s", to_image(read_picture(path).pixels)))
        contact_sheet(panels).save(self.folder / f"sheet-{pair.name}.png", optimize=True)

    def _path(self, pair: Pair, name: str) -> Path:
        return self.folder / "runs" / f"{pair.name}-{name}.json"

    def _result(self, records: Sequence[Record]) -> dict[str, Any]:
        return {
            "machine": describe(self.device),
            "records": [dataclasses.asdict(record) for record in records],
        }
