"""The part of `sinct translate` that trains candidates and chooses one of them."""

import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sinct.errors import CheckpointError, ConfigError, OutputError, counted
from sinct.runtime.files import printable

from . import bars, display, opening
from .keeping import check_kept
from .options import Pick, parse_changes
from .stopping import choosing, repeating, stopping

if TYPE_CHECKING:
    from sinct import Candidate, Config, VariationProgress, Variations


@dataclass(frozen=True)
class Wishes:
    """What options say about candidates.

    Attributes:
        seeds: number of seeds, or None.
        presets: names of presets, comma-separated, or None.
        each_photo: whether each photo makes a candidate.
        each_faithful: values of `faithful`, comma-separated, or None.
        number: candidate to go on with, or None.
        pick: how to choose it instead, or None.
        prune: whether to remove the others' checkpoints at the end.
    """

    seeds: int | None
    presets: str | None
    each_photo: bool
    each_faithful: str | None
    number: int | None
    pick: Pick | None
    prune: bool

    @property
    def train(self) -> bool:
        """Whether candidates are to be trained."""
        several = self.presets is not None or self.each_photo or self.each_faithful is not None
        return self.number is None and (self.seeds is not None or several)

    def check(self) -> bool:
        """Whether there are any wishes about candidates at all.

        Raises:
            ConfigError: they contradict each other.
        """
        chosen = self.number is not None or self.pick is not None
        if self.number is not None and self.pick is not None:
            raise ConfigError("--continue and --pick contradict each other; give one of them")
        if self.prune and not chosen:
            raise ConfigError(
                "--prune goes with --continue or --pick, which say what stays; give one of them"
            )
        return chosen or self.train

    def count(self, photos: int) -> int:
        """How many candidates there are to be, of so many photos."""
        lists = max(1, len(self.names())) * max(1, len(self.values()))
        return (self.seeds or 1) * (photos if self.each_photo else 1) * lists

    def names(self) -> list[str]:
        """The presets by name."""
        return _listed(self.presets)

    def values(self) -> list[float]:
        """The values of `faithful`.

        Raises:
            ConfigError: one is no number.
        """
        try:
            return [float(value) for value in _listed(self.each_faithful)]
        except ValueError:
            raise ConfigError(
                f"--each-faithful takes numbers from 0 to 1 with commas between, got {self.each_faithful!r}; give, for "
                "instance, 0.25,0.5,1"
            ) from None


def _listed(text: str | None) -> list[str]:
    """What stands between commas."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


@dataclass(frozen=True)
class Asks:
    """Settings that options ask for.

    Attributes:
        seed, preset: None where they are not given.
        from_scratch: whether to begin with random networks.
        changes: NAME=VALUE each, those of --stroke and --faithful among them.
    """

    seed: int | None
    preset: str | None
    from_scratch: bool
    changes: list[str]


def check_settings(asks: Asks, found: "Variations", number: int, *, seeds: bool) -> None:
    """See that options ask for nothing else than what a candidate has that is to go on.

    Args:
        asks: what they ask for.
        found: the candidates.
        number: the one that goes on; a wrong number is told later.
        seeds: whether the number of seeds is given too, so that the seed is the first of them.

    Raises:
        SinctError: they ask for something else.
    """
    from sinct.objectives.cut import Trainer
    from sinct.training.run_directory import RunDirectory

    chosen = next((each for each in found.candidates if each.number == number), None)
    if chosen is None or chosen.score is None:
        return
    first = seeds and asks.seed == min(each.seed for each in found.candidates)
    check_kept(
        f"candidate {number}", RunDirectory(chosen.run_dir).read_config(Trainer)[0], parse_changes(asks.changes),
        seed=None if first else asks.seed, preset=asks.preset, own_preset=chosen.preset,
        from_scratch=asks.from_scratch,
    )  # fmt: skip


def choose(
    wishes: Wishes,
    painting: Path,
    photos: list[Path],
    output: Path,
    *,
    run_dir: Path,
    settings: "Callable[[str | None], Config]",
    preset: str,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    verbose: bool = False,
    **options: Any,
) -> int | None:
    """Train candidates if that is asked for, and say how they turned out.

    Args:
        wishes: what options say about candidates.
        painting, photos, output, run_dir, preset, overwrite: see `sinct.vary`.
        settings: makes settings of a preset's name; of None, those whose length is the budget.
        as_json, quiet, verbose: how to tell about them.
        options: device, max_memory, mask and regions.

    Returns:
        Number of the candidate to go on with; None where that is left to the person.
    """
    import sinct

    if wishes.number is not None:
        return wishes.number
    if wishes.pick and output.exists() and not overwrite and not _begun(run_dir):
        raise OutputError(
            f"{printable(output)} already exists; give another name, or `overwrite=True` to replace it"
        )
    if wishes.train:
        budget = settings(None)
        first = partial(
            opening.of_candidates, painting, photos, ", ".join(wishes.names()) or preset, budget,
            wishes.count(len(photos)), run_dir,
        )  # fmt: skip
        with (
            stopping() as stop,
            bars.TrainingDisplay(quiet=quiet, kept="what is trained", verbose=verbose, opening=first) as bar,
        ):

            def on_progress(progress: "VariationProgress") -> None:
                bar(replace(progress.training, fraction=progress.fraction, remaining=progress.remaining))

            def on_candidate(candidate: "Candidate") -> None:
                if not quiet:
                    display.remark(f"candidate {_line(candidate)}")

            found = sinct.vary(
                painting, photos, output, run_dir=run_dir, config=budget, preset=preset,
                seeds=1 if wishes.seeds is None else wishes.seeds, each_photo=wishes.each_photo,
                each_faithful=wishes.values(),
                presets={name: settings(name) for name in wishes.names()}, overwrite=overwrite,
                on_progress=on_progress, on_preparing=bar.prepare, on_candidate=on_candidate,
                should_stop=stop, **options,
            )  # fmt: skip
        if not found.finished:
            _stopped(found, as_json=as_json, quiet=quiet)
            raise typer.Exit(stop.exit_code)
    else:
        found = sinct.read_variations(run_dir)
        if not found.finished:
            trained = sum(candidate.score is not None for candidate in found.candidates)
            raise CheckpointError(
                f"only {trained} of {len(found.candidates)} candidates are trained; train the others first, or choose "
                "one with --continue"
            )
    _tell(found, picked=wishes.pick is not None, as_json=as_json, quiet=quiet)
    return found.best if wishes.pick else None


def facts(found: "Variations") -> dict[str, Any]:
    """Everything about variations, for --json."""
    return {
        "folder": str(found.folder),
        "sheet": None if found.sheet is None else str(found.sheet),
        "best": found.best,
        "finished": found.finished,
        "warnings": list(found.warnings),
        "candidates": [
            {
                name: str(value) if isinstance(value, Path) else value
                for name, value in asdict(candidate).items()
            }
            for candidate in found.candidates
        ],
    }


def _begun(run_dir: Path) -> bool:
    """Whether there are variations already, so that the output may be that of one of them."""
    import sinct

    try:
        sinct.read_variations(run_dir)
    except CheckpointError:
        return False
    return True


def _line(candidate: "Candidate") -> str:
    """A candidate in a line."""
    steps = counted(candidate.steps, "step") if candidate.steps else "no training"
    return f"{candidate.number}: {candidate.label}, {steps}, score {candidate.score:.3f}"


def _tell(found: "Variations", *, picked: bool, as_json: bool, quiet: bool) -> None:
    """Say how candidates turned out, and which one is picked or how to go on."""
    assert found.best is not None
    if as_json:
        if not picked:
            display.emit(facts(found))
        return
    for candidate in found.candidates:
        best = ", the best by score" if candidate.number == found.best else ""
        display.say(f"{_line(candidate)}{best}", quiet=quiet)
        for text in candidate.warnings:
            display.warn(f"candidate {candidate.number}: {text}", quiet=quiet)
    for text in found.warnings:
        display.warn(text, quiet=quiet)
    display.say(f"side by side: {found.sheet}", quiet=quiet)
    if picked:
        display.say(f"picked candidate {found.best}: {_reason(found)}", quiet=quiet)
    else:
        command = choosing(sys.argv[1:], found.best)
        display.say(f"look at them, then go on with one: {command}", quiet=quiet)


def _reason(found: "Variations") -> str:
    """Why a candidate is the best, in words."""
    flawed = any(candidate.warnings for candidate in found.candidates)
    of = " of those with the fewest visible flaws" if flawed else ""
    return f"the lowest score{of}, by which a training also keeps its best state"


def _stopped(found: "Variations", *, as_json: bool, quiet: bool) -> None:
    """Say how far the candidates have come and how to go on."""
    if as_json:
        display.emit(facts(found))
    trained = sum(candidate.score is not None for candidate in found.candidates)
    display.say(
        f"stopped after {trained} of {len(found.candidates)} candidates; everything is saved. To continue: "
        f"{repeating(sys.argv[1:])}",
        quiet=quiet,
    )
