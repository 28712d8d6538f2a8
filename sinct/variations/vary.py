"""Train candidates within one budget, and show them side by side."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch

from sinct.api import TRAINING_PIXELS, check_file, picture_paths
from sinct.errors import CheckpointError
from sinct.inference.to_file import checked_output
from sinct.inference.window_sizes import check_windows
from sinct.networks.choice import make_generator
from sinct.objectives.cut import CutSettings
from sinct.pictures.masks import open_mask
from sinct.pictures.opening import in_memory, open_picture
from sinct.pictures.picture import read_picture
from sinct.pictures.rows import Source
from sinct.presets import preset as preset_settings
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, file_sha256, printable
from sinct.runtime.locks import alone
from sinct.training.pair_run import read_drawn
from sinct.training.progress import OnPreparing
from sinct.variations.candidates import (
    Candidate,
    Variations,
    folder_in,
    is_trained,
    variations_of,
    write_sheet,
)
from sinct.variations.folder import (
    Folder,
    Record,
    entry_of,
    replaced,
)
from sinct.variations.plan import plan
from sinct.variations.work import OnVariation, Work


def vary(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    seeds: int = 1,
    presets: Sequence[str] | Mapping[str, CutSettings] = (),
    each_photo: bool = False,
    each_faithful: Sequence[float] = (),
    regions: Sequence[StrPath] = (),
    run_dir: StrPath | None = None,
    config: CutSettings | None = None,
    preset: str = "standard",
    device: str = "auto",
    max_memory: int | None = None,
    mask: StrPath | None = None,
    overwrite: bool = False,
    on_progress: OnVariation | None = None,
    on_preparing: OnPreparing | None = None,
    on_candidate: Callable[[Candidate], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Variations:
    """Train several candidates for one picture, each for a short time, to choose from.

    There is a candidate for each combination of seed, preset, photo and `faithful`. They are trained one after another.
    Together they take half of the budget, and the one that is chosen takes the other half (see
    `sinct.variations.plan.divide`): of 250 steps, four candidates have 31 each, and `continue_variation` trains one up
    to step 157. Called again in the same way, candidates that are trained stay as they are, and the others are trained.

    Args:
        painting: picture file.
        photos: picture file or files.
        output: the picture that the chosen candidate will be written to. Nothing is written to it now, but a format
            that cannot hold the painting is refused.
        seeds: number of seeds, counted up from that of the settings.
        presets: names of presets, or settings by name; their lengths do not count, except that 0 steps train nothing.
        each_photo: make a candidate of each photo by itself, instead of one target of all together.
        each_faithful: values of the setting `faithful`, from 0 to 1, instead of that of the settings: how much of the
            strokes should go depends on the painting, and is best seen.
        regions: maps of the painting and of each photo, as for `train`.
        run_dir: by default `output` with the suffix .sinct; the candidates are in its folder `variations`.
        config: settings, whose length is the budget; by default those of `preset` on the device.
        preset: name of the settings when `config` is not given.
        device: auto, cpu, cuda, cuda:N or mps.
        max_memory: as for `translate`; the same is needed to continue.
        mask: the mask that the picture will be written with, see `translate`. It makes no difference to candidates, but
            one that cannot be used is refused now.
        overwrite: replace older variations, those that were continued too; the output may then be replaced once.
        on_progress: called as the trainings report, see `train`.
        on_preparing: called before a candidate's first step, see `train`.
        on_candidate: called with each candidate when it has been trained, after it was added to the sheet.
        should_stop: called after every step; returning True saves the state and ends the training.

    Returns:
        The candidates and their sheet; `finished` is False where it was stopped early.

    Raises:
        OutputError: the run directory holds variations of other pictures or settings, or cannot be written, or see
            `translate`.
        ConfigError: there is nothing to choose from, the budget is too small for so many, or settings contradict each
            other.
        CheckpointError: the stored variations are damaged.
        InputError, DeviceError, TrainingError: see `train`.
    """
    where = choose_device(device)
    paths, target = picture_paths(photos), Path(output)
    given = [painting] if mask is None else [painting, mask]
    for path in (*given, *regions):
        check_file(path)
    source = open_picture(painting, target, max_memory)
    targets = [read_picture(path) for path in paths]
    if mask is not None:
        open_mask(mask, source.height, source.width, target if isinstance(source, Source) else None)
    checked_output(target, source, [*given, *paths, *regions], bits=None, profile="srgb", overwrite=True)
    base = config if config is not None else preset_settings(preset, where)
    named = {preset: base}
    if presets:
        named = dict(presets) if isinstance(presets, Mapping) else {
            name: preset_settings(name, where) for name in presets
        }  # fmt: skip
    hashes = [each.sha256 for each in targets]
    planned = plan(base, named, hashes, seeds=seeds, each_photo=each_photo, each_faithful=each_faithful)
    if isinstance(source, Source):
        for settings in named.values():
            with torch.device("meta"):  # without weights
                generator = make_generator(settings.generator, settings.width)
            check_windows(generator, source.height, source.width)  # now, not after the training
    small = in_memory(source, TRAINING_PIXELS)
    drawn = read_drawn(regions, [small], targets)
    if drawn is not None:
        drawn.matched()  # raises now
    wanted = Record(
        Path(painting).name,
        tuple(Path(path).name for path in paths),
        (source.sha256, *(each.sha256 for each in targets), *map(file_sha256, regions)),
        tuple(entry_of(each) for each in planned),
        replaceable=str(target.resolve()) if overwrite and target.exists() else None,
    )
    folder = folder_in(run_dir if run_dir is not None else target.with_suffix(".sinct"))
    with _begun(folder, wanted, overwrite=overwrite) as record:
        work = Work(folder, small, targets, drawn, where, on_progress, on_preparing, should_stop)
        return _train_rest(work, record, on_candidate)


def resume_variations(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    run_dir: StrPath | None = None,
    device: str = "auto",
    max_memory: int | None = None,
    on_progress: OnVariation | None = None,
    on_preparing: OnPreparing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Variations:
    """Train the candidates that are left of what `vary` began, by what is stored of them.

    It is for those who do not know what `vary` was given; called again in the same way, that does the same.

    Args:
        painting: the painting that was given to `vary`.
        photos: all photos that were given to it, in the same order.
        output: the picture that the chosen candidate will be written to.
        run_dir: by default `output` with the suffix .sinct.
        device, max_memory, on_progress, on_preparing, should_stop: as for `vary`.

    Returns:
        The candidates and their sheet; `finished` is False where it was stopped early.

    Raises:
        CheckpointError: there are no variations, or they are damaged, on other pictures, or with region maps.
        InputError, DeviceError, OutputError, TrainingError: see `train`.
    """
    where, paths, target = choose_device(device), picture_paths(photos), Path(output)
    check_file(painting)
    folder = folder_in(run_dir if run_dir is not None else target.with_suffix(".sinct"))
    folder.read()  # before its place is made for the lock
    with alone(folder.path, "give another `run_dir`"):
        record = folder.read()
        if record.mapped:
            raise CheckpointError(
                f"{printable(folder.path)} holds variations with region maps; train the others as these were begun"
            )
        source = open_picture(painting, target, max_memory)
        targets = [read_picture(path) for path in paths]
        if (source.sha256, *(each.sha256 for each in targets)) != record.hashes:
            names = ", ".join(map(printable, (record.painting, *record.photos)))
            raise CheckpointError(
                f"{printable(folder.path)} holds variations on other pictures ({names}); give those in this order"
            )
        small = in_memory(source, TRAINING_PIXELS)
        work = Work(folder, small, targets, None, where, on_progress, on_preparing, should_stop)
        return _train_rest(work, record, None)


def _train_rest(work: Work, record: Record, on_candidate: Callable[[Candidate], None] | None) -> Variations:
    """Train the candidates that are not trained yet, and add each to the sheet."""
    folder = work.folder
    if any(is_trained(folder, number, entry) for number, entry in enumerate(record.candidates, start=1)):
        write_sheet(folder, record, work.painting, work.photos)  # a kill may have left an older one
    for number, entry in enumerate(record.candidates, start=1):
        if is_trained(folder, number, entry):
            continue
        result = work.train(record, number)
        if result is None:
            break
        record = replaced(record, number, result=result)
        folder.write(record)
        write_sheet(folder, record, work.painting, work.photos)
        if on_candidate is not None:
            on_candidate(variations_of(folder, record).candidates[number - 1])
    return variations_of(folder, record)


@contextmanager
def _begun(folder: Folder, wanted: Record, *, overwrite: bool) -> Iterator[Record]:
    """Take up stored variations or begin new ones, alone; a fault before any training leaves nothing of new ones."""
    numbers, place = range(1, len(wanted.candidates) + 1), folder.path.parent
    there = place.exists()
    try:
        with alone(folder.path, "give another `run_dir`"):
            record = folder.begin(wanted, overwrite=overwrite)
            try:
                yield record
            finally:
                if not any(folder.run(number).config.exists() for number in numbers):
                    folder.record.unlink(missing_ok=True)
    finally:
        if not there:
            with suppress(OSError):  # it is not empty
                place.rmdir()
