"""Reports a batch as an HTML page and as a CSV table."""

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from sinct.batch import storage
from sinct.batch.ledger import Entry, State, Verdict
from sinct.batch.thumbnails import SIDE, kept_thumbnail, thumbnail
from sinct.errors import InputError
from sinct.report.page import render, write_text
from sinct.report.tables import write_csv

MOST_SHOWN = 500
"""Most jobs for which a page holds thumbnails, about 50 kB each; with more jobs it only links to the pictures."""

PHOTOS = 3
"""Most photos shown for a job."""

TOLD = 10
"""Most failures listed at the head of the page."""

URGENCY = (State.failed, State.running, State.waiting, State.done)
"""Order of the states in the table."""


def write_batch_report(folder: Path, entries: Sequence[Entry], *, seconds: float | None = None) -> Path:
    """Write `report.html` and `report.csv`, each whole or not at all.

    The page shows thumbnails of local pictures. It is self-contained and loads nothing from elsewhere. A note
    replaces pictures that are missing or cannot be read. Thumbnails are kept in `.sinct/thumbnails`, so that only
    new and changed pictures are read. The same jobs and pictures give the same bytes.

    Args:
        folder: the batch's folder.
        entries: its jobs.
        seconds: time for new thumbnails; pictures left over after it are only linked. None for all that it takes.

    Returns:
        Path of the page.

    Raises:
        OutputError: the folder cannot be written to.
    """
    write_text(folder / "report.csv", to_csv(entries))
    counts = {state: sum(entry.state is state for entry in entries) for state in State}
    gallery = _Gallery(folder, embedded=len(entries) <= MOST_SHOWN, seconds=seconds)
    failed = [(number, entry) for number, entry in enumerate(entries, 1) if entry.state is State.failed]
    page = folder / "report.html"
    text = render(
        "batch.html",
        scripts=("page.js",),
        name=folder.resolve().name,
        entries=entries,
        counts={state.value: count for state, count in counts.items()},
        warned=sum(bool(entry.warnings) for entry in entries),
        verdicts={each.value: sum(entry.verdict is each for entry in entries) for each in Verdict},
        seconds=sum(entry.figures.get("seconds") or 0 for entry in entries),
        failed=failed[:TOLD],
        untold=len(failed[TOLD:]),
        cards=[_card(gallery, entry) for entry in entries],
        most=None if gallery.embedded else MOST_SHOWN,
        rows=[_row(entry) for entry in entries],
    )
    write_text(page, text)
    return page


class _Shown(NamedTuple):
    """A picture on the page.

    Attributes:
        role: painting, result or photo.
        name: name of its file, or its URL.
        source: data URI of its thumbnail; None if there is none.
        link: address of the file; None if there is nothing to open.
        note: text in place of the thumbnail.
    """

    role: str
    name: str
    source: str | None = None
    link: str | None = None
    note: str = ""


class _Card(NamedTuple):
    """A job on the contact sheet."""

    entry: Entry
    pair: list[_Shown]
    photos: list[_Shown]
    more_paintings: int
    more_photos: int


class _Row(NamedTuple):
    """A job in the table."""

    entry: Entry
    urgency: int
    pixels: int | None


class _Gallery:
    """The pictures of a batch as its page shows them.

    Args:
        folder: the page's folder, to which links are relative.
        embedded: whether the page has thumbnails.
        seconds: time for new ones, or None.
    """

    def __init__(self, folder: Path, *, embedded: bool, seconds: float | None = None) -> None:
        self.embedded = embedded
        self._until = math.inf if seconds is None else time.monotonic() + seconds
        self._folder = folder

    def show(self, role: str, place: str) -> _Shown:
        """A picture that should exist, or a note if it does not."""
        if storage.is_remote(place):
            return _Shown(role, place, note="not on this machine")
        name = Path(place).name
        if not os.path.exists(place):
            return _Shown(role, name, note="not there")
        link = self._link(place)
        if Path(place).suffix.lower() == ".dzi":
            return _Shown(role, name, link=link, note="Deep Zoom, in many small pictures")
        if not self.embedded:
            return _Shown(role, name, link=link)
        side = SIDE // 2 if role == "photo" else SIDE
        try:
            source = self._thumbnail(place, side)
        except InputError:
            return _Shown(role, name, link=link, note="cannot be read")
        return _Shown(role, name, source, link, note="" if source else "no thumbnail yet")

    def _thumbnail(self, place: str, side: int) -> str | None:
        """Data URI of a picture's thumbnail, stored until the file changes; None if there is no time to make it.

        Raises:
            InputError: the picture cannot be read.
        """
        kept = kept_thumbnail(self._folder, place, side)
        if kept is not None or time.monotonic() > self._until:
            return kept
        return thumbnail(self._folder, place, side)

    def _link(self, place: str) -> str:
        """Address of a local file, relative to the page."""
        try:
            path = os.path.relpath(place, self._folder)
        except ValueError:  # on another drive
            return Path(place).absolute().as_uri()
        return f"./{quote(os.fsencode(path.replace(os.sep, '/')))}"


def _card(gallery: _Gallery, entry: Entry) -> _Card:
    pair = [gallery.show("painting", entry.painting)] if entry.painting else []
    if entry.state is not State.done:
        note = "no picture" if entry.state is State.failed else entry.state.value
        pair.append(_Shown("result", "", note=note))
    elif entry.job.output:
        pair.append(gallery.show("result", entry.job.output))
    else:
        pair.append(_Shown("result", "", note="a model for the other jobs"))
    photos = [gallery.show("photo", place) for place in entry.job.photos[:PHOTOS]]
    return _Card(entry, pair, photos, max(0, len(entry.job.paintings) - 1), len(entry.job.photos[PHOTOS:]))


def _row(entry: Entry) -> _Row:
    width, height = entry.figures.get("width"), entry.figures.get("height")
    pixels = None if width is None or height is None else width * height
    return _Row(entry, URGENCY.index(entry.state), pixels)


COLUMNS = (
    "name", "state", "verdict", "painting", "photos", "output", "attempts", "whole_seconds", "steps", "width_px",
    "height_px", "peak_memory_bytes", "warnings", "error", "seed", "preset", "note",
)  # fmt: skip
"""Columns of report.csv. Several photos or warnings are separated by " | "."""


def to_csv(entries: Sequence[Entry]) -> str:
    """One row per job, after a byte order mark that tells spreadsheet programs the encoding.

    Text that looks like a formula gets an apostrophe before it: names come from files, and formulas can do harm.
    """
    return "\ufeff" + write_csv(COLUMNS, [[_inert(cell) for cell in _cells(entry)] for entry in entries])


def _cells(entry: Entry) -> list[object]:
    return [
        entry.name, entry.state.value, entry.verdict and entry.verdict.value, entry.painting,
        " | ".join(entry.job.photos), entry.job.output, entry.attempts,
        *(entry.figures.get(name) for name in ("seconds", "steps", "width", "height", "memory")),
        " | ".join(entry.warnings), entry.error, entry.figures.get("seed", entry.job.settings.seed),
        entry.figures.get("preset", entry.job.settings.preset), entry.note,
    ]  # fmt: skip


def _inert(cell: object) -> object:
    """A cell that no spreadsheet program takes for a formula."""
    risky = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
    return f"'{cell}" if risky else cell
