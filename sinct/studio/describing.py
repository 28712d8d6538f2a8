"""What the page shows of a run, read from its files; JSON-serialisable where it is a dictionary."""

from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any
from urllib.parse import quote

from sinct.errors import SinctError
from sinct.studio import candidates, views
from sinct.studio.folder import picture_in
from sinct.studio.processes import Worker
from sinct.studio.run import VIEWS, WORKING, Job, Made, State, StudioRun
from sinct.studio.wording import in_words

MIXED = (
    "This picture was written with a strength, a mask or parts of the painting that are kept. On the page, what is set "
    "here comes on top of that, while a download is made of the whole translation."
)
"""Told of results that a command has mixed with the painting."""


def listed(run: StudioRun) -> dict[str, Any]:
    """A run on its card."""
    job = job_of(run) or Job("", (), "", "")
    return {
        "name": run.path.name,
        "painting": job.painting,
        "photos": job.photos,
        "output": job.output,
        "made": sorted({job.output, *candidates.outputs(run)} - {""}),
        "shown": _card(run, job),
    }


def described(run: StudioRun, worker: Worker | None, pace: float | None) -> dict[str, Any]:
    """Everything about a run.

    Args:
        run: the run.
        worker: the process that works now, on this run or another.
        pace: seconds that a step takes on this machine; None if unknown.
    """
    task = worker.task if worker is not None and worker.run == run.path.name else None
    job = job_of(run)
    chosen = None if job is None else job.chosen
    state = state_of(run, job, training=task == "train")
    if views.is_mixed(run, job):
        state = replace(state, warnings=(*state.warnings, MIXED))
    made = _made(run, writing=task == "picture")
    return {
        "name": run.path.name,
        "job": None if job is None else {**asdict(job), "config": None},
        "state": _worded(state),
        "made": None if made is None else _worded(made),
        "losses": run.losses(chosen if state.candidate is None else state.candidate),
        "views": {view: views.version(run, job, view) for view in VIEWS},
        "shown": None if job is None else _card(run, job),
        "variations": candidates.described(run),
        "stopping": task == "train" and run.stop.exists(),
        "trained": run.training(chosen).model.is_file() and job is not None,
        "resumable": job is not None and resumable(run, job),
        "pace": state.pace or pace,
        "working": None if worker is None else worker.run,
    }


def _worded(told: State | Made) -> dict[str, Any]:
    """What a process told, with its messages in words."""
    texts = {"message": in_words(told.message), "warnings": tuple(map(in_words, told.warnings))}
    return {**asdict(told), **texts}


def job_of(run: StudioRun) -> Job | None:
    """What a run makes of what; None where it does not say so."""
    with suppress(SinctError):
        return run.job()
    return None


def state_of(run: StudioRun, job: Job | None, *, training: bool) -> State:
    """A training's state; a process that has vanished has failed.

    Args:
        run: the run.
        job: its job.
        training: whether a process trains it.
    """
    state = run.state()
    if state is None:
        return _untold(run, job)
    if state.phase in WORKING and not training:
        return replace(
            state,
            phase="failed",
            remaining=None,
            message="Its process ended before it was done; what it had saved is kept.",
        )
    if state.phase in ("choosing", "stopped") and run.record() is not None:
        return replace(state, phase=_untold(run, job).phase)  # a command may have gone on
    return state


def _untold(run: StudioRun, job: Job | None) -> State:
    """The state of a training that the studio has not done."""
    if job is None:
        return State("failed", message="It does not say which painting and photo it is of.")
    steps = run.last_step(job.chosen)
    own = run.training(job.chosen)
    found = candidates.found_in(run)
    if found is None or (own.model.is_file() and job.chosen is None):
        begun = own.config.is_file() or own.model.is_file()
        if own.model.is_file() and steps == run.planned_steps(job.chosen):
            return State("finished", steps, steps, 1.0)
        return State("stopped", steps) if begun else State("failed", message="It has not begun.")
    if job.chosen is None:
        return State("choosing" if found.finished else "stopped")
    done = found.candidates[job.chosen - 1].continued
    return State("finished" if done is not None and done.finished else "stopped", steps)


def _made(run: StudioRun, *, writing: bool) -> Made | None:
    made = run.made()
    if made is not None and made.phase in WORKING and not writing:
        return replace(made, phase="failed", message="its process ended before it was done; try again")
    return made


def resumable(run: StudioRun, job: Job) -> bool:
    """Whether the studio can go on: not with candidates that have region maps, which only the command knows."""
    return job.chosen is not None or not candidates.begun(run) or not candidates.mapped(run)


def _card(run: StudioRun, job: Job) -> str | None:
    """Address of a small picture of a run, the newest that there is; None if there is none."""
    part = quote(run.path.name, safe="")
    found: list[tuple[int, str]] = []
    with suppress(SinctError):
        made = picture_in(run.folder, job.output)
        found.append((views.changed(made) or 0, f"/api/pictures/{quote(made.name, safe='')}"))
    live = views.changed(views.place_of(run, job, "live")) or 0
    found.append((live, f"/api/runs/{part}/views/live"))
    if not any(time for time, _ in found):
        shown = candidates.shown_in(run)
        waiting = any(each.score is None for each in shown)
        for each in shown:
            if waiting or each.best:  # while they are trained, the newest; then the best
                found.append((each.picture or 0, f"/api/runs/{part}/candidates/{each.number}"))
    time, address = max(found)
    return f"{address}?v={time}" if time else None
