"""Many pairs at once: a collection of paintings, each toward its photo, on one machine or a cluster.

Nothing is done twice, and nothing that goes wrong with one picture stops the others: what is done, by whom, with which
result or reason stands in a ledger (`sinct.batch.ledger`), and each job has a process of its own.
"""

from sinct.batch.collection import read_collection
from sinct.batch.coordinator import run_batch
from sinct.batch.jobs import Job
from sinct.batch.ledger import Entry, State, ledger_path, read_entries
from sinct.batch.local_workers import LocalWorkers
from sinct.batch.places import Slot, local_slots
from sinct.batch.progress import Progress, Summary
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
    "ledger_path",
    "local_slots",
    "preview",
    "read_collection",
    "read_entries",
    "run_batch",
]
