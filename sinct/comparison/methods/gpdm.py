"""GPDM: optimises the picture's pixels until its patches are distributed like the photo's."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result, Work
from sinct.comparison.methods._pyramid import Level, plan_levels, resize

STEPS = 200
"""Steps at each level. The authors' code takes 300; with a learning rate that falls to 0, as here, fewer settle."""


def sliced_wasserstein(x: Tensor, y: Tensor, filters: Tensor, *, stride: int = 1) -> Tensor:
    """Sliced 1-Wasserstein distance between the patches of two pictures.

    There are n patches in x, m in y and K unit filters w. <w, x_i> is filter w applied to patch i, and r_w(i)
    the rank of <w, x_i> among the n, counted from 0:

        SWD = 1/(K n) Σ_w Σ_i |<w, x_i> - Q_w((r_w(i) + ½) / n)|

    Q_w(p) is the p-quantile of the m numbers <w, y_j>, see `quantiles`; for n = m it is the number of equal
    rank. The gradient goes to x; the ranks count as constants, as they are almost everywhere.

    Args:
        x: (C, H, W), any range; receives a gradient.
        y: (C, H', W'), in the same units; receives none.
        filters: (K, C, p, p), one projection each, see `random_filters`.
        stride: distance between neighbouring patches in both pictures, in pixels.

    Returns:
        Scalar, in the unit of the pixels times the norm of the filters; 0 if the patches are the same.

    Elnekave & Weiss 2022 (arXiv:2203.11862), algorithm 1, with the absolute difference as in the authors'
    code. Where the counts differ, their code duplicates patches at random.
    """
    projected = _project(x, filters, stride)
    with torch.no_grad():
        order = _argsort(projected)
        target = quantiles(_sort(_project(y, filters, stride)), projected.shape[1])
        matched = torch.empty_like(target).scatter_(1, order, target)
    return (projected - matched).abs().mean()


def quantiles(values: Tensor, count: int) -> Tensor:
    """The quantiles (k + ½) / count of samples, for k = 0 … count - 1.

    Args:
        values: (K, m), ascending along each row.
        count: number of quantiles, n.

    Returns:
        (K, n), ascending: `values` at the positions (k + ½) m / n - ½, clipped to 0 … m - 1 and interpolated
        linearly; `values` themselves for n = m.
    """
    last = values.shape[1] - 1
    places = (torch.arange(count, dtype=torch.float64) + 0.5) * ((last + 1) / count) - 0.5
    places = places.clamp(0, last)
    below = places.long()
    share = (places - below).to(values)
    below = below.to(values.device)
    return torch.lerp(values[:, below], values[:, (below + 1).clamp(max=last)], share)


def random_filters(
    count: int, channels: int, patch_size: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Draw directions uniformly from the unit sphere of patches, (count, channels, patch_size, patch_size)."""
    draws = torch.randn(count, channels * patch_size**2, generator=generator, dtype=dtype)
    return F.normalize(draws, dim=1).view(count, channels, patch_size, patch_size)


def with_margin(picture: Tensor, patch_size: int) -> Tensor:
    """Extend a (C, H, W) picture by reflection, `patch_size` - 1 pixels on every side.

    Every pixel then lies in at least patch_size² patches. Without the margin, border pixels lie in few patches
    and drift to colours of their own.
    """
    return F.pad(picture[None], (patch_size - 1,) * 4, mode="reflect")[0]


def _project(picture: Tensor, filters: Tensor, stride: int) -> Tensor:
    """(C, H, W) -> (K, n): every filter on every patch."""
    return F.conv2d(picture[None], filters, stride=stride)[0].flatten(1)


def _argsort(rows: Tensor) -> Tensor:
    if rows.device.type != "cpu":
        return rows.argsort(dim=1)
    # numpy sorts about five times as fast as torch does on the CPU, and releases the interpreter's lock
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return torch.from_numpy(np.stack(list(pool.map(np.argsort, rows.detach().numpy()))))


def _sort(rows: Tensor) -> Tensor:
    if rows.device.type != "cpu":
        return rows.sort(dim=1).values
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        return torch.from_numpy(np.stack(list(pool.map(np.sort, rows.detach().numpy()))))


def run(
    painting: Tensor,
    photo: Tensor,
    job: Job,
    *,
    patch_size: int = 7,
    coarsest: int = 512,
    ratio: float = 0.75,
    steps: int = STEPS,
    learning_rate: float = 0.03,
    projections: int = 64,
    positions: int = 150_000,
) -> Result:
    """Move the painting's pixels until its patches are distributed like the photo's, from coarse to fine.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device and seed.
        patch_size: side of a patch in pixels, at every level.
        coarsest: shorter side of the painting at the first level, in pixels; larger values keep more of the
            painting.
        ratio: side of a level divided by the side of the next.
        steps: steps of Adam at each level.
        learning_rate: of a level's first step, in pixel values of [-1, 1]; falls linearly to 0.
        projections: number of random filters, drawn anew for every step.
        positions: most patches of the painting that a step uses. Where a level has more, a step takes patches
            on a grid with a new random offset.

    Returns:
        The picture; its facts are the sizes, steps and last distance of each level.

    Raises:
        InputError: a picture is smaller than a patch.
        ConfigError: a setting is out of range.
        Interrupted: the caller asked to stop.
    """
    levels = plan_levels(
        (painting.shape[1], painting.shape[2]),
        (photo.shape[1], photo.shape[2]),
        coarsest=coarsest,
        ratio=ratio,
        patch_size=patch_size,
    )
    generator = torch.Generator().manual_seed(job.seed)
    picture, photo = painting.to(job.device), photo.to(job.device)
    facts: list[dict[str, Any]] = []
    for level in levels:
        picture = resize(picture, level.painting).clamp(-1, 1).requires_grad_()
        target = resize(photo, level.photo)
        stride = _stride(level, patch_size, positions)
        optimizer = torch.optim.Adam([picture], lr=learning_rate)
        done, distance = 0, picture.new_tensor(math.nan)
        for step in job.budget.stage(level.share, steps):
            optimizer.param_groups[0]["lr"] = learning_rate * (1 - step / steps)
            filters = random_filters(projections, len(picture), patch_size, generator).to(picture)
            distance = sliced_wasserstein(
                _shifted(with_margin(picture, patch_size), stride, generator),
                _shifted(target, stride, generator),
                filters,
                stride=stride,
            )
            optimizer.zero_grad(set_to_none=True)
            distance.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            done = step + 1
        picture = picture.detach()
        facts.append(
            {
                "size": f"{level.painting[1]}x{level.painting[0]}",
                "photo": f"{level.photo[1]}x{level.photo[0]}",
                "steps": done,
                "stride": stride,
                "distance": round(distance.item(), 5),
            }
        )
    work = tuple(Work(level["steps"], STEPS) for level in facts)
    return Result(picture.clamp(-1, 1).float().cpu(), {"levels": facts}, work=work)


def _stride(level: Level, patch_size: int, positions: int) -> int:
    """The smallest stride with at most `positions` patches, limited so that each picture still has one."""
    height, width = (side - patch_size + 1 for side in level.painting)
    room = min(*level.painting, *level.photo) - patch_size + 1
    return min(room, math.ceil(math.sqrt(height * width / positions)))


def _shifted(picture: Tensor, stride: int, generator: torch.Generator) -> Tensor:
    """The picture without its first 0 … stride - 1 rows and columns, drawn at random."""
    top, left = torch.randint(stride, (2,), generator=generator).tolist()
    return picture[:, top:, left:]


METHOD = Method(
    title="GPDM",
    source="Elnekave & Weiss 2022, arXiv:2203.11862",
    run=run,
    optimises=("sliced_wasserstein", "sliced_wasserstein_texture"),
    need=f"{STEPS} steps at each scale, as its rate falls to 0; the authors' code takes 300 at a constant rate",
)
