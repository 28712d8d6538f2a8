"""How good a training is after how much work, judged by a known truth: `python -m benchmarks.time_to_quality`.

A GAN's losses say little about the picture. Here the project's own renderer paints one half of a photograph and
the other half is the reference, so that the translation can be compared with what was painted.

Each mark is a training of its own, of that many steps, because the learning rate and the choice of the best state
depend on the length. With --in-passing, one training per seed serves all marks. Results are given over the
operations that training took, so that machines of different speed compare; making and measuring pictures is not
counted. Trainings run one after another in this process. Each stores its result, and the same command continues
after an interruption.
"""

import argparse
import dataclasses
import itertools
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sinct
from benchmarks.machine import RESULTS, write_json
from benchmarks.quality_report import Record, curves, machine_lines, markdown, rows
from benchmarks.quality_runs import Benchmark, Judge, Variant, parse_variant
from benchmarks.scenes import RECIPES, Pair, known_pair, real_pair, select
from sinct import ConfigError, SinctError
from sinct.errors import TrainingError
from sinct.runtime.device import choose_device


@dataclass(frozen=True)
class Size:
    """The defaults that come with a size.

    Attributes:
        pairs: names of recipes.
        marks: steps at which to measure.
    """

    pairs: tuple[str, ...]
    marks: tuple[int, ...]


SIZES = {
    "small": Size(("coast", "coffee"), (40, 100, 250)),
    "full": Size(tuple(RECIPES), (40, 100, 250, 600)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        Exit code: 0; 1 for an error that a person can act on or a training that failed; 130 if interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SinctError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command continues after the last finished training", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.time_to_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add(
        "--size",
        choices=SIZES,
        default="small",
        help="; ".join(
            f"{name}: {', '.join(size.pairs)} at {', '.join(map(str, size.marks))} steps"
            for name, size in SIZES.items()
        ),
    )
    add(
        "--presets",
        nargs="+",
        choices=sinct.PRESETS,
        help="presets to train; default: draft standard, or none with --variant",
    )
    add(
        "--variant",
        action="append",
        default=[],
        metavar="LABEL:PRESET:NAME=VALUE,...",
        help="a preset with changed settings, values in JSON; repeat for several",
    )
    add("--seeds", nargs="+", type=int, default=[0], help="every training is done with each; default: 0")
    add(
        "--marks",
        nargs="+",
        type=int,
        metavar="STEPS",
        help="lengths at which to measure; the default depends on --size",
    )
    add(
        "--in-passing",
        action="store_true",
        help="one training to the last mark, measured at each mark: less work, but an early mark is a glance at the "
        "run, not the result of a shorter one",
    )
    add(
        "--pairs",
        nargs="+",
        metavar="NAME",
        help=f"some of {', '.join(RECIPES)}; the default depends on --size",
    )
    add(
        "--pair",
        nargs=2,
        action="append",
        type=Path,
        metavar=("PAINTING", "PHOTO"),
        help="use a real pair, without a truth, instead; repeat for several",
    )
    add("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    add(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where generated pairs are kept; default: in the system's temporary folder",
    )
    add("-o", "--output", type=Path, metavar="DIR", help="default: benchmarks/results/time_to_quality-SIZE")
    add("--fresh", action="store_true", help="repeat trainings and measures whose results are stored")
    return parser


def _run(options: argparse.Namespace) -> int:
    marks = sorted(set(options.marks or SIZES[options.size].marks))
    if marks[0] < 1:
        raise ConfigError(f"marks {marks} must be 1 step or more")
    trainings = [marks] if options.in_passing else [[mark] for mark in marks]
    variants = _variants(options)
    device = choose_device(options.device)
    for variant in variants:
        for seed in options.seeds:
            variant.config(device, steps=marks[-1], seed=seed)  # raises before any work is done
    folder = options.output or RESULTS / f"time_to_quality-{options.size}"
    benchmark = Benchmark(folder, device, options.fresh, _say)
    results: list[dict[str, Any]] = []
    failed = False
    for pair in _pairs(options):
        judge = Judge(pair)
        results.append(benchmark.controls(judge))
        for variant in variants:
            for seed, part in itertools.product(options.seeds, trainings):
                try:
                    results.append(benchmark.training(judge, variant, seed, part))
                except TrainingError as error:
                    failed = True
                    print(f"error: {pair.name}, {variant.label}, seed {seed}: {error}", file=sys.stderr)
        benchmark.sheet(pair, variants, options.seeds[0], trainings[-1])
    _report(folder, results, marks, options.seeds, in_passing=options.in_passing)
    return int(failed)


def _variants(options: argparse.Namespace) -> list[Variant]:
    presets = options.presets or ([] if options.variant else ["draft", "standard"])
    variants = [Variant(preset, preset, {}) for preset in presets]
    variants += [parse_variant(text) for text in options.variant]
    labels = [variant.label for variant in variants]
    if len(set(labels)) < len(labels):
        raise ConfigError(f"labels {', '.join(labels)} must differ; rename one")
    return variants


def _pairs(options: argparse.Namespace) -> list[Pair]:
    if options.pair:
        pairs = [real_pair(*paths) for paths in options.pair]
        names = [pair.name for pair in pairs]
        if len(set(names)) < len(names):
            raise ConfigError(f"paintings {', '.join(names)} must have different names; rename a file")
        return pairs
    cache = options.cache or Path(tempfile.gettempdir()) / "sinct-benchmark-pairs"
    recipes = select(options.pairs or SIZES[options.size].pairs)
    _say(f"pairs {', '.join(recipe.name for recipe in recipes)} in {cache}; making a new one takes minutes")
    return [known_pair(recipe, cache) for recipe in recipes]


def _report(
    folder: Path,
    results: Sequence[dict[str, Any]],
    marks: Sequence[int],
    seeds: Sequence[int],
    *,
    in_passing: bool,
) -> None:
    """Write tables, curves and all numbers."""
    records = [Record(**record) for result in results for record in result["records"]]
    machines = machine_lines(results)
    plan = {"marks": marks, "seeds": seeds, "in_passing": in_passing}
    summary = [dataclasses.asdict(row) for row in rows(records)]
    write_json(
        folder / "time_to_quality.json",
        {"machines": machines, **plan, "summary": summary, "results": list(results)},
    )
    curves(records, folder / "curves.png")
    report = markdown(records, machines, marks=marks, seeds=seeds, in_passing=in_passing)
    (folder / "time_to_quality.md").write_text(report, encoding="utf-8")
    _say(f"report: {folder / 'time_to_quality.md'}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
