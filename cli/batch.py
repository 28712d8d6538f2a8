"""`sinct batch`: translate a collection of paintings, show its status, retry what failed, write a report."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from typer.core import TyperGroup

from . import bars, display
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


class _RunByDefault(TyperGroup):
    """`sinct batch FOLDER ...` means `sinct batch run FOLDER ...`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("--help", "-h"):
            args = ["run", *args]
        return super().parse_args(ctx, args)


batch_app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="Translate a collection: a folder, a pattern or a manifest. Run `sinct batch FOLDER --photo REF -o DIR`.",
)

Folder = Annotated[Path, typer.Argument(help="The folder given as -o.", show_default=False)]
Workers_ = Annotated[
    int | None,
    typer.Option(
        "--workers", min=1, help="Jobs to run at once.", show_default="one per GPU, or one per two cores"
    ),
]
Retries = Annotated[int, typer.Option(min=0, help="Further attempts after a failure that may be temporary.")]
Ray = Annotated[
    str | None,
    typer.Option(
        "--ray", metavar="ADDRESS", help="Run the jobs on the Ray cluster at this address, or auto."
    ),
]


@batch_app.command()
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
        list[str] | None, typer.Option(help="Reference photo for every painting; repeat for several.")
    ] = None,
    photos: Annotated[str | None, typer.Option(help="Folder of photos; each painting gets one.")] = None,
    match: Annotated[
        Match, typer.Option(help="Match photos by name, by palette, or by colours and textures (nearest).")
    ] = Match.name,
    shared_model: Annotated[
        bool, typer.Option("--shared-model", help="Train one model on all paintings and apply it to each.")
    ] = False,
    format: Annotated[Format, typer.Option(help="File format of the pictures.")] = Format.png,
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
        typer.Option(help="Folder or URL for the pictures if not -o, such as s3://bucket/folder."),
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Read every finished file and check it.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done without doing it.")
    ] = False,
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
        _end(summary, output, stop, as_json=as_json, quiet=quiet)


@batch_app.command()
def retry(
    folder: Folder,
    names: Annotated[
        list[str] | None, typer.Argument(help="Jobs to run again; by default all that failed.")
    ] = None,
    device: Device = "auto",
    workers: Workers_ = None,
    ray: Ray = None,
    retries: Retries = 2,
    max_memory: MaxMemory = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run failed jobs again with all their attempts, and any jobs still waiting."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        from sinct.batch.ledger import State, ledger_path, read_entries

        entries = read_entries(ledger_path(folder))
        failed = [entry.name for entry in entries if entry.state is State.failed]
        where = _workers(device, workers, ray)
        summary = _run(
            None, folder, where, stop, quiet=quiet, retries=retries, again=names or failed, max_memory=max_memory
        )  # fmt: skip
        _end(summary, folder, stop, as_json=as_json, quiet=quiet)


@batch_app.command()
def status(folder: Folder, as_json: AsJson = False) -> None:
    """Show the state of every job, even while the batch runs."""
    with display.errors(as_json=as_json, quiet=as_json):
        from sinct.batch.ledger import State, ledger_path, read_entries

        entries = read_entries(ledger_path(folder))
        if as_json:
            display.emit({"jobs": [_facts(entry) for entry in entries]})
            return
        table = Table(box=None, pad_edge=False)
        for column in ("job", "state", "tries", "time", "note"):
            table.add_column(column, overflow="fold")
        for entry in entries:
            seconds = entry.figures.get("seconds")
            note = as_options(entry.error or "; ".join(entry.warnings))
            table.add_row(
                display.plain(entry.name), entry.state.value, str(entry.attempts),
                display.clock(seconds) if seconds else "", display.plain(note),
            )  # fmt: skip
        display.out.print(table)
        counts = {state: sum(entry.state is state for entry in entries) for state in State}
        display.say(", ".join(f"{count} {state.value}" for state, count in counts.items() if count))


@batch_app.command()
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

    with bars.BatchDisplay(quiet=quiet) as bar:
        return run_batch(jobs, folder, workers, on_progress=bar, should_stop=stop, **options)


def _plan(
    jobs: "list[Job]", folder: Path, workers: int | None, device: str, *, as_json: bool, **options: Any
) -> None:
    """Show what a run would do."""
    import shutil

    from sinct.batch import estimate
    from sinct.batch.ledger import State
    from sinct.batch.staleness import preview

    found = preview(jobs, folder, **options)
    left = [entry for entry in found if entry.state in (State.waiting, State.running)]
    done = [entry for entry in found if entry.state is State.done]
    where = _workers(device, workers, None)
    times = [estimate.seconds_need(entry, done, where.sharing) for entry in left]
    known = [seconds for seconds in times if seconds is not None]
    seconds = sum(known) / where.places if len(known) == len(times) else None
    space = sum(map(estimate.disk_need, left))
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if as_json:
        display.emit(
            {
                "jobs": [_facts(entry) for entry in found],
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
        display.say(f"{entry.state.value:8} {entry.name}: {what}")
    # Without a job that is done, what is known are the limits to the jobs' times.
    bound = "about" if done else "at most"
    takes = "unknown until the first job is done" if seconds is None else f"{bound} {display.clock(seconds)}"
    display.say(
        f"{len(left)} to do, {len(done)} done, {sum(entry.state is State.failed for entry in found)} failed; time: "
        f"{takes}; space: about {space / 1e9:.1f} GB of {free / 1e9:.1f} GB free"
    )


def _facts(entry: "Entry") -> dict[str, Any]:
    """One job as --json prints it."""
    return {
        "name": entry.name,
        "state": entry.state.value,
        "painting": entry.painting,
        "photos": list(entry.job.photos),
        "output": entry.job.output,
        "attempts": entry.attempts,
        "error": entry.error,
        "warnings": list(entry.warnings),
        "figures": dict(entry.figures),
    }


def _end(summary: "Summary", folder: Path, stop: Stop, *, as_json: bool, quiet: bool) -> None:
    """Report the outcome; the exit code is 0 if all pictures are there, 3 if some are, 1 if none is."""
    from sinct.batch.ledger import State

    done, failed = summary.count(State.done), summary.count(State.failed)
    if as_json:
        display.emit(
            {
                "done": done, "failed": failed, "made": list(summary.made), "interrupted": summary.interrupted,
                "jobs": [_facts(entry) for entry in summary.entries],
            }
        )  # fmt: skip
    for entry in summary.entries:
        if entry.state is State.failed:
            display.warn(f"{entry.name}: {entry.error}", quiet=quiet)
    if summary.interrupted:
        command = shlex.join(["sinct", *sys.argv[1:]])
        so_far = f"{done} of {len(summary.entries)} done"
        display.say(f"stopped with {so_far}; everything is saved. To continue: {command}", quiet=quiet)
        raise typer.Exit(stop.exit_code)
    earlier = done - len(set(summary.made))
    before = f" ({earlier} of them earlier)" if earlier > 0 else ""
    display.say(f"{done} of {len(summary.entries)} done{before}, {failed} failed: {folder}", quiet=quiet)
    if failed:
        display.say(f"to try them again: sinct batch retry {shlex.quote(str(folder))}", quiet=quiet)
        raise typer.Exit(3 if done else 1)
