"""Train on two folders of pictures.

Park et al. 2020 (arXiv:2007.15651), section 4 and appendix C.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from sinct.data.folders import Domains
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.errors import (
    CheckpointError,
    ConfigError,
)
from sinct.measures.folder_features import pytorch_resized
from sinct.measures.inception import Inception, frechet_distance
from sinct.objectives.folder_gan import FolderGanSettings
from sinct.objectives.folder_methods import METHODS, find_method, method_settings
from sinct.runtime.device import choose_device, gains_from_bfloat16
from sinct.runtime.files import StrPath, printable
from sinct.training.folder_run import Judge, run_folder_training
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run_directory import RunDirectory
from sinct.weights.store import Weights, present


def settings(
    method: str,
    domains: Domains,
    *,
    device: torch.device,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
) -> FolderGanSettings:
    """The published settings of a method, with another length, seed or device.

    Args:
        method: a key of `METHODS`.
        domains: the pictures; an epoch has as many steps as the larger domain has batches.
        device: device to train on; bfloat16 is used where it gains from it.
        epochs: length in epochs, instead of the published one.
        steps: length in steps, instead of in epochs; the learning rate then falls from step to step.
        seconds: most time for the training, even if it is not done by then.
        seed: makes the training repeatable.
        changes: other settings by name.

    Raises:
        ConfigError: the method or a setting is unknown, or a value is out of range.
    """
    changes = dict(changes or {})
    start = find_method(method).settings.replace(**changes)
    published = method_settings(method, _batches(domains, start.batch_size)).replace(**changes)
    chosen = _of_length(published, domains, epochs, steps)
    fast = {} if "mixed_precision" in changes else {"mixed_precision": gains_from_bfloat16(device)}
    return chosen.replace(seconds=seconds, seed=seed, **fast)


def resumed_settings(
    method: str,
    domains: Domains,
    run_dir: StrPath,
    *,
    epochs: int | None = None,
    steps: int | None = None,
    seconds: float | None = None,
) -> FolderGanSettings:
    """The settings of a run that is to be resumed, with another length, as `config` for `train`.

    Seconds alone leave it its steps. Steps or epochs alone free it from the limit to its time.

    Args:
        method: the method that it is a run of.
        domains: its pictures.
        run_dir: its folder.
        epochs, steps, seconds: see `settings`.

    Raises:
        CheckpointError: the folder holds no run of this method.
        ConfigError: a length is out of range, or there are two.
    """
    config: FolderGanSettings = _begun(method, RunDirectory(Path(run_dir)))
    if steps == config.steps:
        steps = None  # the learning rate keeps its course
    return _of_length(config, domains, epochs, steps).replace(seconds=seconds)


def _batches(domains: Domains, batch_size: int) -> int:
    """Steps of an epoch."""
    return -(-max(len(domains.source), len(domains.target)) // batch_size)


def _of_length(
    config: FolderGanSettings, domains: Domains, epochs: int | None, steps: int | None
) -> FolderGanSettings:
    """Settings with a length and the course of the learning rate that belongs to it; without one, as they are."""
    if epochs is not None and steps is not None:
        raise ConfigError("a length was given in epochs and in steps; give one of them")
    if epochs is not None:
        if epochs < 1:
            raise ConfigError(f"epochs must be 1 or more, got {epochs}")
        return config.replace(steps=epochs * _batches(domains, config.batch_size), rate_epochs=epochs)
    return config if steps is None else config.replace(steps=steps, rate_epochs=0)


def _begun(method: str, run: RunDirectory) -> Any:
    """Settings of a run of this method.

    Raises:
        CheckpointError: there is no run, or one of another method.
    """
    other = run.preset()
    if other in METHODS and other != method:
        raise CheckpointError(
            f"{printable(run.path)} is a run of the method {other}, not of {method}; give `method={other!r}` or "
            "another `run_dir`"
        )
    return run.read_config(find_method(method).trainer)[0]


def train(
    domains: Domains,
    run_dir: StrPath,
    *,
    method: str = "cut",
    config: FolderGanSettings | None = None,
    device: str = "auto",
    weights_dir: StrPath | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    on_preparing: OnPreparing | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Training:
    """Train a method on two folders.

    The run directory gets both the last state and the best: that whose translations of the test pictures were nearest
    to the target domain at one of eleven looks in the second half, by FID where its network is in the cache of weights,
    else by `sinct.measures.folder_distance`. Published figures are mostly the best of a training.

    Args:
        domains: the pictures, see `find_domains`.
        run_dir: folder for model, checkpoint, log and preview.
        method: a key of `METHODS`.
        config: see `settings`; None takes the published ones. A resumed run keeps its own and takes no more than the
            length, see `resumed_settings`; None leaves it that too.
        device: auto, cpu, cuda, cuda:N or mps.
        weights_dir: folder with the weights of FID's network; None takes the cache.
        resume, overwrite, on_progress, on_preparing, should_stop: as for `sinct.train`.

    Raises:
        InputError: no picture of a domain can be used.
        OutputError, ConfigError, CheckpointError, DeviceError, TrainingError: as for `sinct.train`.
    """
    where, run = choose_device(device), RunDirectory(Path(run_dir))
    if resume:
        _begun(method, run)
    elif config is None:
        config = settings(method, domains, device=where)
    return run_folder_training(
        find_method(method).trainer,
        domains,
        run,
        config=config,
        preset=method,
        device=where,
        resume=resume,
        overwrite=overwrite,
        on_progress=on_progress,
        on_preparing=on_preparing,
        should_stop=should_stop,
        make_judge=partial(_fid_judge, weights_dir, where) if _has_inception(weights_dir) else None,
    )


def _has_inception(weights_dir: StrPath | None) -> bool:
    """Whether FID can be computed without a download."""
    installed = find_spec("torch_fidelity") is not None
    return installed and present("inception", Path(weights_dir) if weights_dir is not None else None)


def _fid_judge(
    weights_dir: StrPath | None, device: torch.device, targets: Sequence[Path], config: FolderSettings
) -> Judge:
    """Score by FID to these pictures."""
    weights = Weights(Path(weights_dir) if weights_dir is not None else None)
    inception = Inception(weights.load("inception"), device)

    def features(pictures: Sequence[torch.Tensor]) -> torch.Tensor:
        eight_bits = (((each + 1) * 127.5).round().clamp(0, 255).to(torch.uint8) for each in pictures)
        with torch.no_grad():
            return torch.cat([inception.pooled(pytorch_resized(each)[None]).cpu() for each in eight_bits])

    wanted = features([read_test_image(path, config) for path in targets])
    return Judge("FID", lambda made: frechet_distance(features(made), wanted))
