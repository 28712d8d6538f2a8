"""`sinct batch`: translate a collection, show its status, judge its pictures, retry what is not good, report."""

import shlex
import sys
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sinct.errors import counted

from . import bars, display, opening, tables
from .help import NAMES, App, Group, examples
from .options import (
    AsJson,
    Bits,
    Device,
    Faithful,
    Format,
    Keep,
    Match,
    MaxMemory,
    Part,
    Preset,
    PresetOption,
    Profile,
    ProfileOption,
    Quiet,
    Seed,
    Set,
    Steps,
    Strength,
    Stroke,
    Time,
    parse_changes,
    with_strokes,
)
from .stopping import Stop, stopping
from .wording import as_options

if TYPE_CHECKING:
    from sinct.batch.jobs import Job
    from sinct.batch.ledger import Entry
    from sinct.batch.places import Workers
    from sinct.batch.progress import Summary


class _RunByDefault(Group):
    """`sinct batch FOLDER ...` means `sinct batch run FOLDER ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in NAMES:
            args = ["run", *args]
        return super().parse_args(ctx, args)


batch_app = App(
    cls=_RunByDefault,
    help="Translate a collection: a folder, a pattern or a manifest. Run `sinct batch FOLDER --photo REF -o DIR`.",
    epilog=examples(
        "sinct batch scans --photo photo.jpg -o out",
        "sinct batch status out",
        "sinct batch accept out scan-07",
        "sinct batch retry out",
        "sinct batch export out -o jobs.csv",
    ),
)

Folder = Annotated[Path, typer.Argument(help="The folder given as -o.", show_default=False)]
Workers_ = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        metavar="N",
        help="Jobs to run at once.",
        show_default="one per GPU, or one per two cores",
    ),
]
Retries = Annotated[
    int, typer.Option(min=0, metavar="N", help="Further attempts after a failure that may be temporary.")
]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray", metavar="ADDRESS", help="Run the jobs on the Ray cluster at this address, or auto."
    ),
]

NoReport = Annotated[
    bool, typer.Option("--no-report", help="Leave out report.html and report.csv, which a batch ends with.")
]

Names = Annotated[list[str] | None, typer.Argument(help="Names of jobs, as `sinct batch status` shows them.")]
Rest = Annotated[bool, typer.Option("--rest", help="All finished pictures that have no verdict yet.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the verdict back, with its note.")]
Note = Annotated[
    str, typer.Option("--note", metavar="TEXT", help="A remark to keep with the verdict.", show_default=False)
]


class Only(StrEnum):
    """Jobs that an export can be restricted to."""

    accepted = "accepted"
    rejected = "rejected"
    undecided = "undecided"


TOLD = 10
"""Lines about what failed, and about what has warnings, that a batch ends with at most."""

REPORT_SECONDS = {False: 60.0, True: 5.0}
"""Time for new thumbnails in the report at the end, without and with an interrupt; the rest of them come later."""


@batch_app.command(
    epilog=examples(
        "sinct batch scans --photo photo.jpg -o out",
        "sinct batch 'scans/**/*.tif' --photos photos --match palette -o out",
        "sinct batch manifest.csv -o out --dry-run",
    )
)
def run(
    collection: Annotated[
        str,
        typer.Argument(
            help="Folder of paintings, a pattern such as 'scans/**/*.tif', or a manifest (.csv, .jsonl).",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder for the pictures and the ledger.", show_default=False),
    ],
    photo: Annotated[
        list[str] | None,
        typer.Option(metavar="PATH", help="Reference photo for every painting; repeat for several."),
    ] = None,
    photos: Annotated[
        str | None, typer.Option(metavar="PATH", help="Folder of photos; each painting gets one.")
    ] = None,
    match: Annotated[
        Match, typer.Option(help="Match photos by name, by palette, or by colours and textures (nearest).")
    ] = Match.name,
    shared_model: Annotated[
        bool, typer.Option("--shared-model", help="Train one model on all paintings and apply it to each.")
    ] = False,
    format: Annotated[
        Format,
        typer.Option(
            metavar="NAME", help="File format of the pictures: png, tif, jpg, webp, jxl, avif or dzi."
        ),
    ] = Format.png,
    preset: PresetOption = Preset.standard,
    time: Time = None,
    steps: Steps = None,
    seed: Seed = 0,
    stroke: Stroke = None,
    faithful: Faithful = None,
    changes: Set = None,
    bits: Bits = None,
    profile: ProfileOption = Profile.srgb,
    strength: Strength = 1.0,
    keep: Keep = None,
    device: Device = "auto",
    workers: Workers_ = None,
    ray: Ray = None,
    retries: Retries = 2,
    max_memory: MaxMemory = None,
    outputs: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE", help="Folder or URL for the pictures if not -o, such as s3://bucket/folder."
        ),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every finished file and check it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done without doing it.")
    ] = False,
    no_report: NoReport = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Translate a collection. Repeat the command to continue after an interruption."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        from sinct.batch.collection import read_collection
        from sinct.batch.settings import Settings

        changed = parse_changes(with_strokes(changes, stroke, faithful))
        parts = tuple(part.value for part in Part if part in (keep or ()))
        settings = Settings(preset.value, steps, time, seed, bits, changed, profile.value, strength, parts)
        jobs = read_collection(
            collection, outputs or str(output), settings, photo=photo or (), photos=photos, match=match.value,
            shared_model=shared_model, suffix=f".{format.value}", cache=output / ".sinct" / "matching.json",
        )  # fmt: skip
        if dry_run:
            _plan(jobs, output, workers, device, as_json=as_json, retries=retries, verify=verify)
            return
        where = _workers(device, workers, ray)
        summary = _run(
            jobs, output, where, stop, quiet=quiet, retries=retries, verify=verify, max_memory=max_memory
        )
        _end(summary, output, stop, as_json=as_json, quiet=quiet, reported=not no_report)


@batch_app.command(
    epilog=examples(
        "sinct batch retry out",
        "sinct batch retry out scan-07 --device cpu",
    )
)
def retry(
    folder: Folder,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Jobs to run again; by default all that failed or were rejected."),
    ] = None,
    device: Device = "auto",
    workers: Workers_ = None,
    ray: Ray = None,
    retries: Retries = 2,
    max_memory: MaxMemory = None,
    no_report: NoReport = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run failed jobs again with all their attempts, rejected ones with another seed, and any jobs still waiting."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        from sinct.batch.ledger import ledger_path, read_entries
        from sinct.batch.review import sharing, to_retry

        entries = read_entries(ledger_path(folder))
        left = [] if names else sharing(entries)
        if left:
            needed = next(entry.job.needs for entry in entries if entry.name == left[0])
            display.warn(
                f"rejected, but not made anew: {_pictures(len(left))}, since their model would make the same again; "
                f"reject {needed} to train it with another seed, for all pictures that are not accepted",
                quiet=quiet,
            )
        where = _workers(device, workers, ray)
        summary = _run(
            None, folder, where, stop, quiet=quiet, retries=retries, again=names or to_retry(entries),
            max_memory=max_memory,
        )  # fmt: skip
        _end(summary, folder, stop, as_json=as_json, quiet=quiet, reported=not no_report)


@batch_app.command(epilog=examples("sinct batch status out"))
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show the state of every job, even while the batch runs."""
    with display.errors(as_json=as_json, quiet=as_json):
        from sinct.batch.ledger import State, ledger_path, read_entries
        from sinct.batch.listing import facts

        entries = read_entries(ledger_path(folder))
        if as_json:
            display.emit({"jobs": [facts(entry, folder) for entry in entries]})
            return
        rows = []
        judged = any(entry.verdict for entry in entries)
        for entry in entries:
            seconds = entry.figures.get("seconds")
            note = as_options(entry.error or "; ".join(entry.warnings))
            rows.append(
                [
                    entry.name, entry.state.value, *([_judged(entry)] if judged else []),
                    str(entry.attempts), display.clock(seconds) if seconds else "", note,
                ]
            )  # fmt: skip
        tables.show(["job", "state", *(["verdict"] if judged else []), "tries", "time", "note"], rows)
        counts = {state: sum(entry.state is state for entry in entries) for state in State}
        told = ", ".join(f"{count} {state.value}" for state, count in counts.items() if count)
        display.say(f"{told}; {_verdicts(entries)}" if judged else told)


@batch_app.command(epilog=examples("sinct batch accept out scan-07", "sinct batch accept out --rest"))
def accept(
    folder: Folder,
    names: Names = None,
    note: Note = "",
    rest: Rest = False,
    undo: Undo = False,
    as_json: AsJson = False,
) -> None:
    """Accept finished pictures, also while the batch runs: they stay as they are, whatever settings a later run has."""
    _judge(folder, names, "accepted", note=note, rest=rest, undo=undo, as_json=as_json)


@batch_app.command(
    epilog=examples("sinct batch reject out scan-07 --note 'sky too dark'", "sinct batch retry out")
)
def reject(
    folder: Folder,
    names: Names = None,
    note: Note = "",
    rest: Rest = False,
    undo: Undo = False,
    as_json: AsJson = False,
) -> None:
    """Reject finished pictures, also while the batch runs: `sinct batch retry` makes them anew with another seed."""
    _judge(folder, names, "rejected", note=note, rest=rest, undo=undo, as_json=as_json)


@batch_app.command(epilog=examples("sinct batch export out -o jobs.csv --only accepted"))
def export(
    folder: Folder,
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Table to write, .csv or .json.", show_default=False)
    ],
    only: Annotated[
        Only | None,
        typer.Option(metavar="VERDICT", help="Only the jobs that are accepted, rejected or undecided."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a table of the jobs with states, verdicts, seeds, warnings and figures."""
    with display.errors(as_json=as_json, quiet=as_json):
        from sinct.batch.ledger import ledger_path, read_entries
        from sinct.batch.listing import export as write
        from sinct.batch.review import only as chosen

        entries = read_entries(ledger_path(folder))
        if only is not None:
            entries = chosen(entries, only.value)
        write(output, entries, folder)
        if as_json:
            display.emit({"output": str(output), "jobs": len(entries)})
        else:
            display.say(f"wrote {output} ({len(entries)} job{'' if len(entries) == 1 else 's'})")


@batch_app.command(epilog=examples("sinct batch report out"))
def report(folder: Folder, as_json: AsJson = False) -> None:
    """Write report.html (a contact sheet and a table) and report.csv."""
    with display.errors(as_json=as_json, quiet=as_json):
        from sinct.batch.ledger import ledger_path, read_entries
        from sinct.batch.report import write_batch_report

        page = write_batch_report(folder, read_entries(ledger_path(folder)))
        if as_json:
            display.emit({"report": str(page)})
        else:
            display.say(f"wrote {page} and {page.with_suffix('.csv').name}")


def _judge(
    folder: Path, names: list[str] | None, verdict: str, *, note: str, rest: bool, undo: bool, as_json: bool
) -> None:
    with display.errors(as_json=as_json, quiet=as_json):
        from sinct.batch.ledger import Verdict, ledger_path, read_entries
        from sinct.batch.listing import facts
        from sinct.batch.review import judge, undecided
        from sinct.errors import ConfigError

        if rest and undo:
            raise ConfigError("--rest is for pictures without a verdict, of which there is nothing to undo")
        others = undecided(read_entries(ledger_path(folder))) if rest else []
        chosen = list(dict.fromkeys([*(names or []), *others]))
        if not chosen and not rest:
            raise ConfigError("name one or more jobs, or give --rest for all that have no verdict yet")
        if note and undo:
            raise ConfigError("--undo takes a verdict back with its note; leave out --note")
        entries = judge(folder, chosen, None if undo else Verdict(verdict), note)
        if as_json:
            display.emit({"jobs": [facts(entry, folder) for entry in entries]})
            return
        what = "took back the verdict on" if undo else verdict
        display.say(f"{what} {_pictures(len(chosen))}; {_verdicts(entries)}")
        if any(entry.verdict is Verdict.rejected for entry in entries):
            display.say(
                f"to make what was rejected anew with another seed: sinct batch retry {shlex.quote(str(folder))}"
            )


def _judged(entry: "Entry") -> str:
    """A verdict with its note."""
    return ": ".join(filter(None, (entry.verdict and entry.verdict.value, entry.note)))


def _pictures(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _verdicts(entries: "Sequence[Entry]") -> str:
    """How many pictures have which verdict."""
    from sinct.batch.ledger import Verdict
    from sinct.batch.review import undecided

    accepted, rejected = (sum(entry.verdict is verdict for entry in entries) for verdict in Verdict)
    return f"{accepted} accepted, {rejected} rejected, {len(undecided(entries))} undecided"


def _workers(device: str, workers: int | None, ray: str | None) -> "Workers":
    """Choose where the jobs run."""
    if ray is not None:
        from sinct.batch.ray_workers import RayWorkers

        return RayWorkers(ray, device=device)
    from sinct.batch.local_workers import LocalWorkers
    from sinct.batch.places import local_slots
    from sinct.runtime.device import choose_device

    return LocalWorkers(local_slots(choose_device(device), workers, every=device == "auto"))


def _run(
    jobs: "list[Job] | None",
    folder: Path,
    workers: "Workers",
    stop: Stop,
    *,
    quiet: bool,
    **options: Any,
) -> "Summary":
    from sinct.batch.coordinator import run_batch

    first = partial(opening.of_batch, folder, places=workers.places, sharing=workers.sharing)
    with bars.BatchDisplay(quiet=quiet, opening=first) as bar:
        return run_batch(jobs, folder, workers, on_progress=bar, should_stop=stop, **options)


def _plan(
    jobs: "list[Job]", folder: Path, workers: int | None, device: str, *, as_json: bool, **options: Any
) -> None:
    """Show what a run would do."""
    import shutil

    from sinct.batch import estimate, storage
    from sinct.batch.ledger import State
    from sinct.batch.listing import facts
    from sinct.batch.staleness import preview

    found = preview(jobs, folder, **options)
    left = [entry for entry in found if entry.state in (State.waiting, State.running)]
    done = [entry for entry in found if entry.state is State.done]
    where = _workers(device, workers, None)
    seconds = estimate.seconds_left(left, done, places=where.places, sharing=where.sharing)
    space = sum(map(estimate.disk_need, left))
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if as_json:
        display.emit(
            {
                "jobs": [facts(entry, folder) for entry in found],
                "seconds": seconds,
                "bytes": space,
                "free_bytes": free,
            }
        )
        return
    for entry in found:
        photos = ", ".join(entry.job.photos)
        what = entry.error or (
            f"{entry.painting} + {photos} -> {entry.job.output}" if photos else entry.job.output
        )
        if entry.job.kind == "series" and not entry.error:
            what = f"one model of {counted(len(entry.job.paintings), 'painting')} + {photos}"
        # What a run would find out at its first attempt has none yet.
        state = "fails" if entry.state is State.failed and not entry.attempts else entry.state.value
        display.say(f"{state:8} {entry.name}: {what}")
    # Without a job that is done, what is known are the limits to the jobs' times.
    bound = "about" if done else "at most"
    takes = "unknown until the first job is done" if seconds is None else f"{bound} {display.clock(seconds)}"
    failed = [entry for entry in found if entry.state is State.failed]
    doomed = sum(not entry.attempts for entry in failed)
    display.say(
        f"{len(left)} to do, {len(done)} done, {len(failed) - doomed} failed"
        f"{f', {doomed} will fail' if doomed else ''}; time: {takes}; "
        f"space: about {display.amount(space)} of {display.amount(free)} free"
    )
    remote = sum(storage.is_remote(place) for entry in left for place in entry.job.inputs)
    if remote:
        display.say(f"{remote} picture{'s' * (remote > 1)} at URLs, not looked at")


def _end(summary: "Summary", folder: Path, stop: Stop, *, as_json: bool, quiet: bool, reported: bool) -> None:
    """Tell how it ended and write the report; the exit code is 0 if all pictures are there, 3 if some are, else 1."""
    from sinct.batch.digest import failures, flaws
    from sinct.batch.ledger import State
    from sinct.batch.listing import facts

    page = _reported(summary, folder, quiet=quiet) if reported else None
    done, failed = summary.count(State.done), summary.count(State.failed)
    if as_json:
        display.emit(
            {
                "done": done, "failed": failed, "made": list(summary.made), "interrupted": summary.interrupted,
                "report": page and str(page), "jobs": [facts(entry, folder) for entry in summary.entries],
            }
        )  # fmt: skip
    for lines in (failures(summary.entries), flaws(summary.entries)):
        for line in lines[:TOLD]:
            display.warn(line, quiet=quiet)
        if lines[TOLD:]:
            command = f"sinct batch status {shlex.quote(str(folder))}"
            display.warn(f"and {len(lines) - TOLD} more: {command}", quiet=quiet)
    if summary.kept:
        display.warn(
            f"{_pictures(len(summary.kept))} that you accepted stayed unchanged, though settings or inputs have "
            f"changed since; `sinct batch retry {shlex.quote(str(folder))} NAME` makes one anew",
            quiet=quiet,
        )
    warned = sum(bool(entry.warnings) for entry in summary.entries if entry.state is State.done)
    flawed = f", {warned} with warnings" if warned else ""
    if summary.interrupted:
        command = shlex.join(["sinct", *sys.argv[1:]])
        so_far = f"{done} of {len(summary.entries)} done{flawed}"
        display.say(f"stopped with {so_far}; everything is saved. To continue: {command}", quiet=quiet)
    else:
        earlier = done - len(set(summary.made))
        before = f" ({earlier} of them earlier)" if earlier > 0 else ""
        counts = f"{done} of {len(summary.entries)} done{before}, {failed} failed{flawed}"
        display.say(f"{counts}: {folder}", quiet=quiet)
    if page is not None:
        display.say(f"report: {page}", quiet=quiet)
    if summary.interrupted:
        raise typer.Exit(stop.exit_code)
    if failed:
        display.say(f"to try them again: sinct batch retry {shlex.quote(str(folder))}", quiet=quiet)
        raise typer.Exit(3 if done else 1)


def _reported(summary: "Summary", folder: Path, *, quiet: bool) -> Path | None:
    """Write the report of a batch that has ended; where that fails, only say so."""
    from sinct.batch.report import write_batch_report
    from sinct.errors import OutputError

    try:
        return write_batch_report(folder, summary.entries, seconds=REPORT_SECONDS[summary.interrupted])
    except OutputError as error:
        display.warn(f"there is no report: {error}", quiet=quiet)
        return None
