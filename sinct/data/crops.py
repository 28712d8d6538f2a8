"""Zoomed random crops of one picture, their division into tiles, and parts of large pictures.

Randomness comes from one CPU `torch.Generator` whatever the training device, so that the same seed gives the same
crops everywhere; pixels are cut and resampled on the picture's device.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.errors import ConfigError
from sinct.pictures.resampling import antialiased


def width_range(
    height: int, width: int, *, crop_size: int, min_width: int, max_width: int
) -> tuple[int, int]:
    """Find the widths that a picture can be scaled to, aspect kept, so that a crop fits inside.

    Args:
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        crop_size: side of the square crops, in pixels.
        min_width: smallest width wanted, in pixels.
        max_width: largest width wanted, in pixels.

    Returns:
        Smallest and largest width in pixels; both are raised where a crop would not fit otherwise.

    Raises:
        ConfigError: a crop fits neither at `max_width` nor at the picture's own size.
    """
    fitting = max(crop_size, -(-crop_size * width // height))  # scaled height >= crop_size
    if fitting > max(max_width, width):
        raise ConfigError(
            f"crop size {crop_size} px does not fit a picture of {width}x{height} px scaled to "
            f"a width of {max_width} px; give a less narrow or a larger picture"
        )
    return max(min_width, fitting), max(max_width, fitting)


def uniform(low: float, high: float, generator: torch.Generator) -> float:
    """Draw one number from [low, high)."""
    return low + (high - low) * torch.rand((), generator=generator).item()


def excerpt(picture: Tensor, pixels: int, down: float, across: float) -> Tensor:
    """Cut a window of the picture's own shape out of it, at its own resolution.

    Args:
        picture: (C, H, W).
        pixels, down, across: size and place of the window, see `excerpt_slices`.

    Returns:
        (C, H', W'), a view of the picture.
    """
    _, height, width = picture.shape
    rows, columns = excerpt_slices(height, width, pixels, down, across)
    return picture[:, rows, columns]


def excerpt_slices(height: int, width: int, pixels: int, down: float, across: float) -> tuple[slice, slice]:
    """Rows and columns of a window of a picture's own shape.

    Args:
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        pixels: approximate height times width of the window; of a picture with no more, all rows and columns.
        down: vertical position of the window, from 0 at the top to 1 at the bottom.
        across: horizontal position, from 0 at the left to 1 at the right.
    """
    share = min(1.0, (pixels / (height * width)) ** 0.5)
    rows, columns = max(1, round(height * share)), max(1, round(width * share))
    top, left = int(down * (height - rows)), int(across * (width - columns))
    return slice(top, top + rows), slice(left, left + columns)


GRID = 3
"""Windows a side that stand for a large picture, see `native_windows`."""


def native_windows(picture: Tensor, side: int) -> list[Tensor]:
    """What stands for a picture where its own resolution matters: all of a small one, a few windows of a larger one.

    Args:
        picture: (C, H, W).
        side: side of the windows, in pixels; `GRID` times `GRID` of them are spread evenly.
    """
    height, width = picture.shape[1:]
    if min(height, width) <= GRID * side // 2 or height * width <= (GRID * side) ** 2:
        return [picture]
    return [
        picture[:, top : top + side, left : left + side].contiguous()
        for top in range(0, height - side + 1, (height - side) // (GRID - 1))
        for left in range(0, width - side + 1, (width - side) // (GRID - 1))
    ]


TRIES = 8
"""Places that are tried for each crop of a picture of which some is hidden."""

ENOUGH = 0.95
"""Share of a crop that has to show; where no place has as much, the one with the most is taken."""


def shown_sums(shown: Tensor) -> Tensor:
    """How many pixels show above and to the left of each corner, (H, W) bool -> (H + 1, W + 1), on the CPU."""
    return F.pad(shown.cpu().double().cumsum(0).cumsum(1), (1, 0, 1, 0))


def shown_share(sums: Tensor, top: Tensor, left: Tensor, bottom: Tensor, right: Tensor) -> Tensor:
    """Share of rectangles that shows, (N,), from what `shown_sums` returned and their sides, (N,) each."""
    shown = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return shown / ((bottom - top) * (right - left))


def first_enough(shares: Tensor) -> Tensor:
    """The first of several tries that shows `ENOUGH`, else the one that shows most: (N, T) -> (N,)."""
    return torch.where(shares >= ENOUGH, 1.0, shares).argmax(dim=1)


def random_crops(
    picture: Tensor,
    *,
    count: int,
    size: int,
    width: float,
    generator: torch.Generator,
    overhang: float = 0.0,
    shown: Tensor | None = None,
    tries: int = TRIES,
) -> Tensor:
    """Scale a picture to a width, cut crops at random positions and flip each with probability 1/2.

    Only the parts that become crops are resampled (bicubic, antialiased), never the whole picture.

    Args:
        picture: (C, H, W), float.
        count: number of crops.
        size: side of the square crops, in pixels.
        width: width that the picture is scaled to, aspect kept, in pixels.
        generator: draws the crops, on the CPU.
        overhang: share of a crop's side by which it may overhang the picture, half of it at each border, before
            it is pushed back inside. With 0, all positions are equally likely and the border is seldom seen; with
            1, the centres are spread evenly over the picture, and crops that overhang it move to the border.
        shown: what `shown_sums` returned, where some of the picture is hidden; then each crop lies where it shows.
        tries: places that are then tried for each.

    Returns:
        (count, C, size, size), channels last in memory, on the picture's device.
    """
    _, picture_height, picture_width = picture.shape
    side = max(1, min(round(size * picture_width / width), picture_height, picture_width))
    corners = torch.rand(count if shown is None else count * tries, 2, generator=generator)
    room = torch.tensor([picture_height - side + 1, picture_width - side + 1])
    places = corners * (room + overhang * side) - overhang * side / 2
    places = torch.minimum(places.long().clamp_min(0), room - 1)
    if shown is not None:
        shares = shown_share(shown, *places.T, *(places + side).T).view(count, tries)
        places = places.view(count, tries, 2)[torch.arange(count), first_enough(shares)]
    flipped = torch.rand(count, generator=generator) < 0.5

    # Slices, since a GPU would have to wait for indices.
    cut = [picture[:, top : top + side, left : left + side] for top, left in places.tolist()]
    windows = torch.stack(
        [part.flip(2) if flip else part for part, flip in zip(cut, flipped.tolist(), strict=True)]
    )
    if side != size:
        windows = antialiased(windows, (size, size), mode="bicubic")
    return windows.contiguous(memory_format=torch.channels_last)


SMALLEST_SHARE = 1 / 3
"""Smallest factor by which `freely_zoomed_crops` scales heights and widths."""


def freely_zoomed_crops(
    picture: Tensor,
    *,
    count: int,
    size: int,
    generator: torch.Generator,
    shown: Tensor | None = None,
    tries: int = TRIES,
) -> Tensor:
    """Cut each crop from a scaling of its own, and flip it with probability 1/2.

    Height and width are scaled by independent factors in [1/3, 1], but to no less than a crop. A grid of crops is
    laid over what comes out, at a random place within the room that it leaves, and one of its cells is the crop.

    Args:
        picture: (C, H, W), float.
        count: number of crops.
        size: side of the square crops, in pixels.
        generator: draws the crops, on the CPU.
        shown, tries: see `random_crops`.

    Returns:
        (count, C, size, size), channels last in memory, on the picture's device.

    As in the code of Park et al. 2020, which draws the cells by going through a shuffled list of 100,000 numbers.
    Bicubic, antialiased; only the parts that become crops are resampled, cut at whole pixels.
    """
    tries = 1 if shown is None else tries
    drawn = [
        (_cell(picture.shape[1], size, *draws[:3]), _cell(picture.shape[2], size, *draws[3:]), flip)
        for *draws, flip in torch.rand(count * tries, 7, generator=generator).tolist()
    ]
    if shown is not None:
        sides = torch.tensor([[r.start, c.start, r.stop, c.stop] for r, c, _ in drawn])
        chosen = first_enough(shown_share(shown, *sides.T).view(count, tries)).tolist()
        drawn = [drawn[number * tries + best] for number, best in enumerate(chosen)]
    crops = []
    for rows, columns, flip in drawn:
        crop = picture[None, :, rows, columns]
        crop = antialiased(crop, (size, size), mode="bicubic")
        crops.append(crop.flip(3) if flip < 0.5 else crop)
    return torch.cat(crops).contiguous(memory_format=torch.channels_last)


def _cell(side: int, size: int, zoom: float, shift: float, which: float) -> slice:
    """Pixels of one axis that become a crop, from three numbers in [0, 1)."""
    scaled = max(size, round(side * (SMALLEST_SHARE + (1 - SMALLEST_SHARE) * zoom)))
    cells = scaled // size
    start = int(shift * (scaled - cells * size + 1)) + int(which * cells) * size
    return slice(round(start * side / scaled), round((start + size) * side / scaled))


def tiles(crops: Tensor, size: int, shift: int = 0, play: int = 0) -> Tensor:
    """Divide square crops into square tiles.

    Args:
        crops: (N, C, S, S).
        size: side of a tile in pixels, a divisor of S.
        shift: how far the tiles begin from the crop's upper left corner, in pixels, from 0 to `play`.
        play: how many pixels of each side the tiles leave out together with the shift; they overlap by as much.

    Returns:
        (N * (S / size)², C, size, size), crop by crop in reading order.
    """
    n, c, side, _ = crops.shape
    across = side // size
    step = size - play // max(1, across - 1)
    cut = crops[..., shift:, shift:].unfold(2, size, step).unfold(3, size, step)[:, :, :across, :across]
    return (
        cut.permute(0, 2, 3, 1, 4, 5)
        .reshape(n * across**2, c, size, size)
        .contiguous(memory_format=torch.channels_last)
    )
