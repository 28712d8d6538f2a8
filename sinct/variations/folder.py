"""A folder of variations: what it holds, and what is remembered of each candidate.

variations.json          pictures, settings and scores of all candidates, and what became of the chosen ones
1, 2, ...                a run directory for each (see `sinct.training.run_directory`)
1.png, 2.png, ...        the painting as each translates it, at most 2 megapixels
sheet.png or sheet.jpg   all of them side by side
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinct.errors import CheckpointError, ConfigError, OutputError, one_line
from sinct.objectives.cut import CutSettings
from sinct.runtime.files import StrPath, printable, unwritable
from sinct.runtime.json_files import plain, read_json, restored, write_json
from sinct.training.run_directory import RunDirectory
from sinct.variations.plan import MOST, Planned
from sinct.version import __version__


@dataclass(frozen=True)
class Result:
    """How a candidate turned out.

    Attributes:
        steps: steps it was trained.
        seconds: seconds that took.
        score: its score, see `sinct.training.best.make_judge`; lower is better.
        warnings: code and text of each flaw that shows.
    """

    steps: int
    seconds: float
    score: float
    warnings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Continued:
    """What became of a candidate that was chosen.

    Attributes:
        output: absolute path of the picture; None where that belongs to another candidate now.
        steps: steps it has been trained in all.
        finished: whether that is its whole length.
    """

    output: str | None
    steps: int
    finished: bool


@dataclass(frozen=True)
class Entry:
    """What is stored of a candidate.

    Attributes:
        preset, photos, until: see `Planned`.
        settings: its settings, JSON-serialisable.
        result: None until it is trained.
        continued: None until it is chosen.
        pruned: whether its checkpoint was removed.
    """

    preset: str
    photos: tuple[int, ...]
    settings: Mapping[str, Any]
    until: float
    result: Result | None = None
    continued: Continued | None = None
    pruned: bool = False


@dataclass(frozen=True)
class Record:
    """What is stored of all variations.

    Attributes:
        painting: file name of the painting.
        photos: file names of the photos.
        hashes: SHA-256 of the painting, of each photo and of each region map.
        candidates: the candidates, in the order of their numbers.
        replaceable: absolute path of a picture that was there when older variations were replaced, and may be replaced
            too; None once that has been done.
        sinct: version that began them.
    """

    painting: str
    photos: tuple[str, ...]
    hashes: tuple[str, ...]
    candidates: tuple[Entry, ...]
    replaceable: str | None = None
    sinct: str = __version__

    @property
    def mapped(self) -> bool:
        """Whether there are region maps."""
        return len(self.hashes) > 1 + len(self.photos)


@dataclass(frozen=True)
class Folder:
    """Paths of a folder of variations, and its record."""

    path: Path

    @property
    def record(self) -> Path:
        """What is remembered, JSON."""
        return self.path / "variations.json"

    def run(self, number: int) -> RunDirectory:
        """Run directory of a candidate, numbered from 1."""
        return RunDirectory(self.path / str(number))

    def picture(self, number: int) -> Path:
        """The painting as a candidate translates it."""
        return self.path / f"{number}.png"

    @property
    def sheet(self) -> Path | None:
        """All candidates side by side; None where there is no sheet yet."""
        return next((path for path in self.sheets if path.exists()), None)

    @property
    def sheets(self) -> tuple[Path, Path]:
        """The names that the sheet can have."""
        return self.path / "sheet.png", self.path / "sheet.jpg"

    def read(self) -> Record:
        """Read the record.

        Raises:
            CheckpointError: there is none, or it is damaged.
        """
        try:
            found: Record = restored(Record, read_json(self.record))
            for entry in found.candidates:
                if not entry.photos or not set(entry.photos) <= set(range(len(found.photos))):
                    raise ValueError(f"photos are {entry.photos}")
                settings_of(entry)
            return found
        except FileNotFoundError:
            raise CheckpointError(
                f"{printable(self.path)} holds no variations; train some first, for instance with `seeds=4`"
            ) from None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ConfigError) as error:
            raise CheckpointError(
                f"{printable(self.record)} is damaged ({printable(one_line(error))}); start again with "
                "`overwrite=True`"
            ) from None

    def write(self, record: Record) -> None:
        """Write the record, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        write_json(self.record, plain(record))

    def begin(self, wanted: Record, *, overwrite: bool) -> Record:
        """Take up the variations that are here, or begin new ones.

        Returns:
            The stored record, with what is done already, or the one that is wanted.

        Raises:
            OutputError: the folder holds other variations, or cannot be written to.
            CheckpointError: its record is damaged.
        """
        if overwrite:
            self._clear()
        elif self.record.exists():
            stored = self.read()
            if stored.hashes != wanted.hashes:
                names = ", ".join(map(printable, (stored.painting, *stored.photos)))
                raise OutputError(
                    f"{printable(self.path)} holds variations on other pictures or region maps ({names}); give those, "
                    "another `run_dir`, or `overwrite=True` to start again"
                )
            if [_planned(entry) for entry in stored.candidates] != [
                _planned(entry) for entry in wanted.candidates
            ]:
                raise OutputError(
                    f"{printable(self.path)} holds variations with other settings ({_in_words(stored)}); give those, "
                    "another `run_dir`, or `overwrite=True` to start again"
                )
            return stored
        self.write(wanted)
        return wanted

    def _clear(self) -> None:
        """Remove all that belongs to variations; the record goes last, so that a kill leaves what can be repeated."""
        numbers = range(1, MOST + 1)
        try:
            for folder in (self.run(number).path for number in numbers):
                if folder.is_dir():
                    shutil.rmtree(folder)
            for file in (*map(self.picture, numbers), *self.sheets, self.record):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(self.path, error) from None


def settings_of(entry: Entry) -> CutSettings:
    """Settings of a stored candidate.

    Raises:
        ConfigError: they are no settings, or out of range.
    """
    return CutSettings.from_run(entry.settings)


def entry_of(planned: Planned) -> Entry:
    """What is stored of a candidate before it is trained."""
    return Entry(planned.preset, planned.photos, plain(planned.settings), planned.until)


def replaced(record: Record, number: int, **changes: Any) -> Record:
    """The record with a candidate changed, numbered from 1."""
    entries = list(record.candidates)
    entries[number - 1] = replace(entries[number - 1], **changes)
    return replace(record, candidates=tuple(entries))


def _planned(entry: Entry) -> tuple[Any, ...]:
    """What must be the same for a candidate to be taken up."""
    return entry.preset, entry.photos, settings_of(entry), entry.until


def _in_words(record: Record) -> str:
    """What distinguishes stored variations at a glance: how many there are, and their settings."""
    settings = [settings_of(entry) for entry in record.candidates]
    seeds = sorted({each.seed for each in settings})
    lengths = sorted({each.steps for each in settings if each.steps})
    told = [f"{len(settings)} candidates", *sorted({entry.preset for entry in record.candidates})]
    values = sorted({each.faithful for each in settings})
    if len(values) > 1:
        told.append(f"faithful {', '.join(f'{value:g}' for value in values)}")
    told.append(f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]} to {seeds[-1]}")
    told += [f"{steps} steps for the chosen one" for steps in lengths]
    return printable(", ".join(told))


def maps_of(regions: Sequence[StrPath], photos: Sequence[int]) -> list[StrPath]:
    """Of the maps of the painting and of each photo, if there are any, those for some of the photos."""
    return [regions[number] for number in (0, *(1 + photo for photo in photos)) if number < len(regions)]
