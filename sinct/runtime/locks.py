"""One process at a time in a folder that a training or a translation writes to."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import filelock
import psutil

from sinct.errors import OutputError
from sinct.runtime.files import printable, unwritable

LOCK = ".sinct-lock"
"""Name of the file that is locked; it says who holds it and is removed at the end, so no file of a person's has it."""

ATTEMPTS = 3
"""Tries to lock a folder that another process removes at this moment."""

TOLERANCE = 2.0
"""Seconds by which a process may seem younger than what it wrote; clocks and disks differ that much."""


@contextmanager
def alone(folder: Path, instead: str) -> Iterator[None]:
    """Keep every other process out of a folder while the context lasts.

    The folder is made if it is missing, and removed at the end if it is empty then. The system gives the lock up when
    its process ends, however it ends, so a kill blocks nobody.

    Args:
        folder: the folder.
        instead: what the person can do rather than wait, for the message.

    Raises:
        OutputError: another process works in the folder, or it cannot be written to.
    """
    lock = _locked(folder, instead)
    try:
        yield
    finally:
        with suppress(OSError):  # on Windows, where an open file cannot be removed, the release does it
            (folder / LOCK).unlink()  # while it is still held: nobody else can hold a file of this name
        lock.release()
        with suppress(OSError):  # it is not empty
            folder.rmdir()


def _locked(folder: Path, instead: str) -> filelock.BaseFileLock:
    path = folder / LOCK
    lock = filelock.FileLock(path)
    for attempt in range(ATTEMPTS):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
            break
        except filelock.Timeout:
            raise OutputError(
                f"another sinct{_holder(path)} is working in {printable(folder)}; wait until it has ended, or {instead}"
            ) from None
        except OSError as error:
            if not isinstance(error, FileNotFoundError) or attempt == ATTEMPTS - 1:
                raise unwritable(folder, error) from None
    with suppress(OSError):  # for the message alone
        path.write_text(f"{os.getpid()} {socket.gethostname()}", encoding="utf-8")
    return lock


def _holder(path: Path) -> str:
    """Who holds a lock, in words; empty where that is not known."""
    try:
        number, host = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return ""
    return f" (process {number}{'' if host == socket.gethostname() else f' on {host}'})"


def worked_on(folder: Path) -> str | None:
    """Who works in a folder, without getting in the way: "process 123", with its machine if that is another.

    Returns:
        None if nobody does, as far as the file that is locked tells. On another machine, nobody can tell whether the
        process still lives, so it counts as working.
    """
    path = folder / LOCK
    try:
        number, host = path.read_text(encoding="utf-8").split()
        written = path.stat().st_mtime
        if host == socket.gethostname():
            began = psutil.Process(int(number)).create_time()
            return None if began > written + TOLERANCE else f"process {number}"
    except (OSError, ValueError, psutil.Error):  # no file, an empty one, or no such process
        return None
    return f"process {number} on {host}"
