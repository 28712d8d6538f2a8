"""The passes from coarse to fine."""

import math
from typing import Any

import torch
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result, Work
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

ITERATIONS = 10
"""Iterations at each level, as in the paper and its public implementations."""


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    patch_size: int = 7,
    coarsest: int = 300,
    ratio: float = 0.75,
    iterations: int = ITERATIONS,
    alpha: float = 0.01,
    components: int = 24,
    match_colours: bool = True,
) -> Result:
    """Repeatedly replace patches by similar ones from the photo, from coarse to fine.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device and seed.
        patch_size: side of a patch in pixels, at every level.
        coarsest: shorter side of the painting at the first level, in pixels; larger values keep more of the
            painting.
        ratio: side of a level divided by the side of the next.
        iterations: number of iterations at each level.
        alpha: of the completeness scores, in squared pixel values of [-1, 1]; smaller values use more of the
            photo.
        components: principal components by which patches are compared after the first iteration.
        match_colours: start from the painting in the photo's colours; our addition.

    Returns:
        The picture. Its facts for each level are the sizes, the iterations and, for the last iteration, the
        mean distance between patches and their replacements and the share of the photo's patches in use.

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
    facts: list[dict[str, Any]] = []
    for level, share in zip(levels, _shares(levels, iterations), strict=True):
        picture, values = resize(picture, level.painting), resize(photo, level.photo)
        kept = components if matches else values.shape[0] * patch_size**2
        basis = principal_components(values, patch_size, kept)
        # The first comparison leaves out details that the enlarged picture cannot have.
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
        assert matches is not None  # every stage has at least one iteration
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
    work = tuple(Work(level["iterations"], ITERATIONS) for level in facts)
    return Result(picture.clamp(-1, 1).float().cpu(), {"levels": facts}, work=work)


def _shares(levels: list[Level], iterations: int) -> list[float]:
    """Each level's share of the time: its iterations, by number of patches, plus the first level's exact search."""
    costs = [float(iterations * math.prod(level.painting)) for level in levels]
    pairs = math.prod(levels[0].painting) * math.prod(levels[0].photo)
    costs[0] += min(pairs, MOST_PAIRS) / 400  # measured: a pass costs as much as 400 pairs for each patch
    return [cost / sum(costs) for cost in costs]


METHOD = Method(
    title="GPNN",
    source="Granot et al. 2022, arXiv:2103.15545",
    run=run,
    optimises=("familiarity",),
    need=f"{ITERATIONS} iterations at each scale, as in the paper",
)
