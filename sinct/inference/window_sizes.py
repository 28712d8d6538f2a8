"""Choose windows that keep a translation within its memory."""

import math

from sinct.data.strokes import SIDE, SIGHT
from sinct.errors import OutOfMemoryError
from sinct.inference.model import Model
from sinct.inference.parts import REACH, TILE
from sinct.inference.whole import continued_size
from sinct.networks.base import GeneratorBase
from sinct.pictures.opening import FIXED, IN_MEMORY
from sinct.pictures.windows import Sides, choose_sides
from sinct.runtime.device import memory

PROCESS = 560_000_000
"""Bytes of a process that has begun to translate, without its windows: torch's libraries, kernels, fragments. Memory
left over from training in the same process is used again."""

SMOOTHING = 100
"""Bytes per pixel that total-variation smoothing needs."""

CHANGE = 30
"""Bytes per pixel for what taking strokes out changes: as it is kept, as it is added, and the sum."""

REMOVING = 650
"""Bytes per pixel for taking strokes out of a window, with what is seen around it. Growth of VmHWM in a fresh process,
on Linux and one thread, in bfloat16: 325 for the network alone, 620 with all that a window of 1024 px needs."""

LEFT_BEHIND = 250_000_000
"""Bytes of freed memory that the allocator keeps in pieces after strokes were taken out; measured likewise."""

MIXING = 320
"""Bytes per pixel for dividing a picture and its translation into parts, a tile at a time; growth of VmHWM in a fresh
process, on Linux and one thread."""

COPIES = 48
"""Bytes per pixel for a window's colours on their way to the generator and back: four float32 pictures."""

SMALLEST_SIDE = 128
"""Smallest side in pixels of the windows that strokes are taken out of, and its step."""

BUFFERS = 3
"""Bands of rows in memory at once: the one in use, the one it replaces, and the one being read."""


def plan_sides(
    model: Model,
    height: int,
    width: int,
    budget: int,
    *,
    bytes_per_pixel: int,
    beside: int = 0,
    preferred: Sides | None = None,
) -> Sides:
    """Choose windows for a picture so that the whole process stays within a memory budget.

    Args:
        model: model to run.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        budget: bytes of main memory for the whole process.
        bytes_per_pixel: bytes per pixel of the source or of the output, whichever is more.
        beside: rows that are read above and below those of a window and what is around it.
        preferred: windows to use if they fit.

    Raises:
        OutOfMemoryError: not even the smallest windows fit, or the generator takes no windows.
    """
    check_windows(model.generator, height, width)
    stride, halo, device = model.generator.stride, model.halo, model.device
    content, reach = model.content, model.content.reach
    room = budget - PROCESS - (LEFT_BEHIND if content.remover else 0)
    on_device = memory(device) if device.type != "cpu" else None
    buffers = BUFFERS + (beside > 0)  # what is hidden is replaced in a copy

    def needs(sides: Sides) -> tuple[int, int, int]:
        # In bfloat16 as well: the last layers, at full resolution, run in float32.
        generating = COPIES + 4 * model.generator.live_channels
        area = (sides.rows + 2 * reach) * (sides.columns + 2 * reach)
        preparing = COPIES + (SMOOTHING if reach else 0) + (CHANGE if content.remover else 0)
        window = area * max(generating, preparing)
        mixing = COPIES * area + MIXING * min(area, (TILE + 2 * REACH) ** 2) if model.mix.reach else 0
        band = min(height, sides.rows + 2 * (reach + beside)) * width * bytes_per_pixel * buffers
        return window, mixing, band + 2 * min(height, sides.rows) * width * bytes_per_pixel

    def fits(sides: Sides) -> bool:
        window, mixing, bands = needs(sides)
        if on_device is not None:
            return window <= on_device.free // 2 and mixing + bands <= room
        return max(window, mixing) + bands <= room

    if preferred is not None and fits(preferred):
        return preferred
    sides = choose_sides(*continued_size(height, width, stride), halo, stride, fits)
    if sides is None:
        smallest = min(2 * halo + 64, *continued_size(height, width, stride))
        window, mixing, bands = needs(Sides(smallest, smallest))
        least = max(window, mixing) + bands + budget - room
        raise OutOfMemoryError(
            f"{budget / 1e9:.2f} GB is too little for a picture of {width}x{height} px with this generator, which "
            f"needs about {least / 1e9:.2f} GB; give `max_memory={(least + 5e7) / 1e9:.1f}e9` or close other programs"
        )
    return sides


def check_windows(generator: GeneratorBase, height: int, width: int) -> None:
    """Refuse a generator that needs the whole picture, where a picture is to be read and written in rows.

    Args:
        generator: which one, with weights or without.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.

    Raises:
        OutOfMemoryError: it needs the whole picture.
    """
    if generator.whole:
        generating = PROCESS + (COPIES + 4 * generator.live_channels) * height * width
        least = math.ceil(max(generating, FIXED + IN_MEMORY * height * width) / 1e8) / 10
        raise OutOfMemoryError(
            f"a picture of {width}x{height} px cannot be translated in rows by the generator {generator.name!r}, "
            f"which needs the whole picture at once, about {least:.1f} GB; give `max_memory={least:.1f}e9` "
            "and an output that is not .dzi, or a smaller picture"
        )


def plan_removal(width: int, budget: int, *, bytes_per_pixel: int, beside: int = 0) -> int:
    """Choose the side of the windows that strokes are taken out of, in pixels, see `sinct.data.strokes.stroke_change`.

    Args:
        width: width of the picture, in pixels.
        budget: bytes of main memory for the whole process.
        bytes_per_pixel: bytes per pixel of the source.
        beside: rows that are read above and below those that a window sees.

    Raises:
        OutOfMemoryError: not even the smallest windows fit.
    """

    def need(side: int) -> int:
        seen = side + 2 * SIGHT
        read = (seen + 2 * beside) * width * bytes_per_pixel * (BUFFERS + (beside > 0))
        return seen * min(seen, width) * REMOVING + read + PROCESS

    side = next((side for side in range(SIDE, 0, -SMALLEST_SIDE) if need(side) <= budget), None)
    if side is None:
        raise OutOfMemoryError(
            f"{budget / 1e9:.2f} GB is too little to take strokes out of a picture of {width} px width, which needs "
            f"about {need(SMALLEST_SIDE) / 1e9:.2f} GB; give `max_memory={(need(SMALLEST_SIDE) + 5e7) / 1e9:.1f}e9`, "
            "close other programs, or train with `remove_strokes=False`"
        )
    return side
