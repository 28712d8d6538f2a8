"""The Haar wavelet transform into four bands of half the size, and back."""

import torch
from torch import Tensor

BANDS = ("LL", "LH", "HL", "HH")
"""Low (L) or high (H) pass, first along the height, then along the width."""

_FILTERS = torch.tensor([[1.0, 1.0], [-1.0, 1.0]], dtype=torch.float64)  # low and high, times √2

HAAR = torch.stack([torch.outer(down, across) / 2 for down in _FILTERS for across in _FILTERS])
"""(4, 2, 2) kernels in the order of `BANDS`, orthonormal: all entries are ±1/2."""


def haar_pool(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """One level of the Haar wavelet transform: correlation with each kernel at stride 2.

    Args:
        x: (N, C, H, W), with even height and width.

    Returns:
        LL, LH, HL, HH, (N, C, H/2, W/2) each. LH responds to changes along the width, HL along the height.
        Together they have the energy of `x`.

    Raises:
        ValueError: height or width is odd.

    Yoo et al. 2019 (arXiv:1903.09760), wavelet corrected transfer: kernels LLᵀ, LHᵀ, HLᵀ, HHᵀ of
    Lᵀ = [1 1] / √2 and Hᵀ = [-1 1] / √2.
    """
    if x.shape[-2] % 2 or x.shape[-1] % 2:
        raise ValueError(f"haar_pool needs an even height and width, got {x.shape[-2]}x{x.shape[-1]}")
    blocks = x.reshape(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2)
    low, width, height, diagonal = torch.einsum("nchrws,brs->bnchw", blocks, HAAR.to(x))
    return low, width, height, diagonal


def haar_unpool(band: Tensor, kernel: Tensor) -> Tensor:
    """Spread one band to the size it was pooled from: transposed convolution at stride 2.

    Args:
        band: (N, C, H, W).
        kernel: (2, 2), the band's own from `HAAR`.

    Returns:
        (N, C, 2H, 2W). The sum over the four bands of `haar_pool(x)` is `x`.
    """
    return torch.kron(band, kernel.to(band))
