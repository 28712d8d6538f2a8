"""The candidates of a run: what the page shows of them, and what it means to choose one."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sinct.errors import ConfigError, InputError
from sinct.studio.folder import free_output
from sinct.studio.run import Job, StudioRun
from sinct.studio.wording import in_words
from sinct.variations.candidates import Candidate, Variations, is_trained, variations_of
from sinct.variations.folder import Continued


@dataclass(frozen=True)
class Shown:
    """A candidate as the page shows it.

    Attributes:
        number, label, steps, planned, whole, score: see `sinct.variations.candidates.Candidate`.
        warnings: flaws that show in it, one line each.
        picture: a number that changes with its picture; None where there is none.
        best: whether it is the best by the score, of those that are trained.
        continued: steps that it has in all, if it was chosen before.
        finished: whether that is its whole length, and its picture is there.
        fixed: whether it cannot be continued any more.
    """

    number: int
    label: str
    steps: int
    planned: int | None
    whole: int | None
    score: float | None
    warnings: tuple[str, ...]
    picture: int | None
    best: bool
    continued: int | None
    finished: bool
    fixed: bool


def described(run: StudioRun) -> dict[str, Any] | None:
    """What the page shows of a run's candidates, JSON-serialisable; None where there are none."""
    found = found_in(run)
    if found is None:
        return None
    return {
        "finished": found.finished,
        "warnings": [in_words(text) for text in found.warnings],
        "candidates": [asdict(each) for each in shown_in(run)],
    }


def shown_in(run: StudioRun) -> list[Shown]:
    """The candidates of a run, as the page shows them."""
    found = found_in(run)
    return [] if found is None else [_shown(run, found, each) for each in found.candidates]


def found_in(run: StudioRun) -> Variations | None:
    """The candidates of a run; None where there are none."""
    record = run.record()
    return None if record is None else variations_of(run.variations, record)


def begun(run: StudioRun) -> bool:
    """Whether there are candidates to train or to choose from, and nothing was trained in their stead."""
    return run.record() is not None and not run.training(None).config.is_file()


def mapped(run: StudioRun) -> bool:
    """Whether a run's candidates have region maps."""
    record = run.record()
    return record is not None and record.mapped


def _shown(run: StudioRun, found: Variations, candidate: Candidate) -> Shown:
    path = picture_of(run, candidate.number)
    done = candidate.continued
    return Shown(
        number=candidate.number,
        label=candidate.label,
        steps=candidate.steps,
        planned=candidate.planned,
        whole=candidate.whole,
        score=candidate.score,
        warnings=tuple(in_words(text) for text in candidate.warnings),
        picture=None if path is None else path.stat().st_mtime_ns // 1_000_000,
        best=candidate.number == found.best,
        continued=None if done is None else done.steps,
        finished=done is not None and done.finished and _output_of(run, done) is not None,
        fixed=candidate.pruned,
    )


def is_one(run: StudioRun, number: int) -> bool:
    """Whether a run has a candidate of this number."""
    record = run.record()
    return record is not None and 1 <= number <= len(record.candidates)


def picture_of(run: StudioRun, number: int) -> Path | None:
    """The painting as a candidate translates it, or its last preview; None where there is neither."""
    for path in (run.variations.picture(number), run.view("live", number)):
        if path.is_file() and not path.is_symlink():
            return path
    return None


def outputs(run: StudioRun) -> set[str]:
    """Names of the pictures that chosen candidates made."""
    record = run.record()
    entries = () if record is None else record.candidates
    return {Path(each.continued.output).name for each in entries if each.continued and each.continued.output}


def chosen(run: StudioRun, number: int) -> tuple[Job, bool]:
    """The job of a run once a candidate has been chosen, which makes a picture of its own.

    Args:
        run: the run.
        number: number of the candidate.

    Returns:
        The job, and whether the picture is there already, of the whole length.

    Raises:
        InputError: there are no candidates, or this one is not trained yet.
        ConfigError: there is no such candidate, or it lost its checkpoint.
        OutputError: there are too many pictures of this painting.
    """
    record, job = run.record(), run.job()
    if record is None:
        raise InputError(f"{run.path.name} has no candidates to choose from")
    if not 1 <= number <= len(record.candidates):
        raise ConfigError(f"there is no candidate {number}; choose one of 1 to {len(record.candidates)}")
    entry = record.candidates[number - 1]
    if not is_trained(run.variations, number, entry):
        raise InputError(
            f"candidate {number} has not been trained yet; let it train first, or choose another"
        )
    own = _output_of(run, entry.continued)
    done = own is not None and entry.continued is not None and entry.continued.finished
    if entry.pruned and not done:
        raise ConfigError(f"candidate {number} cannot be continued any more; choose another")
    if own is None:
        taken = (run.folder / job.output).exists()
        own = free_output(run.folder, job.painting) if taken else job.output
    values = {**asdict(job), "output": own, "chosen": number, "preset": entry.preset}
    return Job(**values), done


def own_output(run: StudioRun, number: int) -> str | None:
    """Name of the picture that a candidate was continued to, if that is in the studio's folder."""
    record = run.record()
    return None if record is None else _output_of(run, record.candidates[number - 1].continued)


def _output_of(run: StudioRun, continued: Continued | None) -> str | None:
    if continued is None or continued.output is None:
        return None
    path = run.folder / Path(continued.output).name
    return path.name if path.is_file() and not path.is_symlink() else None
