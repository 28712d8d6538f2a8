"""The outcome of one method: the stored outcome of an equal request, or a new one."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from sinct.comparison import methods
from sinct.comparison.worker import Outcome, Request, perform
from sinct.errors import Interrupted, WeightsError
from sinct.runtime.json_files import read_json, write_json
from sinct.runtime.processes import run_child
from sinct.weights.store import fetch, present


def outcome_of(
    request: Request,
    folder: Path,
    *,
    isolate: bool,
    report: Callable[[float], None],
    should_stop: Callable[[], bool],
) -> Outcome:
    """Return the stored outcome if an equal request succeeded before; otherwise run the method.

    Args:
        request: what is asked for.
        folder: the method's folder, for its picture and everything that it keeps.
        isolate: run it in its own process.
        report: called with the share done, in [0, 1].
        should_stop: asked often; True ends the work, and the same call continues it.

    Raises:
        Interrupted: `should_stop` returned True.
    """
    asked, stored = folder / "request.json", folder / "outcome.json"
    same = _stored(asked) == request.to_json()
    if same and stored.exists() and (folder / "output.png").exists():
        outcome = Outcome.load(stored)
        if outcome is not None and outcome.reason is None:
            return outcome
    if not same and folder.exists():
        shutil.rmtree(folder)  # its contents belong to another request
    folder.mkdir(parents=True, exist_ok=True)
    stored.unlink(missing_ok=True)
    write_json(asked, request.to_json())
    if should_stop():
        raise Interrupted("stopped as asked")
    report(0.0)
    if request.weights_dir is None and not request.random_weights:
        missing = _fetched(methods.find(request.method).weights)
        if missing:
            return Outcome(missing, 0.0, None, "")
    work = _isolated if isolate else perform
    return work(request, folder, report=report, should_stop=should_stop)


def _stored(request: Path) -> Any:
    """The request that a folder belongs to; None where there is none or it is damaged."""
    try:
        return read_json(request)
    except (OSError, ValueError):
        return None


def _isolated(
    request: Request, folder: Path, *, report: Callable[[float], None], should_stop: Callable[[], bool]
) -> Outcome:
    """Run the method in its own process."""
    end = run_child(
        "sinct.comparison.worker",
        {"request": request.to_json(), "folder": str(folder)},
        folder / "messages.txt",
        report=lambda share, remaining: report(share),
        should_stop=should_stop,
    )
    if end.stopped:
        raise Interrupted("stopped as asked")
    return Outcome(end.fault, 0.0, None, "") if end.fault else Outcome.from_json(end.outcome)


def _fetched(names: Sequence[str]) -> str | None:
    """Download weights that are missing from the cache; returns in one line why that failed, or None."""
    try:
        for name in names:
            if not present(name):
                fetch(name)
    except WeightsError as error:
        return str(error)
    return None
