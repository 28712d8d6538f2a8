"""Training steps per second, compared with the machine's ceiling: `python -m benchmarks.step_rate`.

Each configuration runs in its own process, so that its peak memory can be measured, on a pair of seeded noise
pictures of 1200x966 and 1024x768 px. The ceiling is measured in the same process right after the steps.
"""

import argparse
import dataclasses
import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch

import sinct
from benchmarks.ceiling import profiled
from benchmarks.machine import RESULTS, describe, one_line, write_json
from benchmarks.step_work import step_work
from sinct.doctor import body_shape
from sinct.objectives.cut import Losses, Trainer
from sinct.runtime.device import choose_device, gains_from_bfloat16, peak_memory
from sinct.runtime.speed import convolution_rate, seconds_of

AUTHORS_STEPS_A_SECOND = 0.048
"""Rate of the authors' code at their own configuration: 21 s a step, measured on two CPU cores in float32."""

AUTHORS = sinct.preset("authors", torch.device("cpu")).replace(mixed_precision=False)
"""The authors' configuration: 16 crops of 64 px, width 80, R1 at every step."""

CONFIGURATIONS = (*sinct.PRESETS, "authors-float32")

WORK = (
    "width",
    "discriminator_widths",
    "projection_dimensions",
    "crops",
    "identity_crops",
    "crop_size",
    "tile_size",
    "smoothing",
    "depths",
    "queries",
    "matching_weight",
    "r1_interval",
)
"""Settings that decide how much a step computes; all others change at most its speed."""

WARM_UP = 3
"""Steps before the timed ones; where R1 is lazy, only the first of them computes it."""

ENDLESS = 10**9
"""Steps of a training that stops long before its end, so that the learning rate stays constant."""

EXPLANATION = """\
A step's operations are those of its convolutions and matrix products: forward, backward and R1, 2 per
multiply-add. Where R1 is lazy, everything is an average over its interval. Seconds a step are medians; the
spread is the 90th minus the 10th percentile. The ceiling, in GFLOP/s, is the rate of a 3x3 convolution forward
and backward at the shape of the generator's body, in the same process; "of the ceiling" uses the ceiling in the
configuration's own precision. Warm-up: how much longer the first {warm_up} steps took than later ones. The
authors' code does {theirs} steps/s at its own configuration on two cores in float32.
"""


class Step(NamedTuple):
    """Seconds of one step, and whether it computed R1."""

    seconds: float
    has_r1: bool


@dataclass(frozen=True)
class Measured:
    """What was found for one configuration; where R1 is lazy, figures per step are averages over its interval.

    Attributes:
        configuration: its name.
        settings: the training's settings, JSON-serialisable.
        device_type: cpu, cuda or mps.
        steps: number of timed steps.
        seconds: time of a step, from the medians of steps with and without R1.
        spread: 90th minus 10th percentile of a step's deviation from the median for its kind, in seconds.
        warm_up: how much longer the first steps took than later steps of their kind, in seconds.
        peak_bytes: peak memory during training; None where the system does not report it.
        gflop: operations per step, in units of 10^9.
        ceiling: GFLOP/s of convolutions at the shape of the generator's body, by precision.
        kinds: seconds per step by kind of operator under the profiler, longest first.
        operators: the same by operator, for those that take longest.
    """

    configuration: str
    settings: dict[str, Any]
    device_type: str
    steps: int
    seconds: float
    spread: float
    warm_up: float
    peak_bytes: int | None
    gflop: float
    ceiling: dict[str, float]
    kinds: dict[str, float]
    operators: dict[str, float]

    @property
    def precision(self) -> str:
        """Name of the dtype in which a step computes."""
        return "bfloat16" if self.settings["mixed_precision"] else "float32"

    @property
    def fraction(self) -> float:
        """Share of the ceiling, in that precision, that a whole step reaches."""
        return self.gflop / self.seconds / self.ceiling[self.precision]

    @property
    def authors_ratio(self) -> float | None:
        """How many times as fast as the authors' code; None if the work or the kind of machine differs."""
        same = all(self.settings[name] == AUTHORS.to_dict()[name] for name in WORK)
        return 1 / self.seconds / AUTHORS_STEPS_A_SECOND if same and self.device_type == "cpu" else None

    def to_dict(self) -> dict[str, Any]:
        """All values, JSON-serialisable."""
        derived = ("precision", "fraction", "authors_ratio")
        return dataclasses.asdict(self) | {name: getattr(self, name) for name in derived}


# Measuring --------------------------------------------------------------------------------------------


def configuration(name: str, device: torch.device, changes: Mapping[str, Any]) -> sinct.Config:
    """The settings of a preset or of the authors' configuration, with changes.

    Args:
        name: one of `CONFIGURATIONS`.
        device: where the training will run.
        changes: new values by name of the setting in `sinct.Config`.

    Raises:
        ConfigError: a setting is unknown or out of range.
    """
    known = name in sinct.PRESETS
    config = sinct.preset(name, device) if known else AUTHORS
    return config.replace(steps=ENDLESS, **changes)


def measure(name: str, config: sinct.Config, device: torch.device, steps: int) -> Measured:
    """Time steps after a warm-up, profile further steps and count their operations, then measure the ceiling.

    Args:
        name: name of the configuration.
        config: its settings.
        device: where the training runs.
        steps: number of steps to time, rounded up to whole intervals of R1.
    """
    random = torch.Generator().manual_seed(0)
    painting, photo = (torch.rand(3, *size, generator=random) * 2 - 1 for size in ((966, 1200), (768, 1024)))
    interval = config.r1_interval
    run = Trainer([painting], [photo], config, device).run()
    first = [timed(run, device) for _ in range(WARM_UP)]
    later = [timed(run, device) for _ in range(math.ceil(steps / interval) * interval)]
    # Read before anything other than training takes memory.
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else peak_memory()
    usual = medians(later)

    def one_interval() -> None:
        for _ in range(interval):
            next(run)

    kinds, operators = profiled(one_interval, device)
    dtypes = {"float32": torch.float32}
    if config.mixed_precision or gains_from_bfloat16(device):  # elsewhere it is emulated and takes minutes
        dtypes["bfloat16"] = torch.bfloat16
    shape = body_shape(config)
    return Measured(
        configuration=name,
        settings=config.to_dict(),
        device_type=device.type,
        steps=len(later),
        seconds=average(usual, interval),
        spread=spread([step.seconds - usual[step.has_r1] for step in later]),
        warm_up=sum(step.seconds - usual[step.has_r1] for step in first),
        peak_bytes=peak,
        gflop=step_work(config, device).mean,
        ceiling={name: convolution_rate(shape, dtype, device) for name, dtype in dtypes.items()},
        kinds={kind: seconds / interval for kind, seconds in kinds.most_common()},
        operators={operator: seconds / interval for operator, seconds in operators.most_common(12)},
    )


def timed(run: Iterator[Losses], device: torch.device) -> Step:
    """Take and time one step of a training."""
    taken: list[Losses] = []
    seconds = seconds_of(lambda: taken.append(next(run)), device)
    return Step(seconds, not taken[0].r1.isnan().item())


def medians(steps: Sequence[Step]) -> dict[bool, float]:
    """Median seconds of steps with R1 (True) and without (False); a kind that does not occur is absent."""
    sorts = {step.has_r1 for step in steps}
    return {sort: statistics.median(step.seconds for step in steps if step.has_r1 == sort) for sort in sorts}


def average(usual: Mapping[bool, float], interval: int) -> float:
    """Mean over an interval of steps: one with R1 (True), the others without (False)."""
    return sum(seconds * (1 / interval if has_r1 else 1 - 1 / interval) for has_r1, seconds in usual.items())


def spread(values: Sequence[float]) -> float:
    """90th minus 10th percentile; 0 for a single value."""
    if len(values) < 2:
        return 0.0
    deciles = statistics.quantiles(values, n=10, method="inclusive")
    return deciles[-1] - deciles[0]


# Reporting --------------------------------------------------------------------------------------------


def table(machine: Mapping[str, Any], changes: Mapping[str, Any], found: Sequence[Measured]) -> str:
    """Markdown: the machine, settings changed for all configurations, and one row for each configuration."""
    rows = [cells(one) for one in found]
    head = [one_line(machine), *(f"{name} = {value}" for name, value in changes.items())]
    lines = [list(rows[0]), [":--", *["--:"] * (len(rows[0]) - 1)], *(row.values() for row in rows)]
    body = [f"| {' | '.join(line)} |" for line in lines]
    explanation = EXPLANATION.format(warm_up=WARM_UP, theirs=AUTHORS_STEPS_A_SECOND)
    return "; ".join(head) + "\n\n" + "\n".join(body) + "\n\n" + explanation


def cells(one: Measured) -> dict[str, str]:
    """One row of the table, by column."""

    def number(value: float | None, form: str) -> str:
        return "" if value is None else format(value, form)

    return {
        "configuration": one.configuration,
        "precision": one.precision,
        "GFLOP a step": number(one.gflop, ".2f"),
        "s a step (spread)": f"{one.seconds:.3g} ({one.spread:.2g})",
        "steps/s": number(1 / one.seconds, ".3g"),
        "GFLOP/s": number(one.gflop / one.seconds, ".1f"),
        "ceiling float32": number(one.ceiling["float32"], ".1f"),
        "ceiling bfloat16": number(one.ceiling.get("bfloat16"), ".1f"),
        "of the ceiling": number(one.fraction, ".0%"),
        "peak GB": number(one.peak_bytes and one.peak_bytes / 1e9, ".2f"),
        "warm-up s": number(one.warm_up, ".1f"),
        "times the authors'": number(one.authors_ratio, ".1f"),
    }


def profile_text(one: Measured) -> str:
    """Where a step's time goes: kinds of operators, then single operators, by their own time."""
    total = sum(one.kinds.values())

    def lines(times: Mapping[str, float]) -> list[str]:
        return [f"{seconds:12.5f} s {seconds / total:6.1%}  {name}" for name, seconds in times.items()]

    title = f"{one.configuration}: {total:.4g} s a step under the profiler, {one.seconds:.4g} s without"
    return "\n".join([title, "", *lines(one.kinds), "", *lines(one.operators)]) + "\n"


def write(
    folder: Path, machine: Mapping[str, Any], changes: Mapping[str, Any], found: Sequence[Measured]
) -> None:
    """Write step_rate.json, table.md and profile.txt to a folder."""
    results = {"machine": machine, "changes": changes, "configurations": [one.to_dict() for one in found]}
    write_json(folder / "step_rate.json", results)
    (folder / "table.md").write_text(table(machine, changes, found), encoding="utf-8")
    profiles = [one_line(machine) + "\n", *map(profile_text, found)]
    (folder / "profile.txt").write_text("\n".join(profiles), encoding="utf-8")


# The command ------------------------------------------------------------------------------------------


def change(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE, with the value in JSON.

    Raises:
        ArgumentTypeError: the text has another form, or sets the length, which `--steps` does.
    """
    name, _, value = text.partition("=")
    if name in ("steps", "seconds"):
        raise argparse.ArgumentTypeError(f"{name} cannot be set; use --steps")
    try:
        return name, json.loads(value)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not NAME=VALUE with a number, true, false or a list such as [32,64]"
        ) from None


def positive(text: str) -> int:
    """Read a whole number above 0."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure configurations one after another; write the table after each, and print it at the end."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.step_rate", description=__doc__)
    parser.add_argument(
        "--configurations",
        nargs="+",
        choices=CONFIGURATIONS,
        metavar="NAME",
        help=f"some of {', '.join(CONFIGURATIONS)}; by default all, the last only if the device gains from bfloat16",
    )
    parser.add_argument(
        "--steps",
        type=positive,
        default=10,
        help="timed steps, rounded up to whole intervals of R1 (%(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps (%(default)s)")
    parser.add_argument(
        "--set",
        type=change,
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a setting in all configurations",
    )
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "step_rate", metavar="DIR")
    options = parser.parse_args(arguments)
    changes = dict(options.set)
    try:
        device = choose_device(options.device)
        suitable = CONFIGURATIONS if gains_from_bfloat16(device) else CONFIGURATIONS[:-1]
        configs = {name: configuration(name, device, changes) for name in options.configurations or suitable}
    except sinct.SinctError as error:
        parser.error(str(error))
    machine = describe(device)
    found: list[Measured] = []
    for name, config in configs.items():
        # Nothing runs in this process: Linux counts the parent's memory towards the peak of its child.
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            found.append(alone.submit(measure, name, config, device, options.steps).result())
        write(options.output, machine, changes, found)
    print(table(machine, changes, found))


if __name__ == "__main__":
    main()
