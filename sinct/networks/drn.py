"""DRN-D-22 for semantic segmentation: a residual network whose last stages are dilated instead of reduced.

Yu, Koltun and Funkhouser 2017 (arXiv:1705.09914), sections 3 and 4. DRN-D is their DRN-C with plain convolutions in
place of the residual blocks at both ends. Its levels, with channels, stride and dilation:

    0  7x7 convolution, 16          3  two residual blocks, 64, stride 2      6  two residual blocks, 512, dilated by 4
    1  3x3 convolution, 16          4  two residual blocks, 128, stride 2     7  3x3 convolution, 512, dilated by 2
    2  3x3 convolution, 32, stride 2     5  two residual blocks, 256, dilated by 2     8  3x3 convolution, 512

Levels 7 and 8 have no shortcuts around them: they take out the grid that dilation leaves. Parameters have the names of
the authors' files (github.com/fyu/drn), so that these can be loaded.
"""

import math
import re
from collections.abc import Mapping
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.errors import ConfigError, one_line
from sinct.networks.seeding import seeded

STRIDE = 8
"""By how much the last features are smaller than the picture."""

CHANNELS = (16, 16, 32, 64, 128, 256, 512, 512, 512)
"""Of each level, at width 16."""


class DilatedBlock(nn.Module):
    """Two 3x3 convolutions around which the input goes too.

    Args:
        before: channels of the input.
        after: channels of the output.
        stride: of the first convolution.
        dilation: of both.
    """

    def __init__(self, before: int, after: int, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = _conv(before, after, stride, dilation)
        self.bn1 = nn.BatchNorm2d(after)
        self.conv2 = _conv(after, after, 1, dilation)
        self.bn2 = nn.BatchNorm2d(after)
        self.downsample: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.downsample = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.downsample(x))


class DRN(nn.Module):
    """DRN-D-22 with a classifier for each pixel.

    Args:
        classes: number of classes.
        width: channels of the first level; 16 as published.
        seed: seeds the random weights (Kaiming normal by fan-out, the authors' choice; the classifier has no bias).

    The features are 8 times smaller than the picture; logits are enlarged by a transposed convolution with fixed
    bilinear weights, as in the authors' code.
    """

    def __init__(self, classes: int, *, width: int = 16, seed: int = 0) -> None:
        super().__init__()
        c = [channels * width // 16 for channels in CHANNELS]
        with seeded(seed):
            self.base = nn.Sequential(
                _plain(3, c[0], kernel=7),
                _plain(c[0], c[1]),
                _plain(c[1], c[2], stride=2),
                *(
                    nn.Sequential(
                        DilatedBlock(before, after, stride, dilation),
                        DilatedBlock(after, after, 1, dilation),
                    )
                    for (before, after), stride, dilation in zip(
                        pairwise(c[2:7]), (2, 2, 1, 1), (1, 1, 2, 4), strict=True
                    )
                ),
                _plain(c[6], c[7], dilation=2),
                _plain(c[7], c[8]),
            )
            self.seg = nn.Conv2d(c[8], classes, 1)
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    spread = math.sqrt(2 / (layer.kernel_size[0] ** 2 * layer.out_channels))
                    nn.init.normal_(layer.weight, 0, spread)
            nn.init.zeros_(self.seg.bias)  # type: ignore[arg-type]
        self.up = nn.ConvTranspose2d(
            classes, classes, 2 * STRIDE, STRIDE, STRIDE // 2, groups=classes, bias=False
        )
        self.up.weight = nn.Parameter(_bilinear(STRIDE).expand(classes, 1, -1, -1).clone(), False)

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits of each class at each pixel.

        Args:
            pictures: (N, 3, H, W), normalised; H and W multiples of 8.

        Returns:
            (N, classes, H, W).
        """
        # On CPUs, torch 2.13 crashed in the backward pass of a 1x1 convolution of stride 2 in channels-last layout.
        logits: Tensor = self.up(self.seg(self.base(pictures.contiguous())))
        return logits


def load_published(network: DRN, state: Mapping[str, Tensor], *, classifier: bool = True) -> None:
    """Load a file of github.com/fyu/drn into a network.

    Args:
        network: where to.
        state: names and tensors of the file: a segmentation network (`base.0.0.weight`, ..., `seg.weight`), also one
            that was wrapped (`module.`), or a classifier for ImageNet (`layer0.0.weight`, ..., `fc.weight`).
        classifier: load the layer that names classes too; without it, the network keeps its own.

    Raises:
        ConfigError: the tensors do not fit.
    """
    own = {re.sub(r"^(module\.)?(layer(?=\d))?", _level, name): value for name, value in state.items()}
    own = {name: value for name, value in own.items() if not name.startswith("fc.")}
    if not classifier:
        kept = network.state_dict()
        own = {name: value for name, value in own.items() if name.startswith("base.")}
        own |= {name: value for name, value in kept.items() if not name.startswith("base.")}
    if "seg.weight" in own:
        own.setdefault("up.weight", network.up.weight)
    counters = {
        name: value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")
    }
    try:
        network.load_state_dict({**counters, **own})  # which files of 2017 do not have
    except RuntimeError as error:
        raise ConfigError(f"these are not the weights of such a DRN-D-22 ({one_line(error)})") from None


def _level(found: re.Match[str]) -> str:
    return "base." if found[2] else ""


def _conv(before: int, after: int, stride: int, dilation: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride, dilation, dilation, bias=False)


def _plain(before: int, after: int, *, kernel: int = 3, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """A convolution with batch norm and ReLU."""
    padding = kernel // 2 * dilation
    conv = nn.Conv2d(before, after, kernel, stride, padding, dilation, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(after), nn.ReLU())


def _bilinear(factor: int) -> Tensor:
    """(1, 1, 2 factor, 2 factor): weights with which a transposed convolution interpolates."""
    places = torch.arange(2 * factor)
    line = 1 - (places - factor + 0.5).abs() / factor
    return (line[:, None] * line)[None, None]
