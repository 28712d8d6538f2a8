"""StyleGAN2's discriminator, applied to tiles of a crop."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from sinct.networks.layers import GAIN, DownBlock, EqualConv2d, EqualLinear, leaky_relu

WIDTHS = (32, 64, 128, 256, 384)
"""Channels at 64, 32, 16, 8 and 4 px in the authors' configuration."""


def minibatch_deviation(x: Tensor, group_size: int = 4) -> Tensor:
    """Append one channel with the mean standard deviation over groups of the batch.

    Args:
        x: (N, C, H, W).
        group_size: most items per group; the largest divisor of N up to it is used.

    Returns:
        (N, C + 1, H, W).

    Karras et al. 2018 (arXiv:1710.10196), section 3.
    """
    n, c, h, w = x.shape
    group = max(size for size in range(1, min(group_size, n) + 1) if n % size == 0)
    groups = x.float().view(group, n // group, c, h, w)
    deviation = (groups.var(dim=0, unbiased=False) + 1e-8).sqrt().mean(dim=(1, 2, 3))
    channel = deviation.to(x.dtype).repeat(group).view(n, 1, 1, 1).expand(n, 1, h, w)
    return torch.cat([x, channel], dim=1)


class Discriminator(nn.Module):
    """One logit per tile: high for the photo's tiles, low for translations.

    Args:
        tile_size: side of the square tiles, in pixels: 4 * 2 ** (len(widths) - 1).
        widths: channels at `tile_size`, at half of it, and so on down to 4 px.
        deviation: append the minibatch standard deviation, which the authors switched off.

    Raises:
        ValueError: `widths` does not fit `tile_size`.

    The default widths have 5,885,473 parameters. Karras et al. 2020 (arXiv:1912.04958), figure 7c.
    """

    def __init__(
        self, tile_size: int = 64, widths: Sequence[int] = WIDTHS, *, deviation: bool = False
    ) -> None:
        super().__init__()
        if tile_size != 4 * 2 ** (len(widths) - 1):
            raise ValueError(
                f"{len(widths)} widths fit tiles of {4 * 2 ** (len(widths) - 1)} px, not {tile_size} px; "
                "give one width for each halving of the tile down to 4 px"
            )
        self.tile_size = tile_size
        self.deviation = deviation
        self.from_rgb = EqualConv2d(3, widths[0], 1, gain=GAIN)
        self.blocks = nn.Sequential(*(DownBlock(wide, wider) for wide, wider in pairwise(widths)))
        last = widths[-1]
        self.conv = EqualConv2d(last + int(deviation), last, 3, gain=GAIN)
        self.hidden = EqualLinear(last * 4 * 4, last, gain=GAIN)
        self.logit = EqualLinear(last, 1)

    def maps(self, tiles: Tensor) -> list[Tensor]:
        """(N, 3, T, T) in [-1, 1] -> the maps after each block, at T/2, T/4 and so on down to 4 px."""
        x, found = leaky_relu(self.from_rgb(tiles)), []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        return found

    def forward(self, tiles: Tensor) -> Tensor:
        """(N, 3, T, T) in [-1, 1] -> logits (N,)."""
        x = self.blocks(leaky_relu(self.from_rgb(tiles)))
        if self.deviation:
            x = minibatch_deviation(x)
        x = leaky_relu(self.conv(x)).flatten(start_dim=1)
        logits: Tensor = self.logit(leaky_relu(self.hidden(x))).squeeze(1)
        return logits
