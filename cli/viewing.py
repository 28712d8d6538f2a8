"""`--open`: what was made, in the system's viewer."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import display

PATIENCE = 3.0
"""Seconds in which an opener that fails has said so; one that takes longer is a viewer that stays."""


def show(path: Path, *, quiet: bool) -> None:
    """Open a file as a double click would; where that is impossible, only say so, since the file is written.

    Args:
        path: a picture or a page.
        quiet: do not even say so.
    """
    if why := fault(path.absolute()):  # absolute: a name may begin with a dash
        display.warn(f"cannot open {path} here: {why}; it is written", quiet=quiet)


def fault(path: Path) -> str:
    """Open a file; returns why that is impossible, or nothing.

    Not by `typer.launch`, which does not tell, and where there is no screen starts browsers for terminals.
    """
    if sys.platform == "win32":
        try:
            os.startfile(path)
        except OSError as error:
            return error.strerror or "Windows knows no program for it"
        return ""
    if sys.platform == "darwin":
        opener = "open"
    else:
        opener = "xdg-open"
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            return "there is no display"
    if (program := shutil.which(opener)) is None:
        return f"{opener} is not installed"
    return _run(program, path)


def _run(program: str, path: Path) -> str:
    """Start an opener; returns why it failed, or nothing."""
    nowhere = subprocess.DEVNULL
    try:
        process = subprocess.Popen(
            [program, path], stdin=nowhere, stdout=nowhere, stderr=nowhere, start_new_session=True
        )
    except OSError as error:
        return error.strerror or str(error)
    try:
        code = process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.returncode = 0  # it stays open after sinct has ended, so nobody is to wait for it
        return ""
    return f"{Path(program).name} found no program for it (exit code {code})" if code else ""
