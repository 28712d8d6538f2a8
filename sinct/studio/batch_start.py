"""Begins a batch with pictures of the studio's folder, as `sinct batch` does with a manifest."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinct.batch import Settings, plan_batch, read_collection, storage
from sinct.errors import ConfigError, InputError
from sinct.runtime.files import printable, unwritable
from sinct.runtime.json_files import restored
from sinct.studio.batches import Batches
from sinct.studio.folder import MOST_PICTURES, new_folder, picture_in, shortened, undone
from sinct.studio.run import Choices
from sinct.studio.studio import Studio

NAME = "batch"
"""Name of a new batch's folder, which gets a number."""


@dataclass(frozen=True)
class Asked:
    """A picture to make.

    Attributes:
        painting: name of the painting in the studio's folder.
        photos: names of photos there, which together are the target.
    """

    painting: str
    photos: tuple[str, ...]


def asked_in(values: list[Any]) -> tuple[Asked, ...]:
    """The pictures that a request names.

    Raises:
        InputError: it is something else.
    """
    try:
        asked: tuple[Asked, ...] = restored(tuple[Asked, ...], values, "a picture")
    except ValueError as error:
        raise InputError(f"the pictures are no pictures: {error}") from None
    return asked


def begin(studio: Studio, batches: Batches, asked: Sequence[Asked], preset: str, choices: Choices) -> str:
    """Begin a batch in a new folder within the studio's.

    Args:
        studio: the studio.
        batches: its batches.
        asked: the pictures to make.
        preset: name of a preset that is offered.
        choices: seed and `faithful` for all of them.

    Returns:
        The batch's name, that of its folder.

    Raises:
        Busy: a process works already.
        InputError: there is no such picture, or a painting is there twice or lacks a photo.
        ConfigError: there is no such preset, or `choices` holds what cannot be.
        OutputError: the folder cannot be written to, or no process can be started.
    """
    _check(studio, asked, preset, choices)
    settings = _with(studio.settings[preset], choices)
    rows: list[dict[str, Any]] = [
        {
            "painting": str(picture_in(studio.folder, each.painting)),
            "photo": [str(picture_in(studio.folder, name)) for name in each.photos],
        }
        for each in asked
    ]
    for row, output in zip(rows, outputs([each.painting for each in asked]), strict=True):
        row["output"] = output
    with studio.lock:
        studio.processes.check_idle()
        folder = new_folder(studio.folder, NAME)
        with undone(folder):
            manifest = _write(folder / ".sinct" / "pictures.jsonl", rows)
            cache = manifest.with_name("matching.json")
            plan_batch(read_collection(str(manifest), str(folder), settings, cache=cache), folder)
            batches.resume(folder.name)
    return folder.name


def outputs(paintings: Sequence[str]) -> list[str]:
    """Names for the paintings' results, each once, also on a disk to which upper and lower case are the same."""
    taken: set[str] = set()
    found = []
    for painting in paintings:
        stem = shortened(Path(painting).stem.strip()) or "picture"
        name, number = stem, 1
        while storage.folded(name) in taken:
            number += 1
            name = f"{stem}-{number}"
        taken.add(storage.folded(name))
        found.append(f"{name}.png")
    return found


def _check(studio: Studio, asked: Sequence[Asked], preset: str, choices: Choices) -> None:
    """Refuse what no batch can be begun with; raises as `begin`."""
    if not asked:
        raise InputError("choose one painting or more")
    if len(asked) > MOST_PICTURES:
        raise InputError(
            f"{len(asked)} paintings are too many; choose at most {MOST_PICTURES}, or begin in a terminal"
        )
    if choices.vary:
        raise ConfigError("variations are tried on one painting; leave them out, or choose one painting")
    seen: set[str] = set()
    for each in asked:
        if each.painting in seen:
            raise InputError(f"{printable(each.painting)[:200]} is there twice; remove it once")
        seen.add(each.painting)
        studio.check(each.photos, preset)


def _with(settings: Settings, choices: Choices) -> Settings:
    """Settings with what was chosen; `read_collection` checks them."""
    changes = {} if choices.faithful is None else {"faithful": choices.faithful}
    return replace(settings, seed=choices.seed, changes={**settings.changes, **changes})


def _write(manifest: Path, rows: Sequence[dict[str, Any]]) -> Path:
    try:
        manifest.parent.mkdir()
        manifest.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    except OSError as error:
        raise unwritable(manifest, error) from None
    return manifest
