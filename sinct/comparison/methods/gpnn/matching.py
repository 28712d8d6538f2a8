"""Nearest patches, found exactly or kept up to date by PatchMatch."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.comparison.methods._pyramid import Size
from sinct.comparison.methods.gpnn.patches import Patches


class Matches(NamedTuple):
    """Matches between the patches of the picture (queries) and of the photo (keys).

    Attributes:
        forth: (h, w), for every query patch the index of a key patch.
        back: (h', w'), for every key patch the index of a query patch near it.
    """

    forth: Tensor
    back: Tensor


def completeness_scores(distances: Tensor, nearest: Tensor, alpha: float) -> Tensor:
    """Distances to keys, relative to the distance of each key from its nearest query.

        S_ij = D_ij / (alpha + min_l D_lj)

    Keys far from every query get small scores, so that they are chosen too: the smaller alpha, the more of
    the photo is used. For large alpha the order is that of D.

    Args:
        distances: (..., m), D: mean squared differences between queries and keys.
        nearest: (m,), the smallest distance of each key to any query, in the same unit.
        alpha: positive, in the same unit.

    Returns:
        (..., m), dimensionless.

    Granot et al. 2022 (arXiv:2103.15545), section 3: each query takes the key with the lowest score.
    """
    return distances / (alpha + nearest)


def match_exactly(queries: Patches, keys: Patches, alpha: float) -> Matches:
    """For every query find the key with the lowest completeness score, and for every key the nearest query.

    All pairs are compared: time grows with their number, memory does not.
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
"""Distances held at a time: 16 MB in float32, which fits a cache."""


def first_matches(queries: Patches, keys: Patches, alpha: float, generator: torch.Generator) -> Matches:
    """Exact matches, or with more than 5e8 pairs of patches random ones improved by passes of PatchMatch."""
    n, m = len(queries.features), len(keys.features)
    if n * m <= MOST_PAIRS:
        return match_exactly(queries, keys, alpha)
    drawn = (
        torch.randint(m, queries.size, generator=generator),
        torch.randint(n, keys.size, generator=generator),
    )
    matches = Matches(*(index.to(keys.features.device) for index in drawn))
    for _ in range(_FIRST_PASSES):
        matches = follow_matches(matches, queries, keys, alpha, generator)
    return matches


MOST_PAIRS = 500_000_000
"""Most pairs that are compared exactly, so that one iteration, which cannot be interrupted, takes seconds."""

_FIRST_PASSES = 8
"""Passes that replace the exact search; in tests they come within 5 % of its distances."""


def match_distances(index: Tensor, queries: Patches, keys: Patches) -> Tensor:
    """Mean squared difference between every query and its key in `index`, in the shape of `index`."""
    wanted, have = index.flatten(), queries.features
    distances = have.new_empty(len(have))
    for start in range(0, len(have), _ROWS_AT_ONCE):
        some = slice(start, start + _ROWS_AT_ONCE)
        distances[some] = (keys.features[wanted[some]] - have[some]).square_().sum(dim=1)
    return distances.view(index.shape)


_ROWS_AT_ONCE = 2**15
"""Patches compared at a time, so that intermediate results stay in a CPU's cache."""


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

    Every query is offered one key after another: those beside the keys of its four neighbours, then keys drawn
    uniformly from squares around its own, whose half side falls by factors of 4 from the keys' longer side to
    one patch. It takes whatever is better. Unlike in Barnes et al., all queries are updated at once.

    Args:
        index: (h, w), the current key of every query.
        queries: patches of size (h, w).
        keys: the patches that `index` refers to.
        generator: draws the random tries, on the CPU.
        nearest: (m,), the smallest distance of each key to any query, for completeness scores; without it plain
            distances are compared.
        alpha: of the completeness scores.

    Returns:
        (h, w), the improved index, nowhere worse.
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
    """Improve matches after the pictures, or even their sizes, have changed.

    First the nearest query of each key is updated by distance, then the key of each query by the resulting
    completeness scores. This approximates `match_exactly` in time proportional to the number of patches.
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
        index: (h, w), indices into a grid of `other` rows and columns.
        other: size of that grid.
        new: size of the result.
        new_other: size of the grid that the result refers to.

    Returns:
        Indices in the shape `new`; equal to `index` if no size changes.
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
