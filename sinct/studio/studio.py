"""What a page can ask of the studio, without any words of HTTP."""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from sinct.batch import Settings
from sinct.errors import ConfigError, InputError
from sinct.objectives.cut import CutSettings
from sinct.pictures.decoding import read_header
from sinct.pictures.picture import OUTPUT_SUFFIXES
from sinct.pictures.png import is_png
from sinct.presets import STEPS, preset
from sinct.runtime.device import choose_device
from sinct.runtime.files import printable, unwritable
from sinct.studio import candidates, describing, views
from sinct.studio.folder import (
    MOST_PICTURES,
    SUFFIX,
    free_output,
    picture_in,
    pictures,
    place_for,
    plain_name,
    run_in,
    runs,
    undone,
)
from sinct.studio.processes import Processes
from sinct.studio.run import NO_CHOICES, Choices, Job, Made, State, StudioRun, Wish
from sinct.studio.speed import Stopwatch
from sinct.variations.plan import FEWEST_STEPS, MOST

PLACE = ".sinct-studio"
"""Folder within the studio's folder for what only the studio needs; its name cannot come from a page."""

MOST_STEPS = 1_000_000
"""Most steps by which a training is made longer at once."""

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

    Attributes:
        settings: likewise those of a batch's jobs.
        lock: held while something is begun, so that of two requests the second leaves nothing behind.
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
        self.settings = {name: Settings(name) for name in self.configs}
        self.stopwatch = stopwatch or Stopwatch(self.place)
        self.processes = Processes(self.place)
        self.lock = threading.RLock()

    # What there is ------------------------------------------------------------------------------------

    def overview(self) -> dict[str, Any]:
        """Pictures, runs and presets, JSON-serialisable."""
        found = [describing.listed(StudioRun(self.folder / name)) for name in runs(self.folder)]
        listed = pictures(self.folder, without={name for entry in found for name in entry["made"]})
        return {
            "folder": self.folder.name,
            "pictures": listed[:MOST_PICTURES],
            "unlisted": len(listed[MOST_PICTURES:]),
            "runs": found,
            "presets": self.presets(),
            "working": self.working(),
        }

    def presets(self) -> list[dict[str, Any]]:
        """The presets, and how long each takes on this machine as far as that is known."""
        if self.working() is None:
            self.stopwatch.go_on()
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

    def run(self, name: str) -> StudioRun:
        """A run by its name.

        Raises:
            InputError: there is none.
        """
        return StudioRun(run_in(self.folder, name))

    def has(self, name: str) -> bool:
        """Whether there is a run of this name."""
        try:
            self.run(name)
        except InputError:
            return False
        return True

    def describe(self, name: str) -> dict[str, Any]:
        """Everything about a run that its page shows, JSON-serialisable.

        Raises:
            InputError: there is no such run.
        """
        return describing.described(self.run(name), self.processes.working(), self.stopwatch.step)

    # What can be done ---------------------------------------------------------------------------------

    def start(self, painting: str, photos: list[str], preset: str, choices: Choices = NO_CHOICES) -> str:
        """Begin a training.

        Args:
            painting: name of a picture in the folder.
            photos: names of pictures there, at least one.
            preset: name of a preset that is offered.
            choices: what else was chosen.

        Returns:
            Name of its run.

        Raises:
            Busy: a process works already.
            InputError: there is no such picture.
            ConfigError: there is no such preset, or `choices` holds what cannot be.
        """
        self.check(photos, preset)
        config = _with(self.configs[preset], choices)
        _check_candidates(config, len(photos), choices)
        with self.lock:
            self.processes.check_idle()
            sources = [picture_in(self.folder, name) for name in (painting, *photos)]
            output = free_output(self.folder, painting)
            run = StudioRun((self.folder / output).with_suffix(SUFFIX))
            job = Job(
                sources[0].name,
                tuple(path.name for path in sources[1:]),
                output,
                preset,
                config.to_dict(),
                choices.seeds,
                choices.each_photo,
                choices.each_faithful,
            )
            with undone(run.path):
                run.write_job(job)
                self._train(run, resume=False)
        return run.path.name

    def check(self, photos: Sequence[str], preset: str) -> None:
        """Refuse photos and presets that nothing can be begun with.

        Raises:
            InputError: there is no photo, or one of them twice.
            ConfigError: there is no such preset.
        """
        if preset not in self.configs:
            raise ConfigError(
                f"there is no preset {printable(preset)[:50]}; choose one of {', '.join(self.configs)}"
            )
        if not photos:
            raise InputError("choose a photo as well")
        if len(set(photos)) < len(photos):
            raise InputError("one photo is there twice; remove it once")

    def resume(self, name: str, more: int = 0) -> None:
        """Continue a training.

        Args:
            name: name of its run.
            more: steps to train beyond those that are done; 0 leaves it its length.

        Raises:
            Busy: a process works already.
            InputError: there is no such run, its pictures are gone, or it cannot be continued here.
            ConfigError: `more` is out of range.
            CheckpointError: it does not name its pictures.
        """
        if not 0 <= more <= MOST_STEPS:
            raise ConfigError(f"the steps to add must lie between 1 and {MOST_STEPS:,}, got {more}")
        with self.lock:
            self.processes.check_idle()
            run = self.run(name)
            run.inputs()
            run.output()
            job = run.job()
            if not describing.resumable(run, job):
                raise InputError(
                    "its candidates were begun by a command, with region maps; run that again to train the others"
                )
            steps = None
            if more:
                if not run.training(job.chosen).checkpoint.is_file():
                    raise InputError("there is nothing to train longer yet; let it train first")
                steps = describing.state_of(run, job, training=False).step + more
            self._train(run, resume=run.training(job.chosen).config.is_file(), steps=steps)

    def choose(self, name: str, number: int) -> None:
        """Go on with a candidate, or show what it has become.

        Args:
            name: name of the run.
            number: number of the candidate.

        Raises:
            Busy: a process works already.
            InputError: there is no such run, it has no candidates, or this one is not trained yet.
            ConfigError: there is no such candidate, or it cannot be continued any more.
            OutputError: there are too many pictures of this painting.
        """
        with self.lock:
            self.processes.check_idle()
            run = self.run(name)
            run.inputs()
            job, done = candidates.chosen(run, number)
            run.write_job(job)
            if not done:
                self._train(run, resume=True)
                return
            before = run.state() or State("finished")
            step = run.last_step(number)
            run.write_state(
                State("finished", step, step, 1.0, curves=before.curves, pace=before.pace, at=before.at)
            )

    def _train(self, run: StudioRun, *, resume: bool, steps: int | None = None) -> None:
        self.stopwatch.abandon()
        run.place.mkdir(exist_ok=True)
        run.stop.unlink(missing_ok=True)
        before = run.state()
        pace = None if before is None else before.pace
        run.write_state(State("starting", pace=pace))
        self.processes.start(run, "train", {"resume": resume, "steps": steps})

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
        wish = replace(wish, keep=views.checked_parts(wish.keep))
        with self.lock:
            self.processes.check_idle()
            run = self.run(name)
            run.inputs()
            if wish.masked and not run.mask.is_file():
                raise InputError("there is no mask; paint one first")
            if not run.training(run.job().chosen).model.is_file():
                raise InputError("there is nothing to make a picture with yet; let it train first")
            run.place.mkdir(exist_ok=True)
            run.write_made(Made("starting", wish))
            self.processes.start(run, "picture", {"wish": asdict(wish)})

    def view(self, name: str, view: str) -> Path | None:
        """The file of a picture that the page shows, one of `VIEWS`; None where there is none.

        Raises:
            InputError: there is no such run, or what it shows cannot be read.
            OutputError: the file cannot be written.
        """
        run = self.run(name)
        return views.view_of(run, describing.job_of(run), view)

    def kept(self, name: str, parts: str) -> bytes | None:
        """The result as a PNG, with parts of the painting; None where there is no result.

        Args:
            name: name of the run.
            parts: names of the parts, with commas between them.

        Raises:
            InputError: there is no such run, or painting and result are of different sizes.
            ConfigError: there is no such part.
        """
        keep = views.checked_parts(parts.split(","))
        run = self.run(name)
        return views.kept(run, describing.job_of(run), keep)

    def candidate(self, name: str, number: int) -> Path | None:
        """The file of a candidate's picture; None where there is none.

        Raises:
            InputError: there is no such run.
        """
        run = self.run(name)
        return candidates.picture_of(run, number) if candidates.is_one(run, number) else None

    def candidate_photo(self, name: str, number: int) -> Path | None:
        """The file of a candidate's photo, as the page shows it; None where there is none.

        Raises:
            InputError: there is no such run, or the photo cannot be read.
            OutputError: the file cannot be written.
        """
        run = self.run(name)
        job = describing.job_of(run)
        if job is None or not candidates.is_one(run, number):
            return None
        return views.view_of(run, replace(job, chosen=number), "photo")

    def take_mask(self, name: str, uploaded: Path) -> int | None:
        """Keep the mask drawn on the page; an empty file removes it.

        Args:
            name: name of the run.
            uploaded: the file, in `place`, which is moved.

        Returns:
            Version of the mask, as `describe` tells it; None where there is none.

        Raises:
            InputError: there is no such run, or the file is no PNG.
        """
        run = self.run(name)
        if uploaded.stat().st_size == 0:
            run.mask.unlink(missing_ok=True)
            return None
        with uploaded.open("rb") as file:
            if not is_png(file.read(33)):
                raise InputError("a mask must be a PNG")
        try:
            read_header(uploaded)
        except InputError as error:
            raise InputError(f"the mask {error}") from None
        run.place.mkdir(exist_ok=True)
        version = views.changed(uploaded)
        uploaded.replace(run.mask)
        return version

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
        with self.lock:
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


def _with(config: CutSettings, choices: Choices) -> CutSettings:
    """Settings with what was chosen.

    Raises:
        ConfigError: it is out of range.
    """
    changes = {} if choices.faithful is None else {"faithful": choices.faithful}
    return config.replace(seed=choices.seed, **changes)


def _check_candidates(config: CutSettings, photos: int, choices: Choices) -> None:
    """Refuse candidates that there cannot be, before anything is begun.

    Raises:
        ConfigError: there are too few or too many, or too few steps for so many.
    """
    if not choices.vary:
        return
    for value in choices.each_faithful:
        config.replace(faithful=value)  # raises
    if len(set(choices.each_faithful)) < len(choices.each_faithful):
        raise ConfigError("a value of `each_faithful` is there twice; leave one out")
    count = choices.seeds * (photos if choices.each_photo else 1) * max(1, len(choices.each_faithful))
    if config.steps == 0:
        raise ConfigError("without training, variations are all the same; choose another length")
    if count < 2:
        raise ConfigError("one variation leaves nothing to choose; ask for more of them, or add a photo")
    if count > MOST:
        raise ConfigError(f"{count} variations are too many; ask for at most {MOST}")
    if config.steps is not None and config.steps // (2 * count) < FEWEST_STEPS:
        raise ConfigError(
            f"{config.steps} steps are too few for {count} variations; choose a longer training, or fewer of them"
        )
