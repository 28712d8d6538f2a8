"""Control: the painting with its own texture, and the photo's colours by optimal transport.

Pitié, Kokaram and Dahyot 2007, "Automated colour grading using colour distribution transfer" (CVIU 107):
the pixels' colours, as a cloud of points, are moved along random axes until each axis has the photo's
distribution. Strokes stay strokes, so what a method achieves beyond this control is more than colour.
"""

from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.data.transport import transport


def transfer_colours(painting: Tensor, photo: Tensor, *, iterations: int, seed: int) -> Tensor:
    """Give a picture the colour distribution of another by iterated one-dimensional transport.

    Args:
        painting: (3, H, W).
        photo: (3, H', W'), in the same colour space.
        iterations: number of random rotations of the colour space.
        seed: seeds the rotations.

    Returns:
        (3, H, W); may leave the photo's range slightly.

    Pitié et al. 2007, section 3; see `sinct.data.transport`.
    """
    moved = transport(painting.flatten(1), photo.flatten(1), iterations=iterations, seed=seed)
    return moved.view_as(painting)


def run(painting: Tensor, photo: Tensor, job: Job, *, iterations: int = 20) -> Result:
    """Give the painting the photo's colours."""
    moved = transfer_colours(painting.double(), photo.double(), iterations=iterations, seed=job.seed)
    return Result(moved.clamp(-1, 1).float(), {})


METHOD = Method(
    title="Colour transfer",
    source="Pitié et al. 2007, doi:10.1016/j.cviu.2006.11.011",
    run=run,
    optimises=("colour",),
    control=True,
)
