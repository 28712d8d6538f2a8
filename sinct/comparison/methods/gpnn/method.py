"""The passes from coarse to fine."""

import math

import torch
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._pyramid import Level, plan_levels, resize
from sinct.comparison.methods.colour_transfer import transfer_colours
from sinct.comparison.methods.gpnn.matching import (
    MOST_PAIRS,
    Matches,
    first_matches,
    follow_matches,
    match_distances,
)
from sinct.comparison.methods.gpnn.patches import combine_patches, patches_of, principal_components
from sinct.errors import ConfigError


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    patch_size: int = 7,
    coarsest: int = 300,
    ratio: float = 0.75,
    iterations: int = 10,
    alpha: float = 0.01,
    components: int = 24,
    match_colours: bool = True,
) -> Result:
    """Replace patches by near ones of the photo, again and again, coarse to fine.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device and seed.
        patch_size: side of a patch in pixels, at every level.
        coarsest: shorter side of the painting at the first level, in pixels; larger ones keep more of it.
        ratio: of the sides of a level to those of the next.
        iterations: at each level.
        alpha: of the completeness scores, in squared pixel values of [-1, 1]; smaller ones use more of the
            photo.
        components: principal components of patches in which they are compared after the first iteration.
        match_colours: begin with the painting in the photo's colours, our addition.

    Returns:
        The picture; as facts of each level its sizes, iterations, mean distance of patches to what they were
        replaced by, and the share of the photo's patches that were used, both of the last iteration.

    Raises:
        InputError: a picture is smaller than a patch.
        ConfigError: a setting is out of range.
        Interrupted: the caller asked to stop.
    """
    if alpha <= 0:
        raise ConfigError(f"alpha {alpha} must be above 0; give 0.01, or 1 for hardly any completeness")
    levels = plan_levels(
        (painting.shape[1], painting.shape[2]),
        (photo.shape[1], photo.shape[2]),
        coarsest=coarsest,
        ratio=ratio,
        patch_size=patch_size,
    )
    generator = torch.Generator().manual_seed(job.seed)
    picture = resize(painting, levels[0].painting)
    if match_colours:
        start = resize(photo, levels[0].photo)
        picture = transfer_colours(picture, start, iterations=20, seed=job.seed).float()
    picture, photo = picture.to(job.device), photo.to(job.device)
    matches: Matches | None = None
    coarser = photo
    facts = []
    for level, share in zip(levels, _shares(levels, iterations), strict=True):
        picture, values = resize(picture, level.painting), resize(photo, level.photo)
        kept = components if matches else values.shape[0] * patch_size**2
        basis = principal_components(values, patch_size, kept)
        # Details that the enlarged picture lacks are kept out of its first comparison.
        blurred = resize(coarser, level.photo) if matches else values
        done = 0
        for iteration in job.budget.stage(share, iterations):
            queries = patches_of(picture, basis)
            keys = patches_of(values if iteration else blurred, basis)
            if matches is None:
                matches = first_matches(queries, keys, alpha, generator)
            else:
                matches = follow_matches(matches, queries, keys, alpha, generator)
            picture = combine_patches(matches.forth, values, patch_size)
            done = iteration + 1
        assert matches is not None  # for a stage has one iteration or more
        coarser = values
        used = torch.zeros(len(keys.features), dtype=torch.bool, device=job.device)
        used[matches.forth] = True
        facts.append(
            {
                "size": f"{level.painting[1]}x{level.painting[0]}",
                "photo": f"{level.photo[1]}x{level.photo[0]}",
                "iterations": done,
                "distance": round(match_distances(matches.forth, queries, keys).mean().item(), 6),
                "used": round(used.float().mean().item(), 4),
            }
        )
    return Result(picture.clamp(-1, 1).float().cpu(), {"levels": facts})


def _shares(levels: list[Level], iterations: int) -> list[float]:
    """Shares of the time: iterations in proportion to patches, and the exact search of the first level."""
    costs = [float(iterations * math.prod(level.painting)) for level in levels]
    pairs = math.prod(levels[0].painting) * math.prod(levels[0].photo)
    costs[0] += min(pairs, MOST_PAIRS) / 400  # measured: a pass takes as long as 400 pairs for every patch
    return [cost / sum(costs) for cost in costs]


METHOD = Method(
    title="GPNN",
    source="Granot et al. 2022, arXiv:2103.15545",
    run=run,
    optimises=("familiarity",),
)
