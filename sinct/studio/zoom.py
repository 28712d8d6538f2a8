"""Deep Zooms that a page shows: pictures too large for a browser, of which it gets the tiles that it needs."""

import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sinct.batch import storage
from sinct.errors import InputError, SinctError
from sinct.pictures.decoding import read_header
from sinct.pictures.deep_zoom import DeepZoom, read_deep_zoom
from sinct.runtime.files import printable
from sinct.studio.batch_rows import LARGE, is_deep
from sinct.studio.batches import Batches
from sinct.studio.folder import MOST, inside, picture_in, runs
from sinct.studio.run import StudioRun
from sinct.studio.studio import Studio


@dataclass(frozen=True)
class Zoom:
    """A result as a Deep Zoom, and its painting.

    Attributes:
        title: name of the result, in words.
        result: its tiles.
        painting: the painting's tiles; None if there are none.
        command: the command that makes those; empty if nobody knows it.
    """

    title: str
    result: DeepZoom
    painting: DeepZoom | None
    command: str

    def part(self, role: str) -> DeepZoom:
        """The tiles of the "painting" or of the "result".

        Raises:
            InputError: there are none.
        """
        found = {"painting": self.painting, "result": self.result}.get(role)
        if found is None:
            raise InputError("there is no such picture; load the page anew")
        return found


def of_file(studio: Studio, name: str) -> Zoom:
    """A Deep Zoom that lies directly in the studio's folder.

    Raises:
        InputError: there is none of this name, or it cannot be shown.
    """
    path = inside(studio.folder, name)
    if not is_deep(name):
        raise InputError(f"{printable(name)[:200]} is no Deep Zoom; choose another file")
    run = StudioRun(path.with_suffix(".sinct"))
    painting = None
    with suppress(SinctError):
        painting = run.inputs()[0]
    command = "" if painting is None else apply_command(run.path, painting, _beside(path), ("strength", "0"))
    return _zoom(path, painting, command)


def of_job(studio: Studio, batches: Batches, batch: str, key: str) -> Zoom:
    """The result of a batch's job as a Deep Zoom: the result itself, or one of the same name beside it.

    Raises:
        InputError: there is no such job, its result is none, or it lies outside of the studio's folder.
    """
    entry = batches.entry(batch, key)
    path = deep_of(entry.job.output)
    if path is None or not path.exists():
        raise InputError(f"there is no Deep Zoom of {printable(entry.name)}")
    if studio.folder not in path.resolve().parents:
        raise InputError(
            f"{printable(path)} lies outside of this folder; open a studio in a folder that holds it"
        )
    painting = Path(entry.painting)
    model = batches.model(batch, key)
    return _zoom(path, painting, apply_command(model, painting, _beside(path), ("strength", "0")))


def deep_of(output: str) -> Path | None:
    """Where the Deep Zoom of a result lies, if there is one; None for a result that is not on this machine."""
    if not output or storage.is_remote(output):
        return None
    return Path(output) if is_deep(output) else Path(output).with_suffix(".dzi")


def _zoom(path: Path, painting: Path | None, command: str) -> Zoom:
    result = read_deep_zoom(path)
    found = None
    for other in [_beside(path), *([] if painting is None else [path.with_name(f"{painting.stem}.dzi")])]:
        if found is None and other != path and other.resolve().parent == path.resolve().parent:
            with suppress(InputError):
                found = read_deep_zoom(other)
    return Zoom(printable(path.name), result, found, "" if found else command)


def _beside(path: Path) -> Path:
    """Where the painting's Deep Zoom lies, for a result's."""
    return path.with_name(f"{path.stem}-painting.dzi")


def apply_command(model: Path, painting: Path, output: Path, *options: tuple[str, str]) -> str:
    """The command that translates a painting with a model, ready to be typed; options are names with their values."""
    words = ["sinct", "apply", *map(printable, (model, painting)), "-o", printable(output)]
    return shlex.join([*words, *(word for name, value in options for word in (f"--{name}", value))])


def deep_zooms(studio: Studio) -> list[str]:
    """Names of the results in a studio's folder that are Deep Zooms; what belongs to another one is left out."""
    names = sorted(path.name for path in studio.folder.iterdir() if is_deep(path.name))
    found = []
    for name in names:
        with suppress(InputError):
            inside(studio.folder, name)
            if f"{name[: -len('-painting.dzi')]}.dzi" not in names or not name.endswith("-painting.dzi"):
                found.append(name)
    return found[:MOST]


def large_results(studio: Studio) -> list[tuple[str, str]]:
    """Results of runs that the page shows smaller than they are, and the commands that make Deep Zooms of them."""
    found = []
    for name in runs(studio.folder):
        run = StudioRun(studio.folder / name)
        with suppress(SinctError, OSError):
            picture = picture_in(studio.folder, run.job().output)
            deep = picture.with_suffix(".dzi")
            if max(read_header(picture).size) > LARGE and not deep.exists():
                found.append((picture.name, apply_command(run.path, run.inputs()[0], deep)))
    return found
