"""Translate pictures with what was trained on two folders."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from os import PathLike
from pathlib import Path

import torch

from sinct.data.folders import find_images
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.errors import (
    CheckpointError,
    ConfigError,
    InputError,
    OutOfMemoryError,
    OutputError,
    counted,
)
from sinct.inference.model import Model, load_model
from sinct.inference.to_file import checked_output, translate_to_file
from sinct.networks.styled import StyledGenerator
from sinct.objectives.folder_methods import METHODS
from sinct.objectives.folder_multimodal import MultimodalGan
from sinct.pictures.encoding import FORMATS
from sinct.pictures.opening import open_picture
from sinct.pictures.picture import write_picture
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, printable
from sinct.training.run_directory import RunDirectory

STATES = ("best", "last")
"""States of a training that can be applied."""


SIZES = ("tested", "own")
"""Sizes at which pictures can be translated."""


MOST_SAMPLES = 1000
"""Translations of one picture that can be asked for at once."""


@dataclass(frozen=True)
class Applied:
    """How translating a folder ended.

    Attributes:
        written: pictures written now.
        kept: pictures that were there already and were kept.
        failed: pictures that could not be translated, with the reason in one line; also those too large for the memory.
        warnings: flaws and notes, one line each, which begins with the picture's name; only at their own size.
    """

    written: tuple[Path, ...]
    kept: tuple[Path, ...]
    failed: Mapping[Path, str]
    warnings: tuple[str, ...] = ()


def apply(
    run: StrPath,
    images: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    state: str = "best",
    size: str = "tested",
    suffix: str = ".png",
    samples: int | None = None,
    reference: StrPath | None = None,
    device: str = "auto",
    max_memory: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_picture: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Applied:
    """Translate pictures with a trained model.

    Args:
        run: run directory, or model file.
        images: folder or list of pictures, see `find_images`, or picture files.
        output: folder for the translations, which keep the pictures' names.
        state: "best" or "last", see `train`; a model file has one state.
        size: "tested" scales pictures as the training's tests do, for scores by the paper's protocol; "own" keeps
            each at its size, with its transparency, resolution and EXIF data.
        suffix: of the files written, which chooses their format.
        samples: translations of each picture, NAME-1.png to NAME-N.png, with style codes that are drawn from their
            prior by the training's seed: number 3 has the same for all pictures, however many there are. None makes
            one, NAME.png, with the mean style of the target domain. Only for methods with style codes.
        reference: picture whose style all translations get, scaled as the training's tests scale it. Only for these.
        device: auto, cpu, cuda, cuda:N or mps.
        max_memory: bytes for the process, see `sinct.apply`. Generators with instance norm need a picture at once.
        resume: keep pictures that are there already.
        overwrite: replace them.
        on_picture: called with translations done and translations in all.
        should_stop: called before each of them; returning True ends the work.

    Raises:
        InputError: there are no pictures, or the reference cannot be read.
        OutputError: a file is there already, it is one of the pictures themselves, two would get the same name, or
            the folder cannot be written.
        CheckpointError, DeviceError: as for `sinct.apply`.
        ConfigError: an unknown state, size or format, `resume` with `overwrite`, `samples` with `reference` or not
            from 1 to 1,000, one of these for a model without styles, or "tested" for one that was trained on a pair.
    """
    for name, value, known in (("state", state, STATES), ("size", size, SIZES)):
        if value not in known:
            raise ConfigError(f"unknown {name} {value!r}; choose one of {', '.join(known)}")
    if suffix.lower() not in FORMATS:
        raise ConfigError(f"suffix must be one of {', '.join(FORMATS)}, got {suffix!r}")
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` contradict each other; give one of them")
    if samples is not None and not 1 <= samples <= MOST_SAMPLES:
        raise ConfigError(f"samples must be from 1 to {MOST_SAMPLES:,}, got {samples}")
    if samples is not None and reference is not None:
        raise ConfigError("a reference gives one style, but `samples` asks for several; give one of them")
    model = load_model(model_file(Path(run), state), choose_device(device))
    trained_on_folders = {method.trainer.name for method in METHODS.values()}
    if size == "tested" and model.objective not in trained_on_folders:
        raise ConfigError(
            f"{printable(run)} was trained on a pair of pictures, so there is no size of its tests; "
            "`sinct folders apply --size own` translates with it"
        )
    paths = (
        find_images(images) if isinstance(images, (str, PathLike)) else tuple(Path(path) for path in images)
    )
    styled = _styled(model, samples, reference)
    targets = _named(paths, Path(output), suffix, samples)
    present = [target for target in targets if target.exists()]
    if present and not (resume or overwrite):
        raise OutputError(
            f"{printable(present[0])} already exists ({len(present)} of {counted(len(targets), 'picture')}); give "
            "`resume=True` to keep them, `overwrite=True` to replace them, or another `output`"
        )
    if not resume:
        _keep_inputs([*paths, *([Path(reference)] if reference is not None else [])], present)
    written, kept, remarks, failed = [], [], [], {}
    work = zip(product(paths, styled), targets, strict=True)
    for number, ((path, translating), target) in enumerate(work):
        on_picture(number, len(targets))
        if should_stop():
            break
        if resume and target.exists():
            kept.append(target)
            continue
        try:
            if size == "tested":
                result = translating.translate(read_test_image(path, _resizing(model)))
                write_picture(target, result, overwrite=overwrite)
            else:
                source = open_picture(path, target, max_memory)
                encoding = checked_output(
                    target, source, [path], bits=None, profile="srgb", overwrite=overwrite
                )
                done = translate_to_file(
                    translating,
                    source,
                    target,
                    encoding=encoding,
                    max_memory=max_memory,
                    resume=False,
                    overwrite=overwrite,
                    on_pixels=None,
                    should_stop=None,
                )
                named = path if samples is None else target
                remarks += [f"{printable(named)}: {text}" for text in done.warnings]
            written.append(target)
        except (InputError, OutOfMemoryError) as error:
            failed[path] = str(error)
    else:
        on_picture(len(targets), len(targets))
    return Applied(tuple(written), tuple(kept), failed, tuple(remarks))


def model_file(run: Path, state: str) -> Path:
    """The model file of a run directory's state, "best" or "last"; a model file is itself.

    Raises:
        CheckpointError: a run directory has no such state.
    """
    if not run.is_dir():
        return run
    directory = RunDirectory(run)
    if state == "best":
        return directory.model
    if directory.last.exists():
        return directory.last
    if directory.model.exists():
        return directory.model  # no other was better
    raise CheckpointError(f"{printable(run)} holds no model; train first, or give another run directory")


def _keep_inputs(paths: Sequence[Path], present: Sequence[Path]) -> None:
    """See that no translation takes the place of a picture, its own or a later one.

    Raises:
        OutputError: one would.
    """
    inputs = {(found.st_dev, found.st_ino) for path in paths if (found := _status(path)) is not None}
    for target in present:
        found = _status(target)
        if found is not None and (found.st_dev, found.st_ino) in inputs:
            raise OutputError(
                f"{printable(target)} is one of the pictures that translations are made from; give another `output`"
            )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):  # missing, which is said when it is its turn
        return None


def _resizing(model: Model) -> FolderSettings:
    """How the pictures were scaled that a model was tested on."""
    names = FolderSettings.names()
    return FolderSettings.from_dict({name: value for name, value in model.settings.items() if name in names})


def _styled(model: Model, samples: int | None, reference: StrPath | None) -> list[Model]:
    """The model with each style that pictures are to be translated with.

    Raises:
        InputError: the reference cannot be read.
        ConfigError: the model has no styles.
    """
    if samples is None and reference is None:
        return [model]
    network = model.generator
    if not isinstance(network, StyledGenerator):
        several = ", ".join(
            name for name, method in METHODS.items() if issubclass(method.trainer, MultimodalGan)
        )
        raise ConfigError(
            f"a model of the objective {model.objective!r} makes one translation of a picture and has no styles, which "
            f"`{'samples' if reference is None else 'reference'}` needs; leave it out, or train one of {several}"
        )
    if reference is not None:
        picture = read_test_image(reference, _resizing(model)).to(model.device)
        with torch.no_grad():
            styles = list(network.style_of(picture[None]))
    else:
        random = torch.Generator().manual_seed(int(model.settings["seed"]))
        styles = [torch.randn(network.styles, generator=random) for _ in range(samples or 1)]
    return [replace(model, generator=network.with_style(style)) for style in styles]


def _named(paths: Sequence[Path], output: Path, suffix: str, samples: int | None) -> list[Path]:
    """Files for the translations: all samples of the first picture, all of the second, and so on.

    Raises:
        OutputError: two pictures have the same name.
    """
    found: dict[Path, Path] = {}
    numbers = [""] if samples is None else [f"-{number}" for number in range(1, samples + 1)]
    for path, number in product(paths, numbers):
        target = output / f"{path.stem}{number}{suffix}"
        if target in found:
            raise OutputError(
                f"{printable(path)} and {printable(found[target])} would both be written to {printable(target)}; "
                "rename one of them"
            )
        found[target] = path
    return list(found)
