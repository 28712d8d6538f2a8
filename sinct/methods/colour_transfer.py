"""Control: the painting with the photo's colours by optimal transport, and its own texture.

Pitié, Kokaram and Dahyot 2007, "Automated colour grading using colour distribution transfer" (CVIU 107):
the pixels' colours, as a cloud of points, are moved along random axes until each axis has the photo's
distribution. Strokes stay strokes, so whatever a method gains beyond this row is more than colour.
"""

import torch
from torch import Tensor

from sinct.methods import Job, Method, Result


def transfer_colours(painting: Tensor, photo: Tensor, *, iterations: int, seed: int) -> Tensor:
    """Give a picture's colours another's distribution by iterated one-dimensional transport.

    Args:
        painting: (3, H, W).
        photo: (3, H', W'), same colour space.
        iterations: random rotations of the colour space.
        seed: of the rotations.

    Returns:
        (3, H, W); may leave the photo's range slightly.

    Pitié et al. 2007, section 3: in each rotated basis every axis is mapped by u -> Q_photo(P_painting(u)),
    with P and Q the cumulative distribution and the quantile function along it.
    """
    generator = torch.Generator().manual_seed(seed)
    colours, target = painting.flatten(1).clone(), photo.flatten(1)
    for _ in range(iterations):
        rotation = random_rotation(generator).to(colours)
        along, aim = rotation @ colours, rotation @ target
        moved = torch.stack([match_distribution(u, v) for u, v in zip(along, aim, strict=True)])
        colours = rotation.T @ moved
    return colours.view_as(painting)


def match_distribution(values: Tensor, target: Tensor) -> Tensor:
    """Map (N,) values monotonically so that they are distributed as the (M,) target ones.

    The n-th smallest of N becomes the target's quantile at (n + 1/2) / N, linearly interpolated: the optimal
    transport in one dimension.
    """
    ordered = target.sort().values
    position = (torch.arange(len(values), dtype=ordered.dtype) + 0.5) / len(values) * len(target) - 0.5
    position = position.clamp(0, len(target) - 1)
    low = position.floor().long()
    high = (low + 1).clamp(max=len(target) - 1)
    quantiles = torch.lerp(ordered[low], ordered[high], position - low)
    result = torch.empty_like(values)
    result[values.argsort(stable=True)] = quantiles
    return result


def random_rotation(generator: torch.Generator) -> Tensor:
    """Draw an orthogonal (3, 3) matrix uniformly, as float64."""
    q, r = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    rotation: Tensor = q * r.diagonal().sign()
    return rotation


def run(painting: Tensor, photo: Tensor, job: Job, *, iterations: int = 20) -> Result:
    """Move the painting's colours to the photo's."""
    moved = transfer_colours(painting.double(), photo.double(), iterations=iterations, seed=job.seed)
    return Result(moved.clamp(-1, 1).float(), {})


METHOD = Method(
    title="Colour transfer",
    source="Pitié et al. 2007, doi:10.1016/j.cviu.2006.11.011",
    run=run,
    optimises=("colour",),
    control=True,
)
