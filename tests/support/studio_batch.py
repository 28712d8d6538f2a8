"""Batches as a studio finds them, written without any training."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sinct.batch import Entry, ledger_path
from sinct.batch.ledger import Ledger
from sinct.pictures.rows_to_file import _write_deep_zoom


def write_ledger(folder: Path, entries: Sequence[Entry]) -> None:
    """Write a batch's ledger with these jobs and their states."""
    ledger_path(folder).parent.mkdir(parents=True, exist_ok=True)
    with closing(Ledger(ledger_path(folder))) as ledger:
        ledger.plan([entry.job for entry in entries])
        for entry in entries:
            ledger.save(entry)
            if entry.verdict is not None:
                ledger.judge([entry.name], entry.verdict, entry.note)


def change(folder: Path, name: str, **state: object) -> None:
    """Change the state of a job, as a running batch does."""
    with closing(Ledger(ledger_path(folder))) as ledger:
        ledger.save(replace(ledger.entry(name), **state))


def write_deep_zoom(path: Path, width: int = 1200, height: int = 900, seed: int = 0) -> Path:
    """Write a Deep Zoom of seeded noise, as sinct does."""
    pyvips = pytest.importorskip("pyvips", reason="pyvips is not installed")
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    small = pyvips.Image.new_from_memory(coarse.tobytes(), 12, 9, 3, "uchar")
    _write_deep_zoom(small.resize(width / 12, vscale=height / 9), path)
    return path
