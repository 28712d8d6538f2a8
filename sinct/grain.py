"""Noise that a generator sees beside the picture, so that texture has something to grow from."""

import torch
import torch.nn.functional as F
from torch import Tensor

COARSE = 4
"""Pixels between the samples of the coarser of the two noises."""


def grain(count: int, height: int, width: int, deviation: float, generator: torch.Generator) -> Tensor:
    """Draw Gaussian noise at two scales, pixel by pixel and smooth over about 4 px.

    A deterministic generator can only repeat itself where a picture is flat, and answers with ripples; grain gives
    it a difference between two places. It is added to what the generator sees, never to a result.

    Args:
        count: of pictures, N.
        height: H in pixels.
        width: W in pixels.
        deviation: standard deviation of the finer noise, in units of [-1, 1]; the coarser has about two thirds.
        generator: on the CPU.

    Returns:
        (N, 3, H, W), on the CPU.

    Ours; noise as the source of stochastic detail is StyleGAN's (Karras et al. 2019, arXiv:1812.04948, section 3.2).
    """
    coarse_size = -(-height // COARSE), -(-width // COARSE)
    fine = torch.randn(count, 3, height, width, generator=generator)
    coarse = torch.randn(count, 3, *coarse_size, generator=generator)
    smooth = F.interpolate(coarse, scale_factor=COARSE, mode="bilinear")[:, :, :height, :width]
    return deviation * (fine + smooth)
