"""Runs the commands of a row and keeps its figures."""

import json
import shlex
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import describe, write_json
from benchmarks.paper.tables import Row, Table, read_results
from sinct.errors import SinctError
from sinct.runtime.device import choose_device

PLACES = ("datasets", "runs")
"""First parts of paths in commands that stand for folders of the user's choice."""

NEEDS_A_NETWORK = ("fid", "clean_fid", "kid")
"""Scores that mean nothing where the network that computes them is random."""


class ExperimentError(SinctError):
    """A row cannot be run, or one of its commands failed."""


def find_row(tables: Sequence[Table], name: str) -> tuple[Table, Row]:
    """A row by name, or the one that it is the same as, and the table that holds it.

    Raises:
        ExperimentError: there is none, or it has no commands.
    """
    rows = {row.name: (table, row) for table in tables for row in table.rows}
    if name not in rows:
        raise ExperimentError(f"there is no row {name!r}; choose one of {', '.join(rows)}")
    table, row = rows[rows[name][1].run]
    if not row.commands:
        raise ExperimentError(f"{name} has no commands: sinct has no such method")
    return table, row


def command_of(text: str, datasets: Path, runs: Path, added: Mapping[str, str]) -> list[str]:
    """The arguments of a command behind `sinct`, for these folders and with further options.

    Args:
        text: the command as a table has it.
        datasets, runs: what stands for `datasets/` and `runs/` in it.
        added: name of a command, such as "train" -> options that are put behind the others, of which they replace
            those of the same name.
    """
    places = dict(zip(PLACES, (datasets, runs), strict=True))

    def placed(word: str) -> str:
        first, slash, rest = word.partition("/")
        return str(places[first] / rest) if slash and first in places else word

    words = [placed(word) for word in shlex.split(text)[1:]]
    return words + shlex.split(added.get(words[1], ""))


def run_row(
    table: Table,
    row: Row,
    *,
    datasets: Path,
    runs: Path,
    results: Path,
    added: Mapping[str, str],
    incomplete: bool,
) -> dict[str, Any]:
    """Train, translate and score as a row says, and write our figures to the results.

    Args:
        table: the row's table.
        row: what to run.
        datasets: folder of data sets; nothing is ever downloaded.
        runs: folder for trainings and translations.
        results: file of our figures.
        added: see `command_of`.
        incomplete: run even if the data set is not as published; the result says so.

    Returns:
        What was written for this row.

    Raises:
        ExperimentError: the data set is not as published, or a command failed.
    """
    faults = table.data.faults(datasets)
    if faults and not incomplete:
        raise ExperimentError(f"{'; '.join(faults)}; get {table.data.name}, or give --incomplete")
    commands = [command_of(text, datasets, runs, added) for text in row.commands]
    started = time.monotonic()
    for command in commands[:-1]:
        _call(command)
    found = json.loads(_call(commands[-1], keep=True))
    scores = dict(found["mean"])
    remarks = [f"with `{options}` added to {name}" for name, options in added.items()]
    remarks += ["data set not as published"] if faults else []
    if found.get("random"):
        scores = {name: value for name, value in scores.items() if name not in NEEDS_A_NETWORK}
        remarks.append("FID's network was random, so that there is no FID")
    if found.get("missing"):
        remarks.append("without the weights of FID's network, so that there is no FID")
    result = {
        "scores": scores,
        "remarks": remarks,
        "seconds": round(time.monotonic() - started, 1),
        "commands": [shlex.join(["sinct", *command]) for command in commands],
        "protocols": found.get("protocols", {}),
        "machine": describe(choose_device("auto")),
    }
    write_json(results, read_results(results) | {row.name: result})
    return result


def _call(arguments: Sequence[str], *, keep: bool = False) -> str:
    """Run a command of sinct; its messages are shown, its output only where it is not kept."""
    done = subprocess.run(
        [sys.executable, "-m", "sinct_cli", *arguments],
        check=False,
        text=True,
        stdout=subprocess.PIPE if keep else None,
    )
    if done.returncode:
        raise ExperimentError(f"`{shlex.join(['sinct', *arguments])}` ended with code {done.returncode}")
    return done.stdout or ""
