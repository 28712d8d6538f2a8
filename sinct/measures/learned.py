"""LPIPS and DISTS: two pictures compared through a pretrained VGG-16.

Their formulas are short and written out here, based on `sinct.networks.vgg`: the packages that offer them download
their networks on construction and do not accept files from the disk.
"""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.errors import WeightsError
from sinct.networks.vgg import VGG
from sinct.pictures.resampling import antialiased

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
"""Layers of VGG-16 that LPIPS and DISTS compare."""

CHANNELS = (64, 128, 256, 512, 512)
"""Channels of those layers."""

# LPIPS


def lpips(first: Sequence[Tensor], second: Sequence[Tensor], weights: Sequence[Tensor]) -> float:
    """Learned perceptual image patch similarity of two pictures, from their features.

    Args:
        first: (1, C, h, w) each, at `LAYERS` of VGG-16.
        second: features of the other picture, with the same shapes.
        weights: (C,) each, not negative.

    Returns:
        Distance, 0 for equal pictures.

    Zhang et al. 2018 (arXiv:1801.03924), eq. 1: the channels at every position are normalised, and their squared
    differences weighted, summed over channels, averaged over positions and summed over layers.
    """
    distance = 0.0
    for a, b, weight in zip(first, second, weights, strict=True):
        squares = (F.normalize(a, eps=1e-10) - F.normalize(b, eps=1e-10)).square()
        distance += float(torch.einsum("nchw,c->nhw", squares, weight).mean())
    return distance


class LPIPSNetwork:
    """VGG-16 with the weights of LPIPS, version 0.1.

    Args:
        vgg: state dict of torchvision's VGG-16; None draws random weights.
        weights: state dict of the authors' linear layers; None weights all channels of a layer equally.
        device: where to compute.

    Raises:
        WeightsError: the weights do not fit.
    """

    def __init__(
        self, vgg: Mapping[str, Tensor] | None, weights: Mapping[str, Tensor] | None, device: torch.device
    ) -> None:
        self.vgg = VGG(16, vgg).to(device)
        if weights is None:
            self.weights = [torch.full((channels,), 1 / channels, device=device) for channels in CHANNELS]
        else:
            names = [f"lin{index}.model.1.weight" for index in range(len(CHANNELS))]
            _check(weights, dict(zip(names, [(1, c, 1, 1) for c in CHANNELS], strict=True)), "LPIPS")
            self.weights = [weights[name].flatten().to(device) for name in names]

    def features(self, picture: Tensor) -> list[Tensor]:
        """(3, H, W) in [-1, 1] -> (1, C, h, w) each, at `LAYERS`.

        Larger pictures are reduced to 512 px on the shorter side, to save memory, and because LPIPS was fitted to
        patches of 64 px, which did not show the finest grain of any picture.
        """
        features: list[Tensor] = self.vgg(_reduced(picture, 512), LAYERS)
        return features


# DISTS


def dists(
    first: Sequence[Tensor], second: Sequence[Tensor], alpha: Sequence[Tensor], beta: Sequence[Tensor]
) -> float:
    """Deep image structure and texture similarity of two pictures, from their features.

    Args:
        first: (1, C, h, w) each: the picture itself in [0, 1] and its features at `LAYERS`.
        second: those of the other picture, with the same shapes.
        alpha: (C,) each, weights of the texture.
        beta: (C,) each, weights of the structure.

    Returns:
        Distance: 0 for equal pictures, 1 for unrelated ones.

    Ding et al. 2020 (arXiv:2004.07728), eqs. 4-6: texture compares the means of feature maps and structure their
    covariance, in the same way as SSIM, with c₁ = c₂ = 1e-6.
    """
    constant = 1e-6
    similarity, total = 0.0, 0.0
    for x, y, a, b in zip(first, second, alpha, beta, strict=True):
        x, y = x[0].flatten(1).cpu().double(), y[0].flatten(1).cpu().double()
        x_mean, y_mean = x.mean(dim=1), y.mean(dim=1)
        covariance = ((x - x_mean[:, None]) * (y - y_mean[:, None])).mean(dim=1)
        variances = x.var(dim=1, correction=0) + y.var(dim=1, correction=0)
        texture = (2 * x_mean * y_mean + constant) / (x_mean**2 + y_mean**2 + constant)
        structure = (2 * covariance + constant) / (variances + constant)
        similarity += float((a * texture + b * structure).sum())
        total += float(a.sum() + b.sum())
    return 1 - similarity / total


class DISTSNetwork:
    """VGG-16 with DISTS's blurred pooling and weights.

    Args:
        vgg: state dict of torchvision's VGG-16; None draws random weights.
        weights: the authors' state dict with `alpha` and `beta`; None weights all channels equally.
        device: where to compute.

    Raises:
        WeightsError: the weights do not fit.
    """

    def __init__(
        self, vgg: Mapping[str, Tensor] | None, weights: Mapping[str, Tensor] | None, device: torch.device
    ) -> None:
        self.vgg = VGG(16, vgg)
        for name in ("pool1", "pool2", "pool3", "pool4"):
            self.vgg.layers[name] = L2Pooling()
        self.vgg.to(device)
        channels = [3, *CHANNELS]
        shape = (1, sum(channels), 1, 1)
        if weights is None:
            weights = {"alpha": torch.full(shape, 0.1), "beta": torch.full(shape, 0.1)}
        _check(weights, {"alpha": shape, "beta": shape}, "DISTS")
        self.alpha, self.beta = (
            torch.split(weights[name].detach().flatten().double(), channels) for name in ("alpha", "beta")
        )

    def features(self, picture: Tensor) -> list[Tensor]:
        """(3, H, W) in [-1, 1] -> the picture, with a shorter side of at most 256 px, in [0, 1], and its features.

        DISTS was trained at that size, and the authors reduce larger pictures to it.
        """
        small = _reduced(picture, 256)
        return [(small + 1) / 2, *self.vgg(small, LAYERS)]


class L2Pooling(nn.Module):
    """Halve maps by the square root of blurred squares (Hénaff and Simoncelli 2016, arXiv:1511.06394), as in DISTS.

    The blur is a Hann window of 3 px in both directions.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, ⌈H/2⌉, ⌈W/2⌉)."""
        channels = x.shape[1]
        hann = torch.tensor([0.25, 0.5, 0.25], dtype=x.dtype, device=x.device)
        kernel = (hann[:, None] * hann).expand(channels, 1, 3, 3)
        blurred = F.conv2d(x.square(), kernel, stride=2, padding=1, groups=channels)
        return (blurred + 1e-12).sqrt()


def _reduced(picture: Tensor, shorter: int) -> Tensor:
    """(3, H, W) -> (1, 3, h, w), with a shorter side of at most `shorter`."""
    height, width = picture.shape[-2:]
    scale = min(1.0, shorter / min(height, width))
    size = (round(height * scale), round(width * scale))
    return antialiased(picture[None], size)


def _check(weights: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], title: str) -> None:
    for name, shape in shapes.items():
        if name not in weights or tuple(weights[name].shape) != shape:
            raise WeightsError(f"these are not the weights of {title}: {name} of shape {shape} is missing")
