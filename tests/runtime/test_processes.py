"""Both sides of the protocol for child processes."""

import os
import queue
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sinct.runtime import processes
from sinct.runtime.processes import Child, End, Share, run_child
from tests.support.platforms import needs_signals

CHILD = "tests.support.child"


@pytest.fixture(autouse=True)
def _found(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


@pytest.fixture
def log(tmp_path):
    return tmp_path / "messages.txt"


def run(request, log, *, report=lambda *_: None, should_stop=lambda: False):
    return run_child(CHILD, request, log, report=report, should_stop=should_stop)


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_request_reaches_the_child_and_its_outcome_comes_back(log):
    shares = []
    end = run({"do": "answer", "give": "café"}, log, report=lambda *share: shares.append(share))
    assert end == End({"given": "café"})
    assert shares == [(0.25, 3.0)]


def test_what_a_child_prints_is_in_its_log(log):
    run({"do": "answer", "give": 1}, log)
    assert log.read_text() == "a library speaks\nand one in C\n"


def test_child_that_is_asked_to_stop_saves_its_state(log, tmp_path):
    begun, saved = tmp_path / "begun", tmp_path / "saved"
    end = run({"do": "wait", "begun": str(begun), "saved": str(saved)}, log, should_stop=begun.exists)
    assert end == End(stopped=True)
    assert saved.exists()


def test_child_that_does_not_stop_is_killed_after_a_while(log, monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.1)
    shares = []
    end = run(
        {"do": "ignore"}, log, report=lambda *share: shares.append(share), should_stop=lambda: bool(shares)
    )
    assert end == End(stopped=True)  # as asked, if not at once: no fault of the work


def test_fault_is_told_in_one_line_with_the_logs_last(log):
    end = run({"do": "fail"}, log)
    assert end.outcome is None
    assert not end.killed
    assert end.fault == f"its process ended with code 1: in two lines (see {log})"


@needs_signals
@pytest.mark.parametrize(
    ("number", "told", "killed"),
    [
        ("SIGKILL", "its process was killed, probably because memory ran out", True),
        ("SIGABRT", "its process ended with signal 6", False),
    ],
)
def test_signal_that_ended_a_child_is_told(log, number, told, killed):
    end = run({"do": "die", "signal": int(getattr(signal, number))}, log)
    assert end.fault.startswith(told)
    assert "\n" not in end.fault
    assert end.killed is killed


def test_module_that_cannot_run_is_a_fault(log):
    end = run_child("tests.support.absent", {}, log, report=lambda *_: None, should_stop=lambda: False)
    assert "its process ended with code 1: " in end.fault
    assert "No module named tests.support.absent" in end.fault


def test_error_in_the_parent_leaves_no_child(log, monkeypatch):
    children = []
    start = Child._listen
    monkeypatch.setattr(Child, "_listen", lambda child: (children.append(child), start(child)))

    def broken(*_):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run({"do": "ignore"}, log, report=broken)
    assert children[0]._process.poll() is not None


def test_several_children_are_heard_each_by_its_own(tmp_path):
    heard = queue.SimpleQueue()
    children = [
        Child(
            CHILD, {"do": "answer", "give": number}, tmp_path / f"{number}.txt",
            lambda message, number=number: heard.put((number, message)),
        )
        for number in range(2)
    ]  # fmt: skip
    for child in children:
        child.wait()
    messages = [heard.get_nowait() for _ in range(4)]
    for number in range(2):
        assert [message for name, message in messages if name == number] == [
            Share(0.25, 3.0),
            End({"given": number}),
        ]


@needs_signals
def test_child_stops_when_its_parent_is_killed(tmp_path):
    begun, saved = tmp_path / "begun", tmp_path / "saved"
    script = (
        "import sys\n"
        "from pathlib import Path\n"
        "from sinct.runtime.processes import Child\n"
        "request = {'do': 'wait', 'begun': sys.argv[1], 'saved': sys.argv[2]}\n"
        f"Child({CHILD!r}, request, Path(sys.argv[3]), print).wait()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, begun, saved, tmp_path / "log"], stdout=subprocess.DEVNULL
    )
    until(begun.exists)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    until(saved.exists)
