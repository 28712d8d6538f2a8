"""One job in a process of its own: `python -m sinct.batch.worker`.

Reads a request, one line of JSON, from standard input, and prints lines of JSON: the share done, at the end the
outcome. It saves its state and stops when its standard input closes, so that it does not outlive the process that
asked for it.
"""

import dataclasses
import json
import signal
import sys
import threading
from contextlib import suppress
from typing import Any

from sinct.batch.perform import Request, perform
from sinct.errors import Interrupted


def main() -> None:
    """Do what standard input asks for."""
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    request = Request.from_json(json.loads(sys.stdin.readline()))

    def watch() -> None:
        sys.stdin.read()  # returns when the other end closes, by wish or because its process is gone
        stopped.set()

    threading.Thread(target=watch, daemon=True).start()
    try:
        outcome = perform(
            request,
            report=lambda share, remaining: _say({"share": share, "remaining": remaining}),
            should_stop=stopped.is_set,
        )
    except Interrupted:
        _say({"stopped": True})
    else:
        _say({"outcome": dataclasses.asdict(outcome)})


def _say(values: dict[str, Any]) -> None:
    with suppress(OSError):  # where nobody listens any more, what was done lies in the job's folder
        print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
