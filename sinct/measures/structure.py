"""How much of the painting's scene is kept: edges and local contrast, without colours and strokes."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from kornia.color import rgb_to_lab
from kornia.filters import gaussian_blur2d
from torch import Tensor

from sinct.errors import ConfigError
from sinct.measures.warnings import luminance
from sinct.pictures.resampling import antialiased


def gradient_similarity(output: Tensor, painting: Tensor, *, sizes: Sequence[int] = (32, 64, 128)) -> float:
    """Agreement of two pictures' edges in position, direction and strength, at coarse scales.

    Args:
        output: (3, H, W) in [-1, 1], sRGB.
        painting: (3, H, W) in [-1, 1], sRGB, same scene.
        sizes: longer sides in pixels to which the pictures are reduced for comparison, so small that strokes do
            not count; pictures are never enlarged.

    Returns:
        In [-1, 1], mean over the sizes: 1 for the same edges, even where light and dark are swapped or the contrast
        differs; 0 for edges with unrelated directions, or where a picture has none.

    Raises:
        ConfigError: a side of a reduced picture is shorter than 3 px.

    Ours: cosine similarity of `edge_orientations`. Edges are found in CIELAB, since many of a painting's edges are
    changes of hue alone; in luminance they would count as new in a photo.
    """
    pairs = zip(coarse_edges(output, sizes), coarse_edges(painting, sizes), strict=True)
    return float(torch.stack([edge_agreement(*pair) for pair in pairs]).mean())


def edge_agreement(first: Tensor, second: Tensor) -> Tensor:
    """Cosine similarity of two sets of edges of one shape; near 0 where a set is hardly visible.

    Less than 1 ΔE over the whole picture is rounding, not an edge.
    """
    return F.cosine_similarity(first.flatten(), second.flatten(), dim=0, eps=1.0)


def coarse_edges(picture: Tensor, sizes: Sequence[int]) -> list[Tensor]:
    """Edges in CIELAB at coarse scales.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.
        sizes: longer sides in pixels to which the picture is reduced; it is never enlarged.

    Returns:
        One (2, H', W') for each size, see `edge_orientations`.

    Raises:
        ConfigError: a side of a reduced picture is shorter than 3 px.
    """
    lab: Tensor = rgb_to_lab((picture.clamp(-1, 1) + 1) / 2)
    return [edge_orientations(_reduced(lab, size)) for size in sizes]


def edge_orientations(picture: Tensor) -> Tensor:
    """Edges of a colour picture as vectors of doubled angle, so that opposite directions are equal.

    Args:
        picture: (C, H, W).

    Returns:
        (2, H - 2, W - 2): Σ (x² - y², 2 x y) over the channels' gradients (x, y), scaled to the square root of its
        length, which for a single channel is the length of its gradient.

    Di Zenzo 1986 ("A Note on the Gradient of a Multi-Image"): the sum over channels is the part of his tensor
    that has a direction.
    """
    x = (picture[:, 1:-1, 2:] - picture[:, 1:-1, :-2]) / 2
    y = (picture[:, 2:, 1:-1] - picture[:, :-2, 1:-1]) / 2
    doubled = torch.stack([(x**2 - y**2).sum(dim=0), (2 * x * y).sum(dim=0)])
    return doubled / torch.hypot(*doubled).clamp_min(1e-12).sqrt()


def _reduced(picture: Tensor, size: int) -> Tensor:
    """(C, H, W) -> (C, h, w), with a longer side of at most `size`."""
    height, width = picture.shape[-2:]
    scale = min(1.0, size / max(height, width))
    small = (round(height * scale), round(width * scale))
    if min(small) < 3:
        raise ConfigError(
            f"a picture of {width}x{height} px is too narrow to compare its edges at {max(small)} px; "
            "crop it to a less narrow one"
        )
    return antialiased(picture[None], small)[0]


def contrast_structure(output: Tensor, painting: Tensor) -> float:
    """SSIM of the luminance, without its brightness term.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H, W) in [-1, 1], same scene.

    Returns:
        In [-1, 1]: 1 for the painting itself and for the same picture brighter or darker, below 0 where
        light and dark are swapped.

    Raises:
        ConfigError: the pictures are smaller than the window of 11 px.

    Wang et al. 2004 ("Image Quality Assessment: From Error Visibility to Structural Similarity"), the product
    of eqs. 9 and 10 with their window (Gaussian, σ = 1.5) and K₂ = 0.03. Their brightness term, eq. 6, is left out,
    because colours should change. As they advise on the method's page, both pictures are first averaged over
    squares of the shorter side / 256 px, which also removes fine strokes.
    """
    height, width = painting.shape[-2:]
    factor = max(1, round(min(height, width) / 256))
    if min(height, width) // factor < 11:
        raise ConfigError(
            f"pictures of {width}x{height} px are too small for SSIM; give pictures of at least 11 px per side"
        )
    pair = torch.stack([luminance(output), luminance(painting)])[:, None] * 127.5
    a, b = F.avg_pool2d(pair, factor)[:, None]

    def mean(values: Tensor) -> Tensor:
        blurred: Tensor = gaussian_blur2d(values, (11, 11), (1.5, 1.5))
        return blurred[..., 5:-5, 5:-5]  # as published, only windows inside the picture

    c2 = (0.03 * 255) ** 2
    covariance = mean(a * b) - mean(a) * mean(b)
    variances = mean(a * a) - mean(a) ** 2 + mean(b * b) - mean(b) ** 2
    return float(((2 * covariance + c2) / (variances + c2)).mean())
