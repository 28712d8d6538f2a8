"""From files to files: train, translate, apply."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

from torch import Tensor

from sinct.config import Config
from sinct.device import choose_device
from sinct.diagnostics import picture_warnings, scale_warning
from sinct.errors import OutputError
from sinct.files import StrPath
from sinct.images import Picture, check_output, read_picture, write_picture
from sinct.model import Model, load_model
from sinct.runs import RunDirectory
from sinct.session import OnProgress, Training, run_training
from sinct.version import __version__


@dataclass(frozen=True)
class Translation:
    """A picture that was written.

    Attributes:
        output: path of the picture.
        size: its width and height in pixels.
        warnings: what a person would see in it, one line each.
        training: of the model, None where a trained one was applied.
    """

    output: Path
    size: tuple[int, int]
    warnings: tuple[str, ...]
    training: Training | None = field(default=None, repr=False)


def train(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    run_dir: StrPath,
    *,
    config: Config | None = None,
    preset: str = "standard",
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a generator that gives one painting the look of one or several photos.

    Args:
        painting: picture file.
        photos: picture file or files; several are the target together.
        run_dir: folder for checkpoints, log and preview (see `sinct.runs`).
        config: all settings; by default those of `preset` on the device.
        preset: name of the settings when `config` is not given: draft, standard or paper.
        device: auto, cpu, cuda, cuda:N or mps.
        resume: continue the run in `run_dir` with its own settings; of `config`, only the length is taken.
        overwrite: replace an older run in `run_dir`.
        on_progress: called every 10 steps.
        should_stop: asked after every step; True saves the state and ends the training.

    Returns:
        The model and where it lies. Stopping early is no error: look at `finished`.

    Raises:
        InputError: a picture cannot be read.
        OutputError: the run directory is in use or cannot be written.
        ConfigError: settings contradict each other, or a picture is too narrow for them.
        CheckpointError: there is nothing sound to resume.
        DeviceError: the device is unknown or has not enough memory.
        TrainingError: a loss is not finite; the last good checkpoint is kept.
    """
    where = choose_device(device)
    paths = _paths(photos)
    source, targets = read_picture(painting), [read_picture(path) for path in paths]
    return run_training(
        source,
        targets,
        RunDirectory(Path(run_dir)),
        config=config,
        preset=preset,
        device=where,
        resume=resume,
        overwrite=overwrite,
        names=_names(painting, paths),
        on_progress=on_progress,
        should_stop=should_stop,
    )


def translate(
    painting: StrPath,
    photos: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    run_dir: StrPath | None = None,
    config: Config | None = None,
    preset: str = "standard",
    device: str = "auto",
    bits: int | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Translation:
    """Train on one painting and its photos, and write the painting with the photos' look.

    The result has the painting's size, alpha and resolution, an sRGB profile, and says how it was made.

    Args:
        painting: picture file.
        photos: picture file or files; several are the target together.
        output: picture to write: .png, .jpg, .tif or .webp.
        run_dir: by default `output` with the suffix .sinct.
        bits: 8 or 16 a channel; by default the painting's own where the format allows it.
        config, preset, device, resume, overwrite, on_progress, should_stop: as for `train`.

    Returns:
        Where the picture is; `training.finished` tells whether it was stopped early.

    Raises:
        As `train`; unwritable outputs are found out before the training.
    """
    where = choose_device(device)
    paths = _paths(photos)
    source, targets = read_picture(painting), [read_picture(path) for path in paths]
    target = Path(output)
    _keep_inputs(target, [painting, *paths])
    depth = _bits(source, target, bits)
    # A resumed run may replace the unfinished picture that its interruption left.
    check_output(target, overwrite=overwrite or resume, size=source.pixels.shape[:0:-1], bits=depth)
    run = RunDirectory(Path(run_dir) if run_dir is not None else target.with_suffix(".sinct"))
    training = run_training(
        source,
        targets,
        run,
        config=config,
        preset=preset,
        device=where,
        resume=resume,
        overwrite=overwrite,
        names=_names(painting, paths),
        on_progress=on_progress,
        should_stop=should_stop,
    )
    result = training.model.translate(source.pixels)
    found = tuple(picture_warnings(result, source.pixels))
    _write(result, target, source, training.model, depth, overwrite=overwrite or resume)
    return Translation(target, (result.shape[2], result.shape[1]), found, training)


def apply(
    model: StrPath | Model,
    picture: StrPath,
    output: StrPath,
    *,
    device: str = "auto",
    bits: int | None = None,
    overwrite: bool = False,
) -> Translation:
    """Translate any picture with a trained generator.

    Args:
        model: a `Model`, run directory, checkpoint or model file.
        picture: picture file.
        output: picture to write.
        device: auto, cpu, cuda, cuda:N or mps; a `Model` stays where it is.
        bits: 8 or 16 a channel; by default the picture's own where the format allows it.
        overwrite: replace an older output.

    Raises:
        InputError: the picture or the model is not there or unreadable.
        OutputError: the output cannot be written.
        CheckpointError: the model is damaged or of another version.
        DeviceError: the device is unknown or has not enough memory.
    """
    source = read_picture(picture)
    target = Path(output)
    _keep_inputs(target, [picture])
    depth = _bits(source, target, bits)
    check_output(target, overwrite=overwrite, size=source.pixels.shape[:0:-1], bits=depth)
    loaded = model if isinstance(model, Model) else load_model(Path(model), choose_device(device))
    found = scale_warning(source.pixels.shape[2], loaded.widths)
    result = loaded.translate(source.pixels)
    found += picture_warnings(result, source.pixels)
    _write(result, target, source, loaded, depth, overwrite=overwrite)
    return Translation(target, (result.shape[2], result.shape[1]), tuple(found))


def _paths(photos: StrPath | Sequence[StrPath]) -> list[StrPath]:
    """One path or several, as a list."""
    return [photos] if isinstance(photos, (str, PathLike)) else list(photos)


def _names(painting: StrPath, photos: Sequence[StrPath]) -> dict[str, str | list[str]]:
    """File names of the inputs, for config.json."""
    return {"painting": Path(painting).name, "photos": [Path(path).name for path in photos]}


def _keep_inputs(output: Path, inputs: Sequence[StrPath]) -> None:
    """Refuse to write over a picture that is read, even where overwriting is allowed."""
    if output.exists() and any(output.samefile(path) for path in inputs):
        raise OutputError(f"the output {output} is one of the inputs; give it another name")


def _bits(source: Picture, output: Path, asked: int | None) -> int:
    """Bits a channel to write: as asked, else as deep as the source where the format allows it."""
    if asked is not None:
        return asked
    return source.bits if output.suffix.lower() in (".png", ".tif", ".tiff") else 8


def _write(
    result: Tensor, output: Path, source: Picture, model: Model, bits: int, *, overwrite: bool
) -> None:
    facts = {name: model.facts.get(name) for name in ("preset", "steps", "painting_sha256", "photo_sha256")}
    provenance = {
        "software": f"sinct {__version__}",
        "seed": str(model.config.seed),
        "source_sha256": source.sha256,
        **{
            name: ", ".join(value) if isinstance(value, list) else str(value) for name, value in facts.items()
        },
    }
    write_picture(
        output,
        result,
        alpha=source.alpha,
        bits=bits,
        dpi=source.dpi,
        exif=source.exif,
        provenance=provenance,
        overwrite=overwrite,
    )
