"""Shared by the tests of WCT²."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from sinct.comparison.methods import Job
from sinct.comparison.methods.wct2.wavelet import BANDS, HAAR
from sinct.runtime.budget import Budget
from sinct.weights.store import Weights

State = dict[str, Tensor]


# Published names and shapes, derived from the layers of the authors' model.py.
ENCODER_SHAPES = {
    "conv0.weight": (3, 3, 1, 1),
    "conv0.bias": (3,),
    "conv1_1.weight": (64, 3, 3, 3),
    "conv1_1.bias": (64,),
    "conv1_2.weight": (64, 64, 3, 3),
    "conv1_2.bias": (64,),
    "pool1.LL.weight": (64, 1, 2, 2),
    "pool1.LH.weight": (64, 1, 2, 2),
    "pool1.HL.weight": (64, 1, 2, 2),
    "pool1.HH.weight": (64, 1, 2, 2),
    "conv2_1.weight": (128, 64, 3, 3),
    "conv2_1.bias": (128,),
    "conv2_2.weight": (128, 128, 3, 3),
    "conv2_2.bias": (128,),
    "pool2.LL.weight": (128, 1, 2, 2),
    "pool2.LH.weight": (128, 1, 2, 2),
    "pool2.HL.weight": (128, 1, 2, 2),
    "pool2.HH.weight": (128, 1, 2, 2),
    "conv3_1.weight": (256, 128, 3, 3),
    "conv3_1.bias": (256,),
    "conv3_2.weight": (256, 256, 3, 3),
    "conv3_2.bias": (256,),
    "conv3_3.weight": (256, 256, 3, 3),
    "conv3_3.bias": (256,),
    "conv3_4.weight": (256, 256, 3, 3),
    "conv3_4.bias": (256,),
    "pool3.LL.weight": (256, 1, 2, 2),
    "pool3.LH.weight": (256, 1, 2, 2),
    "pool3.HL.weight": (256, 1, 2, 2),
    "pool3.HH.weight": (256, 1, 2, 2),
    "conv4_1.weight": (512, 256, 3, 3),
    "conv4_1.bias": (512,),
}


DECODER_SHAPES = {
    "conv4_1.weight": (256, 512, 3, 3),
    "conv4_1.bias": (256,),
    "recon_block3.LL.weight": (256, 1, 2, 2),
    "recon_block3.LH.weight": (256, 1, 2, 2),
    "recon_block3.HL.weight": (256, 1, 2, 2),
    "recon_block3.HH.weight": (256, 1, 2, 2),
    "conv3_4_2.weight": (256, 1280, 3, 3),
    "conv3_4_2.bias": (256,),
    "conv3_3.weight": (256, 256, 3, 3),
    "conv3_3.bias": (256,),
    "conv3_2.weight": (256, 256, 3, 3),
    "conv3_2.bias": (256,),
    "conv3_1.weight": (128, 256, 3, 3),
    "conv3_1.bias": (128,),
    "recon_block2.LL.weight": (128, 1, 2, 2),
    "recon_block2.LH.weight": (128, 1, 2, 2),
    "recon_block2.HL.weight": (128, 1, 2, 2),
    "recon_block2.HH.weight": (128, 1, 2, 2),
    "conv2_2_2.weight": (128, 640, 3, 3),
    "conv2_2_2.bias": (128,),
    "conv2_1.weight": (64, 128, 3, 3),
    "conv2_1.bias": (64,),
    "recon_block1.LL.weight": (64, 1, 2, 2),
    "recon_block1.LH.weight": (64, 1, 2, 2),
    "recon_block1.HL.weight": (64, 1, 2, 2),
    "recon_block1.HH.weight": (64, 1, 2, 2),
    "conv1_2_2.weight": (64, 320, 3, 3),
    "conv1_2_2.bias": (64,),
    "conv1_1.weight": (3, 64, 3, 3),
    "conv1_1.bias": (3,),
}


def noise(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def f64(values: Sequence[object]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def picture(height: int, width: int, seed: int = 0) -> Tensor:
    """(3, H, W) in [-1, 1]."""
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(3, height, width, generator=generator) * 1.8 - 0.9


class Given(Weights):
    """Weights from memory, or random ones if none are given."""

    def __init__(self, **states: Mapping[str, Tensor]) -> None:
        super().__init__()
        object.__setattr__(self, "states", states)

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        return self.states.get(name)  # type: ignore[attr-defined]


def job(
    weights: Weights | None = None,
    budget: Budget | None = None,
    seed: int = 0,
    regions: tuple[Tensor, Tensor] | None = None,
) -> Job:
    return Job(
        budget or Budget(), torch.device("cpu"), seed, Path("unused"), weights or Given(), regions=regions
    )


def closed_form(shapes: Mapping[str, tuple[int, ...]]) -> State:
    """Weights that any implementation can make by the formula in the methods' README.md."""
    state = {}
    for name, shape in shapes.items():
        k = torch.arange(math.prod(shape))
        if name.endswith("bias"):
            values = 0.1 * ((31 * k) % 11 / 5 - 1)
        elif len(name.split(".")) == 3:
            values = HAAR[BANDS.index(name.split(".")[1])].expand(shape).flatten()
        else:
            fan_in = math.prod(shape[1:])
            values = ((7919 * k) % 1009 / 504 - 1).double() * math.sqrt(6 / fan_in)
        state[name] = values.double().reshape(shape)
    return state


def svd_whiten_colour(content: Tensor, style: Tensor, ridge: float) -> Tensor:
    """Li et al., eqs. 2-3, step by step, with the paper's singular value decomposition."""

    def decompose(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = x.mean(dim=1, keepdim=True)
        covariance = (x - mean) @ (x - mean).T / (x.shape[1] - 1) + ridge * torch.eye(len(x)).to(x)
        vectors, values, _ = torch.linalg.svd(covariance)
        return mean, values, vectors

    mean_c, d_c, e_c = decompose(content)
    mean_s, d_s, e_s = decompose(style)
    whitened = e_c @ torch.diag(d_c**-0.5) @ e_c.T @ (content - mean_c)
    return e_s @ torch.diag(d_s**0.5) @ e_s.T @ whitened + mean_s
