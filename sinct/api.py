"""From files to files: train, translate, apply."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path

import torch

from sinct.data.series import choose, one_or_all, read_series
from sinct.errors import InputError, Remark
from sinct.inference.mixing import Mix
from sinct.inference.model import Model, load_model
from sinct.inference.picture_regions import for_picture
from sinct.inference.streamed import OnPixels
from sinct.inference.to_file import checked_output, translate_to_file
from sinct.inference.window_sizes import check_windows
from sinct.measures.warnings import scale_warning
from sinct.networks.choice import make_generator
from sinct.objectives.cut import CutSettings, Trainer
from sinct.pictures.masks import open_mask
from sinct.pictures.notebook import shown_png
from sinct.pictures.opening import in_memory, open_picture
from sinct.pictures.picture import Picture, read_picture
from sinct.pictures.rows import Source
from sinct.presets import preset as preset_settings
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, irregular, printable
from sinct.training.pair_run import read_maps, run_training
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run_directory import RunDirectory

TRAINING_PIXELS = 16_000_000
"""Paintings that are read in rows are scaled down to this size for training."""


@dataclass(frozen=True)
class Translation:
    """A translated picture, as written to a file.

    Attributes:
        output: path of the picture.
        size: its width and height in pixels.
        warnings: flaws that show in it, one line each.
        training: the training of its model; None where a trained model was applied.
        finished: False when a picture written in rows was stopped before its end; `output` does not exist then, and
            `resume` continues it.
    """

    output: Path
    size: tuple[int, int]
    warnings: tuple[Remark, ...]
    training: Training | None = field(default=None, repr=False)
    finished: bool = True

    def _repr_png_(self) -> bytes | None:
        """The picture, for notebooks; None once its file is gone."""
        return shown_png(self.output)


def train(
    paintings: StrPath | Sequence[StrPath],
    photos: StrPath | Sequence[StrPath],
    run_dir: StrPath,
    *,
    config: CutSettings | None = None,
    preset: str = "standard",
    device: str = "auto",
    resume: bool = False,
    regions: Sequence[StrPath] = (),
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    on_preparing: OnPreparing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a generator that gives one painting, or a series, the look of one or several photos.

    Args:
        paintings: picture file or files. Of several, each step sees one. At most 64 are used, spread evenly over
            the list (a warning says so), and at most 24 megapixels in all: larger paintings are cropped to a part
            at their own resolution (see `sinct.data.series`). `apply` then translates each.
        photos: picture file or files; several form one target together.
        run_dir: folder for checkpoints, log and preview (see `sinct.training.run_directory`).
        config: all settings; by default those of `preset` on the device.
        preset: name of the settings when `config` is not given: instant, draft, standard, paper or authors.
        device: auto, cpu, cuda, cuda:N or mps.
        regions: maps in flat colours, one of the painting and one of each photo: what one colour of the painting's
            covers learns colours, texture and all the rest from what the same colour of a photo's covers (see
            `sinct.data.regions`). Only for a single painting.
        resume: continue the run in `run_dir` with its own settings; only the length, steps and seconds, is taken
            from `config`. Both count from the run's beginning.
        overwrite: replace an older run in `run_dir`.
        on_progress: called every 10 steps, and after the first few with an outlook on the whole.
        on_preparing: called before the first step with what is being done, in a few words; the first time when all
            that was given has been read and checked.
        should_stop: called after every step; returning True saves the state and ends the training.

    Returns:
        The model, and where the run is. Neither stopping early nor time that is up before all steps are done raises
        an error: check `finished` and `capped`.

    Raises:
        InputError: a picture cannot be read.
        OutputError: the run directory already holds a run or cannot be written.
        ConfigError: settings contradict each other, or a picture is too narrow for them.
        CheckpointError: there is no intact run to resume.
        DeviceError: the device is unknown or has too little memory.
        TrainingError: a loss is not finite; the last good checkpoint is kept.
    """
    where = choose_device(device)
    paths = picture_paths(photos)
    for each in regions:
        check_file(each)
    chosen, remarks = choose(picture_paths(paintings))
    sources, targets = read_series(chosen), [read_picture(path) for path in paths]
    maps, found = read_maps(regions, sources, targets)
    return run_training(
        Trainer,
        sources,
        targets,
        RunDirectory(Path(run_dir)),
        config=_settings(config, preset, where, resume=resume),
        preset=preset,
        device=where,
        resume=resume,
        overwrite=overwrite,
        names=input_names(chosen, paths),
        maps=maps,
        on_progress=on_progress,
        on_preparing=on_preparing,
        should_stop=should_stop,
        remarks=[*remarks, *found],
    )


def translate(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    run_dir: StrPath | None = None,
    config: CutSettings | None = None,
    preset: str = "standard",
    device: str = "auto",
    bits: int | None = None,
    profile: str = "srgb",
    strength: float = 1.0,
    keep: Sequence[str] = (),
    mask: StrPath | None = None,
    regions: Sequence[StrPath] = (),
    max_memory: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    on_preparing: OnPreparing | None = None,
    on_pixels: OnPixels | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Translation:
    """Train on one painting and its photos, and write the painting with the photos' look.

    The result has the painting's size, alpha and resolution; its metadata say how it was made. Its colours lie within
    sRGB, in which it is stored unless `profile` says otherwise.

    Args:
        painting: picture file.
        photos: picture file or files; several form one target together.
        output: picture to write: .png, .jpg, .tif, .webp, .jxl, .avif or .dzi.
        run_dir: by default `output` with the suffix .sinct.
        bits: 8 or 16 bits per channel; by default the painting's own where the format allows it, and 16 for a
            kept profile that is much wider than sRGB.
        profile: "srgb", or "keep" to store the same colours in the painting's own RGB profile (see
            `sinct.pictures.output_profile`); where that is not possible, a warning says so and sRGB is written.
        strength: how far to go from the painting, 0, to the translation, 1. What is written is mixed in this order:
            `keep`, `strength`, `mask`, see `sinct.inference.mixing.Mix`. `apply` can change all three without training
            again.
        keep: parts of the painting that the translation gets: "colours", "light" (light and shade of its forms),
            "texture" (detail of low contrast within 33 px, such as strokes), see `sinct.inference.parts`; all of them
            give the painting's own pixels.
        mask: picture file in grey: white shows the translation, black the painting's own pixels, grey both; fitted to
            the painting's size, see `sinct.pictures.masks`. What is transparent counts as black.
        max_memory: bytes for the process while the picture is translated, by default 1.5 GB or half of what is
            free. A picture that needs more is read and written in rows (see `sinct.inference.streamed`), and scaled
            down to 16 megapixels for training.
        on_pixels: called with pixels done and pixels in all, where the picture is written in rows.
        config, preset, device, regions, resume, overwrite, on_progress, on_preparing, should_stop: as for `train`.

    Returns:
        Where the picture is; `training.finished` is False where the training was stopped early, `training.capped` is
        True where its time was up before all steps were done.

    Raises:
        As `train`; an output that cannot be written, and a mask that cannot be used, are refused before training.
    """
    mix = Mix(strength, keep)
    where = choose_device(device)
    paths = picture_paths(photos)
    target = Path(output)
    for path in (*_given(painting, mask), *regions):
        check_file(path)
    source = open_picture(painting, target, max_memory)
    targets = [read_picture(path) for path in paths]
    mix = _masked(mix, mask, source, target)
    # A resumed run may replace the unfinished picture that its interruption left.
    encoding = checked_output(
        target,
        source,
        [*_given(painting, mask), *paths, *regions],
        bits=bits,
        profile=profile,
        overwrite=overwrite or resume,
    )
    size = (source.width, source.height)
    run = RunDirectory(Path(run_dir) if run_dir is not None else target.with_suffix(".sinct"))
    settings = _settings(config, preset, where, resume=resume)
    if settings is not None and isinstance(source, Source):
        with torch.device("meta"):  # without weights
            generator = make_generator(settings.generator, settings.width)
        check_windows(generator, source.height, source.width)  # now, not after the training
    training_source = in_memory(source, TRAINING_PIXELS)
    maps, remarks = read_maps(regions, [training_source], targets)
    training = run_training(
        Trainer,
        [training_source],
        targets,
        run,
        config=settings,
        preset=preset,
        device=where,
        resume=resume,
        overwrite=overwrite,
        names=input_names([painting], paths),
        maps=maps,
        remarks=remarks,
        on_progress=on_progress,
        on_preparing=on_preparing,
        should_stop=should_stop,
        # Who finds the run finds the picture, if it lies beside it.
        output=target.name if target.resolve().parent == run.path.resolve().parent else "",
    )
    in_rows = isinstance(source, Source)
    if in_rows and not training.finished:
        return Translation(target, size, training.warnings, training, finished=False)
    done = translate_to_file(
        replace(training.model, mix=mix),
        source,
        target,
        encoding=encoding,
        max_memory=max_memory,
        resume=resume,
        overwrite=overwrite,
        on_pixels=on_pixels,
        should_stop=should_stop,
    )
    found = (*training.warnings, *done.warnings) if in_rows else done.warnings
    return Translation(target, size, found, training, done.finished)


def apply(
    model: StrPath | Model,
    picture: StrPath,
    output: StrPath,
    *,
    device: str = "auto",
    bits: int | None = None,
    profile: str = "srgb",
    strength: float = 1.0,
    keep: Sequence[str] = (),
    mask: StrPath | None = None,
    regions: StrPath | None = None,
    max_memory: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_pixels: OnPixels | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Translation:
    """Translate any picture with a trained generator.

    Args:
        model: a `Model`, run directory, checkpoint or model file.
        picture: picture file.
        output: picture to write.
        device: auto, cpu, cuda, cuda:N or mps; a `Model` stays where it is.
        bits: 8 or 16 bits per channel; by default the picture's own where the format allows it, and 16 for a
            kept profile that is much wider than sRGB.
        profile: "srgb", or "keep" for the picture's own, as for `translate`.
        strength, keep, mask: what shows of the picture and of its translation, as for `translate`.
        regions: map of the picture in flat colours, those of the painting's map that the model was trained with: each
            part gets the look that the painting's part of this colour has. Without one, a picture other than that
            painting gets the look of all photos together, and a warning says so.
        max_memory: bytes for the process, by default 1.5 GB or half of what is free. A picture that needs more
            is read and written in rows (see `sinct.inference.streamed`).
        resume: continue an interrupted picture that is written in rows.
        overwrite: replace an older output.
        on_pixels: called with pixels done and pixels in all, where the picture is written in rows.
        should_stop: there, called after each row of windows; returning True stops and keeps what is done.

    Raises:
        InputError: the picture, the mask, the map or the model is missing or unreadable, the mask has colours, or the
            map has some that the model does not know.
        OutputError: the output cannot be written.
        ConfigError: there is a map but the model has no regions, `profile` is neither "srgb" nor "keep", `strength`
            does not lie in [0, 1], or `keep` names no part.
        CheckpointError: the model is damaged or from another version.
        DeviceError: the device is unknown or has too little memory.
    """
    mix = Mix(strength, keep)
    target = Path(output)
    given = _given(picture, mask, regions)
    for path in given:
        check_file(path)
    source = open_picture(picture, target, max_memory)
    mix = _masked(mix, mask, source, target)
    encoding = checked_output(
        target, source, given, bits=bits, profile=profile, overwrite=overwrite or resume
    )
    loaded = model if isinstance(model, Model) else load_model(Path(model), choose_device(device))
    loaded, about_regions = for_picture(loaded, source, regions)
    # Of a texture that is kept, the size is right.
    unseen = mix.only_picture or "texture" in mix.keep
    found = [] if unseen else scale_warning(source.width, loaded.widths)
    done = translate_to_file(
        replace(loaded, mix=mix),
        source,
        target,
        encoding=encoding,
        max_memory=max_memory,
        resume=resume,
        overwrite=overwrite,
        on_pixels=on_pixels,
        should_stop=should_stop,
    )
    size = (source.width, source.height)
    return Translation(target, size, (*found, *done.warnings, *about_regions), finished=done.finished)


def _given(*paths: StrPath | None) -> list[StrPath]:
    """A picture, and of its mask and region map those that there are."""
    return [path for path in paths if path is not None]


def _masked(mix: Mix, mask: StrPath | None, source: Picture | Source, target: Path) -> Mix:
    """The mix with a mask, if there is one, at the picture's size; on the disk where that is written in rows."""
    if mask is None:
        return mix
    beside = target if isinstance(source, Source) else None
    return replace(mix, mask=open_mask(mask, source.height, source.width, beside))


def picture_paths(paths: StrPath | Sequence[StrPath]) -> list[StrPath]:
    """Turn one path or several into a list."""
    found = [paths] if isinstance(paths, (str, PathLike)) else list(paths)
    if not found:
        raise InputError("the list of pictures is empty; give at least one painting and one photo")
    for path in found:
        check_file(path)
    return found


def check_file(path: StrPath) -> None:
    """Refuse a pipe or a device, which cannot be read twice.

    Raises:
        InputError: `path` is one.
    """
    with suppress(OSError, ValueError):  # reading it will say what is wrong
        if irregular(Path(path)):
            raise InputError(f"{printable(path)} is a pipe or a device; save it as a file first")


def input_names(paintings: Sequence[StrPath], photos: Sequence[StrPath]) -> dict[str, str | list[str]]:
    """File names of the inputs, for config.json."""
    return {
        "painting": one_or_all([Path(path).name for path in paintings]),
        "photos": [Path(path).name for path in photos],
    }


def _settings(
    config: CutSettings | None, preset: str, device: torch.device, *, resume: bool
) -> CutSettings | None:
    """The settings given, or else the preset's; a resumed run has its own."""
    return config if config is not None or resume else preset_settings(preset, device)
