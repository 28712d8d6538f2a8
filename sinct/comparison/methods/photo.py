"""Control: the photo as it is, which no other picture can beat in style."""

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result


def run(painting: Tensor, photo: Tensor, job: Job) -> Result:
    """Return the photo, in its own size."""
    return Result(photo, {})


METHOD = Method(title="Photo, unchanged", source="the reference", run=run, control=True)
