"""Run methods on one pair of pictures or on several, measure their results, and write the report.

A comparison's folder holds the report (report.html, contact-sheet.png, table.csv, table.tex), what it was
made from (results.json, painting.png, photo.png and the pictures in `results`), and `work`, a folder for each
method. The same call again goes on where it was stopped: what is there and was asked for in the same way is
kept.
"""

import csv
import hashlib
import json
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sinct.comparison import methods
from sinct.comparison.worker import Outcome, Request, perform
from sinct.doctor import examine
from sinct.errors import ConfigError, InputError, Interrupted, OutputError, WeightsError
from sinct.measures import Evaluator, measured
from sinct.measures.warnings import picture_warnings
from sinct.pictures.picture import Picture, read_picture, write_picture
from sinct.pictures.regions import read_regions
from sinct.report import write_report, write_summary
from sinct.report.results import Comparison, Input, MethodResult
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, unwritable
from sinct.runtime.json_files import write_json
from sinct.version import __version__
from sinct.weights.store import Weights, fetch, present

SECONDS = 600.0
"""Default time for each method."""

REGIONS = ("painting-regions.png", "photo-regions.png")
"""Copies of the maps, in `work`."""


@dataclass(frozen=True)
class Stage:
    """What a comparison is doing.

    Attributes:
        name: of the method that runs, or what else is done: measuring, report.
        index: of this stage, from 0.
        count: of all stages.
        fraction: of this stage that is done, in [0, 1].
        note: what a person should know: why a method has no result, say.
        pair: name of the pair where there are several.
    """

    name: str
    index: int
    count: int
    fraction: float
    note: str | None = None
    pair: str | None = None


OnStage = Callable[[Stage], None]


@dataclass(frozen=True)
class Compared:
    """A comparison that was written.

    Attributes:
        report: path of the HTML file.
        comparison: all that is in it.
    """

    report: Path
    comparison: Comparison


def default_methods(weights_dir: StrPath | None = None) -> tuple[str, ...]:
    """Methods that run with what is there: those without weights, and those whose weights are present."""
    folder = _path(weights_dir)
    names = (name for name in methods.names() if not methods.find(name).control)
    return tuple(name for name in names if all(present(file, folder) for file in methods.find(name).weights))


def compare(
    painting: StrPath,
    photo: StrPath,
    output: StrPath,
    *,
    names: Sequence[str] | None = None,
    seconds: float | None = SECONDS,
    iterations: int | None = None,
    seed: int = 0,
    device: str = "auto",
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    regions: tuple[StrPath, StrPath] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    overwrite: bool = False,
    isolate: bool = True,
    on_stage: OnStage | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Compared:
    """Run methods on a painting and a photo at full resolution, measure all, and write a report.

    The controls always run. A method that fails is reported as such, and the others go on. A folder with
    an earlier comparison of the same pictures is continued.

    Args:
        painting: picture file.
        photo: picture file.
        output: folder for everything.
        names: of the methods; by default `default_methods`.
        seconds: that each method may work; None without a limit.
        iterations: at most in each stage of a method; for a quick look at whether everything works.
        seed: of every random draw.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder of pretrained weights; by default the cache, into which missing ones are
            downloaded.
        random_weights: use random networks instead of pretrained ones; the report says so.
        regions: flatly coloured maps of painting and photo, in which the same colour means the same kind of
            thing, for the methods that can be guided.
        settings: that differ from a method's own, by method and name.
        overwrite: replace an earlier comparison, of whatever pictures.
        isolate: run each method in a process of its own, so that its memory is known and its end is not ours.
        on_stage: called as the work goes on.
        should_stop: asked often; True ends the work, which the same call continues.

    Returns:
        Where the report is, and all that is in it.

    Raises:
        InputError: a picture or a map cannot be read.
        OutputError: the folder holds something else or cannot be written.
        ConfigError: an unknown method or setting.
        DeviceError: the device is not there.
        Interrupted: `should_stop` said so.
    """
    order = _order(names if names is not None else default_methods(weights_dir), settings or {})
    where = choose_device(device)
    source, target = read_picture(painting), read_picture(photo)
    if regions:  # refuse before any work
        read_regions(*regions, painting_size=_size(source), photo_size=_size(target))
    folder = Path(output)
    hashes = [source.sha256, target.sha256]
    _begin(folder, source, target, hashes, overwrite=overwrite)
    if regions:
        hashes += [_copied(path, folder / "work" / name) for path, name in zip(regions, REGIONS, strict=True)]
    template = Request(
        method="",
        painting="../../painting.png",  # from work/NAME, so that the folder may be moved
        photo="../../photo.png",
        sha256=tuple(hashes),
        seconds=seconds,
        iterations=iterations,
        seed=seed,
        device=str(where),
        weights_dir=str(Path(weights_dir).resolve()) if weights_dir is not None else None,
        random_weights=random_weights,
        regions=(f"../{REGIONS[0]}", f"../{REGIONS[1]}") if regions else None,
        version=__version__,
    )
    show, stop = on_stage or (lambda stage: None), should_stop or (lambda: False)

    results = []
    for index, name in enumerate(order):

        def report(share: float, name: str = name, index: int = index) -> None:
            show(Stage(name, index, len(order) + 1, min(share, 0.999)))

        request = replace(
            template, method=name, settings=methods.find(name).settings((settings or {}).get(name, {}))
        )
        outcome = _outcome(request, folder / "work" / name, report, stop, isolate=isolate)
        picture = folder / "results" / f"{name}.png"
        picture.unlink(missing_ok=True)
        if outcome.reason is None:
            picture.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / "work" / name / "output.png", picture)
        show(Stage(name, index, len(order) + 1, 1.0, note=outcome.reason))
        results.append(_result(request, outcome))

    comparison = Comparison(
        painting=Input(Path(painting).name, "painting.png", *_size(source)[::-1], source.sha256),
        photo=Input(Path(photo).name, "photo.png", *_size(target)[::-1], target.sha256),
        seconds=seconds,
        seed=seed,
        environment=_environment(device),
        measures=(),
        unavailable={},
        results=tuple(results),
    )
    # Never with random weights: their values would look like measures.
    comparison = _measured(comparison, folder, Weights(_path(weights_dir)), where, show, stop)
    comparison.save(folder / "results.json")
    return Compared(write_report(folder, comparison), comparison)


def compare_pairs(
    pairs: StrPath, output: StrPath, *, on_stage: OnStage | None = None, **options: Any
) -> dict[str, Compared | str]:
    """Compare methods on several pairs, and write a summary over them.

    Args:
        pairs: CSV file with the columns painting and photo, and if wanted name, painting_regions and
            photo_regions; paths relative to it.
        output: folder for everything; a pair's comparison lies in the folder of its name.
        on_stage: called as the work goes on.
        options: see `compare`.

    Returns:
        By the pair's name, its comparison, or in one line why there is none.

    Raises:
        InputError: the list of pairs cannot be read.
        Interrupted: `should_stop` said so.
    """
    rows = read_pairs(pairs)
    done: dict[str, Compared | str] = {}
    for name, row in rows.items():
        regions = None
        if row.get("painting_regions") and row.get("photo_regions"):
            regions = (row["painting_regions"], row["photo_regions"])

        def show(stage: Stage, name: str = name) -> None:
            if on_stage:
                on_stage(replace(stage, pair=name))

        try:
            done[name] = compare(
                row["painting"], row["photo"], Path(output) / name, regions=regions, on_stage=show, **options
            )
        except Interrupted:
            raise
        except (InputError, OutputError) as error:  # the other pairs go on
            done[name] = str(error)
    finished = {name: item.comparison for name, item in done.items() if isinstance(item, Compared)}
    if finished:
        write_summary(Path(output), finished)
    return done


def read_pairs(path: StrPath) -> dict[str, dict[str, Path]]:
    """Read a list of pairs; see `compare_pairs`.

    Raises:
        InputError: it cannot be read, lacks a column, or names two pairs alike.
    """
    file = Path(path)
    try:
        lines = list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or "not a CSV file in UTF-8"
        raise InputError(f"cannot read the list of pairs {file}: {reason}") from None
    if not lines or not {"painting", "photo"} <= set(lines[0]):
        raise InputError(
            f"the list of pairs {file} needs a first line 'painting,photo' and a line for each pair, for instance "
            "'monet.jpg,coast.jpg'; name, painting_regions and photo_regions may follow"
        )
    rows: dict[str, dict[str, Path]] = {}
    for number, line in enumerate(lines, start=2):
        if not line["painting"] or not line["photo"]:
            raise InputError(f"line {number} of {file} lacks a painting or a photo")
        name = line.get("name") or f"{Path(line['painting']).stem}--{Path(line['photo']).stem}"
        if name in rows or Path(name).name != name or name in (".", ".."):
            raise InputError(
                f"line {number} of {file}: the name {name!r} is taken or no folder name; add a column 'name' with "
                "another one"
            )
        columns = ("painting", "photo", "painting_regions", "photo_regions")
        rows[name] = {key: file.parent / str(line[key]) for key in columns if line.get(key)}
    return rows


def _order(chosen: Sequence[str], settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Controls and the chosen methods, in the report's order; settings are looked at before any work."""
    for name in (*chosen, *settings):
        methods.find(name).settings(settings.get(name, {}))
    order = [name for name in methods.names() if name in chosen or methods.find(name).control]
    for name in settings:
        if name not in order:
            raise ConfigError(f"settings are given for {name}, which is not among the methods that run")
    return order


def _fetched(names: Sequence[str]) -> str | None:
    """Download weights that are missing in the cache; in one line why they cannot be had."""
    try:
        for name in names:
            if not present(name):
                fetch(name)
    except WeightsError as error:
        return str(error)
    return None


def _begin(folder: Path, source: Picture, target: Picture, hashes: Sequence[str], *, overwrite: bool) -> None:
    """Make the folder, or see that it is one of the same pictures; keep upright 8-bit sRGB copies of them."""
    record = folder / "work" / "pair.json"
    try:
        if folder.exists() and any(folder.iterdir()):
            if not record.exists():
                raise OutputError(f"{folder} is not empty and no comparison; give another -o")
            if not overwrite and json.loads(record.read_text(encoding="utf-8")) != list(hashes):
                raise OutputError(
                    f"{folder} holds a comparison of other pictures; give another -o, or --overwrite"
                )
            if overwrite:
                shutil.rmtree(folder / "work")
                shutil.rmtree(folder / "results", ignore_errors=True)
        record.parent.mkdir(parents=True, exist_ok=True)
        for name, picture in (("painting", source), ("photo", target)):
            write_picture(folder / f"{name}.png", picture.pixels, bits=8, overwrite=True)
        write_json(record, list(hashes))
    except OSError as error:
        raise unwritable(folder, error) from None


def _copied(path: StrPath, copy: Path) -> str:
    """Copy a file; its sha256."""
    data = Path(path).read_bytes()
    copy.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _outcome(
    request: Request,
    folder: Path,
    report: Callable[[float], None],
    should_stop: Callable[[], bool],
    *,
    isolate: bool,
) -> Outcome:
    """The stored outcome of an equal request that succeeded, or a new one."""
    asked, stored = folder / "request.json", folder / "outcome.json"
    same = asked.exists() and json.loads(asked.read_text(encoding="utf-8")) == request.to_json()
    if same and stored.exists() and (folder / "output.png").exists():
        outcome = Outcome.load(stored)
        if outcome.reason is None:
            return outcome
    if not same and folder.exists():
        shutil.rmtree(folder)  # what lies there was asked for otherwise
    folder.mkdir(parents=True, exist_ok=True)
    stored.unlink(missing_ok=True)
    write_json(asked, request.to_json())
    if should_stop():
        raise Interrupted("stopped as asked")
    report(0.0)
    if request.weights_dir is None and not request.random_weights:
        missing = _fetched(methods.find(request.method).weights)
        if missing:
            return Outcome(missing, 0.0, None, "")
    if not isolate:
        outcome = perform(request, folder, report=report, should_stop=should_stop)
        outcome.save(stored)
        return outcome
    return _isolated(folder, report, should_stop)


def _isolated(folder: Path, report: Callable[[float], None], should_stop: Callable[[], bool]) -> Outcome:
    """Let a process of its own do what lies in `folder`/request.json."""
    with (folder / "messages.txt").open("w", encoding="utf-8") as messages:
        process = subprocess.Popen(
            [sys.executable, "-m", "sinct.comparison.worker", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            start_new_session=True,  # Ctrl-C is for us, who then ask it to stop
        )
    assert process.stdin is not None
    assert process.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    output = process.stdout

    def read() -> None:
        for line in output:
            lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    asked_to_stop = False
    try:
        while True:
            try:
                line = lines.get(timeout=0.2)
            except queue.Empty:
                line = ""
            if line is None:
                break
            if line:
                report(float(json.loads(line)["share"]))
            if should_stop() and not asked_to_stop:
                process.stdin.close()
                asked_to_stop = True
        code = process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdin.close()
        process.stdout.close()
    stored = folder / "outcome.json"
    if stored.exists():
        return Outcome.load(stored)
    if asked_to_stop:
        raise Interrupted("stopped as asked")
    return Outcome(reason=_ended(code, folder), seconds=0.0, memory=None, device="")


def _ended(code: int, folder: Path) -> str:
    """Say how a process ended that left nothing."""
    if code < 0:
        hint = "; if memory was short, close other programs or give smaller pictures" if code == -9 else ""
        return f"was ended by signal {-code}{hint}"
    return f"ended with exit code {code}; see {folder / 'messages.txt'}"


def _result(request: Request, outcome: Outcome) -> MethodResult:
    method = methods.find(request.method)
    return MethodResult(
        name=request.method,
        title=method.title,
        source=method.source,
        control=method.control,
        file=None if outcome.reason else f"results/{request.method}.png",
        reason=outcome.reason and _shareable(outcome.reason),
        seconds=None if outcome.reason else outcome.seconds,
        memory=None if outcome.reason else outcome.memory,
        device=outcome.device or None,
        random_weights=request.random_weights and bool(method.weights),
        optimises=method.optimises,
        settings=request.settings,
        facts=outcome.facts,
    )


def _measured(
    comparison: Comparison,
    folder: Path,
    weights: Weights,
    device: torch.device,
    show: OnStage,
    should_stop: Callable[[], bool],
) -> Comparison:
    """Add to each row its measures and warnings."""
    painting, photo = (read_picture(folder / name).pixels for name in ("painting.png", "photo.png"))
    evaluator = Evaluator(painting, photo, weights=weights, device=device)
    rows: list[MethodResult] = []
    for index, row in enumerate(comparison.results):
        if should_stop():
            raise Interrupted("stopped as asked")
        count = len(comparison.results)
        show(Stage("measuring", count, count + 1, index / count))
        if row.file:
            output = read_picture(folder / row.file).pixels
            found = () if row.control else tuple(picture_warnings(output, painting))
            row = replace(row, measures=evaluator.measure(output), warnings=found)
        rows.append(row)
    show(Stage("measuring", len(rows), len(rows) + 1, 1.0))
    return replace(
        comparison,
        results=tuple(rows),
        measures=measured(row.measures for row in rows),
        unavailable={name: _shareable(text) for name, text in evaluator.missing.items()},
    )


def _shareable(text: str) -> str:
    """Without the home folder of whoever ran it, since reports are passed on."""
    return text.replace(str(Path.home()), "~")


def _environment(device: str) -> dict[str, str]:
    """Machine and versions, without what changes from minute to minute."""
    facts = examine(device)
    return {name: text for name, text in facts.items() if not name.startswith(("preset", "memory"))}


def _size(picture: Picture) -> tuple[int, int]:
    return picture.pixels.shape[1], picture.pixels.shape[2]


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path)
