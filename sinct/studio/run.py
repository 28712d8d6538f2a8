"""What the studio keeps of a run, in the folder `studio` of its run directory.

job.json      painting, photos, preset and settings of the training, and the picture that it makes
state.json    how far the training has come, written by its process
picture.json  likewise for a picture that is made for download
stop          is there when the training is asked to stop
painting.png  the painting as a browser can show it; likewise photo.png, live.png, result.png
live-2.png    likewise photo.png, live.png and result.png of a candidate, here the second
mask.png      where to translate, as drawn on the page
log.txt       what the processes printed
download/     the picture made for download
"""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from sinct.errors import CheckpointError, InputError, OutputError
from sinct.runtime.json_files import parsed, plain, read_json, restored, write_json
from sinct.studio.folder import picture_in
from sinct.training.run_directory import RunDirectory
from sinct.variations.candidates import folder_in
from sinct.variations.folder import Folder, Record

VIEW_SIDE = 4096
"""Longer side of pictures shown on the page, in pixels; smaller pictures are shown pixel by pixel."""

VIEWS = ("painting", "photo", "live", "result", "mask")
"""Names of the pictures shown on the page."""

OF_CANDIDATES = ("photo", "live", "result")
"""Those of them that each candidate has for itself."""

WORKING = ("starting", "preparing", "training", "writing")
"""Phases in which a process works."""

T = TypeVar("T")


@dataclass(frozen=True)
class Job:
    """What a run makes of what.

    Attributes:
        painting: name of the painting in the studio's folder.
        photos: names of the photos there.
        output: name of the picture to write there.
        preset: name of the settings.
        config: all settings of a run that the studio began; None for one of the command line.
        seeds: number of seeds of candidates, as `sinct.vary` takes it; 1 where there are none to choose from.
        each_photo: whether each photo makes a candidate, likewise.
        each_faithful: values of `faithful` that make a candidate each, likewise.
        chosen: number of the candidate that makes the picture; None while there is none.
    """

    painting: str
    photos: tuple[str, ...]
    output: str
    preset: str
    config: Mapping[str, Any] | None = None
    seeds: int = 1
    each_photo: bool = False
    each_faithful: tuple[float, ...] = ()
    chosen: int | None = None

    @property
    def varies(self) -> bool:
        """Whether it begins with candidates to choose from."""
        return self.seeds > 1 or self.each_photo or bool(self.each_faithful)


@dataclass(frozen=True)
class Choices:
    """What a person may choose besides pictures and preset; see the settings of the same names.

    Attributes:
        seed: seed for all random numbers.
        faithful: how much is taken out of the painting with its strokes; None leaves it to the preset.
        seeds: number of candidates with seeds counted up from `seed`; 1 trains one picture.
        each_photo: make a candidate of each photo.
        each_faithful: make a candidate of each of these values of `faithful`.
    """

    seed: int = 0
    faithful: float | None = None
    seeds: int = 1
    each_photo: bool = False
    each_faithful: tuple[float, ...] = ()

    @property
    def vary(self) -> bool:
        """Whether they ask for several candidates."""
        return self.seeds != 1 or self.each_photo or bool(self.each_faithful)


NO_CHOICES = Choices()
"""What somebody chooses who chooses nothing else."""


@dataclass(frozen=True)
class Curve:
    """A loss, as the page names it; see `sinct.training.terms.Term`."""

    name: str
    label: str
    unit: str


@dataclass(frozen=True)
class State:
    """How far a process has come.

    Attributes:
        phase: starting, preparing, training, writing, choosing (among candidates that are trained), finished, stopped
            or failed.
        step: steps done.
        steps: steps in all; None where that is not known.
        fraction: share of the training that is done, in [0, 1].
        remaining: seconds left; None if unknown.
        at: when that was so, in seconds since 1970.
        message: one line about it: what to expect, or what went wrong.
        warnings: what a person should know, one line each.
        curves: the losses in the log.
        doing: what is being prepared, in a few words.
        pace: seconds that a step takes; None if unknown.
        candidate: number of the candidate that is trained; None where it is the picture itself.
    """

    phase: str
    step: int = 0
    steps: int | None = None
    fraction: float = 0.0
    remaining: float | None = None
    at: float = 0.0
    message: str = ""
    warnings: tuple[str, ...] = ()
    curves: tuple[Curve, ...] = ()
    doing: str = ""
    pace: float | None = None
    candidate: int | None = None


@dataclass(frozen=True)
class Wish:
    """A picture to be made for download.

    Attributes:
        suffix: kind of file, such as ".png".
        strength: how far to go from the painting, 0, to its translation, 1.
        masked: whether to use the mask drawn on the page.
        keep: parts of the painting that stay, see `sinct.inference.parts`.
    """

    suffix: str = ".png"
    strength: float = 1.0
    masked: bool = False
    keep: tuple[str, ...] = ()


@dataclass(frozen=True)
class Made:
    """How far a picture for download has come.

    Attributes:
        phase: starting, writing, finished or failed.
        wish: what it is to be.
        file: its name in the folder `download`.
        message: what went wrong, in one line.
        warnings: what a person should know, one line each.
    """

    phase: str
    wish: Wish = Wish()
    file: str = ""
    message: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudioRun:
    """A run directory, with the files that the studio keeps in it."""

    path: Path

    @property
    def folder(self) -> Path:
        """The studio's folder, which holds pictures and runs."""
        return self.path.parent

    @property
    def place(self) -> Path:
        """Folder of the files that only the studio needs."""
        return self.path / "studio"

    @property
    def stop(self) -> Path:
        """File that asks the training to stop."""
        return self.place / "stop"

    @property
    def mask(self) -> Path:
        """Mask drawn on the page."""
        return self.view("mask")

    @property
    def log(self) -> Path:
        """What the processes printed."""
        return self.place / "log.txt"

    @property
    def downloads(self) -> Path:
        """Folder of the picture made for download."""
        return self.place / "download"

    def view(self, name: str, candidate: int | None = None) -> Path:
        """A picture that the page shows, one of `VIEWS`.

        Args:
            name: which.
            candidate: number of the candidate whose it is, if it is one of `OF_CANDIDATES`.
        """
        return self.place / (f"{name}.png" if candidate is None else f"{name}-{candidate}.png")

    def training(self, candidate: int | None) -> RunDirectory:
        """Run directory of the training that makes the picture: a candidate's, or the run's own."""
        return RunDirectory(self.path) if candidate is None else self.variations.run(candidate)

    @property
    def variations(self) -> Folder:
        """Folder of the candidates."""
        return folder_in(self.path)

    def record(self) -> Record | None:
        """What is stored of candidates; None where there are none."""
        try:
            if self.variations.path.resolve().parent != self.path.resolve():  # a link leads there
                return None
            record = self.variations.read()
        except (CheckpointError, OSError, RuntimeError):
            return None
        return record if record.candidates else None

    def job(self) -> Job:
        """What the run makes of what, as the studio or the command line wrote it.

        Raises:
            CheckpointError: it does not say so.
        """
        record = self.record()
        found = self._read("job.json", Job) or (self._told() if record is None else self._told_of(record))
        return found if record is None else _chosen(found, record)

    def _told_of(self, record: Record) -> Job:
        """What candidates of the command line, or a training beside them, are of."""
        with suppress(CheckpointError):
            return self._told()
        return Job(record.painting, record.photos, f"{self.path.stem}.png", record.candidates[0].preset)

    def _told(self) -> Job:
        """What a run of the command line says of itself; raises as `job`."""
        try:
            facts = restored(Mapping[str, Any], read_json(self.path / "config.json"), "config.json")
            return Job(
                restored(str, facts.get("painting"), "painting"),
                restored(tuple[str, ...], facts.get("photos"), "photos"),
                restored(str, facts.get("output", f"{self.path.stem}.png"), "output"),
                restored(str, facts.get("preset", "standard"), "preset"),
            )
        except (OSError, ValueError) as error:
            raise CheckpointError(
                f"{self.path.name} does not say which painting and photo it is of ({error}); start a new one"
            ) from None

    def inputs(self) -> tuple[Path, list[Path]]:
        """Painting and photos.

        Raises:
            CheckpointError: the run does not name them.
            InputError: they are not in the studio's folder.
        """
        job = self.job()
        return picture_in(self.folder, job.painting), [picture_in(self.folder, name) for name in job.photos]

    def photo(self, candidate: int | None) -> str:
        """Name of the first photo of the run, or of a candidate; empty where it has none."""
        record, job = self.record(), self.job()
        if record is None or candidate is None:
            return job.photos[0] if job.photos else ""
        return record.photos[record.candidates[candidate - 1].photos[0]]

    def output(self) -> Path:
        """The picture that the training writes.

        Raises:
            CheckpointError: the run does not name it.
            OutputError: its name leads elsewhere.
        """
        name = self.job().output
        path = self.folder / name
        if Path(name).name != name or name.startswith(".") or path.is_symlink():
            raise OutputError(f"{self.path.name} names no picture to write; start a new one")
        return path

    def write_job(self, job: Job) -> None:
        """Say what the run makes of what."""
        self.path.mkdir(parents=True, exist_ok=True)
        self._write("job.json", job)

    def state(self) -> State | None:
        """How far the training has come; None where the studio has not trained it."""
        return self._read("state.json", State)

    def write_state(self, state: State) -> None:
        """Say how far the training has come."""
        self._write("state.json", state)

    def made(self) -> Made | None:
        """How far the picture for download has come; None where there is none."""
        return self._read("picture.json", Made)

    def write_made(self, made: Made) -> None:
        """Say how far the picture for download has come."""
        self._write("picture.json", made)

    def download(self) -> Path:
        """The picture made for download.

        Raises:
            InputError: there is none.
        """
        made = self.made()
        if made is None or made.phase != "finished":
            raise InputError("there is no picture to download yet; make one first")
        return picture_in(self.downloads, made.file)

    def losses(self, candidate: int | None = None, most: int = 400) -> list[dict[str, Any]]:
        """Entries of a training's log, thinned to at most about `most`; without lines that a kill has cut off."""
        try:
            lines = self.training(candidate).log.read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        entries = []
        for line in lines[:: 1 + len(lines) // most]:
            with suppress(ValueError):
                entry = parsed(line)
                if isinstance(entry, dict) and type(entry.get("step")) is int and _finite(entry):
                    entries.append(entry)
        return entries

    def planned_steps(self, candidate: int | None) -> int | None:
        """The steps that a training was asked for, as it says itself; None where it does not."""
        with suppress(OSError, ValueError):
            facts = restored(Mapping[str, Any], read_json(self.training(candidate).config), "config.json")
            settings = restored(Mapping[str, Any], facts.get("config"), "config")
            steps: int | None = restored(int | None, settings.get("steps"), "steps")
            return steps
        return None

    def last_step(self, candidate: int | None) -> int:
        """The last step in a training's log, which has every tenth and the last."""
        entries = self.losses(candidate, most=10**9)
        return entries[-1]["step"] if entries else 0

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            found: T = restored(kind, read_json(self.place / name), name)
        except (OSError, ValueError):
            return None
        return found

    def _write(self, name: str, values: Any) -> None:
        """Write a file; where the run directory was removed, that is an error, and it stays removed."""
        self.place.mkdir(exist_ok=True)
        write_json(self.place / name, plain(values))


def _finite(entry: Mapping[str, Any]) -> bool:
    """Whether JSON and a plot can hold an entry of a log."""
    return all(math.isfinite(value) for value in entry.values() if isinstance(value, float))


def _chosen(job: Job, record: Record) -> Job:
    """A job with the candidate that makes its picture, also where the command line chose it."""
    made = {
        Path(entry.continued.output).name: number
        for number, entry in enumerate(record.candidates, start=1)
        if entry.continued is not None and entry.continued.output is not None
    }
    if job.output in made:
        return replace(job, chosen=made[job.output])
    if job.chosen is None and made and job.config is None:  # the command line gave the picture another name
        return replace(job, output=next(iter(made)), chosen=next(iter(made.values())))
    known = job.chosen is not None and 1 <= job.chosen <= len(record.candidates)
    return job if known else replace(job, chosen=None)
