"""What everything runs on: files that are written whole or not at all, time budgets, child processes, devices.

None of the names below imports torch. `sinct.runtime.device`, which chooses devices and measures memory, needs it;
import that module by its own name.
"""

from sinct.runtime.budget import Budget
from sinct.runtime.files import StrPath, replacing, unwritable
from sinct.runtime.json_files import plain, write_json
from sinct.runtime.processes import Child, End, Share, run_child, serve

__all__ = [
    "Budget",
    "Child",
    "End",
    "Share",
    "StrPath",
    "plain",
    "replacing",
    "run_child",
    "serve",
    "unwritable",
    "write_json",
]
