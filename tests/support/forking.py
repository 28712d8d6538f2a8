"""Processes of sinct that start at once: a server that has imported torch already forks them.

Tests kill them, by the clock or just before their n-th change of a file. What a forked coordinator of a batch starts
is forked by the same server. The server is `python -m tests.support.forking SOCKET`.
"""

import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SERVER = "SINCT_TEST_SERVER"
"""Variable with the path of the server's socket, which its processes inherit."""

DEATH = "SINCT_TEST_DEATH"
"""Variable with a `Death` as JSON."""

COUNTS = "SINCT_TEST_COUNTS"
"""Variable with a folder, in which each process says at its end how many changes of files it made."""

ROOM = 2**20
"""Bytes of a request: a command, and all environment variables."""

DEATH_SIGNAL = 1
"""Linux's PR_SET_PDEATHSIG."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "os.chmod", "sqlite3.connect")
"""Python's audit events that change files, beside `open`."""


@dataclass(frozen=True)
class Death:
    """A moment at which a process kills itself.

    Attributes:
        module: the module that the process runs.
        change: number of the change of a file before which it dies, from 1.
        token: a file; only the process that removes it dies, so that there is one death.
    """

    module: str
    change: int
    token: str


class Forked:
    """A forked process, with as much of `subprocess.Popen` as `sinct.runtime.processes` and the tests need.

    Args:
        command: the interpreter, -m, a module, and its arguments.
        stdin, stdout, stderr: None, `subprocess.PIPE` (of the first two) or a file.
        env: all environment variables of the process.
        options: others of `subprocess.Popen`; each forked process has a session of its own.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        env: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        environment = dict(env or os.environ)
        self.stdin: Any = None
        self.stdout: Any = None
        self.returncode: int | None = None
        null = os.open(os.devnull, os.O_RDWR)
        ends = [null if stream is None else stream for stream in (stdin, stdout, stderr)]
        ends = [end if isinstance(end, int) else end.fileno() for end in ends]
        passed = [null]
        if stdin == subprocess.PIPE:
            ends[0], ours = os.pipe()
            passed.append(ends[0])
            self.stdin = os.fdopen(ours, "w", encoding="utf-8")
        if stdout == subprocess.PIPE:
            ours, ends[1] = os.pipe()
            passed.append(ends[1])
            self.stdout = os.fdopen(ours, encoding="utf-8", errors="replace")
        # Packets, since process id and exit status may be waiting both before the first is read.
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._server.connect(environment[SERVER])
        request = {"module": command[2], "arguments": list(command[3:]), "environment": environment}
        socket.send_fds(self._server, [json.dumps(request).encode()], ends)
        for descriptor in passed:
            os.close(descriptor)
        self.pid = int(self._server.recv(64))

    def poll(self) -> int | None:
        """Its exit status if it has ended."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its exit status; a negative one is the signal that ended it."""
        if self.returncode is None:
            if not select.select([self._server], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("forked", timeout or 0)
            self.returncode = int(self._server.recv(64))
            self._server.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


@contextmanager
def forking(folder: Path, **patches: Any) -> Iterator[Mapping[str, str]]:
    """Run a server while the context lasts; yields the environment variables for its processes.

    Args:
        folder: for its socket.
        patches: settings of the library that its processes have: `checkpoint_seconds`, and `windows`, the sides of
            the windows of pictures in rows.
    """
    address = folder / "server"
    environment = {**os.environ, SERVER: str(address), "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, "-m", __name__, str(address), json.dumps(patches)]
    server = subprocess.Popen(command, env=environment, cwd=Path(__file__).parents[2])
    try:
        while not address.exists():
            assert server.poll() is None, "the server has ended"
            time.sleep(0.02)
        yield environment
    finally:
        for number in running(server.pid):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        server.kill()
        server.wait()


def running(server: int) -> list[int]:
    """The processes that a server, or any process, has started and that still run."""
    return [int(word) for word in Path(f"/proc/{server}/task/{server}/children").read_text().split()]


def parent_of(process: int) -> int:
    """The process that started a process."""
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _end_with_parent() -> None:
    """Have Linux end this process when its parent ends, killed or not."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGKILL)


def _serve(address: str, patches: Mapping[str, Any]) -> None:
    import torch

    from sinct.inference import streamed
    from sinct.pictures.windows import Sides
    from sinct.runtime import processes
    from sinct.training import session

    for name in ("matplotlib.figure", "sinct_cli.main", "sinct.batch.perform"):
        importlib.import_module(name)  # for all processes, once
    torch.set_num_threads(1)
    processes.subprocess = SimpleNamespace(Popen=Forked, PIPE=subprocess.PIPE)  # type: ignore[assignment]
    session.CHECKPOINT_SECONDS = patches["checkpoint_seconds"]
    streamed.plan_sides = lambda *_, **__: Sides(*patches["windows"])
    assert len(os.listdir("/proc/self/task")) == 1, "a process with threads is not safely forked"
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(f"{address}.new")
    listener.listen(16)
    os.rename(f"{address}.new", address)
    ended: dict[int, tuple[int, socket.socket]] = {}  # by the file descriptor that tells of the end
    while True:
        for ready in select.select([listener, *ended], [], [])[0]:
            if ready is listener:
                client, _ = listener.accept()
                words, streams, _, _ = socket.recv_fds(client, ROOM, 3)
                number = _fork(json.loads(words), streams, [listener, client])
                for descriptor in streams:
                    os.close(descriptor)
                ended[os.pidfd_open(number)] = number, client
                client.send(str(number).encode())
            else:
                number, client = ended.pop(ready)
                os.close(ready)
                code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
                with suppress(OSError):  # whoever started it may have been killed
                    client.send(str(code).encode())
                client.close()


def _fork(request: Mapping[str, Any], streams: Sequence[int], sockets: Sequence[socket.socket]) -> int:
    if (number := os.fork()) != 0:
        return number
    code = 1
    try:
        for each in sockets:
            each.close()
        os.setsid()
        for place, descriptor in enumerate(streams):
            os.dup2(descriptor, place)
            os.close(descriptor)
        code = _run(**request)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)


def _run(module: str, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a module as `python -m` does; returns the exit code."""
    os.environ.clear()
    os.environ.update(environment)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["sinct", *arguments]
    made = _mortal(module, environment)
    try:
        runpy.run_module(module, run_name="__main__")
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    if COUNTS in environment:
        number = made()
        Path(environment[COUNTS], f"{module}-{os.getpid()}").write_text(str(number))
    return code


def _mortal(module: str, environment: Mapping[str, str]) -> Any:
    """Count this process's changes of files, and let it die where it is to; returns what tells their number."""
    death = Death(**json.loads(environment[DEATH])) if DEATH in environment else None
    count = 0

    def audit(event: str, facts: Sequence[Any]) -> None:
        nonlocal count
        if event not in CHANGES and not (
            event == "open" and isinstance(facts[2], int) and facts[2] & WRITING
        ):
            return
        count += 1
        if death is not None and module == death.module and count == death.change:
            with suppress(FileNotFoundError):
                os.unlink(death.token)
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(audit)
    return lambda: count


def dying(death: Death) -> dict[str, str]:
    """The environment variable for a death, whose token is written."""
    Path(death.token).touch()
    return {DEATH: json.dumps(asdict(death))}


if __name__ == "__main__":
    _end_with_parent()
    _serve(sys.argv[1], json.loads(sys.argv[2]))
