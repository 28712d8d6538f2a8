"""Translates a collection of paintings, each with its photo, on one machine or a cluster.

`read_collection` makes the jobs and `run_batch` does them, each in its own process. A ledger (`sinct.batch.ledger`)
records the state and result of every job, so nothing is done twice and one picture's failure does not stop the others.
`judge` accepts and rejects pictures, `facts` and `export` list jobs as plain values.
"""

from sinct.batch.collection import read_collection
from sinct.batch.coordinator import plan_batch, run_batch
from sinct.batch.jobs import Job
from sinct.batch.ledger import Entry, State, Verdict, ledger_path, read_entries
from sinct.batch.listing import export, export_text, facts
from sinct.batch.local_workers import LocalWorkers
from sinct.batch.places import Slot, local_slots
from sinct.batch.progress import Progress, Summary
from sinct.batch.review import judge, only, to_retry, undecided
from sinct.batch.settings import Settings
from sinct.batch.staleness import preview

__all__ = [
    "Entry",
    "Job",
    "LocalWorkers",
    "Progress",
    "Settings",
    "Slot",
    "State",
    "Summary",
    "Verdict",
    "export",
    "export_text",
    "facts",
    "judge",
    "ledger_path",
    "local_slots",
    "only",
    "plan_batch",
    "preview",
    "read_collection",
    "read_entries",
    "run_batch",
    "to_retry",
    "undecided",
]
