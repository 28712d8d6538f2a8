"""The jobs of a batch as plain values: for programs, for pages, and for export."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sinct.batch import storage
from sinct.batch.ledger import Entry, State, run_folder
from sinct.batch.report import to_csv
from sinct.errors import ConfigError
from sinct.report.page import write_text
from sinct.runtime.files import printable
from sinct.training.run_directory import RunDirectory

EXPORTS = (".csv", ".json")
"""Suffixes of files that jobs can be exported to."""


FIGURES = {
    "seconds": "whole_seconds",
    "memory": "peak_memory_bytes",
    "width": "width_px",
    "height": "height_px",
}
"""Figures whose names in the ledger say no unit, and their names for programs, which are those of report.csv."""


def facts(entry: Entry, folder: Path) -> dict[str, Any]:
    """A job as JSON holds it.

    Args:
        entry: the job.
        folder: the batch's folder.

    Returns:
        name, kind (see `sinct.batch.jobs.Job`), state, verdict (accepted, rejected or None), note (what was written
        about the verdict, or empty), painting, photos, output, preset and seed (those that its picture was made with,
        if it is done), attempts, error (one line, or None), warnings (one line each), figures (see
        `sinct.batch.ledger.Entry`, with units in their names), started and ended (seconds since 1970, or None), and
        shown, the path of what there is to see of it so far: its picture, the preview of its training, or None.
    """
    return {
        "name": entry.name,
        "kind": entry.job.kind,
        "state": entry.state.value,
        "verdict": entry.verdict and entry.verdict.value,
        "note": entry.note,
        "painting": entry.painting,
        "photos": list(entry.job.photos),
        "output": entry.job.output,
        "preset": entry.figures.get("preset", entry.job.settings.preset),
        "seed": entry.figures.get("seed", entry.job.settings.seed),
        "attempts": entry.attempts,
        "error": entry.error,
        "warnings": list(entry.warnings),
        "figures": {FIGURES.get(name, name): value for name, value in entry.figures.items()},
        "started": entry.started,
        "ended": entry.ended,
        "shown": _shown(entry, folder),
    }


def _shown(entry: Entry, folder: Path) -> str | None:
    output = entry.job.output
    if entry.state is State.done and output and not storage.is_remote(output):
        return output if Path(output).exists() else None
    preview = RunDirectory(run_folder(folder, entry.name) / "run").preview
    return str(preview) if preview.exists() else None


def export(path: Path, entries: Sequence[Entry], folder: Path) -> None:
    """Write jobs with their verdicts to a file, whole or not at all.

    Args:
        path: a .csv, with the columns of `sinct.batch.report.COLUMNS`, or a .json, with `facts` of each job.
        entries: the jobs.
        folder: the batch's folder.

    Raises:
        ConfigError: the suffix is another.
        OutputError: the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in EXPORTS:
        raise ConfigError(
            f"cannot export to {printable(path)}; give a name that ends in {' or '.join(EXPORTS)}"
        )
    write_text(path, export_text(suffix, entries, folder))


def export_text(suffix: str, entries: Sequence[Entry], folder: Path) -> str:
    """What `export` writes to a file of this suffix, one of `EXPORTS`.

    Raises:
        ConfigError: the suffix is another.
    """
    if suffix not in EXPORTS:
        raise ConfigError(f"jobs are not exported as {suffix or 'such files'}; choose {' or '.join(EXPORTS)}")
    if suffix == ".csv":
        return to_csv(entries)
    return json.dumps({"jobs": [facts(entry, folder) for entry in entries]}, indent=1) + "\n"
