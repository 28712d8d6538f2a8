"""GPDM: the picture's own pixels are optimised until its patches are distributed as the photo's."""

import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.comparison.methods import Job, Method, Result
from sinct.comparison.methods._pyramid import Level, plan_levels, resize


def sliced_wasserstein(x: Tensor, y: Tensor, filters: Tensor, *, stride: int = 1) -> Tensor:
    """Sliced 1-Wasserstein distance between the patches of two pictures.

    With n patches in x, m in y and K unit filters w, where <w, x_i> is filter w on patch i and r_w(i) the
    rank of <w, x_i> among the n, counted from 0:

        SWD = 1/(K n) Σ_w Σ_i |<w, x_i> - Q_w((r_w(i) + ½) / n)|

    Q_w(p) is the p-quantile of the m numbers <w, y_j>, see `quantiles`; for n = m it is the one of equal
    rank. The gradient goes to x; the ranks are constant, as they are almost everywhere.

    Args:
        x: (C, H, W), any range; gets a gradient.
        y: (C, H', W'), in the same units; gets none.
        filters: (K, C, p, p), one projection each, see `random_filters`.
        stride: in pixels, between neighbouring patches of either picture.

    Returns:
        Scalar, in the unit of the pixels times the norm of the filters; 0 if the patches are the same.

    Elnekave & Weiss 2022 (arXiv:2203.11862), algorithm 1, with the absolute difference of the authors'
    code. Theirs duplicates patches, drawn by chance, where counts differ.
    """
    projected = _project(x, filters, stride)
    with torch.no_grad():
        order = _argsort(projected)
        target = quantiles(_sort(_project(y, filters, stride)), projected.shape[1])
        matched = torch.empty_like(target).scatter_(1, order, target)
    return (projected - matched).abs().mean()


def quantiles(values: Tensor, count: int) -> Tensor:
    """Quantiles (k + ½) / count of samples, for k = 0 … count - 1.

    Args:
        values: (K, m), ascending along each row.
        count: of quantiles, n.

    Returns:
        (K, n), ascending: `values` read at the places (k + ½) m / n - ½, kept within 0 … m - 1, linearly
        between neighbours; `values` themselves for n = m.
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
    """Directions drawn evenly from the unit sphere of patches, (count, channels, patch_size, patch_size)."""
    draws = torch.randn(count, channels * patch_size**2, generator=generator, dtype=dtype)
    return F.normalize(draws, dim=1).view(count, channels, patch_size, patch_size)


def with_margin(picture: Tensor, patch_size: int) -> Tensor:
    """Mirror a (C, H, W) picture at its border, `patch_size` - 1 pixels wide on every side.

    Now every pixel lies in patch_size² patches or more. Those of the border took colours of their own when
    the few patches that held them left them to.
    """
    return F.pad(picture[None], (patch_size - 1,) * 4, mode="reflect")[0]


def _project(picture: Tensor, filters: Tensor, stride: int) -> Tensor:
    """(C, H, W) -> (K, n): every filter on every patch."""
    return F.conv2d(picture[None], filters, stride=stride)[0].flatten(1)


def _argsort(rows: Tensor) -> Tensor:
    if rows.device.type != "cpu":
        return rows.argsort(dim=1)
    # numpy sorts about five times as fast as torch's CPU sort, and lets go of the interpreter's lock
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
    steps: int = 200,
    learning_rate: float = 0.03,
    projections: int = 64,
    positions: int = 150_000,
) -> Result:
    """Move the painting's pixels until its patches are distributed as the photo's, coarse to fine.

    Args:
        painting: (3, H, W) in [-1, 1].
        photo: (3, H', W') in [-1, 1].
        job: budget, device and seed.
        patch_size: side of a patch in pixels, at every level.
        coarsest: shorter side of the painting at the first level, in pixels; larger ones keep more of it.
        ratio: of the sides of a level to those of the next.
        steps: of Adam at each level.
        learning_rate: at the first step of a level, in pixel values of [-1, 1]; falls linearly to 0.
        projections: drawn anew for every step.
        positions: most patches of the painting that a step looks at; where a level has more, patches lie on
            a grid whose place is drawn anew for every step.

    Returns:
        The picture, with sizes, steps and last distance of each level as facts.

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
    facts = []
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
    return Result(picture.clamp(-1, 1).float().cpu(), {"levels": facts})


def _stride(level: Level, patch_size: int, positions: int) -> int:
    """Smallest stride that leaves at most `positions` patches, where each picture still has one."""
    height, width = (side - patch_size + 1 for side in level.painting)
    room = min(*level.painting, *level.photo) - patch_size + 1
    return min(room, math.ceil(math.sqrt(height * width / positions)))


def _shifted(picture: Tensor, stride: int, generator: torch.Generator) -> Tensor:
    """The picture without its first rows and columns, 0 … stride - 1 of each by chance."""
    top, left = torch.randint(stride, (2,), generator=generator).tolist()
    return picture[:, top:, left:]


METHOD = Method(
    title="GPDM",
    source="Elnekave & Weiss 2022, arXiv:2203.11862",
    run=run,
    optimises=("sliced_wasserstein", "sliced_wasserstein_texture"),
)
