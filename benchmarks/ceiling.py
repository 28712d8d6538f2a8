"""How fast a machine can compute, how many operations some work needs, and where its time goes.

The ceiling is the rate of a 3x3 convolution alone, at the shapes of a training (see `sinct.runtime.speed`).
Operations are those of convolutions and matrix products, 2 per multiply-add. Activations, resampling, sums and the
optimiser count as none, but they take time; the distance from the ceiling shows how much.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile

from sinct.runtime import speed
from sinct.runtime.speed import KERNEL, Shape, seconds_of

KINDS = (
    ("matrix products", ("aten::mm", "aten::addmm", "aten::bmm")),
    ("activation", ("leakyrelu",)),
    ("optimiser and average", ("adam", "optimizer", "foreach")),
    ("crops", ("upsample", "aten::index")),
    ("copies and casts", ("copy", "clone")),
    ("sums and products", ("aten::add", "aten::mul", "aten::sum", "aten::fill")),
    ("compiled", ("triton", "torch-compiled", "compiledfunction", "cppfused")),
)
"""Kinds of operators other than convolutions, by parts of their names; the first match counts."""


def forward_rate(shape: Shape, dtype: torch.dtype, device: torch.device, *, repeats: int = 7) -> float:
    """Median GFLOP/s of one 3x3 convolution forward, channels last, after two untimed runs.

    Args:
        shape: shape of input and output; its `flops` include a backward pass, which is not run.
        dtype: dtype of input, weight and output.
        device: where it runs.
        repeats: number of timed runs.
    """
    maps = torch.randn(shape.batch, shape.channels, shape.side, shape.side, device=device)
    maps = maps.to(dtype, memory_format=torch.channels_last)
    weight = torch.randn(shape.channels, shape.channels, KERNEL, KERNEL, device=device)
    weight = weight.to(dtype, memory_format=torch.channels_last)
    with torch.no_grad():
        times = [
            seconds_of(lambda: F.conv2d(maps, weight, padding=KERNEL // 2), device)
            for _ in range(2 + repeats)
        ]
    return shape.flops / 3 / 1e9 / statistics.median(times[2:])


def flops_of(work: Callable[[], object]) -> int:
    """Operations of some work, including backward passes of any order.

    Compiled code runs uncompiled here, since operations inside its kernels cannot be counted.
    """
    with torch.compiler.set_stance("force_eager"):
        return speed.flops_of(work)


def profiled(work: Callable[[], object], device: torch.device) -> tuple[Counter[str], Counter[str]]:
    """Seconds of some work by kind of operator and by operator: GPU time on CUDA, CPU time elsewhere."""
    on_gpu = device.type == "cuda"
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if on_gpu else [])]
    with profile(activities=activities, record_shapes=True) as profiler:
        work()
    kinds: Counter[str] = Counter()
    operators: Counter[str] = Counter()
    for event in profiler.key_averages(group_by_input_shape=True):
        if event.device_type != DeviceType.CPU:  # a kernel, whose time its operator includes
            continue
        seconds = (event.self_device_time_total if on_gpu else event.self_cpu_time_total) / 1e6
        kinds[kind_of(event.key, event.input_shapes)] += seconds
        operators[event.key] += seconds
    return kinds, operators


def kind_of(operator: str, shapes: Sequence[Sequence[int]]) -> str:
    """Which kind of work an operator does; convolutions in R1's second derivatives count as forward.

    Args:
        operator: its name in the profiler.
        shapes: shapes of its arguments; empty for arguments that are not tensors.
    """
    name = operator.lower().replace("_", "")
    if "conv" not in name:
        return next((kind for kind, parts in KINDS if any(part in name for part in parts)), "other")
    backward = "backward" in name
    maps, weight = (*(shapes[1:3] if backward else shapes[:2]), (), ())[:2]
    # Depthwise, or a single channel: autograd's second derivatives take grouped convolutions channel by channel.
    if len(weight) == 4 and (weight[1] == 1 or maps[0] == weight[0] == 1):
        return "blur"
    return "convolution backward" if backward else "convolution"
