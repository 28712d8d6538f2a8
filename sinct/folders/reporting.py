"""The paper's grids and tables: translate, score and show several methods on the same folder.

Park et al. 2020 (arXiv:2007.15651), figures 3 and A.1, tables 1 and C.5.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from PIL import Image

from sinct.data.folders import find_images
from sinct.doctor import environment
from sinct.errors import ConfigError, InputError, OutputError, counted
from sinct.folders.applying import apply, model_file
from sinct.folders.scoring import score
from sinct.measures import Measure
from sinct.measures.folder_scores import FOLDER_SCORES, SCENE_SCORES, described
from sinct.report.folder_page import write_folder_report
from sinct.report.folder_results import FolderComparison, FolderResult, GridRow
from sinct.report.pictures import read
from sinct.runtime.files import StrPath, file_key, file_sha256, printable, shareable, unwritable
from sinct.runtime.json_files import read_json, write_json

ROWS = 6
"""Source pictures that a grid shows by default."""

LONGEST = 40
"""Most characters of a method's name."""

SOURCE = "Source, unchanged"
"""Title of the source pictures as they are."""


def report(
    methods: Mapping[str, Sequence[StrPath]],
    output: StrPath,
    *,
    source: StrPath,
    target: StrPath,
    rows: int = ROWS,
    pictures: Sequence[str] = (),
    insets: bool = False,
    seed: int = 0,
    state: str = "best",
    labels: StrPath | None = None,
    segmenter: StrPath | None = None,
    label_numbers: str = "ids",
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Path | None:
    """Show and score several methods on the same folder, each after its training or by its finished translations.

    The folder `output` gets `report.html`, `grid.pdf`, `grid.png`, `table.csv`, `table.tex` and `results.json`, and in
    `translations` what was translated now. Repeating the call keeps translations whose model has not changed.

    Args:
        methods: by name, one or more run directories, model files, or folders of translations, which are named after
            their source pictures. Several are taken for several seeds, of which the first is shown. Of the samples
            that `sinct.folders.apply` makes of a picture, the first is shown, and all are scored.
        output: folder for the report.
        source: folder or list of the source domain's test pictures.
        target: folder or list of the target domain's test pictures.
        rows: most source pictures in the grid, drawn at random from those that every method has translated.
        pictures: names of the source pictures in the grid, with or without suffix, instead.
        insets: enlarge the place of each row where the translations differ most.
        seed: draws the rows.
        state: "best" or "last", of run directories; see `sinct.folders.apply`.
        labels, segmenter, label_numbers, weights_dir, random_weights, device: as for `sinct.folders.score`.
        overwrite: replace files in `output` that are not of such a report.
        on_progress: called with what is done, and pictures done and in all.
        should_stop: called between pictures; returning True ends the work.

    Returns:
        Path of the page; None where `should_stop` ended the work before there was one.

    Raises:
        InputError: a place has no pictures, or none that belongs to a source picture, or a chosen picture is not there.
        ConfigError: a name or number is out of range, or what `sinct.folders.apply` says.
        OutputError: `output` holds something else, is one of the folders given, or cannot be written.
        CheckpointError, DeviceError: as for `sinct.folders.apply`.
        WeightsError: as for `sinct.folders.score`.
    """
    folder = Path(output)
    _check(methods, rows, folder, [source, target], overwrite)
    sources = find_images(source)
    places: dict[str, list[Path]] = {}
    remarks: dict[str, str] = {}
    for name, given in methods.items():
        for number, place in enumerate(map(Path, given)):
            if not _is_model(place):
                places.setdefault(name, []).append(place)
                continue
            made = folder / "translations" / file_key(name) / str(number)
            failed = _translate(
                place,
                sources,
                made,
                state,
                device,
                lambda *of, name=name: on_progress(name, *of),
                should_stop,
            )
            if should_stop():
                return None
            if failed:
                remarks[name] = f"{counted(len(failed), 'picture')} left out: {next(iter(failed.values()))}"
            places.setdefault(name, []).append(made)
    translations = {
        name: _by_source(found[0], sources, name, printable(source)) for name, found in places.items()
    }
    shown = _rows(translations, sources, rows, pictures, seed)
    _make(folder)
    scored = score(
        list(dict.fromkeys(place for found in places.values() for place in found)),
        target,
        source=source,
        labels=labels,
        segmenter=segmenter,
        label_numbers=label_numbers,
        weights_dir=weights_dir,
        random_weights=random_weights,
        device=device,
        on_progress=lambda done, total: on_progress("scoring", done, total),
    )
    sets = {name: [scored.sets[printable(place)] for place in found] for name, found in places.items()}
    results = [FolderResult(SOURCE, (shareable(printable(source)),), control=True, scores=scored.unchanged)]
    results += [
        FolderResult(
            name,
            tuple(shareable(printable(place)) for place in methods[name]),
            scores=_of_each(fmean, values),
            deviations=_of_each(stdev, values) if len(values) > 1 else {},
            remark=shareable(remarks.get(name, "")),
        )
        for name, values in sets.items()
    ]
    comparison = FolderComparison(
        source=printable(Path(source).name or source),
        target=printable(Path(target).name or target),
        pictures=len(sources),
        results=tuple(results),
        measures=tuple(_in_order(scored.mean)),
        missing=shareable(scored.missing),
        random=scored.random,
        environment=environment(device),
    )
    how = "as chosen" if pictures else f"drawn at random with seed {seed}"
    return write_folder_report(folder, comparison, shown, how=how, insets=insets)


def _check(
    methods: Mapping[str, Sequence[StrPath]],
    rows: int,
    output: Path,
    inputs: Sequence[StrPath],
    overwrite: bool,
) -> None:
    """Check what was asked for, before any work is done."""
    if not methods or not all(methods.values()):
        raise ConfigError("there is nothing to compare; give one or more methods, each with a place")
    if rows < 1:
        raise ConfigError(f"rows must be 1 or more, got {rows}")
    for name in methods:
        if (
            name != name.strip()
            or not name
            or not name.isprintable()
            or len(name) > LONGEST
            or name == SOURCE
        ):
            raise ConfigError(f"{printable(name)!r} cannot name a method; give 1 to {LONGEST} letters")
    pictures = [Path(place) for given in methods.values() for place in given if not _is_model(Path(place))]
    here = output.resolve()
    for place in (*map(Path, inputs), *pictures):
        own = here / "translations" in place.resolve().parents
        if place.is_dir() and not own and place.resolve() in (here, *here.parents):
            raise OutputError(
                f"{printable(output)} lies in {printable(place)}, whose pictures are compared; give another `output`"
            )
    if (output / "report.html").exists() and not overwrite and not _is_ours(output / "results.json"):
        raise OutputError(
            f"{printable(output)} already holds another report; give `overwrite=True` to replace it, or another "
            "`output`"
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from None


def _is_ours(results: Path) -> bool:
    """Whether a results file is that of such a report."""
    try:
        found = read_json(results)
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"source", "target", "pictures"} <= set(found)


def _is_model(place: Path) -> bool:
    """Whether a place is a run directory or a model file, and no folder of pictures."""
    return (place / "model.safetensors").exists() or place.suffix == ".safetensors"


def _translate(
    run: Path,
    sources: Sequence[Path],
    folder: Path,
    state: str,
    device: str,
    on_picture: Callable[[int, int], None],
    should_stop: Callable[[], bool],
) -> Mapping[Path, str]:
    """Translate all source pictures, except those that the same model has translated; return what failed, and why."""
    model = {"sha256": file_sha256(model_file(run, state)), "sources": [str(path) for path in sources]}
    facts = folder.with_name(f"{folder.name}.json")
    same = facts.exists() and read_json(facts) == model
    if not same:
        facts.unlink(missing_ok=True)
    done = apply(
        run, sources, folder, state=state, device=device, resume=same, overwrite=not same, on_picture=on_picture,
        should_stop=should_stop,
    )  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    write_json(facts, model)
    return done.failed


def _by_source(place: Path, sources: Sequence[Path], name: str, source: str) -> dict[Path, Path]:
    """Translations by their source picture, found by their names without suffix; of several samples, the first."""
    made = {path.stem: path for path in reversed(find_images(place))}
    own = {path.stem for path in sources}
    found = {}
    for path in sources:
        sample = f"{path.stem}-1"
        stem = sample if path.stem not in made and sample not in own else path.stem
        if stem in made:
            found[path] = made[stem]
    if not found:
        raise InputError(
            f"no picture in {printable(place)}, given for {name}, is named after one in {source}; give translations of "
            "these pictures, with their names"
        )
    return found


def _rows(
    translations: Mapping[str, Mapping[Path, Path]],
    sources: Sequence[Path],
    count: int,
    pictures: Sequence[str],
    seed: int,
) -> list[GridRow]:
    """The rows of the grid."""
    common = [path for path in sources if all(path in found for found in translations.values())]
    if pictures:
        chosen = [_named(name, sources, translations) for name in pictures]
    elif not common:
        raise InputError(
            f"there is no source picture that {', '.join(translations)} have all translated; give translations of the "
            "same pictures"
        )
    else:
        drawn = random.Random(seed).sample(range(len(common)), min(count, len(common)))
        chosen = [common[index] for index in sorted(drawn)]
    return [_row(path, [read(found[path]) for found in translations.values()]) for path in chosen]


def _named(name: str, sources: Sequence[Path], translations: Mapping[str, Mapping[Path, Path]]) -> Path:
    """The source picture of a name, which every method must have translated."""
    path = next((path for path in sources if name in (path.name, path.stem)), None)
    if path is None:
        raise InputError(
            f"there is no source picture named {printable(name)}; the first is {printable(sources[0].name)}"
        )
    for method, found in translations.items():
        if path not in found:
            raise InputError(f"{method} has no translation of {printable(name)}; choose another picture")
    return path


def _row(path: Path, made: Sequence[Image.Image]) -> GridRow:
    """A source picture with its translations, scaled to the first one's size where that is another, as tests are."""
    picture = read(path)
    if picture.size != made[0].size:
        picture = picture.resize(made[0].size, Image.Resampling.BICUBIC)
    return GridRow(printable(path.name), [picture, *made])


def _in_order(names: Iterable[str]) -> list[Measure]:
    """The scores in the order of tables; those that are not described come last."""
    order = [score.name for score in (*FOLDER_SCORES, *SCENE_SCORES)]
    return sorted(map(described, names), key=lambda m: order.index(m.name) if m.name in order else len(order))


def _of_each(
    statistic: Callable[[list[float]], float], values: Sequence[Mapping[str, float]]
) -> dict[str, float]:
    """A statistic of each score over several folders."""
    return {name: statistic([each[name] for each in values]) for name in values[0]}
