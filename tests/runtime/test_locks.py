"""One process at a time in a folder."""

import os
import signal
import socket
import subprocess
import sys

import pytest

from sinct.errors import OutputError
from sinct.runtime.locks import LOCK, alone, worked_on
from tests.support.platforms import needs_signals

HOLDER = """
import sys
from pathlib import Path
from sinct.runtime.locks import LOCK, alone
with alone(Path(sys.argv[1]), "wait"):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that works in the folder `run`."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "run")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_another_process_is_kept_out_and_told_by_whom(holder, tmp_path):
    message = rf"another sinct \(process {holder.pid}\) is working in .*run; wait until it has ended, or sing"
    for _ in range(2):  # an attempt leaves the lock as it was
        with pytest.raises(OutputError, match=message), alone(tmp_path / "run", "sing"):
            pass


@needs_signals
def test_killed_process_blocks_nobody(holder, tmp_path):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "run" / LOCK).exists()
    with alone(tmp_path / "run", "wait"):
        pass


@needs_signals
def test_who_works_is_told_without_getting_in_the_way(holder, tmp_path):
    assert worked_on(tmp_path / "run") == f"process {holder.pid}"
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert worked_on(tmp_path / "run") is None
    assert worked_on(tmp_path) is None


def test_a_later_process_of_the_same_number_does_not_work(tmp_path):
    (tmp_path / LOCK).write_text(f"{os.getpid()} {socket.gethostname()}")
    assert worked_on(tmp_path) == f"process {os.getpid()}"
    os.utime(tmp_path / LOCK, (1, 1))
    assert worked_on(tmp_path) is None
    (tmp_path / LOCK).write_text("7 elsewhere")
    assert worked_on(tmp_path) == "process 7 on elsewhere"


def test_empty_folder_goes_and_a_full_one_stays_without_the_lock(tmp_path):
    with alone(tmp_path / "deep" / "empty", "wait"):
        pass
    assert not (tmp_path / "deep" / "empty").exists()
    with alone(tmp_path / "full", "wait"):
        (tmp_path / "full" / "file").touch()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["file"]
