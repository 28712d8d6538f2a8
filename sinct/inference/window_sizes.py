"""Choose windows that keep a translation within its memory."""

from sinct.data.strokes import TILE
from sinct.errors import OutOfMemoryError
from sinct.inference.model import Model
from sinct.inference.whole import continued_size
from sinct.pictures.windows import Sides, choose_sides
from sinct.runtime.device import memory

PROCESS = 560_000_000
"""Bytes of a process that has begun to translate, without its windows: torch's libraries, kernels, fragments. Memory
left over from training in the same process is used again."""

SMOOTHING = 100
"""Bytes per pixel that total-variation smoothing needs."""

BARE = 250
"""Bytes per pixel for preparing a window, with all that it depends on, where strokes are taken out of it first. Growth
of VmHWM in a fresh process, on Linux and one thread: 205 for 1728x1728 px in use, 244 for a whole picture of 2000x2000
px, both with one halving and in bfloat16."""

REMOVER = 70
"""Bytes per pixel of a tile that the stroke remover takes besides in float32, measured in the same way: 315 in all for
1000x1000 px; in bfloat16, they were 174."""

COPIES = 48
"""Bytes per pixel for a window's colours on their way to the generator and back: four float32 pictures."""

BUFFERS = 3
"""Bands of rows in memory at once: the one in use, the one it replaces, and the one being read."""


def plan_sides(
    model: Model,
    height: int,
    width: int,
    budget: int,
    *,
    bytes_per_pixel: int,
    preferred: Sides | None = None,
) -> Sides:
    """Choose windows for a picture so that the whole process stays within a memory budget.

    Args:
        model: model to run.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        budget: bytes of main memory for the whole process.
        bytes_per_pixel: bytes per pixel of the source or of the output, whichever is more.
        preferred: windows to use if they fit.

    Raises:
        OutOfMemoryError: not even the smallest windows fit.
    """
    stride, halo, device = model.generator.stride, model.generator.halo, model.device
    content, reach = model.content, model.content.reach
    element = 2 if model.mixed_precision else 4
    room = budget - PROCESS
    on_device = memory(device) if device.type != "cpu" else None

    def needs(sides: Sides) -> tuple[int, int]:
        generating = COPIES + model.generator.live_channels * element
        if content.remover:
            # Its reach is so long that what a window depends on counts, but not beyond the picture.
            read = min(height, sides.rows + 2 * reach) * min(width, sides.columns + 2 * reach)
            preparing = read * BARE + min(read, TILE**2) * REMOVER
            window = max(preparing, sides.rows * sides.columns * generating)
        else:
            area = (sides.rows + 2 * reach) * (sides.columns + 2 * reach)
            window = area * max(generating, COPIES + SMOOTHING if reach else 0)
        band = min(height, sides.rows + 2 * reach) * width * bytes_per_pixel * BUFFERS
        return window, band + 2 * min(height, sides.rows) * width * bytes_per_pixel

    def fits(sides: Sides) -> bool:
        window, bands = needs(sides)
        if on_device is not None:
            return window <= on_device.free // 2 and bands <= room
        return window + bands <= room

    if preferred is not None and fits(preferred):
        return preferred
    sides = choose_sides(*continued_size(height, width, stride), halo, stride, fits)
    if sides is None:
        smallest = min(2 * halo + 64, *continued_size(height, width, stride))
        least = sum(needs(Sides(smallest, smallest))) + PROCESS
        raise OutOfMemoryError(
            f"{budget / 1e9:.2f} GB is too little for a picture of {width}x{height} px with this generator, which "
            f"needs about {least / 1e9:.2f} GB; give `max_memory={(least + 5e7) / 1e9:.1f}e9` or close other programs"
        )
    return sides
