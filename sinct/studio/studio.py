"""What a page can ask of the studio, without any words of HTTP."""

import tempfile
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sinct.errors import ConfigError, InputError, SinctError
from sinct.objectives.cut import CutSettings
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import OUTPUT_SUFFIXES
from sinct.pictures.png import is_png
from sinct.presets import STEPS, preset
from sinct.runtime.device import choose_device
from sinct.runtime.files import printable, unwritable
from sinct.studio.folder import (
    SUFFIX,
    free_output,
    picture_in,
    pictures,
    place_for,
    plain_name,
    run_in,
    runs,
)
from sinct.studio.processes import Processes
from sinct.studio.run import VIEWS, WORKING, Job, Made, State, StudioRun, Wish
from sinct.studio.speed import Stopwatch

PLACE = ".sinct-studio"
"""Folder within the studio's folder for what only the studio needs; its name cannot come from a page."""

ABOUT = {
    "instant": "No training: a ready-made network and the colours of the photo. A first look.",
    "draft": "Good for trying a pair out.",
    "standard": "The full training.",
}
"""The presets that a page offers, in words."""


class Studio:
    """A folder of pictures, the runs in it, and one process at a time that works on one of them.

    Args:
        folder: the folder.
        configs: settings of the presets; by default those of `sinct.preset` on this machine.
        stopwatch: what tells how long a step takes; by default it is measured.
    """

    def __init__(
        self,
        folder: Path,
        *,
        configs: Mapping[str, CutSettings] | None = None,
        stopwatch: Stopwatch | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.place = self.folder / PLACE
        try:
            self.place.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(folder, error) from None
        device = choose_device("auto")
        self.configs = configs or {name: preset(name, device) for name in STEPS}
        self.stopwatch = stopwatch or Stopwatch(self.place)
        self.processes = Processes(self.place)
        self._lock = threading.Lock()

    # What there is ------------------------------------------------------------------------------------

    def overview(self) -> dict[str, Any]:
        """Pictures, runs and presets, JSON-serialisable."""
        found = [self._listed(name) for name in runs(self.folder)]
        made = {entry["output"] for entry in found}
        return {
            "folder": self.folder.name,
            "pictures": pictures(self.folder, without=made),
            "runs": found,
            "presets": self.presets(),
            "working": self.working(),
        }

    def presets(self) -> list[dict[str, Any]]:
        """The presets, and how long each takes on this machine as far as that is known."""
        step = self.stopwatch.step
        return [
            {
                "name": name,
                "about": ABOUT.get(name, ""),
                "steps": config.steps,
                "seconds": None if step is None else (config.steps or 0) * step,
            }
            for name, config in self.configs.items()
        ]

    def working(self) -> str | None:
        """Name of the run that a process works on."""
        worker = self.processes.working()
        return None if worker is None else worker.run

    def _listed(self, name: str) -> dict[str, Any]:
        run = StudioRun(self.folder / name)
        try:
            job = run.job()
        except SinctError:
            job = Job("", (), "", "")
        return {
            "name": name,
            "painting": job.painting,
            "photos": job.photos,
            "output": job.output,
            "shown": self._card(run, job),
        }

    def _card(self, run: StudioRun, job: Job) -> str | None:
        """Address of a small picture of a run; None if there is none."""
        with suppress(SinctError):
            made = picture_in(self.folder, job.output)
            return f"/api/pictures/{quote(made.name, safe='')}?v={_version(made)}"
        live = _version(run.view("live"))
        return None if live is None else f"/api/runs/{quote(run.path.name, safe='')}/views/live?v={live}"

    def run(self, name: str) -> StudioRun:
        """A run by its name.

        Raises:
            InputError: there is none.
        """
        return StudioRun(run_in(self.folder, name))

    def describe(self, name: str) -> dict[str, Any]:
        """Everything about a run that its page shows, JSON-serialisable.

        Raises:
            InputError: there is no such run.
        """
        run = self.run(name)
        worker = self.processes.working()
        task = worker.task if worker is not None and worker.run == name else None
        try:
            job: Job | None = run.job()
        except SinctError:
            job = None
        return {
            "name": name,
            "job": None if job is None else {**asdict(job), "config": None},
            "state": asdict(self._state(run, training=task == "train")),
            "made": _as_dict(self._made(run, writing=task == "picture")),
            "losses": run.losses(),
            "views": {view: _version(run.view(view)) for view in VIEWS},
            "stopping": task == "train" and run.stop.exists(),
            "trained": run.trained() and job is not None,
            "working": None if worker is None else worker.run,
        }

    def _state(self, run: StudioRun, *, training: bool) -> State:
        """A training's state; a process that has vanished has failed."""
        state = run.state()
        if state is None:
            begun = run.began() or run.trained()
            return State("stopped") if begun else State("failed", message="It has not begun.")
        if state.phase in WORKING and not training:
            return replace(
                state,
                phase="failed",
                remaining=None,
                message="Its process ended before it was done; what it had saved is kept.",
            )
        return state

    def _made(self, run: StudioRun, *, writing: bool) -> Made | None:
        made = run.made()
        if made is not None and made.phase in WORKING and not writing:
            return replace(made, phase="failed", message="its process ended before it was done; try again")
        return made

    # What can be done ---------------------------------------------------------------------------------

    def start(self, painting: str, photos: list[str], preset: str) -> str:
        """Begin a training.

        Args:
            painting: name of a picture in the folder.
            photos: names of pictures there, at least one.
            preset: name of a preset that is offered.

        Returns:
            Name of its run.

        Raises:
            Busy: a process works already.
            InputError: there is no such picture.
            ConfigError: there is no such preset.
        """
        if preset not in self.configs:
            raise ConfigError(
                f"there is no preset {printable(preset)[:50]}; choose one of {', '.join(self.configs)}"
            )
        if not photos:
            raise InputError("choose a photo as well")
        with self._lock:
            self.processes.check_idle()
            sources = [picture_in(self.folder, name) for name in (painting, *photos)]
            output = free_output(self.folder, painting)
            run = StudioRun((self.folder / output).with_suffix(SUFFIX))
            config = self.configs[preset]
            run.write_job(
                Job(
                    sources[0].name,
                    tuple(path.name for path in sources[1:]),
                    output,
                    preset,
                    config.to_dict(),
                )
            )
            self._train(run, resume=False)
        return run.path.name

    def resume(self, name: str) -> None:
        """Continue a training.

        Raises:
            Busy: a process works already.
            InputError: there is no such run, or its pictures are gone.
            CheckpointError: it does not name them.
        """
        with self._lock:
            self.processes.check_idle()
            run = self.run(name)
            run.inputs()
            run.output()
            self._train(run, resume=run.began())

    def _train(self, run: StudioRun, *, resume: bool) -> None:
        self.stopwatch.abandon()
        run.place.mkdir(exist_ok=True)
        run.stop.unlink(missing_ok=True)
        run.write_state(State("starting"))
        self.processes.start(run, "train", {"resume": resume})

    def stop(self, name: str) -> None:
        """Ask a training to save everything, to write the picture as it stands, and to end.

        Raises:
            InputError: there is no such run, or it is not being trained.
        """
        run = self.run(name)
        worker = self.processes.working()
        if worker is None or worker.run != name or worker.task != "train":
            raise InputError(f"{name} is not being trained")
        run.stop.touch()

    def make_picture(self, name: str, wish: Wish) -> None:
        """Begin to make a picture for download.

        Raises:
            Busy: a process works already.
            InputError: there is no such run, its painting is gone, or there is nothing to make it with.
            ConfigError: `wish` asks for what there is not.
        """
        if wish.suffix not in OUTPUT_SUFFIXES:
            known = ", ".join(OUTPUT_SUFFIXES)
            raise ConfigError(f"{printable(wish.suffix)[:20]} is not written; choose one of {known}")
        if not 0 <= wish.strength <= 1:
            raise ConfigError(f"the strength must lie between 0 and 1, got {wish.strength}")
        with self._lock:
            self.processes.check_idle()
            run = self.run(name)
            run.inputs()
            if wish.masked and not run.mask.is_file():
                raise InputError("there is no mask; paint one first")
            if not run.trained():
                raise InputError("there is nothing to make a picture with yet; let it train first")
            run.place.mkdir(exist_ok=True)
            run.write_made(Made("starting", wish))
            self.processes.start(run, "picture", {"wish": asdict(wish)})

    def take_mask(self, name: str, uploaded: Path) -> None:
        """Keep the mask drawn on the page; an empty file removes it.

        Args:
            name: name of the run.
            uploaded: the file, in `place`, which is moved.

        Raises:
            InputError: there is no such run, or the file is no PNG.
        """
        run = self.run(name)
        if uploaded.stat().st_size == 0:
            run.mask.unlink(missing_ok=True)
            return
        with uploaded.open("rb") as file:
            if not is_png(file.read(33)):
                raise InputError("a mask must be a PNG")
        try:
            read_header(uploaded)
        except InputError as error:
            raise InputError(f"the mask {error}") from None
        run.place.mkdir(exist_ok=True)
        uploaded.replace(run.mask)

    def take_in(self, uploaded: Path, name: str) -> str:
        """Take an uploaded file into the folder, if it is a picture.

        Args:
            uploaded: the file, in `place`, which is moved or removed.
            name: the name it has elsewhere.

        Returns:
            The name that it has here.

        Raises:
            InputError: it is no picture that is read.
        """
        wanted = plain_name(name)
        try:
            read_header(uploaded)
        except InputError as error:
            raise InputError(f"{printable(wanted)} {error}") from None
        with self._lock:
            path, there = place_for(self.folder, wanted, uploaded)
            if not there:
                uploaded.replace(path)
        return path.name

    def temporary(self) -> Path:
        """A new file for an upload, in `place`.

        Raises:
            OutputError: it cannot be made.
        """
        try:
            descriptor, name = tempfile.mkstemp(dir=self.place, prefix="upload-", suffix=".part")
        except OSError as error:
            raise unwritable(self.place, error) from None
        with open(descriptor):
            return Path(name)


def _as_dict(made: Made | None) -> dict[str, Any] | None:
    return None if made is None else asdict(made)


def _version(path: Path) -> int | None:
    """A number that changes with a file; None where there is none."""
    with suppress(OSError):
        return path.stat().st_mtime_ns // 1_000_000  # JavaScript's numbers hold no more
    return None
