"""The loop that trains any objective, and the run directory that it writes.

An objective subclasses `Loop`; `run_training` takes that class and decoded pictures.
"""

from sinct.training.loop import Loop, update
from sinct.training.pair_run import Objective, run_training
from sinct.training.progress import OnProgress, Progress, Training
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import Term

__all__ = [
    "Loop",
    "Objective",
    "OnProgress",
    "Progress",
    "RunDirectory",
    "Term",
    "Training",
    "run_training",
    "update",
]
