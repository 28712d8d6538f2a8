"""How fast a device computes, and how many operations some work needs.

The ceiling of a training is the rate of a 3x3 convolution alone, at its shapes. Operations are those of convolutions
and matrix products, 2 per multiply-add; all else counts as none.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, shape_wrapper

KERNEL = 3
"""Side of the convolutions' kernels, in pixels."""


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
    """Operations of some work that is not compiled, including backward passes of any order."""
    counter = _Counter()
    with counter:
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
