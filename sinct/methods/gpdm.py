"""GPDM: the picture's own pixels are optimised until its patches are distributed as the photo's."""

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.methods import Job, Method, Result


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
    places = (torch.arange(count, dtype=torch.float64, device=values.device) + 0.5) * ((last + 1) / count) - 0.5
    places = places.clamp(0, last)
    below = places.long().clamp(max=max(last - 1, 0))
    share = (places - below).to(values.dtype)
    return torch.lerp(values[:, below], values[:, (below + 1).clamp(max=last)], share)


def random_filters(
    count: int, channels: int, patch_size: int, generator: torch.Generator, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Directions drawn evenly from the unit sphere of patches, (count, channels, patch_size, patch_size)."""
    draws = torch.randn(count, channels * patch_size**2, generator=generator, dtype=dtype)
    return F.normalize(draws, dim=1).unflatten(1, (channels, patch_size, patch_size))


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
