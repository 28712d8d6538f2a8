"""The jobs of a batch as a page shows them."""

import hashlib
from pathlib import Path
from typing import Any

from sinct.batch import Entry, State, facts, storage
from sinct.runtime.files import printable

LARGE = 4096
"""Longer side of a result in pixels above which the page shows it smaller."""


def id_of(name: str) -> str:
    """What stands for a job in addresses; its name may hold anything."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def row(entry: Entry, folder: Path) -> dict[str, Any]:
    """A job as JSON holds it, without the paths of its files.

    Args:
        entry: the job.
        folder: the batch's folder.

    Returns:
        id, name, kind, state, verdict, note, preset, seed, attempts, error, warnings, started: as in
        `sinct.batch.facts`. seconds; width and height in pixels, of the result: numbers, or None. painting, photo and
        result: see `_shown`. live: whether the result is the preview of a training. deep: whether it is a Deep Zoom.
        large: whether it is another
        file, which the page shows smaller than it is.
    """
    told = facts(entry, folder)
    kept = ("kind", "state", "verdict", "note", "preset", "attempts", "started")
    width, height, seconds = (_number(entry.figures.get(name)) for name in ("width", "height", "seconds"))
    done = entry.state is State.done
    return {
        "id": id_of(entry.name),
        "name": printable(entry.name),
        **{name: told[name] for name in kept},
        "preset": printable(str(told["preset"])),
        "seed": _number(told["seed"]),
        "error": entry.error and printable(entry.error),
        "warnings": [printable(text) for text in entry.warnings],
        "seconds": seconds,
        "width": width,
        "height": height,
        "painting": _shown(entry.painting),
        "photo": _shown(entry.job.photos[0] if entry.job.photos else ""),
        "photos": len(entry.job.photos),
        "result": _shown(place_of(entry, "result", folder)),
        "live": not (done and entry.job.output),
        "deep": done and is_deep(entry.job.output),
        "large": done and not is_deep(entry.job.output) and max(width or 0, height or 0) > LARGE,
    }


def place_of(entry: Entry, role: str, folder: Path) -> str:
    """Path or URL of a job's painting, first photo or result, or of the preview of its training; empty if it has none.

    Args:
        entry: the job.
        role: "painting", "photo" or "result".
        folder: the batch's folder.
    """
    if role == "painting":
        return entry.painting
    if role == "photo":
        return entry.job.photos[0] if entry.job.photos else ""
    if entry.state is State.done and entry.job.output:
        return entry.job.output
    return facts(entry, folder)["shown"] or ""


def is_deep(place: str) -> bool:
    """Whether a place names a Deep Zoom."""
    return place.lower().endswith(".dzi")


def _shown(place: str) -> dict[str, Any] | None:
    """A picture: its file's name, and its version or why there is nothing to see; None if there is no picture."""
    if not place:
        return None
    if storage.is_remote(place):
        return {"name": printable(place.rpartition("/")[2]), "missing": "not on this machine"}
    path = Path(place)
    try:
        return {"name": printable(path.name), "version": path.stat().st_mtime_ns // 1_000_000}
    except (OSError, ValueError):
        return {
            "name": printable(path.name),
            "missing": "not there" if path.is_absolute() else "not found from here",
        }


def _number(value: Any) -> float | None:
    """A finite number; None for all else that a ledger may hold, which JSON or a page could not take."""
    return value if type(value) in (int, float) and abs(value) < 1e15 else None
