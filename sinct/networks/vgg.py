"""Features of VGG-16 and VGG-19 by layer name.

Simonyan and Zisserman 2014 (arXiv:1409.1556), configurations D and E, as torchvision builds them and with
the weights it offers. Only the convolutional part is built.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from sinct.errors import ConfigError, one_line
from sinct.networks.seeding import seeded
from sinct.networks.torchvision_compat import import_torchvision

MEAN = (0.485, 0.456, 0.406)
DEVIATION = (0.229, 0.224, 0.225)
"""ImageNet's, per channel on [0, 1]; torchvision's weights expect pictures normalised with them."""


class VGG(nn.Module):
    """The convolutional part of a VGG, with layers conv1_1, relu1_1, conv1_2, relu1_2, pool1, conv2_1 and so on.

    Args:
        depth: 16 or 19.
        state: torchvision's state dict, whose `features.*` are used; None draws random weights.
        seed: seeds the random weights (Kaiming normal by fan-out with zero bias, torchvision's own choice).
        average_pooling: pool by average instead of maximum, as Gatys et al. advise for synthesis.

    Raises:
        ConfigError: the state dict does not fit.
    """

    def __init__(
        self,
        depth: int,
        state: Mapping[str, Tensor] | None = None,
        *,
        seed: int = 0,
        average_pooling: bool = False,
    ) -> None:
        super().__init__()
        vgg = import_torchvision().models.vgg
        with seeded(seed):
            built = vgg.make_layers(vgg.cfgs[{16: "D", 19: "E"}[depth]])
            for layer in built:
                if isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                    layer.bias.data.zero_()  # type: ignore[union-attr]
        if state is not None:
            prefix = "features."
            own = {
                name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
            }
            try:
                built.load_state_dict(own)
            except RuntimeError as error:
                reason = one_line(error)
                raise ConfigError(f"these are not the weights of a VGG-{depth} ({reason})") from None
        self.layers = nn.ModuleDict()
        block, number = 1, 1
        for layer in built:
            if isinstance(layer, nn.Conv2d):
                self.layers[f"conv{block}_{number}"] = layer
            elif isinstance(layer, nn.ReLU):
                self.layers[f"relu{block}_{number}"] = nn.ReLU()  # torchvision's overwrites its input
                number += 1
            else:
                self.layers[f"pool{block}"] = nn.AvgPool2d(2) if average_pooling else layer
                block, number = block + 1, 1
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, pictures: Tensor, names: Sequence[str]) -> list[Tensor]:
        """Features at the named layers.

        Args:
            pictures: (N, 3, H, W) in [-1, 1], sRGB.
            names: names of layers; nothing is computed beyond the last of them.

        Returns:
            (N, C, H', W') each, in the order of `names`.
        """
        x = ((pictures + 1) / 2 - self.mean) / self.deviation
        wanted = set(names)
        found: dict[str, Tensor] = {}
        for name, layer in self.layers.items():
            if len(found) == len(wanted):
                break
            x = layer(x)
            if name in wanted:
                found[name] = x
        return [found[name] for name in names]
