"""What went wrong in a batch, in a few lines."""

import re
from collections.abc import Iterable, Sequence

from sinct.batch.ledger import Entry, State

NAMED = 3
"""Jobs that a line names; of more, only the number is told."""


def failures(entries: Iterable[Entry]) -> list[str]:
    """Why jobs have failed: a line for each reason, after the names of its jobs, the most frequent first."""
    failed = [entry for entry in entries if entry.state is State.failed]
    return _lines((entry.name, entry.error or "no reason is known") for entry in failed)


def flaws(entries: Iterable[Entry]) -> list[str]:
    """What finished pictures have warnings of, as `failures` tells it.

    Texts are cut to what one sees, without their figures.
    """
    done = [entry for entry in entries if entry.state is State.done]
    return _lines((entry.name, _in_short(text)) for entry in done for text in entry.warnings)


def _in_short(warning: str) -> str:
    """What one sees, without figures in brackets and what to do about it; `status` tells all."""
    text = re.sub(r" \([^()]*\)", "", warning).split("; ")[0]
    return re.sub(r"\d+([.,]\d+)*", "…", text)


def _lines(found: Iterable[tuple[str, str]]) -> list[str]:
    names: dict[str, list[str]] = {}
    for name, text in found:
        names.setdefault(text, []).append(name)
    by_number = sorted(names.items(), key=lambda line: -len(line[1]))
    return [f"{_listed(jobs)}: {text}" for text, jobs in by_number]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    if more > 0:
        return f"{', '.join(names[:NAMED])} and {more} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
