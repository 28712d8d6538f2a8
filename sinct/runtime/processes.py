"""Both sides of the protocol that every child process uses.

The parent runs `python -m MODULE` and writes the request to the child's standard input, as one line of JSON. The child
answers on its standard output in lines of JSON: its progress, and at the end the outcome, or that it stopped as asked.
Anything else it prints goes to a log file. When its standard input closes, the child saves its state and stops. The
parent closes it to ask for that; it also closes when the parent dies, so no child outlives its parent for long.
"""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinct.errors import Interrupted

GRACE = 120.0
"""Seconds that a child has to save its state after it is asked to stop."""

TICK = 0.2
"""Seconds between checks of whether to stop."""

NEW_GROUP = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Windows's flag for a process that Ctrl-C does not reach; nothing elsewhere."""

Report = Callable[[float, float | None], None]
"""Called with the share done, in [0, 1], and the seconds left, or None if unknown."""

Work = Callable[[dict[str, Any], Report, Callable[[], bool]], Any]
"""What a child does. Called with the request, a `Report`, and a function that tells whether to stop; returns the
outcome, JSON-serialisable."""


@dataclass(frozen=True)
class Share:
    """A child's progress.

    Attributes:
        done: share of its work, in [0, 1].
        remaining: seconds left; None if unknown.
    """

    done: float
    remaining: float | None = None


@dataclass(frozen=True)
class End:
    """How a child ended: with an outcome, stopped as asked, or with a fault.

    Attributes:
        outcome: its result, decoded from JSON.
        stopped: whether it was stopped before it had an outcome.
        fault: why it has no outcome, in one line.
        killed: whether the system killed it, as happens when memory runs out.
    """

    outcome: Any = None
    stopped: bool = False
    fault: str | None = None
    killed: bool = False


class Child:
    """A child process, seen by its parent.

    Args:
        module: the module that the child runs, which calls `serve`.
        request: what the child is to do, JSON-serialisable.
        log: file for everything the child prints; its folder must exist.
        hear: called on a separate thread with each `Share`, and finally with the `End`.
        environment: environment variables that the child gets in addition to the parent's.

    Raises:
        OSError: the log cannot be written, or the process cannot be started.
    """

    def __init__(
        self,
        module: str,
        request: Any,
        log: Path,
        hear: Callable[[Share | End], None],
        *,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._log, self._hear = log, hear
        self._killer: threading.Timer | None = None
        with log.open("w", encoding="utf-8") as messages:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=messages,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
                start_new_session=True,  # Ctrl-C reaches only the parent, which then asks the child to stop
                creationflags=NEW_GROUP,  # the same on Windows
            )
        assert self._process.stdin is not None
        with suppress(OSError):  # it ended at once, which `End` reports
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def stop(self, grace: float | None = None) -> None:
        """Ask the child to save its state and end; kill it after `grace` seconds (by default `GRACE`)."""
        if self._killer is None:
            self._killer = threading.Timer(GRACE if grace is None else grace, self._process.kill)
            self._killer.daemon = True
            self._killer.start()
            self._close_input()

    def kill(self) -> None:
        """End the child at once."""
        self._process.kill()

    def wait(self) -> None:
        """Wait until the child has ended and `hear` has received everything it said."""
        self._listener.join()

    def _listen(self) -> None:
        outcome, stopped = None, False
        assert self._process.stdout is not None
        for line in self._process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                continue  # a line cut short when the child was killed
            if not isinstance(said, dict):
                continue  # printed before `serve` began
            if "share" in said:
                self._hear(Share(said["share"], said["remaining"]))
            outcome, stopped = said.get("outcome", outcome), said.get("stopped", stopped)
        code = self._process.wait()
        self._process.stdout.close()
        asked = self._killer is not None
        if self._killer is not None:
            self._killer.cancel()
        self._close_input()
        if outcome is not None:
            self._hear(End(outcome))
        elif stopped or asked:
            self._hear(End(stopped=True))
        else:
            self._hear(End(fault=_fault(code, self._log), killed=code == -9))

    def _close_input(self) -> None:
        with suppress(OSError):  # the child may not have read all of the request
            if self._process.stdin is not None:
                self._process.stdin.close()


def run_child(
    module: str, request: Any, log: Path, *, report: Report, should_stop: Callable[[], bool]
) -> End:
    """Run one child to its end, in a parent that does nothing else meanwhile.

    Args:
        module: the module that the child runs, which calls `serve`.
        request: what the child is to do, JSON-serialisable.
        log: file for everything the child prints.
        report: called on this thread.
        should_stop: asked several times a second; True makes the child save its state and end.
    """
    heard: queue.SimpleQueue[Share | End] = queue.SimpleQueue()
    child = Child(module, request, log, heard.put)
    try:
        while True:
            try:
                message = heard.get(timeout=TICK)
            except queue.Empty:
                message = None
            if isinstance(message, End):
                return message
            if message is not None:
                report(message.done, message.remaining)
            if should_stop():
                child.stop()
    finally:
        child.kill()  # does nothing if it has ended
        child.wait()


def serve(work: Work) -> None:
    """Run the child's side: read the request, do the work, answer, and stop when asked.

    If `work` raises `Interrupted`, it has stopped as asked. Any other error ends the process, and its traceback goes
    to the log.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print belongs in the log
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.set())
    request = json.loads(sys.stdin.readline())

    def watch() -> None:
        while os.read(0, 4096):  # ends when the parent closes its end or dies
            pass
        stopped.set()

    def say(**values: Any) -> None:
        with suppress(OSError):  # if nobody listens any more, the work done is still in files
            print(json.dumps(values), file=answers, flush=True)

    threading.Thread(target=watch, daemon=True).start()
    try:
        outcome = work(request, lambda share, left: say(share=share, remaining=left), stopped.is_set)
    except Interrupted:
        say(stopped=True)
    else:
        say(outcome=outcome)


def _fault(code: int, log: Path) -> str:
    """Why a process ended without saying so itself, in one line."""
    if code == -9:
        return "its process was killed, probably because memory ran out; close other programs or give smaller pictures"
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    last = next((" ".join(line.split())[:200] for line in reversed(lines) if line.strip()), "")
    how = f"signal {-code}" if code < 0 else f"code {code}"
    return f"its process ended with {how}{f': {last}' if last else ''} (see {log})"
