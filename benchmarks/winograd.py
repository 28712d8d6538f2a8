"""Whether 3x3 convolutions by Winograd's algorithm would be faster: `python -m benchmarks.winograd`.

F(2x2, 3x3) of Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks" (arXiv:1509.09308), as 16
batched matrix products: 2.25 times fewer multiplications, for transforms that read and write four times the values.
oneDNN has it for no x86 processor. This is a trial, which sinct does not use; it prints forward and backward at the
shapes of the generator's body, beside the library's own convolution.
"""

import argparse
import statistics
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.machine import RESULTS, describe, one_line, write_json
from sinct.runtime.device import gains_from_bfloat16
from sinct.runtime.speed import seconds_of

SHAPES = {
    "draft, body": (6, 192, 32),
    "draft, half resolution": (6, 96, 64),
    "paper, body": (16, 160, 64),
}
"""Crops, channels and side of the maps."""

INPUT = torch.tensor([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]], dtype=torch.float64)
KERNEL = torch.tensor([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]], dtype=torch.float64)
OUTPUT = torch.tensor([[1, 1, 1, 0], [0, 1, -1, -1]], dtype=torch.float64)
"""The matrices B, G and A, transposed where the paper transposes them."""


def convolution(maps: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution with padding 1: (N, C, H, W) and (K, C, 3, 3) -> (N, K, H, W), H and W even."""
    result: Tensor = _Winograd.apply(maps, weight)  # type: ignore[no-untyped-call]
    return result


class _Winograd(torch.autograd.Function):
    """Both gradients stay in the transformed space: of the maps, with kernels turned; of the weights, by tiles."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, weight: Tensor) -> Tensor:
        tiles = _tiles(maps)
        ctx.save_for_backward(tiles, weight)
        ctx.shape = maps.shape
        return _untiled(tiles @ _kernels(weight), maps.shape)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        tiles, weight = ctx.saved_tensors
        turned = weight.flip(2, 3).transpose(0, 1)
        by_maps = _untiled(_tiles(gradient) @ _kernels(turned), ctx.shape)
        count, channels, height, width = gradient.shape
        blocks = gradient.permute(0, 2, 3, 1).reshape(count, height // 2, 2, width // 2, 2, channels)
        spread = _along(OUTPUT.T, _along(OUTPUT.T, blocks, 2), 4)
        spread = spread.permute(2, 4, 0, 1, 3, 5).reshape(16, -1, channels)
        product = (tiles.transpose(1, 2) @ spread).reshape(4, 4, tiles.shape[2], channels)
        by_weight = _along(KERNEL.T, _along(KERNEL.T, product, 0), 1).permute(3, 2, 0, 1)
        return by_maps, by_weight


def _along(matrix: Tensor, values: Tensor, axis: int) -> Tensor:
    """Multiply values by a matrix of few whole or half numbers along an axis, by sums alone."""
    parts = values.unbind(axis)
    rows = []
    for row in matrix.tolist():
        total: Any = None
        for factor, part in zip(row, parts, strict=True):
            if factor:
                term = part if factor == 1 else factor * part
                total = term if total is None else total + term
        rows.append(total)
    return torch.stack(rows, axis)


def _tiles(maps: Tensor) -> Tensor:
    """Overlapping tiles of 4x4, transformed: (16, N * H / 2 * W / 2, C)."""
    padded = F.pad(maps, (1, 1, 1, 1)).permute(0, 2, 3, 1)
    tiles = padded.unfold(1, 4, 2).unfold(2, 4, 2)  # (N, H / 2, W / 2, C, 4, 4)
    tiles = _along(INPUT, _along(INPUT, tiles, 4), 5)
    return tiles.permute(4, 5, 0, 1, 2, 3).reshape(16, -1, maps.shape[1])


def _kernels(weight: Tensor) -> Tensor:
    """Kernels (K, C, 3, 3), transformed: (16, C, K)."""
    return _along(KERNEL, _along(KERNEL, weight, 2), 3).permute(2, 3, 1, 0).reshape(16, weight.shape[1], -1)


def _untiled(products: Tensor, shape: torch.Size) -> Tensor:
    """Products of tiles and kernels, (16, N * H / 2 * W / 2, K) -> (N, K, H, W), channels last."""
    count, _, height, width = shape
    tiles = products.reshape(4, 4, count, height // 2, width // 2, -1)
    tiles = _along(OUTPUT, _along(OUTPUT, tiles, 0), 1)
    maps = tiles.permute(2, 3, 0, 4, 1, 5).reshape(count, height, width, -1)
    return maps.permute(0, 3, 1, 2)


def library(maps: Tensor, weight: Tensor) -> Tensor:
    """The same by the library."""
    return F.conv2d(maps, weight, padding=1)


def measured(
    convolve: Callable[[Tensor, Tensor], Tensor],
    shape: tuple[int, int, int],
    dtype: torch.dtype,
    repeats: int,
) -> float:
    """Median seconds of one convolution, forward and backward, after two untimed runs."""
    count, channels, side = shape
    maps = torch.randn(count, channels, side, side).to(dtype, memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3).to(dtype, memory_format=torch.channels_last) / 40
    maps.requires_grad_()
    weight.requires_grad_()
    gradient = torch.randn_like(maps)

    def work() -> None:
        torch.autograd.grad(convolve(maps, weight), (maps, weight), gradient)

    return statistics.median([seconds_of(work, torch.device("cpu")) for _ in range(2 + repeats)][2:])


def difference(shape: tuple[int, int, int], dtype: torch.dtype) -> float:
    """Largest difference from the library's result in float64, as a share of its standard deviation."""
    count, channels, side = shape
    maps = torch.randn(count, channels, side, side, dtype=torch.float64)
    weight = torch.randn(channels, channels, 3, 3, dtype=torch.float64) / 40
    exact = library(maps, weight)
    return float((convolution(maps.to(dtype), weight.to(dtype)).double() - exact).abs().max() / exact.std())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=7)
    repeats = parser.parse_args().repeats
    torch.manual_seed(0)
    device = torch.device("cpu")
    types = [torch.float32, *([torch.bfloat16] if gains_from_bfloat16(device) else [])]
    facts, rows = describe(device), []
    print(one_line(facts))
    print("shape, type, Winograd ms, library ms, gain, largest difference", flush=True)
    for (name, shape), dtype in product(SHAPES.items(), types):
        ours, theirs = (1000 * measured(each, shape, dtype, repeats) for each in (convolution, library))
        off, kind = difference(shape, dtype), str(dtype).removeprefix("torch.")
        print(f"{name}, {kind}, {ours:.3g}, {theirs:.3g}, {theirs / ours:.2f}, {off:.2g}", flush=True)
        rows.append({"shape": name, "type": kind, "winograd": ours, "library": theirs, "difference": off})
    write_json(RESULTS / "winograd" / "winograd.json", {"machine": facts, "milliseconds": rows})


if __name__ == "__main__":
    main()
