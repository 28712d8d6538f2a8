"""Turn encoder features into the unit vectors that PatchNCE compares."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def random_positions(crops: int, height: int, width: int, count: int, generator: torch.Generator) -> Tensor:
    """Draw distinct positions in each crop of a feature map.

    Returns:
        (crops, min(count, height * width)) indices into the flattened map, on the generator's device.
    """
    noise = torch.rand(crops, height * width, generator=generator, device=generator.device)
    return noise.topk(min(count, height * width), dim=1).indices


class Projection(nn.Module):
    """One two-layer MLP for each encoder depth, whose outputs have unit length.

    Args:
        channels: channels of the features at each depth.
        dimensions: size of the projected vectors and of the hidden layer.

    Park et al. 2020 (arXiv:2007.15651), section 3. Weights begin Xavier normal with gain 0.02, and biases at 0, as in
    the authors' code.
    """

    def __init__(self, channels: Sequence[int], dimensions: int = 256) -> None:
        super().__init__()
        self.depths = nn.ModuleList(
            nn.Sequential(nn.Linear(width, dimensions), nn.ReLU(), nn.Linear(dimensions, dimensions))
            for width in channels
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight, gain=0.02)
                nn.init.zeros_(module.bias)

    def forward(self, samples: Sequence[Tensor]) -> list[Tensor]:
        """One (P, C) tensor per depth -> one (P, dimensions) tensor of unit vectors per depth, float32."""
        return [
            F.normalize(mlp(vectors).float(), dim=1)
            for mlp, vectors in zip(self.depths, samples, strict=True)
        ]
