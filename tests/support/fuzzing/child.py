"""Reads damaged files one after the other, and says on each line what happened: `child.py KIND FIRST COUNT SECONDS`.

A process of its own, since decoders in C may crash or never return.
"""

import gc
import json
import os
import re
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sinct.errors import SinctError
from sinct.pictures.decoding import read_header
from tests.support.fuzzing.kinds import KINDS, Kind

ROOM = 4 << 30
"""Bytes of address space that a child may add to what it begins with, so that the machine survives."""

SECONDS = 3.0
"""Processor time for a small file, any way of reading."""

MEMORY = 150_000_000
"""Bytes for a small file, any way of reading."""

TALKATIVE = ("tif", "dng", "raf")
"""Kinds whose libraries, libtiff and LibRaw, write to the terminal themselves."""

SECONDS_PER_PIXEL = 1e-6
BYTES_PER_PIXEL = 64
BYTES_PER_BYTE = 8
"""What a large picture and a large file may take besides, as its header declares it."""


def _status(name: str) -> int:
    """A figure of this process's memory, in bytes."""
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found[1]) * 1024 if found else 0


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def faults(way: Callable[[Path], object], path: Path) -> list[str]:
    """What is wrong with how a file is read; empty after a result or a SinctError of one line."""
    found = []
    gc.collect()
    _forget_peak()
    before, began = _status("VmRSS"), time.process_time()
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            way(path)
        except SinctError as error:
            if len(str(error).splitlines()) != 1:
                found.append(f"not one line: {str(error)!r}")
        except BaseException as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            found.append(f"{type(error).__name__} in {Path(where.filename).name}:{where.lineno}: {error}")
    seconds, memory = time.process_time() - began, _status("VmHWM") - before
    for warning in told:
        if warning.category is not UserWarning or "\n" in str(warning.message):
            found.append(f"{warning.category.__name__}: {warning.message}")
    pixels = 0
    with suppress(Exception):
        width, height = read_header(path).size
        pixels = width * height
    if seconds > SECONDS + pixels * SECONDS_PER_PIXEL:
        found.append(f"slow: {seconds:.1f} s")
    if memory > MEMORY + path.stat().st_size * BYTES_PER_BYTE + pixels * BYTES_PER_PIXEL:
        found.append(f"memory: {memory / 1e6:.0f} MB for {pixels} px in {path.stat().st_size} bytes")
    return found


def examine(kind: Kind, number: int, folder: Path) -> list[str]:
    """All that is wrong with how the damaged file of a number is read."""
    data, made = kind.damaged(number)
    path = folder / f"{number}.{kind.name}"
    path.write_bytes(data)
    found = []
    for name, way in kind.ways.items():
        print(json.dumps({"begun": number, "way": name}), flush=True)
        found += [f"{name}: {fault}" for fault in faults(way, path)]
        if os.lseek(2, 0, os.SEEK_CUR):
            if kind.name not in TALKATIVE:
                found.append(f"{name}: printed: {os.pread(2, 200, 0)!r}")
            os.ftruncate(2, 0)
            os.lseek(2, 0, os.SEEK_SET)
    path.unlink(missing_ok=True)
    return [f"{fault} ({made})" for fault in found]


def main(name: str, first: int, count: int, seconds: float) -> None:
    """Examine numbers from `first` on, until `count` are done or the time is over."""
    end = time.monotonic() + seconds
    kind = KINDS[name]
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        path = Path(folder) / f"whole.{name}"
        path.write_bytes(kind.files[0])
        for way in kind.ways.values():  # imports what is imported when it is needed
            with warnings.catch_warnings(), suppress(Exception):
                warnings.simplefilter("ignore")
                way(path)
        gc.collect()
        gc.freeze()  # so that collecting what a file leaves behind takes no time
        os.dup2(errors.fileno(), 2)
        os.ftruncate(2, 0)
        limit = _status("VmSize") + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for number in range(first, first + count):
            if time.monotonic() > end:
                break
            found = examine(kind, number, Path(folder))
            print(json.dumps({"done": number, "faults": found}), flush=True)
    print(json.dumps({"end": True}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
