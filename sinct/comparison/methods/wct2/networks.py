"""The encoder and the decoder, with the names of their published weights."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sinct.comparison.methods.wct2.wavelet import BANDS, HAAR, haar_pool, haar_unpool
from sinct.errors import ConfigError, one_line


class Skip(NamedTuple):
    """What a pooling passes to the unpooling at its level.

    Attributes:
        bands: LH, HL and HH, (N, C, H/2, W/2) each.
        original: (N, C, H, W), the features before pooling.
    """

    bands: tuple[Tensor, ...]
    original: Tensor


class _Bands(nn.Module):
    """The four kernels of `HAAR` for each channel, with the names of the published weights."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, kernel in zip(BANDS, HAAR, strict=True):
            band = nn.Module()
            band.register_buffer("weight", kernel.float().expand(channels, 1, 2, 2).clone())
            self.add_module(name, band)


class _Network(nn.Module):
    """Convolutions and poolings under their published names.

    Args:
        title: encoder or decoder, for messages.
        convolutions: name -> channels in, channels out, kernel size.
        poolings: name -> channels.
        state: state dict; None draws random weights.
        seed: seeds random weights, which are Kaiming normal by fan-in for ReLU, with zero biases.

    Raises:
        ConfigError: the state dict does not fit.
    """

    def __init__(
        self,
        title: str,
        convolutions: Mapping[str, tuple[int, int, int]],
        poolings: Mapping[str, int],
        state: Mapping[str, Tensor] | None,
        seed: int,
    ) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for name, (inputs, outputs, size) in convolutions.items():
            # Created without values, since torch would draw them from its global generator.
            convolution = nn.Conv2d(inputs, outputs, size, device="meta").to_empty(device="cpu")
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=generator)
            assert convolution.bias is not None
            nn.init.zeros_(convolution.bias)
            self.add_module(name, convolution)
        for name, channels in poolings.items():
            self.add_module(name, _Bands(channels))
        if state is not None:
            wrong = f"these are not the published weights wave_{title}_cat5_l4.pth of WCT²"
            try:
                self.load_state_dict(state)
            except RuntimeError as error:
                reason = one_line(error)
                raise ConfigError(f"{wrong} ({reason})") from None
            for name, channels in poolings.items():
                for key, kernel in _Bands(channels).state_dict().items():
                    if not torch.allclose(self.state_dict()[f"{name}.{key}"], kernel, atol=1e-6):
                        raise ConfigError(f"{wrong} ({name}.{key} is not a Haar wavelet)")
        self.requires_grad_(False).eval()

    def convolve(self, name: str, parts: Iterable[Tensor]) -> Tensor:
        """Convolve parts as if they were concatenated along the channels.

        The result is a sum over the parts: concatenated, five full-size parts would be by far the largest tensor.
        """
        convolution = self.get_submodule(name)
        assert isinstance(convolution, nn.Conv2d)
        result: Tensor | None = None
        start = 0
        for part in parts:
            weight = convolution.weight[:, start : start + part.shape[1]]
            start += part.shape[1]
            edge = weight.shape[-1] // 2
            padded = F.pad(part, (edge,) * 4, mode="reflect") if edge else part
            if result is None:
                result = F.conv2d(padded, weight, convolution.bias)
            else:
                result += F.conv2d(padded, weight)
        assert result is not None
        return result


class Encoder(_Network):
    """VGG-19 from the picture to relu4_1, in four levels that end in relu1_1, relu2_1, relu3_1 and relu4_1.

    conv0 is a 1x1 convolution without ReLU that converts RGB in [0, 1] to the input VGG was trained on. All
    other convolutions are 3x3 with reflection padding, followed by ReLU.

    Args:
        state: the published state dict; None draws random weights.
        seed: seeds random weights.

    Raises:
        ConfigError: the state dict does not fit.
    """

    _LAYERS = (
        ("conv0", "conv1_1"),
        ("conv1_2", "pool1", "conv2_1"),
        ("conv2_2", "pool2", "conv3_1"),
        ("conv3_2", "conv3_3", "conv3_4", "pool3", "conv4_1"),
    )

    def __init__(self, state: Mapping[str, Tensor] | None = None, *, seed: int = 0) -> None:
        super().__init__(
            "encoder",
            {
                "conv0": (3, 3, 1),
                "conv1_1": (3, 64, 3),
                "conv1_2": (64, 64, 3),
                "conv2_1": (64, 128, 3),
                "conv2_2": (128, 128, 3),
                "conv3_1": (128, 256, 3),
                "conv3_2": (256, 256, 3),
                "conv3_3": (256, 256, 3),
                "conv3_4": (256, 256, 3),
                "conv4_1": (256, 512, 3),
            },
            {"pool1": 64, "pool2": 128, "pool3": 256},
            state,
            seed,
        )

    def forward(self, x: Tensor, level: int) -> tuple[Tensor, Skip | None]:
        """Run one level.

        Args:
            x: (N, 3, H, W) in [0, 1] for level 1, else the features of the level before.
            level: 1 to 4.

        Returns:
            The level's features, and what its pooling passes to the decoder; level 1 has no pooling.
        """
        skip = None
        for name in self._LAYERS[level - 1]:
            if name.startswith("pool"):
                low, *bands = haar_pool(x)
                skip = Skip(tuple(bands), x)
                x = low
            elif name == "conv0":
                x = self.convolve(name, [x])
            else:
                x = self.convolve(name, [x]).relu_()
        return x, skip


class Decoder(_Network):
    """The mirrored encoder, in levels 4 to 1; each begins with what the encoder's level ends in.

    An unpooling spreads LL, LH, HL and HH and passes them, with the features before pooling, to the next
    convolution. All convolutions are 3x3 with reflection padding; all but the last are followed by ReLU.

    Args:
        state: the published state dict; None draws random weights.
        seed: seeds random weights.

    Raises:
        ConfigError: the state dict does not fit.
    """

    _LAYERS = (
        ("conv1_1",),
        ("conv2_1", "recon_block1", "conv1_2_2"),
        ("conv3_1", "recon_block2", "conv2_2_2"),
        ("conv4_1", "recon_block3", "conv3_4_2", "conv3_3", "conv3_2"),
    )

    def __init__(self, state: Mapping[str, Tensor] | None = None, *, seed: int = 0) -> None:
        super().__init__(
            "decoder",
            {
                "conv4_1": (512, 256, 3),
                "conv3_4_2": (5 * 256, 256, 3),
                "conv3_3": (256, 256, 3),
                "conv3_2": (256, 256, 3),
                "conv3_1": (256, 128, 3),
                "conv2_2_2": (5 * 128, 128, 3),
                "conv2_1": (128, 64, 3),
                "conv1_2_2": (5 * 64, 64, 3),
                "conv1_1": (64, 3, 3),
            },
            {"recon_block3": 256, "recon_block2": 128, "recon_block1": 64},
            state,
            seed,
        )

    def forward(self, x: Tensor, level: int, skip: Skip | None) -> Tensor:
        """Run one level.

        Args:
            x: features of the encoder's level 4 for level 4, else those of the decoder's previous level.
            level: 4 to 1.
            skip: from the same level of the encoder; level 1 has none.

        Returns:
            Features for the next lower level; after level 1, a picture (N, 3, H, W) roughly in [0, 1].
        """
        parts: Iterable[Tensor] = [x]
        for name in self._LAYERS[level - 1]:
            if name.startswith("recon_block"):
                assert skip is not None
                # Lazy: each spread band is as large as the original, and only one is needed at a time.
                parts = chain(map(haar_unpool, (x, *skip.bands), HAAR), [skip.original])
            else:
                x = self.convolve(name, parts)
                x = x if name == "conv1_1" else x.relu_()
                parts = [x]
        return x
