"""Runs methods on one pair of pictures, measures their results and writes the report.

The same call continues after an interruption: results of equal requests are kept (see `sinct.comparison.folder` and
`sinct.comparison.outcomes`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinct.comparison import elsewhere, methods
from sinct.comparison.folder import REGIONS, begin, copied
from sinct.comparison.kept import difference, finished
from sinct.comparison.outcomes import outcome_of
from sinct.comparison.rows import added_result, method_result, show_picture, show_pictures, with_measures
from sinct.comparison.seeds import combined, places
from sinct.comparison.stage import OnStage, Stage
from sinct.comparison.worker import Request
from sinct.doctor import environment
from sinct.errors import ConfigError
from sinct.pictures.picture import Picture, read_visible
from sinct.pictures.regions import read_regions
from sinct.report import write_report
from sinct.report.results import Comparison, Input, MethodResult
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath
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
    """Methods that can run at once: those that need no weights, and those whose weights are present.

    Controls, which always run, are not among them, nor are methods that only run on request.
    """
    folder = _path(weights_dir)
    found = {name: methods.find(name) for name in methods.names()}
    return tuple(
        name
        for name, method in found.items()
        if not (method.control or method.on_request) and all(present(file, folder) for file in method.weights)
    )


def compare(
    painting: StrPath,
    photo: StrPath,
    output: StrPath,
    *,
    names: Sequence[str] | None = None,
    seconds: float | None = SECONDS,
    iterations: int | None = None,
    seed: int = 0,
    seeds: int = 1,
    device: str = "auto",
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    regions: tuple[StrPath, StrPath] | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    added: Mapping[str, StrPath | None] | None = None,
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
        seeds: number of seeds, from `seed` on, that each method which draws random numbers runs with, each time with
            all of its time; the tables then hold means and standard deviations.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder of pretrained weights; by default the cache, into which missing files are
            downloaded.
        random_weights: use random networks instead of pretrained ones; the report says so.
        regions: maps of painting and photo in flat colours, where the same colour marks the same kind of thing,
            for methods that accept guidance.
        settings: changed settings, by method and name; of an added picture, its `steps`, `seconds` and `source`.
        added: pictures made elsewhere, to be shown, measured and ranked beside the methods, by the name of what made
            them; None where there is none for this painting. They have the painting's shape; those of another size are
            resized, with a warning. They stay in the folder's reports, as finished methods do.
        without: methods and added pictures to leave out: they are not run, and not in the report if they were finished
            earlier. Their results stay in the folder.
        overwrite: replace an earlier comparison, even of other pictures.
        isolate: run each method in its own process, so that its memory can be measured and its crash affects
            only itself.
        on_stage: called with the progress.
        should_stop: asked often; True ends the work, and the same call continues it.

    Returns:
        The report's path and contents.

    Raises:
        InputError: a picture or a map cannot be read, or an added picture has another shape than the painting.
        OutputError: the folder holds something else, another process works in it, or it cannot be written.
        ConfigError: a method or a setting is unknown.
        DeviceError: this machine has no such device.
        Interrupted: `should_stop` returned True.
    """
    if seeds < 1:
        raise ConfigError(f"`seeds` {seeds} must be 1 or more")
    chosen, told, added = (
        names if names is not None else default_methods(weights_dir),
        settings or {},
        added or {},
    )
    elsewhere.check_names(added)
    strangers = {*added, *elsewhere.kept(Path(output) / "work")}
    order = _order(
        chosen,
        {name: values for name, values in told.items() if name not in added},
        [name for name in without if name not in strangers],
    )
    where = choose_device(device)
    # A photo that is cut out would no longer fit its map.
    source, target = read_visible(painting), read_visible(photo, cut_out=not regions)
    labels = None
    if regions:  # raises before any work is done
        labels = read_regions(*regions, painting_size=_size(source), photo_size=_size(target))
    brought = elsewhere.read_added(added, source, told)
    folder = Path(output)
    hashes = [source.sha256, target.sha256]
    with alone(folder, "give another `output`"):
        begin(folder, source, target, hashes, overwrite=overwrite)
        if regions:
            hashes += [
                copied(path, folder / "work" / name) for path, name in zip(regions, REGIONS, strict=True)
            ]
        elsewhere.keep(folder / "work", brought)
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

        wanted = {
            place: (name, number)
            for name in methods.names()
            for place, number in places(name, seed, seeds, random_weights=random_weights).items()
        }
        asked = [place for place, (name, _) in wanted.items() if name in order]
        results: dict[str, MethodResult] = {}
        for index, place in enumerate(asked):

            def report(share: float, place: str = place, index: int = index) -> None:
                show(Stage(place, index, len(asked) + 1, min(share, 0.999)))

            name, number = wanted[place]
            settings_of = methods.find(name).settings(told.get(name, {}))
            request = replace(template, method=name, seed=number, settings=settings_of)
            outcome = outcome_of(
                request, folder / "work" / place, isolate=isolate, report=report, should_stop=stop
            )
            show_picture(folder, place, place, there=outcome.reason is None)
            show(Stage(place, index, len(asked) + 1, 1.0, note=outcome.reason))
            results[place] = method_result(place, request, outcome)

        others = {p: name for p, (name, _) in wanted.items() if name not in (*order, *without)}
        for place, (request, outcome) in finished(folder / "work", others).items():
            terms = difference(request, replace(template, seed=wanted[place][1]))
            results[place] = replace(method_result(place, request, outcome), kept=True, differs=terms)
        results = {place: results[place] for place in wanted if place in results}
        shown = [place for place, row in results.items() if row.file]
        show_pictures(folder, shown, methods.names())
        strange = elsewhere.kept(folder / "work")
        for name, entry in strange.items():
            place = f"{elsewhere.FOLDER}/{entry.key}"
            show_picture(folder, place, f"added-{entry.key}", there=name not in without)
            if name not in without:
                results[name] = added_result(entry, kept=name not in added)
        for name in sorted(set(added) - set(strange) - set(without)):
            reason = "there is no picture made elsewhere for this pair"
            results[name] = MethodResult(name, name, "", False, reason=reason, elsewhere=True)

        comparison = Comparison(
            painting=Input(Path(painting).name, "painting.png", *_size(source)[::-1], source.sha256),
            photo=Input(Path(photo).name, "photo.png", *_size(target)[::-1], target.sha256),
            seconds=seconds,
            seed=seed,
            seeds=seeds,
            iterations=iterations,
            environment=environment(device),
            measures=(),
            unavailable={},
            results=tuple(results.values()),
        )
        # Never random weights here: their values would look like measures.
        real = Weights(_path(weights_dir))
        comparison = with_measures(comparison, folder, real, where, len(asked), show, stop, labels)
        comparison = replace(comparison, results=combined(comparison.results))
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


def _size(picture: Picture) -> tuple[int, int]:
    return picture.pixels.shape[1], picture.pixels.shape[2]


def _path(path: StrPath | None) -> Path | None:
    return None if path is None else Path(path)
