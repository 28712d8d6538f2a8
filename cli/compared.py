"""What `sinct compare` and `sinct evaluate` print in the end."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from sinct.comparison import methods

from . import display, tables, viewing

if TYPE_CHECKING:
    from sinct.comparison.compare import Compared
    from sinct.measures import Measure
    from sinct.report.results import MethodResult


def tell(
    done: "Mapping[str, Compared | str]",
    output: Path,
    *,
    chosen: str | None,
    opened: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Say where the reports are and what a person should know of them, or print all as JSON.

    Args:
        done: comparisons, or why there is none, by the pair's name; the only one has an empty name.
        output: folder of all of them.
        chosen: the methods asked for on the command line.
        opened: open the page, that of all pairs where there are several.
        as_json: print one JSON object instead.
        quiet: print nothing but it.

    Raises:
        typer.Exit: a pair failed, or no method that was asked for has a picture.
    """
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
                    "whole_seconds": row.seconds,
                    "peak_memory_bytes": row.memory,
                    "made_elsewhere": row.elsewhere,
                    "kept": row.kept,
                    "differs": row.differs,
                    **row.measures,
                    **(
                        {"seeds": [run.seed for run in row.runs], "deviations": row.deviations}
                        if row.runs
                        else {}
                    ),
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
            limited = item.comparison.iterations is not None
            display.warn(f"{name + ': ' if name else ''}{_undertrained(short, limited=limited)}", quiet=quiet)
        display.say(f"report: {item.report}", quiet=quiet)
    for name, text in failed.items():
        display.warn(f"{name}: {text}", quiet=quiet)
    if len(finished) > 1:
        display.say(f"summary: {output / 'summary.html'}", quiet=quiet)
    if finished and chosen is None:
        ran = {row.name for item in finished.values() for row in item.comparison.results}
        absent = [name for name in methods.names() if name not in ran and methods.find(name).weights]
        if absent:
            display.say(
                f"not run because their weights are missing: {', '.join(absent)} (`sinct weights fetch all` gets them)",
                quiet=quiet,
            )
    if opened and finished:
        only = next(iter(finished.values())).report
        viewing.show(output / "summary.html" if len(finished) > 1 else only, quiet=quiet)
    made = any(row.file and not row.control for item in finished.values() for row in item.comparison.results)
    asked = any(not row.control for item in finished.values() for row in item.comparison.results)
    if failed or (asked and not made):
        raise typer.Exit(1)


def _kept(rows: "Sequence[MethodResult]") -> list[str]:
    """Say which methods are in the report because they were finished earlier, and what they differ in."""
    kept = [row for row in rows if row.kept]
    names = ", ".join(row.name for row in kept)
    option = shlex.quote(",".join(row.name for row in kept))
    lines = [f"finished earlier and kept in the report: {names} (--without {option} leaves out)"]
    differing = [f"{row.name} ran with {row.differs}" for row in kept if row.differs]
    lines += [f"not ranked: {line}; name it in --methods to run it again" for line in differing]
    return lines if kept else []


def _undertrained(rows: "Sequence[MethodResult]", *, limited: bool) -> str:
    """Name the methods that had too few steps in one line, and what helps; `limited` by --iterations, or by time."""
    named = ", ".join(f"{row.title} ({row.steps:,} of {row.steps_needed:,} steps)" for row in rows)
    cure = "leave --iterations out" if limited else "give more --time"
    return f"undertrained, so not ranked: {named}; {cure}"


def show(measures: "tuple[Measure, ...]", rows: "Mapping[str, Mapping[str, float]]") -> None:
    """Print a table with measures in rows and pictures in columns, since there are more measures."""
    lines = []
    for measure in measures:
        values = (row.get(measure.name) for row in rows.values())
        cells = ["-" if value is None else f"{value:.3g}" for value in values]
        lines.append([heading(measure), *cells])
    tables.show(["measure", *_short(list(rows))], lines, numbers=True)


def heading(measure: "Measure") -> str:
    """A measure's title with its unit, and an arrow towards better values."""
    up, down = display.able("↑", "^"), display.able("↓", "v")
    return f"{measure.title} {up if measure.higher_is_better else down}"


def _short(places: Sequence[str]) -> list[str]:
    """The ends of paths, with as many folders as it takes to tell them apart."""
    parts = [Path(place).parts for place in places]
    for length in range(1, max(map(len, parts)) + 1):
        ends = [str(Path(*names[-length:])) for names in parts]
        if len(set(ends)) == len(ends):
            return ends
    return list(places)
