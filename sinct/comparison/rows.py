"""Rows of a comparison: what methods and pictures made elsewhere look like in its results, and their measures."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from sinct.comparison import methods
from sinct.comparison.elsewhere import Elsewhere
from sinct.comparison.stage import OnStage, Stage
from sinct.comparison.undertrained import undertrained
from sinct.comparison.worker import Outcome, Request
from sinct.errors import Interrupted
from sinct.measures import Evaluator, measured
from sinct.measures.warnings import picture_flaws
from sinct.pictures.picture import read_picture
from sinct.report.results import Comparison, MethodResult
from sinct.runtime.files import replacing, shareable
from sinct.weights.store import Weights


def show_picture(folder: Path, place: str, name: str, *, there: bool) -> None:
    """Copy a picture from its place in `work` to those of the report, or remove what is there of an earlier call."""
    picture = folder / "results" / f"{name}.png"
    if not there:
        picture.unlink(missing_ok=True)
        return
    picture.parent.mkdir(exist_ok=True)
    source = folder / "work" / (f"{place}.png" if "/" in place else f"{place}/output.png")
    with replacing(picture) as temporary:
        shutil.copyfile(source, temporary)


def show_pictures(folder: Path, places: Sequence[str], names: Iterable[str]) -> None:
    """Copy the pictures of runs to those of the report, and remove what is there of other runs of methods."""
    for name in names:
        stale = (folder / "results").glob(f"{name}-seed-*.png")
        for path in (folder / "results" / f"{name}.png", *stale):
            if path.stem not in places:
                path.unlink(missing_ok=True)
    for place in places:
        show_picture(folder, place, place, there=True)


def added_result(entry: Elsewhere, *, kept: bool) -> MethodResult:
    """The row of a picture made elsewhere; `kept` where an earlier call brought it."""
    return MethodResult(
        name=entry.name,
        title=entry.name,
        source=entry.source or "Made elsewhere.",
        control=False,
        file=f"results/added-{entry.key}.png",
        seconds=entry.seconds,
        steps=entry.steps,
        facts={"file": entry.file, "sha256": entry.sha256},
        warnings=(entry.remark,) if entry.remark else (),
        kept=kept,
        elsewhere=True,
    )


def method_result(place: str, request: Request, outcome: Outcome) -> MethodResult:
    """The row of a method's run in a folder of `work`, without its measures."""
    method = methods.find(request.method)
    work = () if outcome.reason else outcome.work
    return MethodResult(
        name=request.method,
        title=method.title,
        source=method.source,
        control=method.control,
        file=None if outcome.reason else f"results/{place}.png",
        reason=outcome.reason and shareable(outcome.reason),
        seconds=None if outcome.reason else outcome.seconds,
        memory=None if outcome.reason else outcome.memory,
        device=outcome.device or None,
        random_weights=request.random_weights and bool(method.weights),
        optimises=method.optimises,
        settings=request.settings,
        facts=outcome.facts,
        training_seconds=outcome.training_seconds if work else None,
        steps=sum(scale.steps for scale in work) if work else None,
        steps_needed=sum(scale.needed for scale in work) if work else None,
        need=method.need,
        undertrained=undertrained(work),
        seed=request.seed,
    )


def with_measures(
    comparison: Comparison,
    folder: Path,
    weights: Weights,
    device: torch.device,
    stages: int,
    show: OnStage,
    should_stop: Callable[[], bool],
    regions: tuple[Tensor, Tensor] | None = None,
) -> Comparison:
    """Add measures and warnings to each row, as the stage after so many others; by region too where there are maps."""
    painting, photo = (read_picture(folder / name).pixels for name in ("painting.png", "photo.png"))
    evaluator = Evaluator(painting, photo, weights=weights, device=device, regions=regions)
    rows: list[MethodResult] = []
    for index, row in enumerate(comparison.results):
        if should_stop():
            raise Interrupted("stopped as asked")
        show(Stage("measuring", stages, stages + 1, index / len(comparison.results)))
        if row.file:
            output = read_picture(folder / row.file).pixels
            found = () if row.control else tuple(picture_flaws(output, painting))
            row = replace(row, measures=evaluator.measure(output), warnings=(*row.warnings, *found))
        rows.append(row)
    show(Stage("measuring", stages, stages + 1, 1.0))
    return replace(
        comparison,
        results=tuple(rows),
        measures=measured(row.measures for row in rows),
        unavailable={name: shareable(text) for name, text in evaluator.missing.items()},
    )
