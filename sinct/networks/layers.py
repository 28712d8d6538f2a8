"""StyleGAN2 building blocks without style: equalised layers, blur, residual blocks.

All maps are (N, C, H, W). Every convolution pads with zeros, so zeros begin at a picture's border.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN" (arXiv:1912.04958), section 2
and appendix B; equalised learning rate from Karras et al. 2018 (arXiv:1710.10196), section 4.1.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LEAK = 0.2
"""Negative slope of every leaky ReLU."""

GAIN = math.sqrt(2)
"""Keeps the variance of a leaky ReLU's output near that of its input."""


def leaky_relu(x: Tensor) -> Tensor:
    """Leaky ReLU with slope 0.2 and without its gain, which the layers fold into weight and bias.

    The function is positively homogeneous, so gain * f(w x + b) = f(gain * w x + gain * b): the weights are
    scaled instead of the whole map. Without gradients it works in place.
    """
    return F.leaky_relu(x, LEAK, inplace=not torch.is_grad_enabled())


def blur(x: Tensor, padding: int) -> Tensor:
    """Low-pass each channel with the binomial kernel [1, 3, 3, 1] ⊗ [1, 3, 3, 1] / 64.

    Args:
        x: (N, C, H, W), any range.
        padding: zeros added on each side, in pixels.

    Returns:
        (N, C, H + 2 padding - 3, W + 2 padding - 3).
    """
    blurred: Tensor = _Blur.apply(x, padding)  # type: ignore[no-untyped-call]
    return blurred


@cache
def smoothing_kernel(taps: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Outer product of some taps with themselves, with sum 1: (N, N).

    It is made once for each device, since a GPU would wait for its numbers each time.
    """
    with torch.inference_mode(False):  # it serves trainings as well, whoever asks first
        row = torch.tensor(taps, dtype=dtype, device=device)
        return torch.outer(row, row) / sum(taps) ** 2


class _Blur(torch.autograd.Function):
    """A blur whose gradient is a blur again, since the kernel is constant and symmetric.

    A plain convolution would compute the kernel's gradient as well, and under R1 do so channel by channel.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, padding: int) -> Tensor:
        ctx.padding = padding
        kernel = smoothing_kernel((1.0, 3.0, 3.0, 1.0), x.dtype, x.device)
        channels = x.shape[1]
        return F.conv2d(x, kernel.expand(channels, 1, 4, 4), padding=padding, groups=channels)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return blur(gradients[0], 3 - ctx.padding), None


def in_full_precision(layers: Callable[..., Tensor], *maps: Tensor) -> Tensor:
    """Run the last layers of a generator in float32 when it translates, even where autocast is on around it.

    bfloat16 has 8 significant bits, and the picture may be written with 16. Training, which takes gradients, goes on
    in bfloat16.
    """
    kind = maps[0].device.type
    if torch.is_grad_enabled() or not torch.is_autocast_enabled(kind):
        return layers(*maps)
    with torch.autocast(kind, enabled=False):
        return layers(*(each.float() for each in maps))


class EqualConv2d(nn.Module):
    """Convolution with equalised learning rate: weights are N(0, 1), scaled by 1/√fan-in when used.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: side of the square kernel, in pixels.
        stride: step of the output grid, in pixels.
        padding: zeros on each side; by default what keeps the size at stride 1.
        bias: whether to add a learnt bias.
        gain: factor on the whole output, folded into weight and bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        stride: int = 1,
        padding: int | None = None,
        bias: bool = True,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels)) if bias else None
        self.stride = stride
        self.padding = kernel_size // 2 if padding is None else padding
        self.gain = gain
        self.weight_gain = gain / math.sqrt(in_channels * kernel_size**2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H', W')."""
        bias = None if self.bias is None else self.bias * self.gain
        return F.conv2d(x, self.weight * self.weight_gain, bias, self.stride, self.padding)


class EqualLinear(nn.Module):
    """Fully connected layer with equalised learning rate.

    Args:
        in_features: size of the last input dimension.
        out_features: size of the last output dimension.
        gain: factor on the whole output, folded into weight and bias.
    """

    def __init__(self, in_features: int, out_features: int, *, gain: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.gain = gain
        self.weight_gain = gain / math.sqrt(in_features)

    def forward(self, x: Tensor) -> Tensor:
        """(..., in_features) -> (..., out_features)."""
        return F.linear(x, self.weight * self.weight_gain, self.bias * self.gain)


class ResidualBlock(nn.Module):
    """StyleGAN2 residual block that keeps resolution and width: (x + f(x)) / √2.

    Args:
        channels: channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = EqualConv2d(channels, channels, 3, gain=GAIN)
        self.conv2 = EqualConv2d(channels, channels, 3, gain=GAIN / math.sqrt(2))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W)."""
        residual = leaky_relu(self.conv2(leaky_relu(self.conv1(x))))
        return torch.add(residual, x, alpha=1 / math.sqrt(2))


class DownBlock(nn.Module):
    """StyleGAN2 discriminator block: residual, halves the resolution, blurs before each downsampling.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = EqualConv2d(in_channels, in_channels, 3, gain=GAIN)
        self.conv2 = EqualConv2d(in_channels, out_channels, 3, stride=2, padding=0, gain=GAIN / math.sqrt(2))
        self.skip = EqualConv2d(
            in_channels, out_channels, 1, stride=2, padding=0, bias=False, gain=1 / math.sqrt(2)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, H, W) -> (N, out_channels, H/2, W/2); H and W even."""
        residual = leaky_relu(self.conv2(blur(leaky_relu(self.conv1(x)), padding=2)))
        skip: Tensor = self.skip(blur(x, padding=1))
        return residual + skip


class UpBlock(nn.Module):
    """StyleGAN2 synthesis layer that doubles the resolution, with demodulated weights and no style.

    Demodulation brings each output channel's weights to unit length (Karras et al. 2020, eq. 3 with all
    styles 1). A factor of 4 makes up for the zeros that the transposed convolution puts between the input
    samples.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        noisy: whether to learn the weight of noise that is added behind the convolution, alike in all channels; it
            starts at 0.
    """

    def __init__(self, in_channels: int, out_channels: int, *, noisy: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_channels, out_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_weight = nn.Parameter(torch.zeros(1)) if noisy else None

    def forward(self, x: Tensor, noise: Tensor | None = None) -> Tensor:
        """(N, in_channels, H, W), and noise (N, 1, 2H, 2W) or none -> (N, out_channels, 2H, 2W)."""
        norm = torch.rsqrt(self.weight.square().sum(dim=(0, 2, 3), keepdim=True) + 1e-8)
        upsampled = F.conv_transpose2d(x, self.weight * (norm * 4 * GAIN), stride=2)  # (N, out, 2H+1, 2W+1)
        smooth = blur(upsampled, padding=1)
        if self.noise_weight is not None and noise is not None:
            smooth = smooth + (self.noise_weight * GAIN * noise).to(smooth.dtype)
        return leaky_relu(smooth + (self.bias * GAIN).to(smooth.dtype).view(1, -1, 1, 1))
