"""A child process for the tests of `sinct.runtime.processes`; it does what its request says."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sinct.errors import Interrupted
from sinct.runtime.processes import Report, serve


def work(request: dict[str, Any], report: Report, should_stop: Callable[[], bool]) -> Any:
    """Do as told by `request["do"]`."""
    report(0.25, 3.0)
    print("a library speaks")
    os.write(1, b"and one in C\n")
    match request["do"]:
        case "answer":
            return {"given": request["give"]}
        case "wait":
            Path(request["begun"]).touch()
            while not should_stop():
                time.sleep(0.01)
            Path(request["saved"]).touch()
            raise Interrupted("stopped as asked")
        case "ignore":
            time.sleep(600)
        case "fail":
            raise ZeroDivisionError("a fault\nin two lines")
        case "die":
            os.kill(os.getpid(), request["signal"])
    return sys.exit(3)


if __name__ == "__main__":
    signal.alarm(60)  # whatever a test forgets
    serve(work)
