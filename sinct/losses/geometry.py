"""Geometry consistency: what is made of a turned picture should be what is made of the picture, turned."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.losses.precision import full_precision


class Geometry(NamedTuple):
    """A map of square pictures, (N, C, S, S) each, that only moves pixels: f, and its inverse."""

    turned: Callable[[Tensor], Tensor]
    back: Callable[[Tensor], Tensor]


GEOMETRIES = {
    "rotation": Geometry(
        partial(torch.rot90, k=-1, dims=(2, 3)),  # clockwise
        partial(torch.rot90, k=1, dims=(2, 3)),
    ),
    "flip": Geometry(partial(torch.flip, dims=(2,)), partial(torch.flip, dims=(2,))),
}
"""The two of Fu et al. 2019 (arXiv:1809.05852), by name: a quarter turn clockwise, and top for bottom."""


def geometry_loss(made: Tensor, made_of_turned: Tensor, geometry: Geometry) -> Tensor:
    """L1 between what is made of pictures and what is made of them when turned, in both directions.

    Args:
        made: G(x), (N, C, S, S).
        made_of_turned: G~(f(x)), in the same shape.
        geometry: f.

    Returns:
        |G(x) - f⁻¹(G~(f(x)))| + |G~(f(x)) - f(G(x))|, each averaged over pixels: a scalar, twice the distance.

    Fu et al. 2019 (arXiv:1809.05852), L_geo. As in the authors' code, the second picture of each
    difference gets no gradient, so that each generator follows the other, and its gradient is half of that of the
    equation.
    """
    made, made_of_turned = full_precision(made), full_precision(made_of_turned)
    forth = F.l1_loss(made, geometry.back(made_of_turned.detach()))
    return forth + F.l1_loss(made_of_turned, geometry.turned(made.detach()))
