"""What a person gives as a collection, as a list of jobs: a folder, a pattern, or a manifest."""

import csv
import glob
import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from sinct.batch import storage
from sinct.batch.ledger import Entry
from sinct.batch.matching import Descriptions, PhotosFor, photos_by_look, photos_by_name, same_photos
from sinct.batch.settings import Settings
from sinct.data.series import choose
from sinct.errors import ConfigError, InputError, one_line
from sinct.pictures.encoding import FORMATS

PICTURES = (
    ".avif", ".bmp", ".gif", ".jp2", ".jpe", ".jpeg", ".jpg", ".jxl", ".pbm", ".pgm", ".png", ".ppm", ".psd", ".tga",
    ".tif", ".tiff", ".webp",
)  # fmt: skip
"""Suffixes by which pictures are told from other files in a folder."""

MANIFESTS = (".csv", ".jsonl", ".ndjson")

SERIES = "shared-model"
"""Name of the job that trains one model for all."""

OWN = ("painting", "photo", "photos", "output", "preset", "steps", "time", "seed", "bits")
"""Columns of a manifest that are not names of single settings."""


@dataclass(frozen=True)
class Job:
    """One picture to be made, or a model for several.

    Attributes:
        name: unique; the output's path within the batch's folder, without suffix.
        kind: "pair", "series" or "apply", see `sinct.batch.perform.Request`.
        paintings: paths or URLs; several for a series.
        photos: paths or URLs, the target together.
        output: path or URL; empty for a series.
        settings: of the training and the output.
        needs: name of the job whose model is applied.
        fault: why it cannot be done, one line, as far as that shows beforehand.
    """

    name: str
    kind: str
    paintings: tuple[str, ...]
    photos: tuple[str, ...]
    output: str
    settings: Settings
    needs: str | None = None
    fault: str | None = None

    def entry(self) -> Entry:
        """As the ledger keeps it."""
        job = {
            "kind": self.kind, "settings": self.settings.to_json(), "needs": self.needs, "fault": self.fault,
            "paintings": self.paintings,
        }  # fmt: skip
        return Entry(self.name, self.paintings[0] if self.paintings else "", self.photos, self.output, job)


def from_pictures(
    paintings: Sequence[tuple[str, str]], photos_for: PhotosFor, folder: str, suffix: str, settings: Settings
) -> list[Job]:
    """A job for each picture of a folder.

    Args:
        paintings: name and place of each, see `find_paintings`.
        photos_for: chooses the reference.
        folder: for the outputs.
        suffix: of the outputs, with its dot.
        settings: of all.
    """
    jobs = []
    for name, painting in paintings:
        photos: tuple[str, ...] = ()
        fault = None
        try:
            photos = photos_for(painting)
        except InputError as error:
            fault = str(error)
        output = storage.join(folder, name + suffix)
        jobs.append(Job(name, "pair", (painting,), photos, output, settings, fault=fault))
    return _distinct(jobs)


def find_paintings(collection: str) -> list[tuple[str, str]]:
    """Name and place of each picture in a folder and below, or that a pattern matches.

    Args:
        collection: folder, local or remote; or a pattern with *, ? or ** for any folders.

    Raises:
        InputError: nothing is there.
    """
    if not storage.is_remote(collection) and not Path(collection).exists() and glob.has_magic(collection):
        places = sorted(glob.glob(collection, recursive=True))
        fixed = Path(collection)
        while glob.has_magic(str(fixed)):
            fixed = fixed.parent
        root = str(fixed)
    elif Path(collection).is_file():
        raise InputError(
            f"{collection} is one file; give a folder of paintings or a manifest that ends in {', '.join(MANIFESTS)}, "
            "or use `sinct translate` for one picture"
        )
    else:
        places, root = list(storage.files_in(collection)), collection
    pictures = [place for place in places if PurePosixPath(place).suffix.lower() in PICTURES]
    if not pictures:
        raise InputError(f"there is no picture in {collection}")
    return [(_name_below(place, root), place) for place in pictures]


def _name_below(place: str, root: str) -> str:
    """The path within a folder, without suffix, as names of jobs have it."""
    if storage.is_remote(root):
        inside = place[len(root.rstrip("/")) + 1 :] if place.startswith(root) else place.rpartition("/")[2]
    else:
        inside = Path(place).relative_to(root).as_posix()
    return str(PurePosixPath(inside).with_suffix(""))


def read_manifest(path: str, folder: str, suffix: str, settings: Settings) -> list[Job]:
    """A job for each row of a CSV file or line of JSON.

    Args:
        path: of the manifest. Columns: painting, photo (several in one cell with ";", or a list in JSON), and if
            wanted output, preset, steps, time (seconds), seed, bits and any setting of `sinct.Config`. Paths are
            relative to the manifest, outputs to the batch's folder.
        folder: for the outputs.
        suffix: of outputs that the manifest does not name.
        settings: where a row says nothing else.

    Raises:
        InputError: it cannot be read or lacks a column. A row with a fault becomes a job with that fault.
    """
    rows = _rows(path)
    base = Path(path).parent
    jobs = []
    for number, row in rows:
        fault, made = None, settings
        painting = _cell(row, "painting")
        photos = _listed(row.get("photo") or row.get("photos"))
        if not painting or not photos:
            fault = f"{path}, line {number}, lacks a painting or a photo"
        try:
            made = _settings(row, settings)
        except ConfigError as error:
            fault = f"{path}, line {number}: {error}"
        named = _cell(row, "output")
        name = str(PurePosixPath(named or painting or f"line-{number}").with_suffix(""))
        if storage.is_remote(named) or Path(named).is_absolute():
            output, name = named, PurePosixPath(named).stem
        else:
            name = name if named else PurePosixPath(name).name
            if ".." in PurePosixPath(name).parts:
                fault = f"{path}, line {number}: the output {named} lies outside the batch's folder"
                name = f"line-{number}"
            output = storage.join(folder, named if PurePosixPath(named).suffix else name + suffix)
        place = tuple(_resolved(photo, base) for photo in photos)
        jobs.append(Job(name, "pair", (_resolved(painting, base),), place, output, made, fault=fault))
    return _distinct(jobs)


def shared(jobs: Sequence[Job], photos: Sequence[str], settings: Settings) -> list[Job]:
    """The same pictures by one model: a training on all of them, to whose end their own jobs wait.

    Args:
        jobs: one for each picture.
        photos: the target together.
        settings: of the training.
    """
    sound = [job for job in jobs if job.fault is None]
    paintings, remarks = choose([job.paintings[0] for job in sound])
    for remark in remarks:
        warnings.warn(remark, stacklevel=3)
    fault = None if paintings else "no painting of the series can be read"
    training = Job(SERIES, "series", tuple(paintings), tuple(photos), "", settings, fault=fault)
    return [training, *(replace(job, kind="apply", photos=(), needs=SERIES) for job in jobs)]


def _rows(path: str) -> Sequence[tuple[int, Mapping[str, Any]]]:
    """Lines of a manifest with their numbers."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        if path.lower().endswith(".csv"):
            reader = csv.DictReader(text.splitlines(), skipinitialspace=True)
            rows = [(reader.line_num, row) for row in reader]
            known = set(reader.fieldnames or ())
        else:
            lines = enumerate(text.splitlines(), start=1)
            rows = [(number, json.loads(line)) for number, line in lines if line.strip()]
            if not all(isinstance(row, dict) for _, row in rows):
                raise ValueError("every line must be an object")
            known = set(rows[0][1]) if rows else set()
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"cannot read the manifest {path}: {reason}") from None
    if not rows or "painting" not in known or not {"photo", "photos"} & known:
        raise InputError(
            f"the manifest {path} needs the columns painting and photo and a line for each picture, for instance "
            "'monet.jpg,coast.jpg'; output, preset, steps, time, seed, bits and settings may follow"
        )
    return rows


def _settings(row: Mapping[str, Any], default: Settings) -> Settings:
    """What a row sets, over what all have.

    Raises:
        ConfigError: a value is none, or out of range.
    """
    values = {name: _value(name, row[name]) for name in row if row[name] not in (None, "")}
    if None in row:
        raise ConfigError("it has more cells than the first line has names")
    changes = {name: value for name, value in values.items() if name not in OWN}
    made = replace(default, changes={**default.changes, **changes})
    if "steps" in values or "time" in values:
        made = replace(made, steps=values.get("steps"), seconds=values.get("time"))
    for name in ("preset", "seed", "bits"):
        if name in values:
            made = replace(made, **{name: values[name]})
    made.config(torch.device("cpu"))
    return made


def _value(name: str, value: Any) -> Any:
    """A cell of a CSV file as the number, list or truth value that it means."""
    if not isinstance(value, str) or name in ("painting", "photo", "photos", "output", "preset"):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ConfigError(
            f"{name}: {value!r} is no value; give a number, true, false or a list such as [32,64]"
        ) from None


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _listed(value: Any) -> list[str]:
    """Photos of a row."""
    parts = value.split(";") if isinstance(value, str) else value if isinstance(value, list) else []
    return [part.strip() for part in parts if isinstance(part, str) and part.strip()]


def _resolved(place: str, base: Path) -> str:
    """A place that a manifest names, from where the manifest lies."""
    return place if not place or storage.is_remote(place) else str(base / place)


def _distinct(jobs: Sequence[Job]) -> list[Job]:
    """Give a fault to jobs that would write what another one writes, also where a disk ignores capitals."""
    outputs: dict[str, Job] = {}
    names: set[str] = set()
    found = []
    for job in jobs:
        earlier = outputs.setdefault(storage.folded(job.output), job)
        if earlier is not job:
            fault = (
                f"its output {job.output} is also that of {earlier.paintings[0]}; rename one, or name outputs in a "
                "manifest"
            )
            job = replace(job, fault=job.fault or fault)
        name, number = job.name, 1
        while storage.folded(name) in names or name == SERIES:
            number += 1
            name = f"{job.name} ({number})"
        names.add(storage.folded(name))
        found.append(replace(job, name=name))
    return found


def read_collection(
    collection: str,
    folder: str,
    settings: Settings,
    *,
    photo: Sequence[str] = (),
    photos: str | None = None,
    match: str = "name",
    shared_model: bool = False,
    suffix: str = ".png",
    cache: Path,
) -> list[Job]:
    """Every job of a collection.

    Args:
        collection: folder, local or remote; pattern; or manifest.
        folder: for the outputs.
        settings: of all.
        photo: the reference of every painting; several are the target together.
        photos: folder of references, of which each painting gets one.
        match: how: "name", "palette" or "nearest" (see `sinct.batch.matching`).
        shared_model: train one model for all, toward all references together.
        suffix: of outputs that a manifest does not name.
        cache: file that keeps what matching has found out about pictures.

    Raises:
        InputError: nothing is there, or the manifest cannot be read.
        ConfigError: what was given contradicts itself.
    """
    settings.config(torch.device("cpu"))  # refuse before any work
    if suffix not in FORMATS:
        raise ConfigError(f"unknown format {suffix!r}; there are {', '.join(FORMATS)}")
    if shared_model and match != "name":
        raise ConfigError(
            "one model is trained toward all photos together; leave out --match or --shared-model"
        )
    if collection.lower().endswith(MANIFESTS):
        if photo or photos:
            raise ConfigError("a manifest names its photos itself; leave out --photo and --photos")
        jobs = read_manifest(collection, folder, suffix, settings)
        targets = sorted({place for job in jobs for place in job.photos})
    elif bool(photo) == bool(photos):
        raise ConfigError("give either --photo, a reference for all, or --photos, a folder of references")
    else:
        descriptions = None
        paintings = find_paintings(collection)
        targets = list(photo) if photos is None else [place for _, place in find_paintings(photos)]
        if photos is None or shared_model:
            photos_for = same_photos(targets)
        elif match == "name":
            photos_for = photos_by_name(targets, photos)
        else:
            descriptions = Descriptions(cache)
            photos_for, remarks = photos_by_look(targets, match, descriptions, cache.parent)
            for remark in remarks:
                warnings.warn(remark, stacklevel=2)
        jobs = from_pictures(paintings, photos_for, folder, suffix, settings)
        if descriptions is not None:
            descriptions.save()
    return shared(jobs, targets, settings) if shared_model else jobs
