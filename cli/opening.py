"""The first lines of a command that takes long: what it does, to what, for how long, and where it can be watched."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sinct.errors import SinctError, counted

if TYPE_CHECKING:
    from sinct import Config
    from sinct.config import TrainingSettings
    from sinct.data.folders import Domains
    from sinct.training.run_directory import RunDirectory


def of_training(
    paintings: Sequence[Path],
    photos: Sequence[Path],
    preset: str,
    config: "Config | None",
    run_dir: Path,
    *,
    resume: bool,
) -> list[str]:
    """Lines before a training on paintings and photos.

    Args:
        paintings: files.
        photos: files.
        preset: name of the settings; a resumed run has its own.
        config: the settings, or None for those of the run.
        run_dir: its folder.
        resume: whether it goes on.
    """
    from sinct.objectives.cut import Trainer
    from sinct.training.run_directory import RunDirectory

    run = RunDirectory(run_dir)
    if resume:
        config, preset = config or run.read_config(Trainer)[0], run.preset() or preset
    assert config is not None
    what = described(paintings[0]) if len(paintings) == 1 else counted(len(paintings), "painting")
    look = described(photos[0]) if len(photos) == 1 else counted(len(photos), "photo")
    return [
        f"{what}, with the look of {look}: {preset}, {_length(config, run if resume else None)}",
        f"preview: {run.preview}",
    ]


def of_folders(
    domains: "Domains", method: str, config: "TrainingSettings | None", run_dir: Path
) -> list[str]:
    """Lines before a training on two folders; a resumed one may have no `config` but that of its run."""
    from sinct.training.run_directory import RunDirectory

    length = "up to its own length" if config is None else _length(config, None)
    pictures = f"{len(domains.source)} and {counted(len(domains.target), 'picture')}"
    return [f"two folders, {pictures}: {method}, {length}", f"preview: {RunDirectory(run_dir).preview}"]


def described(path: Path) -> str:
    """A picture's name and its size, as far as its header tells."""
    from sinct.pictures.decoding import read_header

    try:
        width, height = read_header(path).size
    except (SinctError, OSError):
        return path.name
    return f"{path.name} ({width}x{height} px)"


def _length(config: "TrainingSettings", begun: "RunDirectory | None") -> str:
    """How long a training is, as far as it is known before its first step; of one that has begun, its log tells."""
    from sinct.training.outlook import roughly

    if config.steps == 0:
        return "without training"
    entries = begun.read_log() if begun else []
    if entries and config.steps:
        last = entries[-1]
        left = max(0, config.steps - last["step"])
        pace = last.get("seconds", 0.0) / last["step"] if last["step"] else 0.0
        takes = f", about {roughly(left * pace)} at the pace so far" if left and pace else ""
        return f"from step {last['step']:,} on to {config.steps:,}{takes}"
    limit = None if config.seconds is None else roughly(config.seconds)
    if config.steps is None:
        return f"for {limit}"
    steps = counted(config.steps, "step")
    return f"{steps}, at most {limit}" if limit else f"{steps}; the first will tell how long they take"
