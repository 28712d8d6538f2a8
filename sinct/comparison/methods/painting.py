"""Control: the painting as it is. No other picture can beat it in structure."""

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result


def run(painting: Tensor, photo: Tensor, job: Job) -> Result:
    """Return the painting unchanged."""
    return Result(painting, {})


METHOD = Method(title="Painting, unchanged", source="the input", run=run, control=True, seeded=False)
