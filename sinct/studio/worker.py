"""Trains or translates in a process of its own: `python -m sinct.studio.worker`.

The studio writes one line of JSON to its standard input and then leaves it alone: unlike other child processes of
sinct, it lives on when its parent ends. It says in files how far it has come, see `sinct.studio.run`, and stops when
it finds the file `stop`.
"""

import json
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinct.errors import SinctError, one_line
from sinct.studio.run import Curve, Made, State, StudioRun, Wish


class Teller:
    """Keeps a run's state up to date while it trains.

    Args:
        run: the run.
    """

    def __init__(self, run: StudioRun) -> None:
        self.run, self.state = run, State("preparing", at=time.time())
        self.tell()

    def tell(self, **changes: Any) -> None:
        """Say how far the training has come."""
        self.state = replace(self.state, **{"at": time.time(), **changes})
        self.run.write_state(self.state)

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.state.warnings:
            self.tell(warnings=(*self.state.warnings, text))

    def __call__(self, progress: Any) -> None:
        """Take a `sinct.Progress`."""
        if progress.preview:
            _write_view(self.run.view("live"), progress.preview[0][-2])
        done = progress.fraction >= 1
        self.tell(
            phase="writing" if done else "training",
            step=progress.step,
            steps=progress.steps,
            fraction=progress.fraction,
            remaining=progress.remaining,
            message=str(progress.outlook or self.state.message),
            curves=tuple(Curve(term.name, term.label, term.unit) for term in progress.terms),
        )
        for text in progress.warnings:
            self.warn(str(text))


def train(run: StudioRun, *, should_stop: Callable[[], bool], resume: bool) -> None:
    """Train, and write the picture, as `sinct translate` does.

    Args:
        run: the run, with its job.
        should_stop: asked after every step.
        resume: whether to continue it.
    """
    teller = Teller(run)
    with _faults(lambda text: teller.tell(phase="failed", message=text), teller.warn):
        import sinct

        job, output, (painting, photos) = run.job(), run.output(), run.inputs()
        _show(run, painting, photos)
        done = sinct.translate(
            painting,
            photos,
            output,
            run_dir=run.path,
            config=None if resume or job.config is None else sinct.Config.from_dict(job.config),
            preset=job.preset,
            resume=resume,
            overwrite=False,
            on_progress=teller,
            should_stop=should_stop,
        )
        for text in done.warnings:
            teller.warn(str(text))
        if done.finished:
            _copy_view(output, run.view("result"))
        training = done.training
        assert training is not None
        finished = done.finished and training.finished
        teller.tell(
            phase="finished" if finished else "stopped",
            step=training.steps,
            steps=training.planned,
            fraction=1.0 if finished else teller.state.fraction,
            remaining=None,
            message="",
        )


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

        painting = run.inputs()[0]
        for old in run.downloads.iterdir() if run.downloads.is_dir() else ():
            old.unlink()
        part = "" if wish.strength == 1 else f"-{round(100 * wish.strength)}"
        file = f"{run.output().stem}{part}{wish.suffix}"
        run.downloads.mkdir(parents=True, exist_ok=True)
        done = sinct.apply(
            run.path,
            painting,
            run.downloads / file,
            profile="keep",
            strength=wish.strength,
            mask=run.mask if wish.masked else None,
        )
        texts = dict.fromkeys([*found, *map(str, done.warnings)])
        run.write_made(replace(made, phase="finished", file=file, warnings=tuple(texts)))


def _show(run: StudioRun, painting: Path, photos: list[Path]) -> None:
    """Make what the page shows of the inputs, unless that is there."""
    for name, path in (("painting", painting), ("photo", photos[0])):
        if not run.view(name).exists():
            _copy_view(path, run.view(name))


def _copy_view(path: Path, view: Path) -> None:
    """Make a picture of any kind into one that a browser shows."""
    from sinct.pictures.glance import read_small
    from sinct.studio.run import VIEW_SIDE

    _write_view(view, read_small(path, VIEW_SIDE))


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
    if request["do"] == "train":
        train(run, should_stop=lambda: asked.is_set() or run.stop.exists(), resume=request["resume"])
    else:
        make_picture(run, Wish(**request["wish"]))


if __name__ == "__main__":
    main()
