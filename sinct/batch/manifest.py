"""Turns a manifest (a CSV file or lines of JSON) into a list of jobs; each row describes one picture."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any

import torch

from sinct.batch import storage
from sinct.batch.jobs import Job, distinct
from sinct.batch.settings import Settings
from sinct.errors import ConfigError, InputError, did_you_mean, one_line
from sinct.inference.mixing import Mix
from sinct.objectives.cut import CutSettings
from sinct.runtime.csv_files import read_csv
from sinct.runtime.json_files import parsed, typed_value

MANIFESTS = (".csv", ".jsonl", ".ndjson")
"""Suffixes of collections that are manifests."""

OWN = (
    "painting", "photo", "photos", "output", "preset", "steps", "time", "seed", "bits", "profile", "strength", "keep",
    "mask",
)  # fmt: skip
"""Columns of a manifest that are not settings of `sinct.Config`."""

TEXTS = ("painting", "photo", "photos", "output", "preset", "profile", "keep", "mask")
"""Columns whose cells are texts, whatever they look like."""


def read_manifest(path: str, folder: str, suffix: str, settings: Settings) -> list[Job]:
    """A job for each row of a CSV file or line of JSON.

    Args:
        path: the manifest. Columns: painting, photo (several in one cell separated by ";", or a list in JSON) and,
            optionally, output, preset, steps, time (seconds), seed, bits, profile, strength, keep (several as photos
            are given), mask and any setting of `sinct.Config`. Paths are relative to the manifest, outputs to the
            batch's folder.
        folder: where the outputs go.
        suffix: suffix of outputs that the manifest does not name.
        settings: apply wherever a row gives nothing else.

    Raises:
        InputError: the manifest cannot be read or lacks a column. A faulty row becomes a job with that fault.
    """
    rows = _rows(path)
    base = Path(path).parent
    jobs = []
    for number, row in rows:
        fault, made = None, settings
        painting = _cell(row, "painting")
        photos = _listed(row.get("photo") or row.get("photos"))
        if not painting or not photos:
            fault = f"{path}, line {number}, lacks a painting or a photo; add it"
        try:
            made = _settings(row, settings)
        except ConfigError as error:
            fault = f"{path}, line {number}: {error}"
        named = _cell(row, "output")
        if any(text and not PurePosixPath(text).name for text in (painting, named)):  # such as "." or "/"
            fault, named, painting = (
                f"{path}, line {number}: the painting or output is no file; name one",
                "",
                "",
            )
        name = str(PurePosixPath(named or painting or f"line-{number}").with_suffix(""))
        if storage.is_remote(named) or Path(named).is_absolute():
            output, name = named, PurePosixPath(named).stem
        else:
            name = name if named else PurePosixPath(name).name
            if ".." in PurePosixPath(name).parts:
                fault = (
                    f"{path}, line {number}: the output {named} lies outside the batch's folder; leave out .."
                )
                name = f"line-{number}"
            output = storage.join(folder, named if PurePosixPath(named).suffix else name + suffix)
        place = tuple(_resolved(photo, base) for photo in photos)
        masks = tuple(_resolved(mask, base) for mask in [_cell(row, "mask")] if mask)
        if row.get("mask") and not masks:
            fault = f"{path}, line {number}: the mask is no file; name one"
        jobs.append(
            Job(name, "pair", (_resolved(painting, base),), place, output, made, fault=fault, masks=masks)
        )
    return distinct(jobs)


def _rows(path: str) -> Sequence[tuple[int, Mapping[Any, Any]]]:
    """Lines of a manifest with their numbers."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")  # line breaks within cells stay as they are
        rows: list[tuple[int, Mapping[Any, Any]]]
        if path.lower().endswith(".csv"):
            rows = list(read_csv(text))
            known = set(rows[0][1]) if rows else set()
        else:
            lines = enumerate(text.split("\n"), start=1)
            rows = [(number, parsed(line)) for number, line in lines if line.strip()]
            if not all(isinstance(row, dict) for _, row in rows):
                raise ValueError("every line must be an object")
            known = set(rows[0][1]) if rows else set()
    except UnicodeDecodeError:
        raise InputError(f"the manifest {path} is not in UTF-8; save it as CSV in UTF-8") from None
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or one_line(error)
        raise InputError(f"cannot read the manifest {path}: {reason}") from None
    if not rows or "painting" not in known or not {"photo", "photos"} & known:
        raise InputError(
            f"the manifest {path} needs the columns painting and photo and a line for each picture, for instance "
            "'monet.jpg,coast.jpg'; output, preset, steps, time, seed, bits, profile, strength, keep, mask and "
            "settings may follow"
        )
    return rows


def _settings(row: Mapping[str, Any], default: Settings) -> Settings:
    """The default settings with the row's changes.

    Raises:
        ConfigError: a cell is not a value, or is out of range.
    """
    values = {name: _value(name, row[name]) for name in row if row[name] not in (None, "")}
    if None in row:
        raise ConfigError("it has more cells than the first line has names; remove them or add names")
    changes = {name: value for name, value in values.items() if name not in OWN}
    known = (*OWN, *CutSettings.names())
    for name in changes:
        if name not in known:
            near = did_you_mean(name, known)
            raise ConfigError(
                f"the column {name!r:.200} is neither one of {', '.join(OWN)} nor a setting{near or '; remove it'}"
            )
    made = replace(default, changes={**default.changes, **changes})
    if "time" in values:
        made = replace(made, seconds=values["time"])
    for name in ("preset", "steps", "seed", "bits", "profile", "strength"):
        if name in values:
            made = replace(made, **{name: values[name]})
    if "keep" in values:
        made = replace(made, keep=tuple(Mix(keep=_parts(values["keep"])).keep))
    made.config(torch.device("cpu"))
    return made


def _value(name: str, value: Any) -> Any:
    """A CSV cell as the number, list, boolean or name that it stands for."""
    if not isinstance(value, str) or name in TEXTS:
        return value
    try:
        return typed_value(value)
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None


def _parts(value: Any) -> Any:
    """Parts to keep, as a list where they are one text."""
    return [part.strip() for part in value.split(";")] if isinstance(value, str) else value


def _cell(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""


def _listed(value: Any) -> list[str]:
    """Photos of a row."""
    parts = value.split(";") if isinstance(value, str) else value if isinstance(value, list) else []
    return [part.strip() for part in parts if isinstance(part, str) and part.strip()]


def _resolved(place: str, base: Path) -> str:
    """A place named in a manifest, relative to the manifest's folder."""
    return place if not place or storage.is_remote(place) else str(base / place)
