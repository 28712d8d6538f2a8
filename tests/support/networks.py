"""Tiny networks and inputs for testing exact properties."""

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

Network = TypeVar("Network", bound=nn.Module)


def with_random_biases(make: Callable[[], Network]) -> Network:
    """The network that is made, always the same, with random biases and in float64."""
    torch.manual_seed(0)
    network = make().double()
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return network


def noise(*shape: int) -> Tensor:
    """Uniform noise in [-1, 1], float64, always the same."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(0)).double() * 2 - 1
