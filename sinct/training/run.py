"""One training in its run directory, new or resumed, whatever it is trained on."""

import math
import platform
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, Protocol

import torch

from sinct.errors import CheckpointError, ConfigError, OutOfMemoryError, Remark, counted, one_line
from sinct.inference import checkpoint
from sinct.runtime.device import is_out_of_memory, memory
from sinct.runtime.files import printable
from sinct.runtime.json_files import restored
from sinct.runtime.locks import alone
from sinct.training.loop import Best, Loop
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run_directory import RunDirectory
from sinct.training.session import Session
from sinct.training.views import Views
from sinct.version import __version__


class Named(Protocol):
    """What files say of an objective.

    Attributes:
        name: the objective's name in files.
        settings_type: class of its settings.
    """

    name: str
    settings_type: Any


def run_in_directory(
    objective: Named,
    run: RunDirectory,
    make: Callable[[Any, OnPreparing], tuple[Loop[Any, Any], Callable[[], Views]]],
    *,
    inputs: Mapping[str, Any],
    names: Mapping[str, Any],
    config: Any,
    preset: str,
    device: torch.device,
    resume: bool,
    overwrite: bool,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
    smaller: Callable[[Any], tuple[str, str]],
    length: Sequence[str] = ("steps", "seconds"),
    remarks: Sequence[Remark] = (),
    until: float = 1.0,
    on_preparing: OnPreparing | None = None,
    output: str = "",
) -> Training:
    """Train from the beginning, or go on with a training; see `sinct.train` for what is not said here.

    Args:
        objective: what is trained.
        run: where everything is kept.
        make: makes the training from its settings, and a function that makes what it is judged by, once its state is
            loaded; tells meanwhile what it is doing.
        inputs: hashes of all inputs, JSON-serialisable; a run is resumed only with the same.
        names: names of the inputs, for config.json.
        config: settings of the objective; None only where a run is resumed with its own.
        preset: name of the settings, for config.json.
        device: where the networks run.
        resume, overwrite, on_progress, on_preparing, should_stop: as for `sinct.train`.
        smaller: what settings need memory for, and how to need less of it, in words.
        length: settings that a resumed run takes from `config`.
        remarks: warnings to report at the start.
        until: share of the training, in [0, 1], after which it is left, to be resumed some day.
        output: name of the picture beside `run` that the training is for, for config.json; empty where there is none.
    """
    if resume and overwrite:
        raise ConfigError("`resume=True` and `overwrite=True` contradict each other; give one of them")
    with alone(run.path, "give another `run_dir`"):
        asked, stored = config, None
        if resume:
            config, facts = run.read_config(objective)
            facts = {"objective": objective.name, **facts}  # which version 0.1 did not write down
            if any(facts.get(name) != value for name, value in inputs.items()):
                others = ", ".join(str(facts.get(name)) for name in names)
                maps = (
                    " or region maps" if facts.get("regions_sha256") != inputs.get("regions_sha256") else ""
                )
                raise CheckpointError(
                    f"{run.path} is a run on other pictures{maps} ({others}); give those or another `run_dir`"
                )
            if run.model.exists() and not run.checkpoint.exists():
                raise CheckpointError(
                    f"{run.path} has a model, but no checkpoint to continue from; start again with `overwrite=True`"
                )
            own_steps = config.steps
            if asked is not None:
                config = config.replace(**{name: getattr(asked, name) for name in length})
            if run.checkpoint.exists():  # a run killed before its first checkpoint begins again
                stored = checkpoint.load(run.checkpoint)
                if config.steps != own_steps:  # earlier versions let a run have more than its settings say
                    _check_not_shorter(run, _progress(stored.description, run)[0], config.steps)
        else:
            assert config is not None
            run.check_free(overwrite=overwrite)
            facts = {"objective": objective.name, "preset": preset, **names, **inputs, **_environment(device)}
            facts |= {"output": output} if output else {}
        tell = on_preparing or (lambda text: None)
        try:
            trainer, make_views = make(config, tell)
            recent: Sequence[Mapping[str, float | None]] = ()
            if stored is not None:
                step, seconds, best, recent = _progress(stored.description, run)
                trainer.load_state(stored.tensors, step, seconds, best)
            if resume:
                run.rewind_log(trainer.steps_done)
            tell("preparing the preview")
            session = Session(
                trainer, make_views(), run, facts, on_progress or (lambda progress: None), recent
            )
            session.warn(remarks)
            if not resume:
                run.create(overwrite=overwrite)
            run.write_config(config, facts)
            if trainer.progress < 1:
                tell("taking the first steps")
            with closing(trainer):
                return session.train(should_stop or (lambda: False), until)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
    room = memory(device)
    free = f", {room.free / 1e9:.1f} GB of {room.total / 1e9:.1f} GB free" if room else ""
    need, less = smaller(config)
    raise OutOfMemoryError(f"out of memory on {device}: {need}{free}; close other programs, or {less}")


def _check_not_shorter(run: RunDirectory, done: int, steps: int | None) -> None:
    """See that a run is not to have fewer steps than it has.

    Raises:
        CheckpointError: it is; a training cannot go back.
    """
    if steps is not None and done > steps:
        raise CheckpointError(
            f"{printable(run.path)} has {counted(done, 'step')} already, more than `steps={steps}`, and a training "
            f"cannot go back; give `steps={done}` or more, or train anew in another `run_dir`"
        )


def _progress(
    description: Mapping[str, Any], run: RunDirectory
) -> tuple[int, float, Best | None, Sequence[Mapping[str, float | None]]]:
    """How far a checkpoint's training has come: steps, seconds, the best state, and losses since the last log line.

    Raises:
        CheckpointError: it does not say so.
    """
    try:
        step = restored(int, description["step"], "step")
        seconds = restored(float, description["seconds"], "seconds")
        best = restored(tuple[float, float, int] | None, description.get("best") or None, "best")
        recent = description.get("recent", ())  # which earlier versions did not store
        recent = restored(tuple[Mapping[str, float | None], ...], recent, "recent")
        if step < 0 or not 0 <= seconds < math.inf:
            raise ValueError(f"{step} steps in {seconds} s")
        if any(list(losses) != list(recent[0]) for losses in recent):
            raise ValueError("recent losses have different names")
    except (KeyError, ValueError) as error:
        raise CheckpointError(
            f"{run.checkpoint} is damaged ({printable(one_line(error))}); start again with `overwrite=True`"
        ) from None
    return step, seconds, Best(*best) if best else None, recent


def _environment(device: torch.device) -> dict[str, str]:
    """Versions and device, for config.json."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "sinct": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": f"{device} {name}".strip(),
    }
