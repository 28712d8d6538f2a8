"""A person's verdicts on the pictures of a batch, and what is to be made anew after them."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from sinct.batch.ledger import Entry, Ledger, State, Verdict, ledger_path, read_entries
from sinct.config import SEEDS
from sinct.errors import ConfigError, InputError

UNDECIDED = "undecided"
"""What a finished picture without a verdict is, see `only`."""


def judge(folder: Path, names: Sequence[str], verdict: Verdict | None, note: str = "") -> list[Entry]:
    """Accept or reject finished pictures, even while the batch runs.

    An accepted picture stays, whatever settings a later run has, unless it is named to be made anew. A rejected one
    stays until it is; it then gets another seed. A verdict ends with its picture.

    Args:
        folder: the batch's folder.
        names: names of the jobs; a model of a series can be rejected too, so that it is trained anew.
        verdict: None takes a verdict back, with its note.
        note: what to remember about it; spaces and line breaks become single spaces.

    Returns:
        All jobs of the batch.

    Raises:
        InputError: there is no batch, or a job does not exist or has no finished picture, or the note is too long;
            no verdict is recorded then.
        OutputError: the ledger cannot be written.
    """
    path = ledger_path(folder)
    read_entries(path)  # raises where there is none, which opening it for writing would create
    with closing(Ledger(path)) as ledger:
        ledger.judge(names, verdict, " ".join(note.split()))
        return ledger.entries()


def undecided(entries: Iterable[Entry]) -> list[str]:
    """Names of the finished pictures without a verdict."""
    return [
        entry.name for entry in entries
        if entry.state is State.done and entry.job.output and entry.verdict is None
    ]  # fmt: skip


def only(entries: Iterable[Entry], which: str) -> list[Entry]:
    """The jobs whose picture is "accepted", "rejected" or still "undecided".

    Raises:
        ConfigError: `which` is something else.
    """
    found = list(entries)
    if which == UNDECIDED:
        names = set(undecided(found))
        return [entry for entry in found if entry.name in names]
    if which not in set(Verdict):
        raise ConfigError(f"there is no {which!r}; choose one of {', '.join((*Verdict, UNDECIDED))}")
    return [entry for entry in found if entry.verdict == which]


def to_retry(entries: Iterable[Entry]) -> list[str]:
    """Names of the jobs that failed or were rejected, but for pictures that share a model, see `sharing`."""
    return [
        entry.name for entry in entries
        if entry.state is State.failed or (_rejected(entry) and entry.job.kind != "apply")
    ]  # fmt: skip


def sharing(entries: Iterable[Entry]) -> list[str]:
    """Names of rejected pictures that share a model with others: only another model would change them."""
    return [entry.name for entry in entries if _rejected(entry) and entry.job.kind == "apply"]


def anew(ledger: Ledger, name: str) -> Entry:
    """A job to start afresh, with another seed if it was rejected.

    Raises:
        InputError: it does not exist, or it was rejected and shares its model with others.
    """
    entry = ledger.entry(name)
    if not _rejected(entry):
        return entry.reset()
    if entry.job.kind == "apply":
        raise InputError(
            f"{name} was made with {entry.job.needs}, so it would come out the same; `sinct batch reject` that, then "
            "retry, to train it with another seed, which changes all pictures that are not accepted"
        )
    return ledger.reseed(name, other_seed(entry, ledger.entries())).reset()


def other_seed(entry: Entry, entries: Iterable[Entry]) -> int:
    """The next seed that no job on the same pictures has."""
    taken = {other.job.settings.seed for other in entries if other.job.inputs == entry.job.inputs}
    seed = entry.job.settings.seed
    while seed in taken:
        seed = (seed + 1) % SEEDS
    return seed


def _rejected(entry: Entry) -> bool:
    return entry.state is State.done and entry.verdict is Verdict.rejected
