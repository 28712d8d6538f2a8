"""A run or a candidate that goes on keeps its settings: options that ask for others are refused, not ignored."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from sinct.errors import CheckpointError

if TYPE_CHECKING:
    from sinct.config import TrainingSettings

Given = Callable[[str], bool]
"""Whether a parameter of a command stands on the command line, by its name in Python."""


def given_in(ctx: typer.Context) -> Given:
    """What stands on a command's line, and is not a default."""

    def given(name: str) -> bool:
        source = ctx.get_parameter_source(name)
        return source is not None and source.name == "COMMANDLINE"

    return given


def check_kept(
    what: str,
    config: "TrainingSettings",
    changes: Mapping[str, Any],
    *,
    seed: int | None = None,
    preset: str | None = None,
    own_preset: str | None = None,
    from_scratch: bool = False,
) -> None:
    """See that options ask for nothing else than what goes on has.

    Args:
        what: what goes on: "this run", or a candidate.
        config: its settings.
        changes: settings that are asked for, by name, those of --stroke and --faithful among them.
        seed, preset: what else is asked for; None where nothing is.
        own_preset: name of the settings that it began with; None where nobody knows.
        from_scratch: whether random networks are asked for.

    Raises:
        CheckpointError: they ask for something else.
        ConfigError: there is no such setting, or it is out of range.
    """
    if seed is not None and seed != config.seed:
        raise _other(what, f"seed {config.seed}, not {seed}", "--seed")
    if preset is not None and own_preset is not None and preset != own_preset:
        raise _other(what, f"the preset {own_preset}, not {preset}", "--preset")
    if from_scratch and getattr(config, "warm_start", False):
        raise _other(what, "begun with the networks that come with sinct", "--from-scratch")
    asked = config.replace(**changes)
    for name in changes:
        own, other = getattr(config, name), getattr(asked, name)
        if own != other:
            option = f"--{name}" if name in ("stroke", "faithful") else f"--set {name}"
            raise _other(what, f"{name}={own}, not {other}", option)


def _other(what: str, has: str, option: str) -> CheckpointError:
    """The fault of an option that asks for something else."""
    return CheckpointError(
        f"{what} has {has}, and what goes on keeps its settings; leave out {option}, or train anew with another "
        "`run_dir`"
    )
