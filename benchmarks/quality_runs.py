"""Runs of `benchmarks.time_to_quality`: variants, measures at marks, stored results."""

import dataclasses
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import sinct
from benchmarks.machine import describe, write_json
from benchmarks.measures import PAIR_MEASURES, against_truth, crispness
from benchmarks.quality_report import Record, contact_sheet, to_image
from benchmarks.quality_training import train
from benchmarks.scenes import Pair
from benchmarks.step_work import step_work
from sinct import Config, ConfigError
from sinct.comparison.methods.colour_transfer import transfer_colours
from sinct.doctor import body_shape
from sinct.measures import Evaluator
from sinct.pictures.picture import read_picture, write_picture
from sinct.pictures.resampling import resize
from sinct.runtime.speed import convolution_rate

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

    def config(self, device: torch.device, *, steps: int, seed: int) -> Config:
        """The complete settings for a training of that many steps.

        Raises:
            ConfigError: the preset or a setting is unknown, or a value is out of range.
        """
        settings = sinct.preset(self.preset, device, steps=steps, seed=seed)
        return settings.replace(
            seconds=None, **self.changes
        )  # a time would make results depend on the machine


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
        raise ConfigError(f"variant {label} sets {taken.pop()}; use --marks for the length and --seeds")
    return Variant(label, preset, changes)


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
        found["crispness"] = crispness(output, pair.photo)
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
        device: where trainings run.
        fresh: make stored results again.
        say: receives one line about each thing that happens.
    """

    folder: Path
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

    def training(self, judge: Judge, variant: Variant, seed: int, marks: Sequence[int]) -> dict[str, Any]:
        """Train once and measure at each mark; save the last translation as a picture.

        Args:
            judge: measures the pair's outputs.
            variant: what to train.
            seed: seed of the training.
            marks: steps, ascending; the last one is the training's length.

        Raises:
            TrainingError: a loss is not finite.
        """
        pair = judge.pair
        config = variant.config(self.device, steps=marks[-1], seed=seed)
        facts = describe(self.device)
        settings = {
            "pair": pair.key,
            "config": config.to_dict(),
            "marks": list(marks),
            "device": facts["device"],
            "threads": facts["threads"],
        }

        def make() -> dict[str, Any]:
            self.say(f"{pair.name}, {variant.label}, seed {seed}: training to step {marks[-1]}")
            # The machine's speed can change within minutes, so each training has the ceiling of its own time.
            ceiling = self._ceiling(config)
            work = step_work(config, self.device)
            found = []
            for shot in train(pair, config, marks, self.device):
                output = shot.model.translate(pair.painting)
                values, tflop = judge.measure(output), work.tflop(shot.steps)
                found.append(
                    Record(
                        pair.name,
                        variant.label,
                        values,
                        seed,
                        shot.mark,
                        shot.steps,
                        round(tflop, 6),
                        round(shot.seconds, 2),
                    )
                )
                brief = ", ".join(
                    f"{name} {values[name]:.3g}"
                    for name in ("familiarity", "colour", "gradient", "strokes")
                    if name in values
                )
                self.say(f"    {shot.steps} steps, {tflop:.3g} TFLOP, {shot.seconds:.0f} s: {brief}")
            write_picture(self.picture(pair, variant, seed, marks), output, overwrite=True)
            return self._result(found) | {"ceiling": ceiling}

        return kept(self._path(pair, self._name(variant, seed, marks)), settings, make, fresh=self.fresh)

    def picture(self, pair: Pair, variant: Variant, seed: int, marks: Sequence[int]) -> Path:
        """Path of a training's last translation."""
        return self._path(pair, self._name(variant, seed, marks)).with_suffix(".png")

    def sheet(self, pair: Pair, variants: Sequence[Variant], seed: int, marks: Sequence[int]) -> None:
        """Write a pair's contact sheet with the last translations of each variant's training to these marks."""
        shown = {"painting": pair.painting, "photo": pair.photo, "truth": pair.truth}
        panels = [(name, to_image(pixels)) for name, pixels in shown.items() if pixels is not None]
        for variant in variants:
            path = self.picture(pair, variant, seed, marks)
            if path.exists():
                panels.append((f"{variant.label}, {marks[-1]} steps", to_image(read_picture(path).pixels)))
        contact_sheet(panels).save(self.folder / f"sheet-{pair.name}.png", optimize=True)

    def _ceiling(self, config: Config) -> dict[str, float]:
        """GFLOP/s of convolutions at the shape and in the precision of a training, by name of the precision."""
        dtype = torch.bfloat16 if config.mixed_precision else torch.float32
        rate = convolution_rate(body_shape(config), dtype, self.device)
        return {str(dtype).removeprefix("torch."): round(rate, 1)}

    def _name(self, variant: Variant, seed: int, marks: Sequence[int]) -> str:
        return f"{variant.label}-{seed}-{'to-' if len(marks) > 1 else ''}{marks[-1]}"

    def _path(self, pair: Pair, name: str) -> Path:
        return self.folder / "runs" / f"{pair.name}-{name}.json"

    def _result(self, records: Sequence[Record]) -> dict[str, Any]:
        return {
            "machine": describe(self.device),
            "records": [dataclasses.asdict(record) for record in records],
        }
