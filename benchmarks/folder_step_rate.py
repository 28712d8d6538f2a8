"""Training steps on two folders against the ceiling and the papers' way: `python -m benchmarks.folder_step_rate`.

Each method is measured in up to three ways, each in its own process, so that its peak memory can be measured, on two
folders with a picture of seeded noise each: as sinct trains it on this machine; in float32, where that differs; and as
the papers' code computes it (`benchmarks.plain_steps`), in float32 with contiguous memory. The ceiling is measured in
the same process right after the steps.
"""

import argparse
import dataclasses
import os
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import sinct
from benchmarks.ceiling import flops_of
from benchmarks.machine import RESULTS, describe, one_line, write_json
from benchmarks.plain_steps import PlainCut, PlainCycle
from benchmarks.step_rate import ENDLESS, change, positive
from sinct.objectives.folder_gan import FolderGanSettings
from sinct.objectives.folder_methods import find_method
from sinct.runtime.device import choose_device, gains_from_bfloat16, peak_memory
from sinct.runtime.speed import Shape, convolution_rate, seconds_of

PLAIN: Mapping[str, Any] = {"cut": PlainCut, "fastcut": PlainCut, "cyclegan": PlainCycle}
"""Method -> the training that computes it as the paper's code does."""

OURS, OURS_FLOAT32, AS_PUBLISHED = "ours", "ours, float32", "as published"
"""Ways of computing a method."""

WARM_UP = 1
"""Steps before the timed ones."""

GOAL_OF_CEILING, GOAL_OF_MEMORY = 0.6, 0.5
"""Least share of the ceiling, and most of the memory that the papers' way takes."""

EXPLANATION = """\
A step's operations are those of its convolutions and matrix products, forward and backward, 2 per multiply-add.
Seconds a step are medians. The ceiling, in GFLOP/s, is the rate of a 3x3 convolution forward and backward at the shape
of the generator's residual blocks, channels last, in the way's own precision and process. Memory is what the process's
peak grew by from before the networks were built to the last timed step (on a GPU: the peak of what was allocated).
"As published" has sinct's networks, losses and settings, but computes like the papers' code: inputs and outputs are
encoded anew, each translation of CycleGAN is a pass of its own, in float32 with contiguous memory. Times faster and
share of memory compare with it.
"""


@dataclass(frozen=True)
class Measured:
    """What was found for one way of computing a method.

    Attributes:
        method: a key of `PLAIN`.
        way: one of the ways.
        settings: the training's settings, JSON-serialisable.
        steps: number of timed steps.
        seconds: median time of a step.
        gflop: operations of a step, in units of 10^9.
        ceiling: GFLOP/s of convolutions at the shape of the generator's body, in this way's precision.
        memory: growth of peak memory, in bytes; None where the system does not report it.
    """

    method: str
    way: str
    settings: dict[str, Any]
    steps: int
    seconds: float
    gflop: float
    ceiling: float
    memory: int | None

    @property
    def precision(self) -> str:
        """Name of the dtype in which a step computes."""
        return "bfloat16" if self.settings["mixed_precision"] else "float32"

    @property
    def rate(self) -> float:
        """GFLOP/s of a whole step."""
        return self.gflop / self.seconds

    @property
    def fraction(self) -> float:
        """Share of the ceiling that a whole step reaches."""
        return self.rate / self.ceiling


def ways_of(method: str, device: torch.device, changes: Mapping[str, Any]) -> dict[str, FolderGanSettings]:
    """The settings of a method for each way of computing it that this device tells apart.

    Raises:
        ConfigError: a change is unknown or out of range.
    """
    published = find_method(method).settings.replace(steps=ENDLESS, decoders=0, **changes)
    plain = published.replace(mixed_precision=False, channels_last=False)
    ours = published.replace(mixed_precision=gains_from_bfloat16(device))
    found = {OURS: ours, OURS_FLOAT32: published.replace(mixed_precision=False), AS_PUBLISHED: plain}
    return found if ours.mixed_precision else {OURS: ours, AS_PUBLISHED: plain}


def write_noise(folder: Path, side: int) -> tuple[Path, Path]:
    """Write a square picture of seeded noise for each domain."""
    random, files = np.random.default_rng(0), (folder / "source.png", folder / "target.png")
    for file in files:
        Image.fromarray(random.integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file)
    return files


def body_shape(settings: FolderGanSettings) -> Shape:
    """Shape of the maps in the residual blocks of the generator "resnet", in its largest pass."""
    both = getattr(settings, "identity_nce", True) and getattr(settings, "identity_weight", 1) > 0
    return Shape(settings.batch_size * (2 if both else 1), 4 * settings.width, settings.crop_size // 4)


def measure(
    method: str, way: str, settings: FolderGanSettings, device: torch.device, steps: int, folder: str
) -> Measured:
    """Time steps after a warm-up, count the operations of another one, then measure the ceiling."""
    source, target = Path(folder) / "source.png", Path(folder) / "target.png"
    before = 0 if device.type == "cuda" else peak_memory()
    trainer = (PLAIN if way == AS_PUBLISHED else {method: find_method(method).trainer})[method](
        [source], [target], settings, device
    )
    run = trainer.run()
    times = [seconds_of(lambda: next(run), device) for _ in range(WARM_UP + steps)]
    peak = peak_memory()  # before anything other than training takes memory
    gflop = counted(trainer) / 1e9
    trainer.close()
    dtype = torch.bfloat16 if settings.mixed_precision else torch.float32
    return Measured(
        method,
        way,
        settings.to_dict(),
        steps,
        statistics.median(times[WARM_UP:]),
        gflop,
        convolution_rate(body_shape(settings), dtype, device),
        None if peak is None or before is None else peak - before,
    )


def counted(trainer: Any) -> float:
    """Operations of a step; with flip equivariance, the mean of one that mirrors and one that does not."""
    if not getattr(trainer.settings, "flip_equivariance", False):
        return flops_of(lambda: trainer.step(trainer.sample()))
    found: dict[bool, int] = {}
    while len(found) < 2:
        state = trainer.random.get_state()
        flipped = bool(torch.rand((), generator=trainer.random) < 0.5)
        trainer.random.set_state(state)
        found[flipped] = flops_of(lambda: trainer.step(trainer.sample()))
    return statistics.fmean(found.values())


# Reporting --------------------------------------------------------------------------------------------


def table(machine: Mapping[str, Any], changes: Mapping[str, Any], found: Sequence[Measured]) -> str:
    """Markdown: the machine and its load, changed settings, and a row for each way."""
    load = machine.get("load")
    head = [one_line(machine), *([f"load {load} before"] if load else [])]
    head += [f"{name} = {value}" for name, value in changes.items()]
    plain = {one.method: one for one in found if one.way == AS_PUBLISHED}
    rows = [cells(one, plain.get(one.method)) for one in found]
    lines = [list(rows[0]), [":--", ":--", *["--:"] * (len(rows[0]) - 2)], *(row.values() for row in rows)]
    return (
        "; ".join(head)
        + "\n\n"
        + "\n".join(f"| {' | '.join(line)} |" for line in lines)
        + "\n\n"
        + EXPLANATION
    )


def cells(one: Measured, plain: Measured | None) -> dict[str, str]:
    """One row of the table, by column.

    Args:
        one: what the row is of.
        plain: what the papers' way took, if it has been measured.
    """
    share = one.memory / plain.memory if one.memory and plain and plain.memory else None
    return {
        "method": one.method,
        "way": f"{one.way}, {one.precision}" if one.way == OURS else one.way,
        "GFLOP a step": f"{one.gflop:.4g}",
        "s a step": f"{one.seconds:.3g}",
        "GFLOP/s": f"{one.rate:.3g}",
        "ceiling": f"{one.ceiling:.3g}",
        "of the ceiling": f"{one.fraction:.0%}",
        "memory GB": "" if one.memory is None else f"{one.memory / 1e9:.2f}",
        "times faster": "" if plain is None else f"{plain.seconds / one.seconds:.2f}",
        "share of memory": "" if share is None else f"{share:.0%}",
        "goals": goals(one, share),
    }


def goals(one: Measured, share: float | None) -> str:
    """Which goals a way of ours reaches; empty for the papers' way."""
    if one.way == AS_PUBLISHED:
        return ""
    speed = "speed" if one.fraction >= GOAL_OF_CEILING else "not speed"
    if share is None:
        return speed
    return f"{speed}, {'memory' if share <= GOAL_OF_MEMORY else 'not memory'}"


def load() -> str:
    """The system's mean load over the last minute, where it tells one: above 0, others take part of the machine."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


# The command ------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure methods one after another; write the table after each way, and print it at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.folder_step_rate", description=__doc__)
    parser.add_argument("--methods", nargs="+", choices=PLAIN, default=list(PLAIN), metavar="NAME")
    parser.add_argument("--steps", type=positive, default=5, help="timed steps (%(default)s)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps (%(default)s)")
    parser.add_argument(
        "--set",
        type=change,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting in all methods, such as crop_size=64",
    )
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "folder_step_rate", metavar="DIR")
    options = parser.parse_args(arguments)
    changes = dict(options.set)
    try:
        device = choose_device(options.device)
        ways = {method: ways_of(method, device, changes) for method in options.methods}
    except sinct.SinctError as error:
        parser.error(str(error))
    machine = describe(device) | {"load": load()}
    found: list[Measured] = []
    with tempfile.TemporaryDirectory() as folder:
        for method, settings_of in ways.items():
            write_noise(Path(folder), settings_of[OURS].load_size)
            for way, settings in settings_of.items():
                # Nothing runs in this process: Linux counts the parent's memory towards the peak of its child.
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                    task = alone.submit(measure, method, way, settings, device, options.steps, folder)
                    found.append(task.result())
                write_json(
                    options.output / "folder_step_rate.json",
                    {
                        "machine": machine,
                        "changes": changes,
                        "ways": [dataclasses.asdict(one) for one in found],
                    },
                )
                text = table(machine, changes, found)
                (options.output / "table.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
