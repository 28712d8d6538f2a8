"""Control: the photo as it is. No other picture can beat it in style."""

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result


def run(painting: Tensor, photo: Tensor, job: Job) -> Result:
    """Return the photo at its own size."""
    return Result(photo, {})


METHOD = Method(title="Photo, unchanged", source="the reference", run=run, control=True, seeded=False)
