"""What the studio keeps of a run, in the folder `studio` of its run directory.

job.json      painting, photos, preset and settings of the training, and the picture that it makes
state.json    how far the training has come, written by its process
picture.json  likewise for a picture that is made for download
stop          is there when the training is asked to stop
painting.png  the painting as a browser can show it; likewise photo.png, live.png, result.png
mask.png      where to translate, as drawn on the page
log.txt       what the processes printed
download/     the picture made for download
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sinct.errors import CheckpointError, InputError, OutputError
from sinct.runtime.json_files import parsed, plain, read_json, restored, write_json
from sinct.studio.folder import picture_in

VIEW_SIDE = 4096
"""Longer side of pictures shown on the page, in pixels; smaller pictures are shown pixel by pixel."""

VIEWS = ("painting", "photo", "live", "result", "mask")
"""Names of the pictures shown on the page."""

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
    """

    painting: str
    photos: tuple[str, ...]
    output: str
    preset: str
    config: Mapping[str, Any] | None = None


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
        phase: starting, preparing, training, writing, finished, stopped or failed.
        step: steps done.
        steps: steps in all; None where that is not known.
        fraction: share of the training that is done, in [0, 1].
        remaining: seconds left; None if unknown.
        at: when that was so, in seconds since 1970.
        message: one line about it: what to expect, or what went wrong.
        warnings: what a person should know, one line each.
        curves: the losses in the log.
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


@dataclass(frozen=True)
class Wish:
    """A picture to be made for download.

    Attributes:
        suffix: kind of file, such as ".png".
        strength: how far to go from the painting, 0, to its translation, 1.
        masked: whether to use the mask drawn on the page.
    """

    suffix: str = ".png"
    strength: float = 1.0
    masked: bool = False


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

    def view(self, name: str) -> Path:
        """A picture that the page shows, one of `VIEWS`."""
        return self.place / f"{name}.png"

    def began(self) -> bool:
        """Whether the training has begun, so that it is resumed rather than started again."""
        return (self.path / "config.json").is_file()

    def trained(self) -> bool:
        """Whether there is a generator to translate with."""
        return (self.path / "model.safetensors").is_file()

    def job(self) -> Job:
        """What the run makes of what, as the studio or the command line wrote it.

        Raises:
            CheckpointError: it does not say so.
        """
        found = self._read("job.json", Job)
        if found is not None:
            return found
        try:
            facts = restored(Mapping[str, Any], read_json(self.path / "config.json"), "config.json")
            return Job(
                restored(str, facts.get("painting"), "painting"),
                restored(tuple[str, ...], facts.get("photos"), "photos"),
                f"{self.path.stem}.png",
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

    def losses(self, most: int = 400) -> list[dict[str, Any]]:
        """Entries of the log, evenly thinned to at most about `most`; without lines that a kill has cut off."""
        try:
            lines = (self.path / "log.jsonl").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return []
        entries = []
        for line in lines[:: 1 + len(lines) // most]:
            with suppress(ValueError):
                entry = parsed(line)
                if isinstance(entry, dict) and isinstance(entry.get("step"), int):
                    entries.append(entry)
        return entries

    def _read(self, name: str, kind: type[T]) -> T | None:
        try:
            found: T = restored(kind, read_json(self.place / name), name)
        except (OSError, ValueError):
            return None
        return found

    def _write(self, name: str, values: Any) -> None:
        self.place.mkdir(parents=True, exist_ok=True)
        write_json(self.place / name, plain(values))
