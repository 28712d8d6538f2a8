"""Runs children that read damaged files, and learns of crashes and hangs from outside."""

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

HANG = 180.0
"""Seconds without a line after which a child counts as hanging; pictures of 170 MP take a minute on a busy machine."""

ROOT = Path(__file__).parents[3]


class Round(NamedTuple):
    """What came of reading damaged files of one kind.

    Attributes:
        files: number of files read.
        faults: one line for each fault, with what replays it.
    """

    files: int
    faults: list[str]


def fuzz(kind: str, *, first: int = 0, count: int = 10**9, seconds: float = 1e9) -> Round:
    """Read damaged files from a number on, until `count` are done or the time is over."""
    end, number, faults = time.monotonic() + seconds, first, []
    while number < first + count and time.monotonic() < end:
        numbers = str(number), str(first + count - number), str(end - time.monotonic())
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.fuzzing.child", kind, *numbers],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
            stdout=subprocess.PIPE,
        )
        assert child.stdout is not None
        way, ended, hung = "", False, False
        pending = b""
        while not ended:
            if not select.select([child.stdout], [], [], HANG)[0]:
                hung = True
                child.kill()
                break
            block = os.read(child.stdout.fileno(), 1 << 16)
            if not block:
                break
            *lines, pending = (pending + block).split(b"\n")
            for line in lines:
                said = json.loads(line)
                ended = ended or "end" in said
                way = said.get("way", way)
                if "done" in said:
                    faults += [f"{kind} {number}: {fault}" for fault in said["faults"]]
                    number += 1
        child.stdout.close()
        code = child.wait()
        if ended:
            break
        faults.append(f"{kind} {number}: {way}: {'hangs' if hung else f'crashes (exit status {code})'}")
        number += 1
    return Round(number - first, faults)
