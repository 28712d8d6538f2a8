"""Pictures side by side, to show how a training is going."""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

PREVIEW_HEIGHT = 640
"""Pixels; three pictures of this height fit side by side on most screens."""

LETTERS = 0.04
"""Size of labels as a share of the pictures' height: they can be read where all of the preview fits a screen."""

SMALLEST_LETTERS = 14
"""Pixels; below, no letters can be read."""


def in_rows(rows: Sequence[Sequence[Tensor]], labels: Sequence[str] = ()) -> Tensor:
    """Lay pictures side by side in rows, each row at the height of its first picture, at most 640 px.

    Args:
        rows: pictures, (3, H, W) each, in [-1, 1]; shorter rows are filled with white.
        labels: what is written above the pictures of every row, one for each of the longest; none for pictures alone.

    Returns:
        (3, H, W) in [-1, 1].
    """
    lines = [_side_by_side(row, labels) for row in rows]
    width = max(line.shape[2] for line in lines)
    filled = [F.pad(line, (0, width - line.shape[2]), value=1.0) for line in lines]
    return torch.cat(filled, dim=1)


def on_white(pixels: Tensor, alpha: Tensor | None) -> Tensor:
    """Lay a picture over white.

    Args:
        pixels: (3, H, W) in [-1, 1].
        alpha: (1, H', W') in [0, 1], scaled to its size, or None where everything is opaque.
    """
    if alpha is None:
        return pixels
    small = F.interpolate(alpha[None], pixels.shape[1:], mode="bilinear", antialias=True)[0]
    return torch.lerp(torch.ones_like(pixels), pixels, small.to(pixels))


def _side_by_side(pictures: Sequence[Tensor], labels: Sequence[str]) -> Tensor:
    """Join pictures into one, (3, H, W), at the height of the first, at most 640 px, below their labels if any."""
    height = min(PREVIEW_HEIGHT, pictures[0].shape[1])
    row = [
        F.interpolate(
            picture[None].cpu(),
            (height, max(1, round(picture.shape[2] * height / picture.shape[1]))),
            mode="bilinear",
            antialias=True,
        )[0]
        for picture in pictures
    ]
    if labels:
        letters = max(SMALLEST_LETTERS, round(LETTERS * height))
        row = [_below(labels[number], picture, letters) for number, picture in enumerate(row)]
    return torch.cat(row, dim=2)


def _below(label: str, picture: Tensor, letters: int) -> Tensor:
    """A picture, (3, H, W), below a label on white, and as wide as that at least."""
    from sinct.report.pictures import label_font  # its import takes long, and help does without

    font = label_font(letters)
    width = max(picture.shape[2], math.ceil(font.getlength(label)) + letters)
    strip = Image.new("RGB", (width, 2 * letters - letters // 2), "white")
    ImageDraw.Draw(strip).text((letters // 3, letters // 6), label, fill="#111111", font=font)
    drawn = torch.from_numpy(np.array(strip)).permute(2, 0, 1) / 127.5 - 1
    return torch.cat([drawn, F.pad(picture, (0, width - picture.shape[2]), value=1.0)], dim=1)


def shrink(picture: Tensor, pixels: int) -> Tensor:
    """Scale a picture down to at most a number of pixels, aspect kept; a smaller one stays as it is.

    Args:
        picture: (3, H, W) in [-1, 1].
        pixels: approximate height times width.
    """
    height, width = picture.shape[1:]
    scale = math.sqrt(pixels / (height * width))
    if scale >= 1:
        return picture
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(picture[None], size, mode="bilinear", antialias=True)[0].clamp(-1, 1)
