"""The ResNet generator of CycleGAN and CUT, for trainings on folders of images (appendix C)."""

from collections.abc import Iterator, Mapping
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.networks.base import Features, WholeGenerator, sample_features
from sinct.networks.layers import in_full_precision
from sinct.networks.normed_layers import begin_small, doubled, halved, instance_norm, mirrored

COMPARED_BLOCKS = 1, 5
"""Residual blocks whose outputs PatchNCE compares, counted from 1."""

SCALE = 4
"""Pixels of the picture along one of the residual blocks' maps."""


def active(maps: Tensor) -> Tensor:
    """Instance norm and ReLU."""
    return F.relu(instance_norm(maps), inplace=True)


def mirrored_to(picture: Tensor, height: int, width: int) -> Tensor:
    """Continue a picture to the right and below by its mirror image, however often that takes.

    Args:
        picture: (N, C, H, W).
        height, width: at least H and W.

    Returns:
        (N, C, height, width).
    """
    if picture.shape[2:] == (height, width):
        return picture

    def places(length: int, wanted: int) -> Tensor:
        period = max(2 * (length - 1), 1)
        place = torch.arange(wanted, device=picture.device) % period
        return torch.minimum(place, period - place)

    rows, columns = places(picture.shape[2], height), places(picture.shape[3], width)
    return picture[:, :, rows[:, None], columns]


class NormedBlock(nn.Module):
    """Residual block with instance norm, and no activation behind the sum: x + f(x).

    Args:
        channels: channels of input and output.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3)
        self.conv2 = nn.Conv2d(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, C, H, W); H and W at least 2."""
        hidden = active(self.conv1(mirrored(x, 1)))
        return x + instance_norm(self.conv2(mirrored(hidden, 1)))


class ResnetGenerator(WholeGenerator):
    """Translate whole pictures: convolutions to a quarter of the resolution, residual blocks, and back.

    A 7×7 convolution 3→w, 3×3 convolutions w→2w→4w, each followed by a halving of the resolution, residual blocks at
    4w, doublings of the resolution, each followed by a 3×3 convolution, 4w→2w→w, and a 7×7 convolution to RGB with
    tanh. Instance norm and ReLU follow each convolution but the last; borders are mirrored where 7×7 convolutions and
    residual blocks need more. Width 64 with 9 blocks gives 11,378,179 parameters.

    Pictures of any size are taken: one whose sides are not multiples of 4, or are below 8 px, is continued to the
    right and below by its mirror image, and the translation is cropped (ours). The features are those of the continued
    picture.

    Args:
        width: channels w at full resolution.
        blocks: residual blocks, 9 or 6, at least 5.

    Raises:
        ValueError: there are fewer blocks than PatchNCE compares.

    Park et al. 2020 (arXiv:2007.15651), appendix C.1; Zhu et al. 2017 (arXiv:1703.10593), section 7.2.
    """

    name = "resnet"
    depths = 5
    stride = 1

    def __init__(self, width: int = 64, blocks: int = 9) -> None:
        super().__init__()
        if blocks < COMPARED_BLOCKS[-1]:
            raise ValueError(
                f"{blocks} residual blocks are fewer than the {COMPARED_BLOCKS[-1]} that PatchNCE needs; take 6 or 9"
            )
        self.width = width
        self.stem = nn.Conv2d(3, width, 7)
        self.down1 = nn.Conv2d(width, 2 * width, 3, padding=1)
        self.down2 = nn.Conv2d(2 * width, 4 * width, 3, padding=1)
        self.blocks = nn.ModuleList(NormedBlock(4 * width) for _ in range(blocks))
        self.up1 = nn.Conv2d(4 * width, 2 * width, 3, padding=1)
        self.up2 = nn.Conv2d(2 * width, width, 3, padding=1)
        self.to_rgb = nn.Conv2d(width, 3, 7)
        begin_small(self)

    @property
    def options(self) -> dict[str, int]:
        """How many blocks it has."""
        return {"blocks": len(self.blocks)}

    @property
    def feature_channels(self) -> tuple[int, ...]:
        """Channels of each feature that `encode` returns."""
        return 3, 2 * self.width, 4 * self.width, 4 * self.width, 4 * self.width

    @property
    def live_channels(self) -> int:
        """Values held at once per pixel: four maps of 2w channels at full resolution (measured)."""
        return 8 * self.width

    def encode(self, picture: Tensor, deepest: int = depths - 1) -> Features:
        """(N, 3, H, W) in [-1, 1] -> the features that PatchNCE compares; what comes later does not run.

        They are the picture padded by 3 px, the first and second downsampling convolutions' outputs before their
        norms, and the outputs of the first and fifth residual blocks. Without instance norm, these would see squares
        of 1, 9, 15, 35 and 99 px.

        Args:
            picture: (N, 3, H, W) in [-1, 1].
            deepest: the last depth to be computed.
        """
        return tuple(islice(self._features(picture), deepest + 1))

    def encode_at(self, picture: Tensor, places: Mapping[int, Tensor]) -> list[Tensor]:
        """See `GeneratorBase.encode_at`; nothing is computed beyond the deepest of these depths."""
        features = self.encode(picture, max(places))
        return [sample_features(features[depth], positions) for depth, positions in places.items()]

    def translate(self, picture: Tensor, noise: Tensor | None = None) -> tuple[Tensor, Features]:
        """Translate, and return the input's features too, so that PatchNCE need not encode it again."""
        features = self.encode(picture)
        return self._decode(features[-1], picture), features

    def forward(self, picture: Tensor, noise: Tensor | None = None) -> Tensor:
        """(N, 3, H, W) in [-1, 1] -> (N, 3, H, W) in [-1, 1]; the features are not kept meanwhile."""
        for maps in self._features(picture):
            code = maps
        return self._decode(code, picture)

    def _features(self, picture: Tensor) -> Iterator[Tensor]:
        """Compute one feature after the other, none before it is asked for."""
        height, width = (max(length + -length % SCALE, 2 * SCALE) for length in picture.shape[2:])
        maps = mirrored(mirrored_to(picture, height, width), 3)
        yield maps
        maps = self.down1(active(self.stem(maps)))
        yield maps
        maps = self.down2(halved(active(maps)))
        yield maps
        maps = halved(active(maps))
        for number, block in enumerate(self.blocks[: COMPARED_BLOCKS[-1]], 1):
            maps = block(maps)
            if number in COMPARED_BLOCKS:
                yield maps

    def _decode(self, code: Tensor, picture: Tensor) -> Tensor:
        """The fifth block's output, and the input, whose size is wanted -> RGB, (N, 3, H, W)."""
        for block in self.blocks[COMPARED_BLOCKS[-1] :]:
            code = block(code)
        fine = active(self.up1(doubled(code)))
        return in_full_precision(self._render, fine)[..., : picture.shape[2], : picture.shape[3]]

    def _render(self, fine: Tensor) -> Tensor:
        """Maps at half the resolution -> RGB."""
        return torch.tanh(self.to_rgb(mirrored(active(self.up2(doubled(fine))), 3)))
