"""Trains or translates in a process of its own: `python -m sinct.studio.worker`.

The studio writes one line of JSON to its standard input and then leaves it alone: unlike other child processes of
sinct, it lives on when its parent ends. It says in files how far it has come, see `sinct.studio.run`, and stops when
it finds the file `stop`.
"""

import errno
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinct.errors import SinctError, one_line
from sinct.measures.warnings import FLAWS
from sinct.runtime.json_files import restored
from sinct.studio import candidates
from sinct.studio.folder import is_run
from sinct.studio.run import Curve, Job, Made, State, StudioRun, Wish


class Teller:
    """Keeps a run's state up to date while it trains.

    Args:
        run: the run.

    Attributes:
        chosen: number of the candidate that makes its picture; None if none does.
    """

    def __init__(self, run: StudioRun) -> None:
        self.run = run
        self.passing: set[str] = set()  # flaws that may have passed by the end
        self.chosen: int | None = None
        before = run.state()
        pace = None if before is None else before.pace
        self.state = State("preparing", at=time.time(), pace=pace)
        self.tell()

    def tell(self, **changes: Any) -> None:
        """Say how far the training has come.

        Raises:
            FileNotFoundError: somebody removed or moved the run directory; what writes a preview makes a new one.
        """
        if not is_run(self.run.path):
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.run.path))
        self.state = replace(self.state, **{"at": time.time(), **changes})
        self.run.write_state(self.state)

    def prepare(self, text: str) -> None:
        """Say what is being done before the first step."""
        self.tell(phase="preparing", doing=text)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.state.warnings:
            self.tell(warnings=(*self.state.warnings, text))

    def __call__(self, progress: Any) -> None:
        """Take a `sinct.Progress`."""
        self._show(progress, self.chosen)
        self._tell(progress, phase="writing" if progress.fraction >= 1 else "training")
        for remark in progress.warnings:
            self.warn(str(remark))
            if remark.code in FLAWS:
                self.passing.add(str(remark))

    def end(self, warnings: Iterable[Any], **changes: Any) -> None:
        """Say how it ended; of flaws, only those that the picture has are kept.

        Args:
            warnings: those of the picture.
            changes: what else is to be told.
        """
        kept = [text for text in self.state.warnings if text not in self.passing]
        self.tell(warnings=tuple(dict.fromkeys([*kept, *map(str, warnings)])), **changes)

    def vary(self, progress: Any) -> None:
        """Take a `sinct.VariationProgress`; flaws of a candidate are shown with it."""
        self._show(progress.training, progress.number)
        self._tell(
            progress.training,
            phase="training",
            fraction=progress.fraction,
            remaining=progress.remaining,
            candidate=progress.number,
        )

    def _show(self, progress: Any, candidate: int | None) -> None:
        if progress.preview:
            _write_view(self.run.view("live", candidate), progress.preview[0][-2])

    def _tell(self, progress: Any, **changes: Any) -> None:
        values = {
            "step": progress.step,
            "steps": progress.steps,
            "fraction": progress.fraction,
            "remaining": progress.remaining,
            "message": str(progress.outlook or self.state.message),
            "curves": tuple(Curve(term.name, term.label, term.unit) for term in progress.terms),
            "pace": 1 / progress.rate,
        }
        self.tell(**{**values, **changes})


def train(run: StudioRun, *, should_stop: Callable[[], bool], resume: bool, steps: int | None = None) -> None:
    """Train, and write the picture, as `sinct translate` does, or train candidates to choose from.

    Args:
        run: the run, with its job.
        should_stop: asked after every step.
        resume: whether to continue it.
        steps: another length, if it is resumed; None leaves it its own.
    """
    teller = Teller(run)
    with _faults(lambda text: teller.tell(phase="failed", message=text), teller.warn):
        job = run.job()
        teller.chosen = job.chosen
        if job.chosen is None and (job.varies or candidates.begun(run)):
            _vary(run, job, teller, should_stop)
        else:
            _translate(run, job, teller, should_stop, resume=resume, steps=steps)


def _vary(run: StudioRun, job: Job, teller: Teller, should_stop: Callable[[], bool]) -> None:
    """Train candidates, those that are not trained yet."""
    import sinct
    from sinct.variations.vary import resume_variations

    painting, photos = run.inputs()
    told: dict[str, Any] = {
        "run_dir": run.path,
        "on_progress": teller.vary,
        "on_preparing": teller.prepare,
        "should_stop": should_stop,
    }
    if run.record() is not None:  # as they were begun, here or by a command
        found = resume_variations(painting, photos, run.output(), **told)
    else:
        found = sinct.vary(
            painting,
            photos,
            run.output(),
            seeds=job.seeds,
            each_photo=job.each_photo,
            each_faithful=job.each_faithful,
            config=None if job.config is None else sinct.Config.from_dict(job.config),
            preset=job.preset,
            **told,
        )
    teller.tell(phase="choosing" if found.finished else "stopped", remaining=None, message="")


def _translate(
    run: StudioRun,
    job: Job,
    teller: Teller,
    should_stop: Callable[[], bool],
    *,
    resume: bool,
    steps: int | None,
) -> None:
    """Train, or go on with the candidate that was chosen, and write the picture."""
    import sinct

    output, (painting, photos) = run.output(), run.inputs()
    told: dict[str, Any] = {
        "run_dir": run.path,
        "on_progress": teller,
        "on_preparing": teller.prepare,
        "should_stop": should_stop,
    }
    if job.chosen is None:
        done = sinct.translate(
            painting,
            photos,
            output,
            config=_settings(run, job, resume=resume, steps=steps),
            preset=job.preset,
            resume=resume,
            overwrite=False,
            **told,
        )
    else:
        own = candidates.own_output(run, job.chosen) == output.name
        done = sinct.continue_variation(
            painting, photos, output, job.chosen, steps=steps, overwrite=own, **told
        )
    training = done.training
    assert training is not None
    finished = done.finished and training.finished
    teller.end(
        done.warnings,
        phase="finished" if finished else "stopped",
        step=training.steps,
        steps=training.planned,
        fraction=1.0 if finished else teller.state.fraction,
        remaining=None,
        message="",
    )


def _settings(run: StudioRun, job: Job, *, resume: bool, steps: int | None) -> Any:
    """Settings of a new run, or those of a resumed one with another length; None where it keeps its own."""
    import sinct
    from sinct.objectives.cut import Trainer

    if not resume:
        return None if job.config is None else sinct.Config.from_dict(job.config)
    if steps is None:
        return None
    config = run.training(None).read_config(Trainer)[0]
    return config.replace(steps=steps, seconds=None)


def make_picture(run: StudioRun, wish: Wish) -> None:
    """Make a picture for download, as `sinct apply` does.

    Args:
        run: the run, trained.
        wish: what it is to be.
    """
    made = Made("writing", wish)
    run.write_made(made)
    found: list[str] = []

    def fail(text: str) -> None:
        run.write_made(replace(made, phase="failed", message=text))

    with _faults(fail, found.append):
        import sinct

        job, painting = run.job(), run.inputs()[0]
        for old in run.downloads.iterdir() if run.downloads.is_dir() else ():
            old.unlink()
        strength = [] if wish.strength == 1 else [str(round(100 * wish.strength))]
        file = "-".join([run.output().stem, *wish.keep, *strength]) + wish.suffix
        run.downloads.mkdir(parents=True, exist_ok=True)
        done = sinct.apply(
            run.training(job.chosen).path,
            painting,
            run.downloads / file,
            profile="keep",
            strength=wish.strength,
            keep=wish.keep,
            mask=run.mask if wish.masked else None,
        )
        texts = dict.fromkeys([*found, *map(str, done.warnings)])
        run.write_made(replace(made, phase="finished", file=file, warnings=tuple(texts)))


def _write_view(view: Path, pixels: Any) -> None:
    """Write (3, H, W) in [-1, 1] as a PNG."""
    from sinct.pictures.picture import write_picture

    write_picture(view, pixels, overwrite=True)


@contextmanager
def _faults(fail: Callable[[str], None], warn: Callable[[str], object]) -> Iterator[None]:
    """Hand on every fault, and the library's warnings, as one line each.

    Args:
        fail: called with why nothing came of it.
        warn: called with each warning.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)

        def show(message: Warning | str, *_args: object, **_options: object) -> None:
            warn(str(message))

        warnings.showwarning = show
        try:
            yield
        except SinctError as error:
            fail(str(error))
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or one_line(error)}; check the folder and the disk")
        except Exception as error:
            traceback.print_exc()
            fail(
                f"it failed with {type(error).__name__}: {one_line(error)}; studio/log.txt in the run says more"
            )


def main() -> None:
    """Do what standard input asks for."""
    request = json.loads(sys.stdin.readline())
    run = StudioRun(Path(request["run"]))
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda number, frame: asked.set())
    with suppress(FileNotFoundError):  # somebody removed the run directory, so there is nothing to tell it to
        if request["do"] == "train":
            train(
                run,
                should_stop=lambda: asked.is_set() or run.stop.exists(),
                resume=request["resume"],
                steps=request["steps"],
            )
        else:
            make_picture(run, restored(Wish, request["wish"]))


if __name__ == "__main__":
    main()
