"""Go on with a candidate that was chosen."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sinct.api import Translation, check_file, picture_paths, translate
from sinct.errors import CheckpointError, ConfigError, OutputError
from sinct.objectives.cut import CutSettings
from sinct.runtime.files import StrPath, file_sha256, printable, unwritable
from sinct.runtime.locks import alone
from sinct.variations.candidates import folder_in, is_trained
from sinct.variations.folder import (
    Continued,
    Entry,
    Folder,
    Record,
    maps_of,
    replaced,
    settings_of,
)


def continue_variation(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    output: StrPath,
    number: int,
    *,
    regions: Sequence[StrPath] = (),
    run_dir: StrPath | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Translation:
    """Train a candidate of `vary` to its end, and write the painting as it then translates it.

    The result is bit for bit that of `translate` with the candidate's seed, preset, photos and whole length, unless the
    clock ended one of its parts. Called again, an interrupted training goes on, and a finished one writes its picture
    again. The other candidates stay as they are: each can be continued too, into another output.

    Args:
        painting: the painting that was given to `vary`.
        photos: all photos that were given to it, in the same order.
        output: picture to write.
        number: number of the candidate, from 1.
        regions: the region maps that were given to it.
        run_dir: by default `output` with the suffix .sinct.
        steps: another length in steps; without `seconds`, the clock does not end it.
        seconds: end it after this time even if its steps are not done. Both count from the candidate's beginning.
        overwrite: replace an older output. One that this candidate was written to before is replaced in any case.
        options: device, bits, profile, strength, max_memory, on_progress, on_pixels, should_stop and others of
            `translate`, but nothing that concerns the settings.

    Raises:
        ConfigError: there is no candidate of that number.
        CheckpointError: there are no variations, they are damaged or on other pictures, or the candidate has not been
            trained yet or has lost its checkpoint.
        OutputError: the output cannot be written, or exists and does not belong to this candidate.

        See `translate` for others.
    """
    target = Path(output)
    folder = folder_in(run_dir if run_dir is not None else target.with_suffix(".sinct"))
    folder.read()  # before its place is made for the lock
    with alone(folder.path, "give another `run_dir`"):
        record = folder.read()
        entry = _chosen(folder, record, number)
        for path in (painting, *regions):
            check_file(path)
        paths = picture_paths(photos)
        if [file_sha256(path) for path in (painting, *paths, *regions)] != list(record.hashes):
            names = ", ".join(map(printable, (record.painting, *record.photos)))
            raise CheckpointError(
                f"{printable(folder.path)} holds variations on other pictures or region maps ({names}); give those in "
                "this order, or another `run_dir`"
            )
        place = str(target.resolve())
        own = {record.replaceable, entry.continued.output if entry.continued is not None else None}
        if target.exists() and not overwrite and place not in own:
            raise OutputError(
                f"{printable(target)} already exists; give another name, with this `run_dir`, or `overwrite=True` to "
                "replace it, which leaves all candidates as they are"
            )
        record = replace(record, replaceable=None)
        for other, each in enumerate(record.candidates, start=1):
            if each.continued is not None and each.continued.output == place:
                record = replaced(record, other, continued=replace(each.continued, output=None))
        before = entry.continued.steps if entry.continued is not None else 0
        record = replaced(record, number, continued=Continued(place, before, False))
        folder.write(record)  # before the output, which is then known as this candidate's whatever happens
        done = translate(
            painting,
            [paths[photo] for photo in entry.photos],
            target,
            regions=maps_of(regions, entry.photos),
            run_dir=folder.run(number).path,
            config=lengthened(entry, steps, seconds),
            resume=True,
            **options,
        )
        trained = done.training
        assert trained is not None
        finished = trained.finished and not trained.capped and done.finished
        folder.write(replaced(record, number, continued=Continued(place, trained.steps, finished)))
        return done


def prune_variations(run_dir: StrPath, keep: int) -> int:
    """Remove the checkpoints of all candidates but one; their models stay, so `apply` still takes them.

    Args:
        run_dir: the `run_dir` of `vary`.
        keep: number of the candidate that can still be continued.

    Returns:
        Bytes that were freed.

    Raises:
        ConfigError: there is no candidate of that number.
        CheckpointError: there are no variations, or they are damaged.
        OutputError: a file cannot be removed.
    """
    folder = folder_in(run_dir)
    folder.read()
    freed = 0
    with alone(folder.path, "give another `run_dir`"):
        record = folder.read()
        _chosen(folder, record, keep)
        for number, entry in enumerate(record.candidates, start=1):
            checkpoint = folder.run(number).checkpoint
            if number == keep or not is_trained(folder, number, entry) or not checkpoint.exists():
                continue
            record = replaced(record, number, pruned=True)
            folder.write(record)
            try:
                freed += checkpoint.stat().st_size
                checkpoint.unlink()
            except OSError as error:
                raise unwritable(checkpoint, error) from None
    return freed


def _chosen(folder: Folder, record: Record, number: int) -> Entry:
    """A candidate that can be continued.

    Raises:
        ConfigError: there is none of that number.
        CheckpointError: it is not trained yet, or has no checkpoint any more.
    """
    count = len(record.candidates)
    if not 1 <= number <= count:
        raise ConfigError(
            f"there is no candidate {number} in {printable(folder.path)}, which holds {count}; choose one of 1 to "
            f"{count}"
        )
    entry = record.candidates[number - 1]
    if not is_trained(folder, number, entry):
        raise CheckpointError(
            f"candidate {number} has not been trained yet; train the candidates first, which goes on where it was"
        )
    if entry.pruned:
        raise CheckpointError(
            f"the checkpoint of candidate {number} was pruned, so it cannot be continued; its model is in "
            f"{printable(folder.run(number).path)}"
        )
    return entry


def lengthened(entry: Entry, steps: int | None, seconds: float | None) -> CutSettings | None:
    """Settings with another length; None where it stays. Steps alone free it from the limit to its time."""
    if steps is None and seconds is None:
        return None
    own = settings_of(entry)
    return own.replace(steps=own.steps if steps is None else steps, seconds=seconds)
