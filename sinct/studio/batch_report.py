"""Keeps the report of a batch up to date with the verdicts that are given on its page."""

import threading
from pathlib import Path

from sinct.batch import ledger_path, read_entries
from sinct.batch.report import write_batch_report
from sinct.errors import SinctError


class Reports:
    """Writes reports anew, one at a time; verdicts that come while one waits are in it together.

    With the thumbnails that are kept, the report of 500 jobs takes half a second.
    """

    def __init__(self) -> None:
        self._writing = threading.Lock()
        self._waiting: set[Path] = set()

    def renew(self, folder: Path) -> str:
        """Write the report of a batch anew, if it has one.

        Args:
            folder: the batch's folder.

        Returns:
            Why it could not be written, in one line; empty if nothing went wrong.
        """
        if folder in self._waiting or not (folder / "report.html").is_file():
            return ""
        self._waiting.add(folder)
        with self._writing:
            self._waiting.discard(folder)  # before the ledger is read: what comes now waits for the next one
            try:
                write_batch_report(folder, read_entries(ledger_path(folder)), seconds=0)
            except SinctError as error:
                return f"the verdict is kept, but the report is not written anew: {error}"
        return ""
