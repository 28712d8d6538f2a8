"""The interface of every generator, for training and inference."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import ClassVar, NoReturn

import torch
from torch import Tensor, nn

Features = tuple[Tensor, ...]
"""Encoder maps that PatchNCE can compare, (N, C, H, W) each, from shallow to deep; the first is the picture, padded
where the network pads it."""


class GeneratorBase(nn.Module, ABC):
    """Base of all generators: sizes, features for PatchNCE, translation.

    Attributes:
        name: the network's name in settings and files.
        depths: how many features `encode` returns.
        stride: heights and widths must be multiples of this, in pixels.
        noisy: whether it takes noise beside the picture.
        whole: whether it needs the whole picture at once, because every pixel depends on all others; it has no halo.
        width: channels, as given when it was built.
    """

    name: ClassVar[str]
    depths: ClassVar[int]
    stride: ClassVar[int]
    noisy: ClassVar[bool] = False
    whole: ClassVar[bool] = False
    width: int

    @property
    @abstractmethod
    def feature_channels(self) -> Sequence[int]:
        """Channels of each feature that `encode` returns."""

    @property
    def options(self) -> dict[str, int]:
        """Arguments besides the width that it was built with, by name."""
        return {}

    @property
    @abstractmethod
    def halo(self) -> int:
        """How far around an output pixel the input can influence it, in pixels; a multiple of the stride."""

    @property
    @abstractmethod
    def live_channels(self) -> int:
        """Values held in memory at once per pixel of the picture, when translating without gradients."""

    @abstractmethod
    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares."""

    def encode_at(self, picture: Tensor, places: Mapping[int, Tensor]) -> list[Tensor]:
        """Features at some positions only.

        Args:
            picture: (N, 3, H, W) in [-1, 1].
            places: (N, P) positions for each depth asked for, see `sample_features`.

        Returns:
            (N * P, C) for each of these depths, in their order.
        """
        features = self.encode(picture)
        return [sample_features(features[depth], positions) for depth, positions in places.items()]

    @abstractmethod
    def translate(self, picture: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Features]:
        """Translate, and return the input's features too, so that PatchNCE need not encode it again.

        Args:
            picture: (N, 3, H, W) in [-1, 1].
            noise: (N, 1, H, W), standard normal; None adds none, nor do generators that are not `noisy`.
        """

    def forward(self, picture: Tensor, noise: Tensor | None = None) -> Tensor:
        """(N, 3, H, W) in [-1, 1], and noise as for `translate` -> (N, 3, H, W), about [-1, 1] but not clamped.

        Raises:
            ValueError: height or width is not a multiple of the stride.
        """
        if picture.shape[-1] % self.stride or picture.shape[-2] % self.stride:
            needed = "even heights and widths" if self.stride == 2 else f"multiples of {self.stride} px"
            raise ValueError(f"the generator needs {needed}, got {tuple(picture.shape)}; pad the picture")
        return self.translate(picture, noise)[0]


class WholeGenerator(GeneratorBase):
    """Base of generators with instance norm, which need the whole picture at once."""

    whole = True

    @property
    def halo(self) -> NoReturn:
        """There is none: through instance norm, every pixel depends on all others.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            f"the generator {self.name!r} has no halo, because instance norm takes the whole picture into account; "
            "translate the picture in one piece"
        )


def sample_features(features: Tensor, positions: Tensor) -> Tensor:
    """Read the feature vectors at the given positions of each crop.

    Args:
        features: (N, C, H, W).
        positions: (N, P) indices into H * W.

    Returns:
        (N * P, C), crop by crop.
    """
    flat = features.flatten(start_dim=2)  # (N, C, HW)
    index = positions[:, None, :].expand(-1, flat.shape[1], -1)
    return flat.gather(2, index).transpose(1, 2).flatten(end_dim=1)


def windows_around(
    picture: Tensor, row: Tensor, column: Tensor, reach: int, stride: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Cut a window around one place of each picture; moved inside where it would exceed a border.

    Args:
        picture: (N, C, H, W).
        row, column: (N,), multiples of the stride, on the picture's device; nothing is read from it.
        reach: pixels around a place, a multiple of the stride.
        stride: windows begin at multiples of this.

    Returns:
        Windows (N, C, h, w), and each place's row and column in its window.
    """
    places = []
    for middle, length in ((row, picture.shape[2]), (column, picture.shape[3])):
        side = min(2 * reach + stride, length)
        start = (middle - reach).clamp(0, length - side)
        places.append((start[:, None] + torch.arange(side, device=start.device), middle - start))
    (rows, row), (columns, column) = places
    items = torch.arange(len(picture), device=picture.device)[:, None, None]
    windows = picture[items, :, rows[:, :, None], columns[:, None, :]]  # (N, h, w, C)
    return windows.permute(0, 3, 1, 2), row, column


def of_items(features: Features, start: int, stop: int | None) -> Features:
    """Select the features of some items of the batch."""
    return tuple(depth[start:stop] for depth in features)


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """Move each parameter of `average` to decay * average + (1 - decay) * current, in place.

    Our addition to the paper: translating with averaged weights removes much of the step-to-step noise.
    """
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(current.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - decay)
