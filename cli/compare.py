"""`sinct compare` and `sinct evaluate`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sinct.comparison import methods
from sinct.errors import ConfigError, Interrupted

from . import bars, display
from .inputs import stored
from .options import AsJson, Device, Overwrite, Painting, Quiet, Seed, duration
from .stopping import stopping

if TYPE_CHECKING:
    from sinct.comparison.compare import Compared
    from sinct.measures import Measure
    from sinct.report.results import MethodResult


def compare(
    painting: Annotated[
        Path | None, typer.Argument(help="The picture to translate.", show_default=False)
    ] = None,
    photo: Annotated[
        Path | None, typer.Argument(help="The photo whose look it takes on.", show_default=False)
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder for the report and the results.", show_default=False),
    ] = ...,  # type: ignore[assignment]
    chosen: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help=f"Comma-separated, from {', '.join(methods.names())}, or all; controls always run.",
            show_default="those that need no weights or whose weights are present",
        ),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time for each method.", show_default="10m"),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with columns painting,photo, or - for standard input; compare on every pair."
        ),
    ] = None,
    regions: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="MAP MAP", help="Maps of painting and photo; equal colours mark matching regions."
        ),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pretrained weights.", show_default="the cache, downloading what is missing"
        ),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use random networks instead; the report says so.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="METHOD.NAME=VALUE",
            help="Change a method's setting (see sinct/comparison/methods/README.md).",
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Limit each stage of a method to so many iterations, for a quick try."
        ),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Comma-separated methods to leave out: not run, and not reported if finished earlier.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run sinct and other methods, measure the results and write a report. Repeat the command to continue."""
    quiet = quiet or as_json
    lists, maps = [pairs] if pairs is not None else [], list(regions or ())
    named = [path for path in (painting, photo) if path is not None]
    with (
        display.errors(as_json=as_json, quiet=quiet),
        stored([*lists, *maps, *named]) as files,
        stopping() as stop,
    ):
        if (pairs is None) == (len(named) < 2) or (pairs is not None and (named or regions)):
            raise ConfigError("give a painting and a photo, or --pairs FILE with both for every pair")
        maps, given = files[len(lists) : len(lists) + len(maps)], files[len(lists) + len(maps) :]
        bars.load(quiet=quiet)
        from sinct.comparison import compare as comparison
        from sinct.comparison import pairs as comparisons

        options: dict[str, Any] = {
            "names": _names(chosen),
            "seconds": time if time is not None else comparison.SECONDS,
            "iterations": iterations,
            "seed": seed,
            "device": device,
            "weights_dir": weights_dir,
            "random_weights": random_weights,
            "settings": _settings(changes or []),
            "without": _names(without) or (),
            "overwrite": overwrite,
            "should_stop": stop,
        }
        try:
            with bars.StageDisplay(quiet=quiet) as bar:
                if pairs is not None:
                    folder = (
                        pairs.parent if files[0] == pairs else Path()
                    )  # a pipe's list has no place of its own
                    done = comparisons.compare_pairs(files[0], output, folder=folder, on_stage=bar, **options)
                else:
                    done = {
                        "": comparison.compare(
                            given[0],
                            given[1],
                            output,
                            regions=(maps[0], maps[1]) if maps else None,
                            on_stage=bar,
                            **options,
                        )
                    }
        except Interrupted:
            display.say("stopped; run the same command to continue", quiet=quiet)
            raise typer.Exit(stop.exit_code) from None
        _report(done, output, chosen=chosen, as_json=as_json, quiet=quiet)


def evaluate(
    painting: Painting,
    photo: Annotated[Path, typer.Argument(help="The photo whose look it should have.", show_default=False)],
    outputs: Annotated[
        list[Path], typer.Argument(help="Pictures made from the painting by any program.", show_default=False)
    ],
    weights_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of pretrained weights.", show_default="the cache, downloading nothing"),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure pictures made elsewhere, beside the painting and the photo themselves."""
    with (
        display.errors(as_json=as_json, quiet=as_json),
        stored([painting, photo, *outputs]) as [painting, photo, *outputs],
    ):
        bars.load(quiet=as_json)
        from sinct.measures.evaluate import evaluate as measure

        found = measure(painting, photo, outputs, weights_dir=weights_dir, device=device)
        if as_json:
            display.emit(found.to_json())
            return
        for text in found.warnings:
            display.warn(text)
        display.out.print(_table(found.measures, found.rows))
        for measure_info in found.measures:
            display.say(f"{measure_info.title}: {measure_info.definition} Cannot see: {measure_info.blind}")
        for name, reason in found.unavailable.items():
            display.say(f"not measured: {name}: {reason}")


def _names(chosen: str | None) -> list[str] | None:
    if chosen is None:
        return None
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return list(methods.names()) if names == ["all"] else names


def _settings(changes: list[str]) -> dict[str, dict[str, Any]]:
    """Read METHOD.NAME=VALUE."""
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        method, dot, name = key.strip().partition(".")
        if not equals or not dot:
            raise ConfigError(
                f"--set {change!r} is not METHOD.NAME=VALUE; give for instance gpdm.patch_size=7"
            )
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(method, {})[name] = tuple(value) if isinstance(value, list) else value
    return found


def _report(
    done: "Mapping[str, Compared | str]", output: Path, *, chosen: str | None, as_json: bool, quiet: bool
) -> None:
    failed = {name: text for name, text in done.items() if isinstance(text, str)}
    finished = {name: item for name, item in done.items() if not isinstance(item, str)}
    if as_json:
        reports = {name or "report": str(item.report) for name, item in finished.items()}
        rows = {
            name or "results": {
                row.name: {
                    "reason": row.reason,
                    "steps": row.steps,
                    "steps_needed": row.steps_needed,
                    "undertrained": row.undertrained,
                    "training_seconds": row.training_seconds,
                    "seconds": row.seconds,
                    "memory": row.memory,
                    "kept": row.kept,
                    "differs": row.differs,
                    **row.measures,
                }
                for row in item.comparison.results
            }
            for name, item in finished.items()
        }
        display.emit({"reports": reports, "results": rows, "failed": failed})
    for name, item in finished.items():
        for row in item.comparison.results:
            if row.reason:
                display.warn(f"{name + ': ' if name else ''}{row.title}: {row.reason}", quiet=quiet)
        for line in _kept(item.comparison.results):
            display.say(f"{name + ': ' if name else ''}{line}", quiet=quiet)
        if short := [row for row in item.comparison.results if row.undertrained]:
            display.warn(f"{name + ': ' if name else ''}{_undertrained(short)}", quiet=quiet)
        display.say(f"report: {item.report}", quiet=quiet)
    for name, text in failed.items():
        display.warn(f"{name}: {text}", quiet=quiet)
    if len(finished) > 1:
        display.say(f"summary: {output / 'summary.html'}", quiet=quiet)
    if finished and chosen is None:
        ran = {row.name for item in finished.values() for row in item.comparison.results}
        absent = [name for name in methods.names() if name not in ran]
        if absent:
            display.say(
                f"not run because their weights are missing: {', '.join(absent)} (`sinct weights fetch all` gets them)",
                quiet=quiet,
            )
    made = any(row.file and not row.control for item in finished.values() for row in item.comparison.results)
    asked = any(not row.control for item in finished.values() for row in item.comparison.results)
    if failed or (asked and not made):
        raise typer.Exit(1)


def _kept(rows: "Sequence[MethodResult]") -> list[str]:
    """Say which methods are in the report because they were finished earlier, and what they differ in."""
    kept = [row for row in rows if row.kept]
    names = ", ".join(row.name for row in kept)
    lines = [
        f"finished earlier and kept in the report: {names} (--without {names.replace(' ', '')} leaves out)"
    ]
    differing = [f"{row.name} ran with {row.differs}" for row in kept if row.differs]
    lines += [f"not ranked: {line}; name it in --methods to run it again" for line in differing]
    return lines if kept else []


def _undertrained(rows: "Sequence[MethodResult]") -> str:
    """Name the methods that had too few steps in one line, and what helps."""
    named = ", ".join(f"{row.title} ({row.steps:,} of {row.steps_needed:,} steps)" for row in rows)
    return f"undertrained, so not ranked: {named}; give more --time, or leave --iterations out"


def _table(measures: "tuple[Measure, ...]", rows: "Mapping[str, Mapping[str, float]]") -> Table:
    """Measures in rows and pictures in columns, since there are more measures."""
    table = Table("measure")
    up, down = display.able("↑", "^"), display.able("↓", "v")
    for name in _short(list(rows)):
        table.add_column(display.plain(name), justify="right", overflow="fold")
    for measure in measures:
        values = (row.get(measure.name) for row in rows.values())
        cells = ["-" if value is None else f"{value:.3g}" for value in values]
        table.add_row(f"{measure.title} {up if measure.higher_is_better else down}", *cells)
    return table


def _short(places: Sequence[str]) -> list[str]:
    """The ends of paths, with as many folders as it takes to tell them apart."""
    parts = [Path(place).parts for place in places]
    for length in range(1, max(map(len, parts)) + 1):
        ends = [str(Path(*names[-length:])) for names in parts]
        if len(set(ends)) == len(ends):
            return ends
    return list(places)
