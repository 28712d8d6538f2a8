"""How fast a machine can compute, how many operations some work needs, and where its time goes.

The ceiling is the rate of a 3x3 convolution alone, at the shapes of a training. Operations are those of
convolutions and matrix products, 2 per multiply-add. Activations, resampling, sums and the optimiser count
as none, but they take time; the distance from the ceiling shows how much.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._ops import OpOverload
from torch.autograd import DeviceType  # type: ignore[attr-defined]
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, shape_wrapper

import sinct

KERNEL = 3
"""Side of the convolutions' kernels, in pixels."""

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


class Shape(NamedTuple):
    """Feature maps whose size a stride-1 convolution preserves.

    Attributes:
        batch: number of pictures.
        channels: input channels, equal to the output channels.
        side: height and width, in pixels.
    """

    batch: int
    channels: int
    side: int

    @property
    def flops(self) -> int:
        """Operations of one 3x3 convolution: forward, and backward to the input and to the weight."""
        return 3 * 2 * self.batch * self.side**2 * self.channels**2 * KERNEL**2


def body_shape(config: sinct.Config) -> Shape:
    """Shape of the feature maps in the generator's residual blocks, where most of a step's operations are."""
    return Shape(config.crops + config.identity_crops, 2 * config.width, config.crop_size // 2)


def convolution_rate(
    shape: Shape, dtype: torch.dtype, device: torch.device, *, repeats: int = 7, warm_up: int = 2
) -> float:
    """Median GFLOP/s of one 3x3 convolution forward and backward, channels last.

    Args:
        shape: shape of input and output.
        dtype: dtype of input, weight and output. float32 follows torch's defaults, as in training: on CUDA,
            convolutions use TF32.
        device: where it runs.
        repeats: number of timed runs.
        warm_up: number of untimed runs before them.
    """
    random = torch.Generator().manual_seed(0)

    def draw(batch: int, channels: int, side: int) -> Tensor:
        values = torch.randn(batch, channels, side, side, generator=random)
        return values.to(device, dtype, memory_format=torch.channels_last)

    maps, gradient = draw(*shape).requires_grad_(), draw(*shape)
    weight = draw(shape.channels, shape.channels, KERNEL).requires_grad_()

    def once() -> None:
        torch.autograd.grad(F.conv2d(maps, weight, padding=KERNEL // 2), (maps, weight), gradient)

    for _ in range(warm_up):
        once()
    return shape.flops / 1e9 / statistics.median(seconds_of(once, device) for _ in range(repeats))


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


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Seconds that some work takes; the device is idle before and after."""
    synchronise(device)
    started = time.perf_counter()
    work()
    synchronise(device)
    return time.perf_counter() - started


def synchronise(device: torch.device) -> None:
    """Wait until a device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def flops_of(work: Callable[[], object]) -> int:
    """Operations of some work, including backward passes of any order.

    Compiled code runs uncompiled here, since operations inside its kernels cannot be counted.
    """
    counter = _Counter()
    with torch.compiler.set_stance("force_eager"), counter:
        work()
    return counter.total


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Adds up torch's own formulas. Its FlopCounterMode also tracks modules and fails at R1's inner gradient."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        ours = shape_wrapper(_convolution_backward)  # type: ignore[no-untyped-call]
        self.formulas = flop_registry | {torch.ops.aten.convolution_backward: ours}
        self.total = 0

    def __torch_dispatch__(
        self,
        func: OpOverload[Any, Any],
        types: object,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if formula := self.formulas.get(func.overloadpacket):
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def _convolution_backward(
    gradient: Sequence[int],
    maps: Sequence[int],
    weight: Sequence[int],
    bias: object,
    stride: object,
    padding: object,
    dilation: object,
    transposed: bool,
    output_padding: object,
    groups: int,
    wanted: Sequence[bool],
    out_shape: object,
) -> int:
    """Operations of a convolution's backward pass: for each gradient wanted, as many as in the forward pass.

    Torch's own formula counts the weight gradient of a grouped convolution `groups` times.
    """
    batch, _, height, width = maps if transposed else gradient
    return 2 * batch * height * width * torch.Size(weight).numel() * sum(wanted[:2])


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
