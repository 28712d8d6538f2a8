"""Fréchet and kernel distance between sets of features, and the Inception network that they come from.

The network is torch-fidelity's, which reproduces that of the original FID exactly; the package is optional.
"""

import hashlib
import io
import math
from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from sinct.errors import ConfigError, WeightsError, one_line
from sinct.measures.pyramid import sampled_patches
from sinct.networks.torchvision_compat import import_torchvision

SIDE = 299
"""Side of the pictures that Inception sees for FID, in pixels."""

DIMENSIONS = 2048
"""Features at Inception's last average pooling."""

CROP = 128
"""Side of the crops that patch KID compares, in pixels."""


def frechet_distance(first: Tensor, second: Tensor) -> float:
    """Fréchet distance between Gaussians fitted to two sets of features.

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.

    Returns:
        |μ₁ - μ₂|² + tr(Σ₁ + Σ₂ - 2 (Σ₁ Σ₂)^½), not negative.

    Heusel et al. 2017 (arXiv:1706.08500), eq. 6. The trace of the root is the sum of the square roots of the
    eigenvalues of Σ₁^½ Σ₂ Σ₁^½; that matrix is symmetric, so no eigenvalue is complex. Where there are fewer points
    than dimensions, it is the sum of the singular values of X Yᵀ, with Σ₁ = Xᵀ X and Σ₂ = Yᵀ Y, which is quicker.
    """
    first, second = first.cpu().double(), second.cpu().double()
    shift = (first.mean(dim=0) - second.mean(dim=0)).square().sum()
    if len(first) + len(second) < 2 * first.shape[1]:
        x, y = ((f - f.mean(dim=0)) / math.sqrt(len(f) - 1) for f in (first, second))
        common = torch.linalg.svdvals(x @ y.T).sum()
        return max(0.0, float(shift + x.square().sum() + y.square().sum() - 2 * common))
    a, b = (torch.cov(features.T).view(features.shape[1], -1) for features in (first, second))
    values, vectors = torch.linalg.eigh(a)
    root = (vectors * values.clamp_min(0).sqrt()) @ vectors.T
    overlap = torch.linalg.eigvalsh(root @ b @ root).clamp_min(0).sqrt().sum()
    return max(0.0, float(shift + a.trace() + b.trace() - 2 * overlap))


def kernel_distance(first: Tensor, second: Tensor) -> float:
    """Unbiased estimate of the squared maximum mean discrepancy with a cubic kernel.

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.

    Returns:
        0 on average for sets from one distribution, so it can be negative.

    Bińkowski et al. 2018 (arXiv:1801.01401), section 4, kernel (x·y / D + 1)³. All features are used at once; for
    sets too large for that there is `subset_kernel_distance`.
    """

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    first, second = first.cpu().double(), second.cpu().double()
    within = 0.0
    for features in (first, second):
        n, own = len(features), kernel(features, features)
        within += float((own.sum() - own.trace()) / (n * (n - 1)))
    return within - 2 * float(kernel(first, second).mean())


def subset_kernel_distance(
    first: Tensor, second: Tensor, *, subsets: int = 100, size: int = 1000, seed: int = 2020
) -> tuple[float, float]:
    """Mean and standard deviation of `kernel_distance` over random subsets of both sets.

    Args:
        first: (N, D), N ≥ size.
        second: (M, D), M ≥ size.
        subsets: number of subsets.
        size: features in each, drawn without replacement.
        seed: seeds the draws.

    Raises:
        ConfigError: a set is smaller than a subset.

    Bińkowski et al. 2018, section 4. Subsets, seed and generator are torch-fidelity's defaults, so that its values
    are the same but for its rounding to float32.
    """
    if min(len(first), len(second)) < size:
        raise ConfigError(
            f"subsets of {size} cannot be drawn from {len(first)} and {len(second)} features; take smaller ones"
        )
    random = np.random.RandomState(seed)
    found = []
    for _ in range(subsets):
        drawn = [features[random.choice(len(features), size, replace=False)] for features in (first, second)]
        found.append(kernel_distance(*drawn))
    return float(np.mean(found)), float(np.std(found))


class Inception:
    """Inception v3 with the weights of FID, through torch-fidelity.

    Args:
        state: state dict of the converted network; None draws random weights.
        device: where to compute.

    Raises:
        WeightsError: torch-fidelity is not installed, or the weights do not fit.
    """

    def __init__(self, state: Mapping[str, Tensor] | None, device: torch.device) -> None:
        torchvision = import_torchvision()  # before torch-fidelity imports it
        try:
            from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except ImportError:
            raise WeightsError(
                'torch-fidelity is not installed; run `pip install ".[measures]"` in a clone of sinct'
            ) from None
        if state is None:
            with torch.random.fork_rng(devices=[]):
                state = torchvision.models.inception_v3(
                    weights=None, num_classes=1008, aux_logits=False, init_weights=False
                ).state_dict()
            generator = torch.Generator().manual_seed(0)
            for value in state.values():
                if value.ndim == 4:  # with torchvision's own choice the features vanish
                    nn.init.kaiming_normal_(value, generator=generator)
        file = io.BytesIO()  # the extractor reads weights from a file, and would download one if given none
        torch.save(dict(state), file)
        file.seek(0)
        try:
            network = FeatureExtractorInceptionV3(
                "inception-v3", ["2048"], feature_extractor_weights_path=file
            )
        except RuntimeError as error:
            reason = one_line(error)
            raise WeightsError(f"these are not the weights of FID's Inception ({reason})") from None
        self.network = network.to(device)
        self.device = device

    @cached_property
    def identity(self) -> str:
        """SHA-256 of the weights with their names, in hexadecimal."""
        digest = hashlib.sha256()
        for name, value in sorted(self.network.state_dict().items()):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
            digest.update(value.cpu().numpy().tobytes())
        return digest.hexdigest()

    def pooled(self, pictures: Tensor) -> Tensor:
        """(N, 3, 299, 299) in [-1, 1] -> (N, 2048): features at the last average pooling.

        The network's own `forward` resizes as TensorFlow 1 did; here the caller has chosen how.
        """
        net = self.network
        x = net.MaxPool_1(net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(pictures.to(self.device)))))
        x = net.MaxPool_2(net.Conv2d_4a_3x3(net.Conv2d_3b_1x1(x)))
        x = net.Mixed_5d(net.Mixed_5c(net.Mixed_5b(x)))
        x = net.Mixed_6e(net.Mixed_6d(net.Mixed_6c(net.Mixed_6b(net.Mixed_6a(x)))))
        x = net.AvgPool(net.Mixed_7c(net.Mixed_7b(net.Mixed_7a(x))))
        features: Tensor = x.flatten(1)
        return features

    def positions(self, picture: Tensor) -> Tensor:
        """(3, H, W) in [-1, 1] -> (N, 192): features of all positions before the second pooling.

        Raises:
            ConfigError: the picture is so small that it has fewer than two positions.
        """
        height, width = picture.shape[-2:]
        if min(height, width) < 21:
            raise ConfigError(
                f"a picture of {width}x{height} px is too small for Inception; give one of at least 21 px per side"
            )
        net = self.network
        x = net.Conv2d_2b_3x3(net.Conv2d_2a_3x3(net.Conv2d_1a_3x3(picture[None])))
        x = net.Conv2d_4a_3x3(net.Conv2d_3b_1x1(net.MaxPool_1(x)))
        features: Tensor = x[0].flatten(1).T
        return features

    def crops(self, picture: Tensor, *, seed: int = 0) -> Tensor:
        """(3, H, W) in [-1, 1] -> (N, 2048): pooled features of crops at random positions.

        The crops are `CROP` px wide, or as wide as a smaller picture. There are four times as many as fit side by
        side, but at least 4 and at most 32. Each is enlarged to 299 px, as for FID.
        """
        height, width = picture.shape[-2:]
        side = min(CROP, height, width)
        count = min(32, max(4, 4 * (height * width) // side**2))
        crops = sampled_patches(picture, side, count, seed=seed).view(-1, 3, side, side)
        pixels = ((crops.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
        return torch.cat([self.network(part)[0] for part in torch.split(pixels, 8)])
