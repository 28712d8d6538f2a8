"""Methods that an earlier call finished in the same folder, and what they differ in."""

from collections.abc import Mapping
from pathlib import Path

from sinct.comparison import methods
from sinct.comparison.worker import Outcome, Request
from sinct.runtime.json_files import read_json


def finished(work: Path, places: Mapping[str, str]) -> dict[str, tuple[Request, Outcome]]:
    """Requests and outcomes of runs that have a picture, by their folder.

    Args:
        work: folder with a folder for each run of a method.
        places: folders to look into, with their method; runs that failed, were interrupted or left damaged files are
            absent from the result.
    """
    found = {}
    for place, name in places.items():
        outcome = Outcome.load(work / place / "outcome.json")
        if outcome is None or outcome.reason is not None or not (work / place / "output.png").exists():
            continue
        try:
            request = Request.from_json(read_json(work / place / "request.json"))
        except (OSError, ValueError):
            continue
        if request.method == name:
            found[place] = request, outcome
    return found


def difference(request: Request, now: Request) -> str:
    """Say in what the terms of two requests differ, apart from the method and its settings; empty if in nothing.

    Args:
        request: the earlier one.
        now: the present one.
    """
    before, after = _terms(request), _terms(now)
    method = methods.find(request.method)
    if not (method.seeded or (request.random_weights and method.weights)):
        after["seed"] = before["seed"]
    return ", ".join(
        f"{before[name]} instead of {after[name]}" for name in before if before[name] != after[name]
    )


def _terms(request: Request) -> dict[str, str]:
    """What must be equal for methods to compete, in words."""
    seconds, iterations = request.seconds, request.iterations
    return {
        "time": "no limit to the time" if seconds is None else f"{seconds:g} s of time",
        "iterations": "no limit to the iterations"
        if iterations is None
        else f"{iterations} iteration{'' if iterations == 1 else 's'} at most",
        "seed": f"seed {request.seed}",
        "device": f"device {request.device}",
        "weights": "random weights" if request.random_weights else "real weights",
        "regions": f"region maps {'-'.join(h[:8] for h in request.sha256[2:])}"
        if request.regions
        else "no region maps",
        "version": f"sinct {request.version}",
    }
