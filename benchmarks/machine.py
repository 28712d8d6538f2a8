"""The machine that a measurement ran on, and where its results go."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

import sinct

RESULTS = Path(__file__).parent / "results"
"""Results kept with the project; the tables in README.md come from them."""


def describe(device: torch.device) -> dict[str, Any]:
    """Machine, versions and commit, JSON-serialisable."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": gpu or f"{_processor()}, {os.cpu_count()} processors",
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "sinct": sinct.__version__,
        "commit": _commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
    }


def one_line(facts: Mapping[str, Any]) -> str:
    """The same facts in one line, for the head of a table."""
    return (
        f"{facts['device']}, {facts['threads']} threads, {facts['system']}, Python {facts['python']}, "
        f"torch {facts['torch']}, sinct {facts['sinct']} at {facts['commit']}, {facts['date']}"
    )


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Write results as JSON that reads well in a diff."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def _processor() -> str:
    """The CPU's name where Linux gives it, otherwise its family."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """Short hash of the checkout, with a + if files have changed; "unknown" outside a checkout."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(here), *arguments], check=True, capture_output=True, text=True
        ).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", "..")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
