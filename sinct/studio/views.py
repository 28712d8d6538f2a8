"""The pictures of a run as the page shows them, made when they are asked for."""

import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache
from io import BytesIO
from pathlib import Path

from sinct.errors import ConfigError, InputError, SinctError
from sinct.inference.parts import PARTS, with_parts_of
from sinct.pictures.glance import read_small
from sinct.pictures.picture import read_picture, read_provenance, write_picture
from sinct.runtime.files import printable
from sinct.studio.folder import picture_in
from sinct.studio.run import OF_CANDIDATES, VIEW_SIDE, Job, StudioRun

_LOCK = threading.Lock()
"""Small versions are made one after another, as each needs memory."""

_MIXING = threading.Lock()
"""Likewise mixtures, which take seconds for each megapixel and must not keep small versions waiting."""

_WANTED: dict[Path, tuple[str, ...]] = {}
"""What is to be kept of each run's painting, as it was asked last: what nobody waits for any more is not computed."""


def place_of(run: StudioRun, job: Job | None, view: str) -> Path:
    """Where a view is kept; a candidate that was chosen has its own."""
    return run.view(view, job.chosen if job is not None and view in OF_CANDIDATES else None)


def source_of(run: StudioRun, job: Job | None, view: str) -> Path | None:
    """The picture in the folder that a view shows; None for what only a process or the page makes."""
    if job is None:
        return None
    with suppress(SinctError):
        names = {"painting": job.painting, "photo": run.photo(job.chosen), "result": job.output}
        return picture_in(run.folder, names[view]) if view in names else None
    return None


def version(run: StudioRun, job: Job | None, view: str) -> int | None:
    """A number that changes with a view; None where there is none."""
    times = [changed(path) for path in (place_of(run, job, view), source_of(run, job, view)) if path]
    return max((time for time in times if time is not None), default=None)


def changed(path: Path) -> int | None:
    """When a file was last changed, in milliseconds; None where there is none."""
    with suppress(OSError):
        return path.stat().st_mtime_ns // 1_000_000  # JavaScript's numbers hold no more
    return None


def view_of(run: StudioRun, job: Job | None, view: str) -> Path | None:
    """The file of a view, made anew where what it shows has changed since; None where there is nothing to show.

    Raises:
        InputError: what it shows cannot be read.
        OutputError: it cannot be written.
    """
    place, source = place_of(run, job, view), source_of(run, job, view)
    with _LOCK:
        old, new = changed(place), None if source is None else changed(source)
        if source is not None and new is not None and (old is None or old < new):
            place.parent.mkdir(parents=True, exist_ok=True)
            write_picture(place, read_small(source, VIEW_SIDE), overwrite=True)
    return place if place.is_file() and not place.is_symlink() else None


def is_mixed(run: StudioRun, job: Job | None) -> bool:
    """Whether a command has mixed the result with the painting already, by strength, parts or a mask."""
    source = source_of(run, job, "result")
    return source is not None and _is_mixed(source, changed(source))


@lru_cache(maxsize=300)
def _is_mixed(path: Path, _changed: int | None) -> bool:
    try:
        return bool({"strength", "keep", "mask_sha256"} & read_provenance(path).keys())
    except (SinctError, OSError):
        return False


def checked_parts(names: Iterable[str]) -> tuple[str, ...]:
    """Names of parts of a picture, each once, in the order of `sinct.inference.parts.PARTS`.

    Raises:
        ConfigError: there is no such part.
    """
    asked = set(names)
    if unknown := asked - set(PARTS):
        name = printable(min(unknown))[:50]
        raise ConfigError(f"{name!r} is no part of a picture; choose among {', '.join(PARTS)}")
    return tuple(part for part in PARTS if part in asked)


def kept(run: StudioRun, job: Job | None, keep: tuple[str, ...]) -> bytes | None:
    """The result as a PNG with parts of the painting, as the page shows both.

    Where the painting is larger than the page shows it, texture comes out finer in the download: what counts as texture
    is told by its size in pixels.

    Returns:
        The PNG; None where there is nothing to show, or something else was asked for meanwhile.

    Raises:
        InputError: painting and result are of different sizes.
    """
    painting, result = view_of(run, job, "painting"), view_of(run, job, "result")
    if painting is None or result is None:
        return None
    _WANTED[run.path] = keep
    with _MIXING:
        if _WANTED[run.path] != keep:
            return None
        return _mixed(painting, changed(painting), result, changed(result), keep)


@lru_cache(maxsize=8)
def _mixed(
    painting: Path, _painted: int | None, result: Path, _made: int | None, keep: tuple[str, ...]
) -> bytes:
    """See `kept`; made anew when one of the files has changed."""
    from PIL import Image

    picture, translation = (read_picture(path).pixels for path in (painting, result))
    if picture.shape != translation.shape:
        raise InputError("the result has not the painting's size; make a download to see what is kept")
    mixed = with_parts_of(picture, translation, keep)
    file = BytesIO()
    pixels = mixed.add(1).mul(127.5).round().clamp(0, 255).byte().permute(1, 2, 0)
    Image.fromarray(pixels.contiguous().numpy()).save(file, "PNG", compress_level=1)
    return file.getvalue()
