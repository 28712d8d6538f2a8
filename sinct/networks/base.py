"""What trainings and inference ask of a generator, whichever it is."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

Features = tuple[Tensor, ...]
"""Maps of an encoder that PatchNCE may compare, (N, C, H, W) each, from shallow to deep; the first is the picture."""


class GeneratorBase(nn.Module, ABC):
    """Sizes, features for PatchNCE, translation.

    Attributes:
        name: that settings and files call this network by.
        depths: how many features `encode` returns.
        stride: heights and widths must be multiples of this, in pixels.
        width: the channels it was built with.
    """

    name: ClassVar[str]
    depths: ClassVar[int]
    stride: ClassVar[int]
    width: int

    @property
    @abstractmethod
    def feature_channels(self) -> Sequence[int]:
        """Channels of each of the features that `encode` returns."""

    @property
    @abstractmethod
    def halo(self) -> int:
        """Pixels beyond an output sample's own that can influence it, on each side; a multiple of the stride."""

    @property
    @abstractmethod
    def live_channels(self) -> int:
        """Values per pixel of the picture that are in memory at once during translation without gradients."""

    @abstractmethod
    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares."""

    @abstractmethod
    def translate(self, picture: Tensor) -> tuple[Tensor, Features]:
        """Translate and keep the input's features, so that PatchNCE need not encode it again."""

    def forward(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 3, H, W), about [-1, 1] but not clamped.

        Raises:
            ValueError: height or width is not a multiple of the stride.
        """
        if picture.shape[-1] % self.stride or picture.shape[-2] % self.stride:
            needed = "even heights and widths" if self.stride == 2 else f"multiples of {self.stride} px"
            raise ValueError(f"the generator needs {needed}, got {tuple(picture.shape)}; pad the picture")
        return self.translate(picture)[0]


def of_items(features: Features, start: int, stop: int | None) -> Features:
    """Features of some items of the batch."""
    return tuple(depth[start:stop] for depth in features)


@torch.no_grad()
def update_average(average: nn.Module, current: nn.Module, decay: float) -> None:
    """Move each parameter of `average` to decay * average + (1 - decay) * current, in place.

    Our addition to the paper: translating with averaged weights removes much of the step-to-step noise.
    """
    ours: list[Tensor] = list(average.parameters())
    theirs: list[Tensor] = list(current.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - decay)
