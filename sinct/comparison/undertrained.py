"""Which methods had too little time for their pictures to say anything about them."""

from collections.abc import Sequence

from sinct.comparison.methods import Work
from sinct.report.ranking import ENOUGH


def undertrained(work: Sequence[Work]) -> str | None:
    """Say in one line how far a method is from the steps that it needs, if that is too far.

    A picture is no better than its worst scale: one with a single step at full size is still an enlarged sketch.

    Args:
        work: steps taken and needed at each scale, from coarse to fine; empty for a method in closed form.

    Returns:
        The line, or None if the method took the share `ENOUGH` of the steps at every scale.
    """
    shares = [scale.steps / scale.needed if scale.needed else 1.0 for scale in work]
    if not shares or min(shares) >= ENOUGH:
        return None
    index = shares.index(min(shares))
    where = f" at scale {index + 1} of {len(work)}" if len(work) > 1 else ""
    return (
        f"only {work[index].steps:,} of the {work[index].needed:,} steps that it needs{where}, less than {ENOUGH:.0%}; "
        "give it more steps or time"
    )
