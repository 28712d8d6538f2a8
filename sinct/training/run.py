"""One training from decoded pictures to a finished run directory, new or resumed."""

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from sinct.data.pair import PairSettings, seen_widths
from sinct.data.series import one_or_all
from sinct.errors import CheckpointError, ConfigError, OutOfMemoryError, Remark
from sinct.inference import checkpoint
from sinct.pictures.picture import Picture
from sinct.runtime.device import is_out_of_memory, memory
from sinct.runtime.locks import alone
from sinct.training.loop import Best, Loop
from sinct.training.progress import OnProgress, Training
from sinct.training.run_directory import RunDirectory
from sinct.training.session import Session
from sinct.version import __version__


class Objective(Protocol):
    """A training class for paintings and photos, see `sinct.objectives`.

    Attributes:
        name: the objective's name in files.
        settings_type: class of its settings.
    """

    name: str
    settings_type: Any

    def __call__(
        self, paintings: Sequence[Tensor], photos: Sequence[Tensor], settings: Any, device: torch.device, /
    ) -> Loop[Any, Any]:
        """Create a training."""


def run_training(
    objective: Objective,
    sources: Sequence[Picture],
    targets: Sequence[Picture],
    run: RunDirectory,
    *,
    names: Mapping[str, Any],
    config: Any,
    preset: str,
    device: torch.device,
    resume: bool,
    overwrite: bool,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
    remarks: Sequence[Remark] = (),
) -> Training:
    """Train on decoded pictures; see `sinct.train` for arguments, result and errors.

    Args:
        objective: objective to train.
        sources: the paintings, one or several.
        targets: the photos.
        run: where everything is kept.
        names: file names of the inputs, for config.json: "painting" (a list where there are several) and "photos".
        config: settings of the objective; None only where a run is resumed with its own.
        preset: name of the settings, for config.json.
        device: where the networks run.
        resume, overwrite, on_progress, should_stop: as for `sinct.train`.
        remarks: warnings to report at the start.
    """
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` contradict each other; give one of them")
    hashes = {
        "painting_sha256": one_or_all([source.sha256 for source in sources]),
        "photo_sha256": [photo.sha256 for photo in targets],
    }
    with alone(run.path, "give another `run_dir`"):
        asked = config
        if resume:
            config, facts = run.read_config(objective)
            facts = {"objective": objective.name, **facts}  # which version 0.1 did not write down
            if any(facts.get(name) != value for name, value in hashes.items()):
                raise CheckpointError(
                    f"{run.path} is a run on other pictures ({facts.get('painting')}, {facts.get('photos')}); give "
                    "those pictures or another `run_dir`"
                )
            if run.model.exists() and not run.checkpoint.exists():
                raise CheckpointError(
                    f"{run.path} has a model, but no checkpoint to continue from; start again with `overwrite=True`"
                )
            if asked is not None:
                config = config.replace(steps=asked.steps, seconds=asked.seconds)
        else:
            assert config is not None
            run.check_free(overwrite=overwrite)
            facts = {"objective": objective.name, "preset": preset, **names, **hashes, **_environment(device)}
        widths = _widths(sources, names.get("painting", ""), config)
        try:
            photos = [photo.pixels for photo in targets]
            trainer = objective([source.pixels for source in sources], photos, config, device)
            recent: Sequence[Mapping[str, float | None]] = ()
            if run.checkpoint.exists() and resume:  # a run killed before its first checkpoint begins again
                stored = checkpoint.load(run.checkpoint)
                recent = stored.description.get("recent", ())  # which earlier versions did not store
                best = stored.description.get("best")
                trainer.load_state(
                    stored.tensors,
                    stored.description["step"],
                    stored.description["seconds"],
                    Best(*best) if best else None,
                )
            if resume:
                run.rewind_log(trainer.steps_done)
            session = Session(
                trainer, sources, photos, widths, run, facts, on_progress or (lambda progress: None), recent
            )
            session.warn(remarks)
            if not resume:
                run.create(overwrite=overwrite)
            run.write_config(config, facts)
            return session.train(should_stop or (lambda: False))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    room = memory(device)
    free = f", {room.free / 1e9:.1f} GB of {room.total / 1e9:.1f} GB free" if room else ""
    raise OutOfMemoryError(
        f"out of memory on {device}: {config.crops} crops of {config.crop_size} px at width {config.width}{free}; "
        f"close other programs, or roughly halve the need with `crops={max(2, config.crops // 2)}` and "
        f"`identity_crops={config.identity_crops // 2}`"
    )


def _widths(
    sources: Sequence[Picture], names: str | Sequence[str], settings: PairSettings
) -> tuple[int, int]:
    """Smallest and largest width at which paintings are seen, as if whole where only a part is trained on.

    Raises:
        ConfigError: a painting is too narrow for a crop; where there are several, the message starts with its name.
    """
    names = [names] if isinstance(names, str) else names
    lowest, highest = [], []
    for name, source in zip(names, sources, strict=True):
        try:
            low, high = seen_widths(source.pixels, settings)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}" if len(sources) > 1 else str(error)) from None
        lowest.append(round(low / source.share))
        highest.append(round(high / source.share))
    return min(lowest), max(highest)


def _environment(device: torch.device) -> dict[str, str]:
    """Versions and device, for config.json."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "sinct": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": f"{device} {name}".strip(),
    }
