"""Generators with several translations of a picture: its content, decoded with a style code."""

import copy
from abc import abstractmethod
from collections.abc import Sequence
from typing import Self

import torch
from torch import Tensor

from sinct.networks.base import Features, WholeGenerator


class StyledGenerator(WholeGenerator):
    """Base of generators that encode the content of a picture and decode it with a style code.

    A style code is drawn from N(0, I), or encoded from a picture of the target domain. Where none is given, pictures
    are translated with the mean style of the target domain (ours), so that their translation is always the same. What
    PatchNCE could compare are the picture and its content.

    Args:
        styles: length of a style code.

    Attributes:
        mean_style: (styles,), a buffer, so part of files; zeros until a training sets it.
        style: (styles,), the code to translate with; None is `mean_style`. It is not stored in files.
    """

    depths = 2
    stride = 1
    mean_style: Tensor
    style: Tensor | None = None

    def __init__(self, styles: int) -> None:
        super().__init__()
        self.register_buffer("mean_style", torch.zeros(styles))

    @property
    def styles(self) -> int:
        """Length of a style code."""
        return len(self.mean_style)

    @abstractmethod
    def content_of(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], source domain -> content, (N, C, h, w)."""

    @abstractmethod
    def style_of(self, picture: Tensor) -> Tensor:
        """(N, 3, H, W) in [-1, 1], target domain -> style codes, (N, styles)."""

    @abstractmethod
    def decode(self, content: Tensor, style: Tensor) -> Tensor:
        """Content (N, C, h, w) and style codes (N, styles) -> pictures (N, 3, H, W) in [-1, 1], target domain."""

    def with_style(self, style: Tensor) -> Self:
        """The same network, with the same weights, which translates with another style code.

        Args:
            style: (styles,).

        Raises:
            ValueError: it has another length.
        """
        if style.shape != (self.styles,):
            raise ValueError(f"a style code has {self.styles} numbers, got {tuple(style.shape)}")
        styled = copy.copy(self)
        styled.style = style
        return styled

    @property
    def feature_channels(self) -> Sequence[int]:
        """Channels of each feature that `encode` returns."""
        return 3, 4 * self.width

    def encode(self, picture: Tensor) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the picture and its content."""
        return picture, self.content_of(picture)

    def translate(self, picture: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Features]:
        """Translate with the network's own style code, and return the features too."""
        features = self.encode(picture)
        count, _, height, width = picture.shape
        style = self.mean_style if self.style is None else self.style
        translated = self.decode(features[-1], style.to(picture).expand(count, -1))
        return translated[..., :height, :width], features
