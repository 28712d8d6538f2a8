"""What a training gives after how long, against a known truth: `python -m benchmarks.time_to_quality`.

Losses of a GAN say little about the picture. Here half of a photograph is painted by the project's own renderer
and the other half is the reference, so that the translation can be held against what was painted. Trainings run
one after another in this process; each keeps its result, and the same command goes on where it was stopped.
Time is the training's own: pictures are made and measured after it.
"""

import argparse
import dataclasses
import math
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sinct
from benchmarks.machine import RESULTS, one_line, write_json
from benchmarks.quality_report import Record, curves, markdown, rows
from benchmarks.quality_runs import Benchmark, Judge, Variant, parse_variant
from benchmarks.scenes import RECIPES, Pair, known_pair, real_pair, select
from sinct import ConfigError, SinctError
from sinct.errors import TrainingError
from sinct.runtime.device import choose_device


@dataclass(frozen=True)
class Size:
    """What is done where nothing else is said.

    Attributes:
        pairs: names of recipes.
        marks: seconds.
    """

    pairs: tuple[str, ...]
    marks: tuple[float, ...]


SIZES = {
    "small": Size(("coast", "coffee"), (15, 30, 60)),
    "full": Size(tuple(RECIPES), (30, 60, 120, 180, 300)),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for.

    Returns:
        Exit code: 0, 1 for an error that a person can act on or a training that failed, 130 if interrupted.
    """
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except SinctError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the same command goes on after the last finished training", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.time_to_quality",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--size", choices=SIZES, default="small", help="small: 2 pairs to 60 s; full: all to 300 s, an hour")
    add("--presets", nargs="+", choices=sinct.PRESETS, help="default: draft standard; none with --variant")
    add(
        "--variant",
        action="append",
        default=[],
        metavar="LABEL:PRESET:NAME=VALUE,...",
        help="a preset with changed settings, values in JSON; may be given several times",
    )
    add("--seeds", nargs="+", type=int, default=[0], help="a training each; default: 0")
    add("--marks", nargs="+", type=float, metavar="SECONDS", help="when to look; the last is the length")
    add("--pairs", nargs="+", metavar="NAME", help=f"some of {', '.join(RECIPES)}; default: by size")
    add(
        "--pair",
        nargs=2,
        action="append",
        type=Path,
        metavar=("PAINTING", "PHOTO"),
        help="a real pair, without a truth, instead; may be given several times",
    )
    add("--device", default="auto", help="auto, cpu, cuda, cuda:N or mps")
    add(
        "--cache",
        type=Path,
        metavar="DIR",
        help="where made pairs are kept; default: in the system's temp folder",
    )
    add("-o", "--output", type=Path, metavar="DIR", help="default: benchmarks/results/time_to_quality-SIZE")
    add("--fresh", action="store_true", help="train and measure again what is there")
    return parser


def _run(options: argparse.Namespace) -> int:
    marks = sorted(set(options.marks or SIZES[options.size].marks))
    if not all(math.isfinite(mark) and mark > 0 for mark in marks):
        raise ConfigError(f"marks must be above 0 seconds, got {marks}")
    variants = _variants(options)
    device = choose_device(options.device)
    for variant in variants:
        for seed in options.seeds:
            variant.config(device, seconds=marks[-1], seed=seed)  # refuse before any work
    folder = options.output or RESULTS / f"time_to_quality-{options.size}"
    benchmark = Benchmark(folder, marks, device, options.fresh, _say)
    results: list[dict[str, Any]] = []
    failed = False
    for pair in _pairs(options):
        judge = Judge(pair)
        results.append(benchmark.controls(judge))
        for variant in variants:
            for seed in options.seeds:
                try:
                    results.append(benchmark.training(judge, variant, seed))
                except TrainingError as error:
                    failed = True
                    print(f"error: {pair.name}, {variant.label}, seed {seed}: {error}", file=sys.stderr)
        benchmark.sheet(pair, variants, options.seeds[0])
    _report(folder, results, marks, options.seeds)
    return int(failed)


def _variants(options: argparse.Namespace) -> list[Variant]:
    presets = options.presets or ([] if options.variant else ["draft", "standard"])
    variants = [Variant(preset, preset, {}) for preset in presets]
    variants += [parse_variant(text) for text in options.variant]
    labels = [variant.label for variant in variants]
    if len(set(labels)) < len(labels):
        raise ConfigError(f"labels must differ, got {', '.join(labels)}")
    return variants


def _pairs(options: argparse.Namespace) -> list[Pair]:
    if options.pair:
        pairs = [real_pair(*paths) for paths in options.pair]
        names = [pair.name for pair in pairs]
        if len(set(names)) < len(names):
            raise ConfigError(f"paintings must have different names, got {', '.join(names)}")
        return pairs
    cache = options.cache or Path(tempfile.gettempdir()) / "sinct-benchmark-pairs"
    recipes = select(options.pairs or SIZES[options.size].pairs)
    _say(f"pairs {', '.join(recipe.name for recipe in recipes)} in {cache}; new ones take some minutes")
    return [known_pair(recipe, cache) for recipe in recipes]


def _report(
    folder: Path, results: Sequence[dict[str, Any]], marks: Sequence[float], seeds: Sequence[int]
) -> None:
    """Write tables, curves and all numbers."""
    records = [Record(**record) for result in results for record in result["records"]]
    machines = list(dict.fromkeys(one_line(result["machine"]) for result in results))
    summary = [dataclasses.asdict(row) for row in rows(records)]
    write_json(
        folder / "time_to_quality.json",
        {"machines": machines, "marks": marks, "seeds": seeds, "summary": summary, "results": list(results)},
    )
    curves(records, folder / "curves.png")
    report = markdown(records, machines, marks=marks, seeds=seeds)
    (folder / "time_to_quality.md").write_text(report, encoding="utf-8")
    _say(f"report: {folder / 'time_to_quality.md'}")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
