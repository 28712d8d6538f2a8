"""GPNN: every patch of the picture is replaced by a near one of the photo, coarse to fine.

The nearest are followed by PatchMatch (Barnes et al. 2009, doi:10.1145/1531326.1531330): each patch keeps
the best of what it had, what its neighbours' finds suggest, and random tries around it. At the first
iteration of the coarsest level they are exact if the pictures have 5e8 pairs of patches there or fewer;
otherwise they begin by chance.
"""

import math
from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._pyramid import Level, Size, plan_levels, resize
from sinct.comparison.methods.colour_transfer import transfer_colours
from sinct.errors import ConfigError


def completeness_scores(distances: Tensor, nearest: Tensor, alpha: float) -> Tensor:
    """Distances to keys, relative to how near any query comes to each.

        S_ij = D_ij / (alpha + min_l D_lj)

    Keys that no query is near get small scores, so that they are chosen, too: the smaller alpha, the more of
    the photo is used. As alpha grows, the order becomes that of D.

    Args:
        distances: (..., m) D, mean squared differences between queries and keys.
        nearest: (m,) the least distance of each key to any query, in the same unit.
        alpha: in the same unit; positive.

    Returns:
        (..., m), dimensionless.

    Granot et al. 2022 (arXiv:2103.15545), section 3: each query takes the key of the least score.
    """
    return distances / (alpha + nearest)


class Patches(NamedTuple):
    """All patches of a picture.

    Attributes:
        features: (n, d), row by row; the squared distance of two is the mean squared difference of their
            patches, as far as d coordinates hold it.
        size: rows and columns of patches, with n as their product.
    """

    features: Tensor
    size: Size


class Matches(NamedTuple):
    """What was found for every patch of two pictures, painting and photo.

    Attributes:
        forth: (h, w) for every query patch the index of a key patch.
        back: (h', w') for every key patch the index of a query patch near it.
    """

    forth: Tensor
    back: Tensor


def principal_components(picture: Tensor, patch_size: int, count: int) -> Tensor:
    """Orthonormal filters in which the patches of a picture vary most, in falling order.

    Args:
        picture: (C, H, W); patches half a patch apart are taken.
        patch_size: p, in pixels.
        count: of components; all C p² of them make a rotation that keeps every distance.

    Returns:
        (min(count, C p²), C, p, p).
    """
    rows = F.unfold(picture[None].cpu().double(), patch_size, stride=max(1, patch_size // 2))[0]
    rows = rows - rows.mean(dim=1, keepdim=True)
    _, vectors = torch.linalg.eigh(rows @ rows.T)
    components: Tensor = vectors.flip(1).T[:count].to(picture)
    return components.reshape(-1, len(picture), patch_size, patch_size)


def patches_of(picture: Tensor, components: Tensor) -> Patches:
    """Project all patches of a (C, H, W) picture on (d, C, p, p) orthonormal filters."""
    features = F.conv2d(picture[None], components)[0] / math.sqrt(components[0].numel())
    return Patches(features.flatten(1).T.contiguous(), (features.shape[1], features.shape[2]))


def match_exactly(queries: Patches, keys: Patches, alpha: float) -> Matches:
    """Find for every query the key of the least completeness score, and for every key the nearest query.

    All pairs are compared, in time and not in memory proportional to their number.
    """
    chunk = max(1, _PAIRS_AT_ONCE // len(keys.features))
    starts = range(0, len(queries.features), chunk)
    lengths = keys.features.square().sum(dim=1)

    def distances(start: int) -> Tensor:
        some = queries.features[start : start + chunk]
        products = torch.addmm(lengths, some, keys.features.T, alpha=-2)
        return products.add_(some.square().sum(dim=1, keepdim=True)).clamp_(min=0)

    nearest, owner = distances(0).min(dim=0)
    for start in starts[1:]:
        values, indices = distances(start).min(dim=0)
        owner = torch.where(values < nearest, indices + start, owner)
        nearest = torch.minimum(nearest, values)
    chosen = [completeness_scores(distances(start), nearest, alpha).argmin(dim=1) for start in starts]
    return Matches(torch.cat(chosen).view(queries.size), owner.view(keys.size))


_PAIRS_AT_ONCE = 2**22
"""Distances held at a time: 16 MB in float32, which a cache can hold."""


def first_matches(queries: Patches, keys: Patches, alpha: float, generator: torch.Generator) -> Matches:
    """Exact matches, or with more than 5e8 pairs of patches what passes make of matches drawn by chance."""
    n, m = len(queries.features), len(keys.features)
    if n * m <= _MOST_PAIRS:
        return match_exactly(queries, keys, alpha)
    drawn = (
        torch.randint(m, queries.size, generator=generator),
        torch.randint(n, keys.size, generator=generator),
    )
    matches = Matches(*(index.to(keys.features.device) for index in drawn))
    for _ in range(_FIRST_PASSES):
        matches = follow_matches(matches, queries, keys, alpha, generator)
    return matches


_MOST_PAIRS = 500_000_000
"""Pairs that are compared exactly, so that one iteration, which nothing interrupts, takes seconds."""

_FIRST_PASSES = 8
"""Passes that replace exact search; in tests they come within 5 % of its distances."""


def match_distances(index: Tensor, queries: Patches, keys: Patches) -> Tensor:
    """Mean squared difference of every query to the key that `index` gives it, in a grid of its shape."""
    wanted, have = index.flatten(), queries.features
    distances = have.new_empty(len(have))
    for start in range(0, len(have), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        distances[some] = (keys.features[wanted[some]] - have[some]).square_().sum(dim=1)
    return distances.view(index.shape)


_ROWS_AT_ONCE = 2**15
"""Patches compared at a time, so that what lies between stays in a CPU's cache."""


def improve_matches(
    index: Tensor,
    queries: Patches,
    keys: Patches,
    generator: torch.Generator,
    *,
    nearest: Tensor | None = None,
    alpha: float = 0.0,
) -> Tensor:
    """One pass of PatchMatch.

    Every query is offered, one after the other, the continuation of what each of its four neighbours has and
    keys drawn evenly from squares around its own, whose half side falls from the keys' longer side to one
    patch by factors of 4. It takes what is better. Unlike in Barnes et al. all queries are served at once.

    Args:
        index: (h, w) what every query has.
        queries: of size (h, w).
        keys: that `index` points to.
        generator: of the random tries, on the CPU.
        nearest: (m,) least distance of each key to any query, for completeness scores; without it plain
            distances are compared.
        alpha: of the scores.

    Returns:
        (h, w), nowhere worse.
    """
    rows, columns = keys.size

    def price(index: Tensor) -> Tensor:
        distances = match_distances(index, queries, keys)
        return distances if nearest is None else completeness_scores(distances, nearest[index], alpha)

    best = price(index)

    def offer(row: Tensor, column: Tensor) -> None:
        nonlocal index, best
        candidate = row.clamp(0, rows - 1) * columns + column.clamp(0, columns - 1)
        cost = price(candidate)
        better = cost < best
        index, best = torch.where(better, candidate, index), torch.where(better, cost, best)

    for down, right in ((1, 0), (0, 1), (-1, 0), (0, -1)):
        neighbour = index.roll((down, right), dims=(0, 1))
        offer(neighbour // columns + down, neighbour % columns + right)
    reach = max(rows, columns)
    while reach >= 1:
        step = torch.randint(-reach, reach + 1, (2, *index.shape), generator=generator).to(index.device)
        offer(index // columns + step[0], index % columns + step[1])
        reach //= 4
    return index


def follow_matches(
    matches: Matches, queries: Patches, keys: Patches, alpha: float, generator: torch.Generator
) -> Matches:
    """Improve matches after the pictures have changed, also to other sizes.

    First the keys' nearest queries by distance, then the queries' keys by the completeness scores that
    follow: approximately what `match_exactly` finds, in time proportional to the number of patches.
    """
    (forth, back), (mine, its) = matches, (matches.forth.shape, matches.back.shape)
    back = improve_matches(scale_matches(back, mine, keys.size, queries.size), keys, queries, generator)
    nearest = match_distances(back, keys, queries).flatten()
    forth = scale_matches(forth, its, queries.size, keys.size)
    forth = improve_matches(forth, queries, keys, generator, nearest=nearest, alpha=alpha)
    return Matches(forth, back)


def scale_matches(index: Tensor, other: Sequence[int], new: Size, new_other: Size) -> Tensor:
    """Carry matches over to grids of patches of other sizes.

    Args:
        index: (h, w) with indices into a grid of `other` rows and columns.
        other: size of that grid.
        new: size of the result.
        new_other: size of the grid that it shall point into.

    Returns:
        (h, w) of `new`; `index` itself if no size changes.
    """
    row, column = (
        ((torch.arange(side, device=index.device) + 0.5) * (old / side)).long()
        for side, old in zip(new, index.shape, strict=True)
    )
    near = index[row][:, column]
    row, column = (
        ((place + 0.5) * (side / old)).long().clamp(max=side - 1)
        for place, side, old in zip((near // other[1], near % other[1]), new_other, other, strict=True)
    )
    return row * new_other[1] + column


def combine_patches(index: Tensor, photo: Tensor, patch_size: int) -> Tensor:
    """Lay the photo's patches where they were matched, and average where they overlap.

    Args:
        index: (h, w) into the photo's (H' - p + 1) x (W' - p + 1) patches.
        photo: (C, H', W').
        patch_size: p, in pixels.

    Returns:
        (C, h + p - 1, w + p - 1).
    """
    (height, width), columns = index.shape, photo.shape[2] - patch_size + 1
    pixels = photo.flatten(1).T.contiguous()
    corner = index // columns * photo.shape[2] + index % columns
    total = photo.new_zeros(height + patch_size - 1, width + patch_size - 1, len(photo))
    count = photo.new_zeros(height + patch_size - 1, width + patch_size - 1, 1)
    for down, right in product(range(patch_size), repeat=2):
        here = slice(down, down + height), slice(right, right + width)
        total[here] += pixels[corner + (down * photo.shape[2] + right)]
        count[here] += 1
    return (total / count).permute(2, 0, 1)


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
    costs[0] += min(pairs, _MOST_PAIRS) / 400  # measured: a pass takes as long as 400 pairs for every patch
    return [cost / sum(costs) for cost in costs]


METHOD = Method(
    title="GPNN",
    source="Granot et al. 2022, arXiv:2103.15545",
    run=run,
    optimises=("familiarity",),
)
