"""What `sinct translate`, `train` and `apply` print in the end."""

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import typer

from sinct.errors import named

from . import display
from .stopping import Stop, capped, resuming

if TYPE_CHECKING:
    import sinct


def report(
    done: "sinct.Translation", *, as_json: bool, quiet: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Say what was written, how long was trained for it and what a person should know of it, or print all as JSON.

    Args:
        done: the translation.
        as_json: print one JSON object instead.
        quiet: print nothing but it.
        more: further facts for JSON.
    """
    if as_json:
        trained = training_facts(done.training) if done.training else {}
        facts = {"output": str(done.output), "width": done.size[0], "height": done.size[1]}
        finished = done.finished and trained.get("finished", True)
        display.emit(
            {
                **trained,
                **facts,
                "warnings": list(done.warnings),
                "finished": finished,
                **(more or {}),
            }
        )
        return
    for text in done.warnings:
        display.warn(text, quiet=quiet)
    after = ""
    if done.training:
        after = f" after {trained_for(done.training)}" if done.training.steps else " without training"
    if not done.finished:
        return
    display.say(f"wrote {done.output} ({done.size[0]}x{done.size[1]} px){after}", quiet=quiet)


def trained_for(training: "sinct.Training") -> str:
    """How long it trained, in words; of how many steps, where time or an interrupt ended it early."""
    took = display.clock(training.seconds)
    if training.planned is not None and (training.capped or not training.finished):
        return f"{training.steps} of {training.planned} {named(training.planned, 'step')} in {took}"
    return f"{training.steps} {named(training.steps, 'step')} in {took}"


def training_facts(training: "sinct.Training") -> dict[str, Any]:
    """What --json says of a training."""
    return {
        "run_dir": str(training.run_dir),
        "steps": training.steps,
        "planned_steps": training.planned,
        "seconds": round(training.seconds, 3),
        "finished": training.finished,
        "capped": training.capped,
        "warnings": list(training.warnings),
    }


def _resuming(steps: int | None) -> str:
    """The command that resumes the present one's run, up to a new length if one is given."""
    return resuming(sys.argv[1:], steps=steps)


def end(
    done: "sinct.Training | sinct.Translation",
    stop: Stop,
    *,
    quiet: bool,
    again: Callable[[int | None], str] = _resuming,
) -> None:
    """Where the time was up early, say how to go on. After an interrupt, also exit as interrupted programs do."""
    training: Any = getattr(done, "training", done)  # a Translation holds its training
    if not stop() or (done.finished and (training is None or training.finished)):
        if training is not None and training.capped:
            display.say(capped(training.steps, training.planned, again(training.planned)), quiet=quiet)
        return
    where = "in the picture"
    if training is not None and not training.finished:
        of = "" if training.planned is None else f" of {training.planned}"
        where = f"at step {training.steps}{of}"
    display.say(f"stopped {where}; everything is saved. To continue: {again(None)}", quiet=quiet)
    raise typer.Exit(stop.exit_code)
