"""What is kept of the painting's scene: edges and local contrast, not colours and not strokes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.diagnostics import luminance
from sinct.errors import ConfigError


def gradient_similarity(output: Tensor, painting: Tensor, *, sizes: Sequence[int] = (64, 128, 256)) -> float:
    """Agreement of two pictures' edges, in place, direction and strength, at coarse scales.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1], same scene.
        sizes: longer sides of the reductions that are compared, in pixels, so that strokes are too fine to
            count; a picture is not enlarged.

    Returns:
        In [-1, 1], mean over the sizes: 1 for the same edges, whatever the contrast, and also where light
        and dark are swapped; 0 for edges of unrelated directions, or where a picture has none.

    Raises:
        ConfigError: a side is shorter than 3 px, at the smallest size too.

    Ours: cosine similarity of the gradients with their angles doubled, which makes opposite directions
    equal, as for orientations in Granlund 1978 ("In Search of a General Picture Processing Operator").
    """
    found = []
    for size in sizes:
        first, second = (_doubled_gradients(_reduced(luminance(x), size)) for x in (output, painting))
        found.append(F.cosine_similarity(first.flatten(), second.flatten(), dim=0))
    return float(torch.stack(found).mean())


def _reduced(grey: Tensor, size: int) -> Tensor:
    """(H, W) -> (h, w), the longer of them `size` or as it was if that is less."""
    height, width = grey.shape
    scale = min(1.0, size / max(height, width))
    small = (round(height * scale), round(width * scale))
    if min(small) < 3:
        raise ConfigError(
            f"a picture of {width}x{height} px is too narrow for its edges to be compared at {max(small)} px; "
            "crop it"
        )
    return F.interpolate(grey[None, None], small, mode="bilinear", antialias=True)[0, 0]


def _doubled_gradients(grey: Tensor) -> Tensor:
    """(H, W) -> (2, H - 2, W - 2): gradients with their length and twice their angle."""
    x = (grey[1:-1, 2:] - grey[1:-1, :-2]) / 2
    y = (grey[2:, 1:-1] - grey[:-2, 1:-1]) / 2
    return torch.stack([x**2 - y**2, 2 * x * y]) / torch.hypot(x, y).clamp_min(1e-12)


def contrast_structure(output: Tensor, painting: Tensor) -> float:
    """SSIM of the luminance without its term for brightness.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1], same scene.

    Returns:
        In [-1, 1]: 1 for the painting itself and for the same picture brighter or darker, below 0 where
        light and dark are swapped.

    Raises:
        ConfigError: the pictures are smaller than the window of 11 px.

    Wang et al. 2004 ("Image Quality Assessment: From Error Visibility to Structural Similarity"), the product
    of eqs. 9 and 10 with their window (Gaussian, σ = 1.5) and K₂ = 0.03. Their brightness, eq. 6, is left out,
    because colours shall change. As they advise on the method's page, both pictures are first averaged over
    squares of the shorter side / 256 px, which also removes fine strokes.
    """
    height, width = painting.shape[-2:]
    factor = max(1, round(min(height, width) / 256))
    if min(height, width) // factor < 11:
        raise ConfigError(
            f"pictures of {width}x{height} px are too small for SSIM; give 11 px a side or more"
        )
    pair = torch.stack([luminance(output), luminance(painting)])[:, None] * 127.5
    a, b = F.avg_pool2d(pair, factor)[:, None]

    def mean(values: Tensor) -> Tensor:
        blurred: Tensor = gaussian_blur2d(values, (11, 11), (1.5, 1.5))
        return blurred[..., 5:-5, 5:-5]  # as published, windows lie inside the picture

    c2 = (0.03 * 255) ** 2
    covariance = mean(a * b) - mean(a) * mean(b)
    variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    return float(((2 * covariance + c2) / (variances + c2)).mean())
