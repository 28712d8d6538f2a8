"""DeepLab v2: ResNet-101 with dilated stages, and a pyramid of dilated classifiers whose logits are added.

Chen et al. 2018 (arXiv:1606.00915), section 3: output stride 8, hence the fourth and fifth stage of the network dilated
by 2 and 4, and "ASPP-L", four 3x3 classifiers with rates 6, 12, 18 and 24. The residual network is that of He et al.
2016 (arXiv:1512.03385) as Caffe has it: blocks reduce with their first 1x1 convolution, and the pooling rounds up.
Parameters have the names of github.com/kazuto1011/deeplab-pytorch, without their prefix `base.`.
"""

import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.errors import ConfigError, one_line
from sinct.networks.seeding import seeded

MEAN = (122.675, 116.669, 104.008)
"""Red, green and blue, on [0, 255], which the published weights expect subtracted, with blue first."""

RATES = (6, 12, 18, 24)
"""Dilations of the classifiers."""

SCALES = (0.5, 0.75)
"""Scales at which a picture is seen beside its own, where several are asked for."""

STRIDE = 8


class Bottleneck(nn.Module):
    """A block of a ResNet: 1x1, 3x3 and 1x1 convolution, around which the input goes too.

    Args:
        before: channels of the input.
        after: channels of the output, four times those of the 3x3 convolution.
        stride: of the first convolution.
        dilation: of the 3x3 convolution.
        shortcut: give the way around a convolution of its own.
    """

    def __init__(self, before: int, after: int, stride: int, dilation: int, *, shortcut: bool) -> None:
        super().__init__()
        inner = after // 4
        self.reduce = _Normed(before, inner, 1, stride)
        self.conv3x3 = _Normed(inner, inner, 3, 1, dilation, dilation)
        self.increase = _Normed(inner, after, 1)
        self.shortcut: nn.Module = _Normed(before, after, 1, stride) if shortcut else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, before, H, W) -> (N, after, H / stride, W / stride)."""
        inner = self.increase(F.relu(self.conv3x3(F.relu(self.reduce(x)))))
        return F.relu(inner + self.shortcut(x))


class DeepLab(nn.Module):
    """DeepLab v2 with ResNet-101.

    Args:
        classes: number of classes; 182 for COCO-Stuff.
        state: names and tensors of a published file; None draws random weights.
        seed: seeds the random weights.
        blocks: blocks of each stage; those of ResNet-101 as published.
        width: channels of the first convolution; 64 as published.

    Raises:
        ConfigError: the tensors do not fit.
    """

    def __init__(
        self,
        classes: int,
        state: Mapping[str, Tensor] | None = None,
        *,
        seed: int = 0,
        blocks: Sequence[int] = (3, 4, 23, 3),
        width: int = 64,
    ) -> None:
        super().__init__()
        stages = zip(blocks, (1, 2, 1, 1), (1, 1, 2, 4), strict=True)
        before, after = width, 4 * width
        with seeded(seed):
            self.layer1 = nn.Sequential()
            self.layer1.add_module("conv1", _Normed(3, width, 7, 2, 3))
            for number, (count, stride, dilation) in enumerate(stages, start=2):
                stage = nn.Sequential()
                for block in range(count):
                    first = block == 0
                    made = Bottleneck(before, after, stride if first else 1, dilation, shortcut=first)
                    stage.add_module(f"block{block + 1}", made)
                    before = after
                self.add_module(f"layer{number}", stage)
                after *= 2
            self.aspp = nn.ModuleDict(
                {
                    f"c{n}": nn.Conv2d(before, classes, 3, 1, rate, rate)
                    for n, rate in enumerate(RATES)
                }
            )  # fmt: skip
            for layer in self.modules():
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            for classifier in self.aspp.values():
                nn.init.normal_(classifier.weight, 0, 0.01)  # type: ignore[arg-type]
                nn.init.zeros_(classifier.bias)  # type: ignore[arg-type]
        if state is not None:
            self._load(state)
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """Logits at an eighth of the size.

        Args:
            pictures: (N, 3, H, W), blue, green and red on [0, 255] less `MEAN`.

        Returns:
            (N, classes, H', W'), rounded up twice: 65 for a side of 513, 41 for 321.
        """
        x = F.relu(self.layer1(pictures))
        x = F.max_pool2d(x, 3, 2, 1, ceil_mode=True)
        for number in range(2, 6):
            x = self.get_submodule(f"layer{number}")(x)
        return torch.stack([classifier(x) for classifier in self.aspp.values()]).sum(dim=0)

    def at_scales(self, pictures: Tensor, scales: Sequence[float] = SCALES) -> Tensor:
        """Largest logits over several scales of the pictures, section 4.1: as `forward`, at the size of scale 1.

        Args:
            pictures: as for `forward`.
            scales: other scales besides 1.
        """
        found: Tensor = self(pictures)
        for scale in scales:
            size = [math.floor(side * scale) for side in pictures.shape[-2:]]
            smaller = F.interpolate(pictures, size, mode="bilinear", align_corners=False)
            logits = F.interpolate(self(smaller), found.shape[-2:], mode="bilinear", align_corners=False)
            found = torch.maximum(found, logits)
        return found

    def _load(self, state: Mapping[str, Tensor]) -> None:
        own = {name.removeprefix("base."): value for name, value in state.items()}
        counters = {
            name: value for name, value in self.state_dict().items() if name.endswith("num_batches_tracked")
        }
        try:
            self.load_state_dict({**counters, **own})
        except RuntimeError as error:
            raise ConfigError(f"these are not the weights of such a DeepLab v2 ({one_line(error)})") from None


def prepared(picture: Tensor) -> Tensor:
    """A picture as the published weights expect it.

    Args:
        picture: (3, H, W) in [-1, 1], sRGB.

    Returns:
        (3, H, W): blue, green, red on [0, 255], less `MEAN`.
    """
    values = (picture + 1) * 127.5 - torch.tensor(MEAN, device=picture.device).view(3, 1, 1)
    return values.flip(0)


class _Normed(nn.Module):
    """A convolution with batch norm."""

    def __init__(
        self, before: int, after: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> None:
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, stride, padding, dilation, bias=False)
        self.bn = nn.BatchNorm2d(after)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.bn(self.conv(x))
        return normed
