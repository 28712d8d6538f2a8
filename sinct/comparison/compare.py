"""Runs methods on one pair of pictures, measures their results and writes the report.

The same call continues after an interruption: results of equal requests are kept (see `sinct.comparison.folder` and
`sinct.comparison.outcomes`).
"""

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from sinct.comparison import methods
from sinct.comparison.folder import REGIONS, begin, copied
from sinct.comparison.kept import difference, finished
from sinct.comparison.outcomes import outcome_of
from sinct.comparison.stage import OnStage, Stage
from sinct.comparison.undertrained import undertrained
from sinct.comparison.worker import Outcome, Request
from sinct.doctor import examine
from sinct.errors import ConfigError, Interrupted
from sinct.measures import Evaluator, measured
from sinct.measures.warnings import picture_flaws
from sinct.pictures.picture import Picture, read_picture, read_visible
from sinct.pictures.regions import read_regions
from sinct.report import write_report
from sinct.report.results import Comparison, Input, MethodResult
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, replacing
from sinct.runtime.locks import alone
from sinct.version import __version__
from sinct.weights.store import Weights, present

SECONDS = 600.0
"""Default time for each method."""


@dataclass(frozen=True)
class Compared:
    """A finished comparison.

    Attributes:
        report: path of the HTML report.
        comparison: its contents.
    """

    report: Path
    comparison: Comparison


def default_methods(weights_dir: StrPath | None = None) -> tuple[str, ...]:
    """Methods that can run at once: those that need no weights, and those whose weights are present."""
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
    without: Sequence[str] = (),
    overwrite: bool = False,
    isolate: bool = True,
    on_stage: OnStage | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Compared:
    """Run methods on a painting and a photo at full resolution, measure the results and write a report.

    The controls always run. If a method fails, the report says so and the others continue. A folder with an
    earlier comparison of the same pictures is continued, and methods that were finished there stay in the report.

    Args:
        painting: picture file.
        photo: picture file.
        output: folder for everything.
        names: names of the methods; by default `default_methods`.
        seconds: time for each method; None sets no limit.
        iterations: most iterations in each stage of a method, for a quick check that everything works.
        seed: makes methods repeatable, as far as time limits allow.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder of pretrained weights; by default the cache, into which missing files are
            downloaded.
        random_weights: use random networks instead of pretrained ones; the report says so.
        regions: maps of painting and photo in flat colours, where the same colour marks the same kind of thing,
            for methods that accept guidance.
        settings: changed settings, by method and name.
        without: methods to leave out: they are not run, and not in the report if they were finished earlier. Their
            results stay in the folder.
        overwrite: replace an earlier comparison, even of other pictures.
        isolate: run each method in its own process, so that its memory can be measured and its crash affects
            only itself.
        on_stage: called with the progress.
        should_stop: asked often; True ends the work, and the same call continues it.

    Returns:
        The report's path and contents.

    Raises:
        InputError: a picture or a map cannot be read.
        OutputError: the folder holds something else, another process works in it, or it cannot be written.
        ConfigError: a method or a setting is unknown.
        DeviceError: this machine has no such device.
        Interrupted: `should_stop` returned True.
    """
    chosen = names if names is not None else default_methods(weights_dir)
    order = _order(chosen, settings or {}, without)
    where = choose_device(device)
    # A photo that is cut out would no longer fit its map.
    source, target = read_visible(painting), read_visible(photo, cut_out=not regions)
    if regions:  # raises before any work is done
        read_regions(*regions, painting_size=_size(source), photo_size=_size(target))
    folder = Path(output)
    hashes = [source.sha256, target.sha256]
    with alone(folder, "give another `output`"):
        begin(folder, source, target, hashes, overwrite=overwrite)
        if regions:
            hashes += [
                copied(path, folder / "work" / name) for path, name in zip(regions, REGIONS, strict=True)
            ]
        template = Request(
            method="",
            painting="../../painting.png",  # relative to work/NAME, so that the folder may be moved
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

        results: dict[str, MethodResult] = {}
        for index, name in enumerate(order):

            def report(share: float, name: str = name, index: int = index) -> None:
                show(Stage(name, index, len(order) + 1, min(share, 0.999)))

            request = replace(
                template, method=name, settings=methods.find(name).settings((settings or {}).get(name, {}))
            )
            outcome = outcome_of(
                request, folder / "work" / name, isolate=isolate, report=report, should_stop=stop
            )
            _show_picture(folder, name, there=outcome.reason is None)
            show(Stage(name, index, len(order) + 1, 1.0, note=outcome.reason))
            results[name] = _result(request, outcome)

        kept = finished(folder / "work", [name for name in methods.names() if name not in (*order, *without)])
        for name, (request, outcome) in kept.items():
            _show_picture(folder, name, there=True)
            terms = difference(request, template)
            results[name] = replace(_result(request, outcome), kept=True, differs=terms)
        for name in set(methods.names()) - set(results):
            _show_picture(folder, name, there=False)

        comparison = Comparison(
            painting=Input(Path(painting).name, "painting.png", *_size(source)[::-1], source.sha256),
            photo=Input(Path(photo).name, "photo.png", *_size(target)[::-1], target.sha256),
            seconds=seconds,
            seed=seed,
            environment=_environment(device),
            measures=(),
            unavailable={},
            results=tuple(results[name] for name in methods.names() if name in results),
        )
        # Never random weights here: their values would look like measures.
        comparison = _measured(comparison, folder, Weights(_path(weights_dir)), where, show, stop)
        comparison.save(folder / "results.json")
        return Compared(write_report(folder, comparison), comparison)


def _order(
    chosen: Sequence[str], settings: Mapping[str, Mapping[str, Any]], without: Iterable[str]
) -> list[str]:
    """Controls and chosen methods in the report's order; checks their settings before any work is done."""
    for name in (*chosen, *settings):
        methods.find(name).settings(settings.get(name, {}))
    for name in without:
        if methods.find(name).control:
            raise ConfigError(f"{name} cannot be left out; controls always run")
    chosen = [name for name in chosen if name not in without]
    order = [name for name in methods.names() if name in chosen or methods.find(name).control]
    for name in settings:
        if name not in order:
            raise ConfigError(f"settings are given for {name}, which is not among the methods that run")
    return order


def _show_picture(folder: Path, name: str, *, there: bool) -> None:
    """Copy a method's picture to those of the report, or remove what is there of an earlier call."""
    picture = folder / "results" / f"{name}.png"
    if not there:
        picture.unlink(missing_ok=True)
        return
    picture.parent.mkdir(exist_ok=True)
    with replacing(picture) as temporary:
        shutil.copyfile(folder / "work" / name / "output.png", temporary)


def _result(request: Request, outcome: Outcome) -> MethodResult:
    method = methods.find(request.method)
    work = () if outcome.reason else outcome.work
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
        training_seconds=outcome.training_seconds if work else None,
        steps=sum(scale.steps for scale in work) if work else None,
        steps_needed=sum(scale.needed for scale in work) if work else None,
        need=method.need,
        undertrained=undertrained(work),
    )


def _measured(
    comparison: Comparison,
    folder: Path,
    weights: Weights,
    device: torch.device,
    show: OnStage,
    should_stop: Callable[[], bool],
) -> Comparison:
    """Add measures and warnings to each row."""
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
            found = () if row.control else tuple(picture_flaws(output, painting))
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
    """The text without the user's home folder, since reports are passed on."""
    return text.replace(str(Path.home()), "~")


def _environment(device: str) -> dict[str, str]:
    """Facts about the machine and versions, except those that change from minute to minute."""
    facts = examine(device)
    return {name: text for name, text in facts.items() if not name.startswith(("preset", "memory"))}


def _size(picture: Picture) -> tuple[int, int]:
    return picture.pixels.shape[1], picture.pixels.shape[2]


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path)
