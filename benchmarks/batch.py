"""A batch's jobs per hour, one after another and all together: `python -m benchmarks.batch`.

The jobs are the demo pair with different seeds. They run through the batch's own coordinator and processes in three
ways: one job alone, all one after another, all together. Rates include starting processes, training and translation.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import RESULTS, describe, one_line, write_json
from sinct.batch.collection import read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.ledger import State
from sinct.batch.local_workers import LocalWorkers
from sinct.batch.places import Slot, local_slots
from sinct.batch.settings import Settings
from sinct.runtime.device import choose_device

EXPLANATION = """\
Every job is the same work, so the rates can be compared. Together: as many jobs at a time as the table says; on a CPU
they share the threads. "Of one after another" is the rate divided by that of one after another in this run.
"""


def run(jobs: int, steps: int, slots: Sequence[Slot]) -> float:
    """Run this many jobs in a temporary folder.

    Returns:
        Seconds for all of them.
    """
    shipped = files("sinct_assets")
    with (
        tempfile.TemporaryDirectory() as folder,
        as_file(shipped / "demo-painting.jpg") as painting,
        as_file(shipped / "demo-photo.jpg") as photo,
    ):
        manifest = Path(folder) / "jobs.jsonl"
        rows = [
            {"painting": str(painting), "photo": str(photo), "seed": seed, "output": f"{seed}.png"}
            for seed in range(jobs)
        ]
        manifest.write_text("\n".join(map(json.dumps, rows)))
        found = read_collection(
            str(manifest), folder, Settings("draft", steps=steps), cache=Path(folder) / "matching.json"
        )
        began = time.perf_counter()
        summary = run_batch(found, Path(folder), LocalWorkers(slots))
        seconds = time.perf_counter() - began
    failed = [entry.error for entry in summary.entries if entry.state is not State.done]
    if failed:
        raise RuntimeError(f"jobs failed: {failed}")
    return seconds


def table(found: Sequence[dict[str, Any]], facts: dict[str, Any], steps: int) -> str:
    """Results as Markdown."""
    base = next(one["rate"] for one in found if one["way"] == "one after another")
    lines = [
        f"# Batches\n\n{one_line(facts)}\n\n{EXPLANATION}",
        f"| preset draft, {steps} steps a job | jobs | at a time | s | jobs/h | of one after another |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {one['way']} | {one['jobs']} | {one['places']} | {one['seconds']:.0f} | {one['rate']:.1f} | "
        f"{one['rate'] / base:.2f} |"
        for one in found
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run the jobs in all three ways and write a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=8)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument(
        "--together", type=int, help="jobs at a time; by default 8 on a GPU, otherwise one per core"
    )
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "batch")
    options = parser.parse_args()
    device = choose_device("auto")
    threads = torch.get_num_threads()
    alone = [Slot(str(device), threads if device.type == "cpu" else None)]
    together = local_slots(device, options.together or (8 if device.type != "cpu" else threads))
    found = []
    for way, jobs, slots in (
        ("one alone", 1, alone),
        ("one after another", options.jobs, alone),
        ("together", options.jobs, together),
    ):
        seconds = run(jobs, options.steps, slots)
        found.append(
            {
                "way": way,
                "jobs": jobs,
                "places": len(slots),
                "seconds": seconds,
                "rate": jobs / seconds * 3600,
            }
        )
        print(found[-1], flush=True)
    facts = describe(device)
    text = table(found, facts, options.steps)
    write_json(options.output / "batch.json", {"machine": facts, "steps": options.steps, "ways": found})
    (options.output / "batch.md").write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
