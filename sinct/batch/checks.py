"""Says beforehand that a job will fail, from the headers of its pictures."""

from collections.abc import Iterable
from pathlib import Path

import torch

from sinct.batch import storage
from sinct.batch.jobs import Job
from sinct.data.crops import width_range
from sinct.errors import ConfigError, InputError
from sinct.pictures.glance import sound_size
from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.rows import vips
from sinct.pictures.stored import check_size
from sinct.runtime.files import printable


class Checks:
    """Looks at each picture once, at its header if that is enough. What lies at a URL is not looked at."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int] | str] = {}

    def fault(self, job: Job) -> str | None:
        """Why a job will fail, in one line; None if nothing is known to be wrong."""
        if job.kind != "series":
            return self._first(job.inputs, job)
        faults = [self._of(place, job, whole=True) for place in job.paintings]
        if faults and all(faults):  # of a series, what cannot be read is left out
            return faults[0]
        return self._first(job.photos, job)

    def _first(self, places: Iterable[str], job: Job) -> str | None:
        faults = (self._of(place, job, whole=place not in job.paintings) for place in places)
        return next((fault for fault in faults if fault), None)

    def _of(self, place: str, job: Job, *, whole: bool) -> str | None:
        """What is wrong with one picture; only a painting that no series shares is read in rows, all else whole."""
        if storage.is_remote(place):
            return None
        size = self._size(place)
        if isinstance(size, str):
            return size
        try:
            if whole:
                check_size(*size, MAX_PIXELS)
            elif Path(job.output).suffix.lower() == ".dzi" or size[0] * size[1] > MAX_PIXELS:
                vips()
            if job.kind == "pair" and place not in job.masks:
                config = job.settings.config(torch.device("cpu"))
                width_range(
                    size[1], size[0], crop_size=config.crop_size, min_width=config.min_width,
                    max_width=config.max_width,
                )  # fmt: skip
        except InputError as error:
            return f"{printable(place)} {error}" if whole else str(error)
        except ConfigError as error:
            return f"{printable(place)}: {error}"
        return None

    def _size(self, place: str) -> tuple[int, int] | str:
        """Width and height of a picture, or why it cannot be read."""
        if place not in self._known:
            try:
                self._known[place] = sound_size(Path(place))
            except InputError as error:
                self._known[place] = str(error)
        return self._known[place]
