"""Layers of CycleGAN's networks as CUT uses them: instance norm, and resampling without aliasing.

All maps are (N, C, H, W), and fastest with channels last. What is exact but slow on a CPU is done otherwise here: torch
has no instance norm for channels last, and small filters are slow as depthwise convolutions in training.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

DEVIATION = 0.02
"""Standard deviation of weights at the start, as DCGAN has it (Radford et al. 2015, arXiv:1511.06434, section 3)."""


def instance_norm(x: Tensor) -> Tensor:
    """Bring each channel of each item to mean 0 and variance 1 over its pixels, without weights.

    For one item it is batch norm, which keeps the layout; torch's own instance norm would reorder channels-last maps.

    Args:
        x: (N, C, H, W), any range, at least 2 pixels.

    Returns:
        (N, C, H, W).

    Ulyanov et al. 2016 (arXiv:1607.08022).
    """
    # Beside a weight and a bias in float32, the statistics of bfloat16 maps are not rounded to bfloat16.
    kept = torch.promote_types(x.dtype, torch.float32)
    weight, bias = x.new_ones(x.shape[1], dtype=kept), x.new_zeros(x.shape[1], dtype=kept)
    normed = [F.batch_norm(item, None, None, weight, bias, training=True) for item in torch.split(x, 1)]
    return normed[0] if len(normed) == 1 else torch.cat(normed)


def mirrored(x: Tensor, by: int) -> Tensor:
    """Continue maps beyond their borders by their mirror image.

    Args:
        x: (N, C, H, W), any range, H and W above `by`.
        by: pixels on each side.

    Returns:
        (N, C, H + 2 by, W + 2 by), in the same type.
    """
    with torch.autocast(x.device.type, enabled=False):  # on a CPU it would widen bfloat16 maps to float32
        return F.pad(x, (by, by, by, by), mode="reflect")


def halved(x: Tensor) -> Tensor:
    """Low-pass each channel with [1, 2, 1] ⊗ [1, 2, 1] / 16 and keep every second pixel, from the first on.

    The filter is that of two box filters, one after the other. Borders are mirrored.

    Args:
        x: (N, C, H, W), any range, at least 2 × 2.

    Returns:
        (N, C, ⌈H/2⌉, ⌈W/2⌉).

    Zhang 2019, "Making Convolutional Networks Shift-Invariant Again" (arXiv:1904.11486).
    """
    with torch.autocast(x.device.type, enabled=False):  # as in `mirrored`
        return F.avg_pool2d(F.avg_pool2d(mirrored(x, 1), 2, stride=1), 2)


def doubled(x: Tensor) -> Tensor:
    """Put zeros between pixels and low-pass with [1, 3, 3, 1] ⊗ [1, 3, 3, 1] / 16; border pixels are repeated outwards.

    That is bilinear interpolation: each new pixel takes 3/4 of the nearer and 1/4 of the farther pixel.

    Args:
        x: (N, C, H, W), any range.

    Returns:
        (N, C, 2H, 2W).
    """
    with torch.autocast(x.device.type, enabled=False):  # as in `mirrored`
        return F.interpolate(x, scale_factor=2, mode="bilinear")


def repeated(x: Tensor) -> Tensor:
    """Repeat each pixel to 2 × 2.

    Args:
        x: (N, C, H, W), any range.

    Returns:
        (N, C, 2H, 2W), in the same type.
    """
    with torch.autocast(x.device.type, enabled=False):  # as in `mirrored`
        return F.interpolate(x, scale_factor=2, mode="nearest")


def begin_scaled(network: nn.Module) -> None:
    """Draw the weights of all convolutions and linear layers from N(0, 2 / inputs), and set their biases to 0.

    He et al. 2015, "Delving Deep into Rectifiers" (arXiv:1502.01852), eq. 10.
    """
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.kaiming_normal_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)


def begin_small(network: nn.Module) -> None:
    """Draw all convolutions' weights from N(0, `DEVIATION`²), and set their biases to 0."""
    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, std=DEVIATION)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
