"""A series of paintings that one generator is trained on, within limits on memory."""

import dataclasses
from collections.abc import MutableMapping, Sequence
from typing import TypeVar

from sinct.data.crops import excerpt
from sinct.errors import InputError, Remark
from sinct.pictures.picture import Picture, read_picture
from sinct.runtime.files import StrPath

PAINTINGS = 64
"""Most paintings of a series to train on, spread evenly over it."""

PIXELS = 24_000_000
"""Most pixels of several paintings to train on, shared equally between them; with everything that training derives
from them they take 0.9 GB. A single painting is used whole."""

DOWN, ACROSS = 0.7548776662466927, 0.5698402909980532
"""Steps from the position of one painting's part to that of the next; they fill a square evenly (Roberts 2018, R2)."""

Item = TypeVar("Item")
Path = TypeVar("Path", bound=StrPath)


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Choose at most `count` items, evenly spread: the middle item of each of `count` equal stretches."""
    count = min(count, len(items))
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]


def choose(paths: Sequence[Item]) -> tuple[list[Item], list[Remark]]:
    """Choose the paintings of a series to train on, with a remark where some are left out."""
    if len(paths) <= PAINTINGS:
        return list(paths), []
    text = (
        f"the series has {len(paths)} paintings; training uses {PAINTINGS} of them, spread evenly over the series, "
        "and the generator can be applied to all"
    )
    return spread(paths, PAINTINGS), [Remark("series_thinned", text)]


def read_series(paths: Sequence[Path], left_out: MutableMapping[Path, str] | None = None) -> list[Picture]:
    """Read the paintings of a series; large ones are cropped to a part at the file's own resolution.

    The parts are equally large and lie at a different position in each painting, so that both skies and foregrounds
    are seen.

    Args:
        paths: one or more picture files.
        left_out: collects the paintings that cannot be read, each with the reason; the others then form the series.

    Returns:
        Pictures of about `PIXELS` in all at most; a single painting is whole.

    Raises:
        InputError: a picture cannot be read; with `left_out`, only when none can.
    """
    try:
        return _parts(paths)
    except InputError:
        if left_out is None or len(paths) == 1:
            raise
    for path in paths:
        try:
            read_picture(path)
        except InputError as error:
            left_out[path] = str(error)
    # Read again: a part's size and place depend on how many paintings there are.
    return _parts([path for path in paths if path not in left_out] or paths)


def one_or_all(values: Sequence[str]) -> str | list[str]:
    """Return values for several paintings as a list, and the value for a single painting by itself."""
    return values[0] if len(values) == 1 else list(values)


def _parts(paths: Sequence[StrPath]) -> list[Picture]:
    if len(paths) == 1:
        return [read_picture(paths[0])]
    return [
        _part(read_picture(path), PIXELS // len(paths), number * DOWN % 1, number * ACROSS % 1)
        for number, path in enumerate(paths, start=1)
    ]


def _part(picture: Picture, pixels: int, down: float, across: float) -> Picture:
    part = excerpt(picture.pixels, pixels, down, across)
    if part.shape == picture.pixels.shape:
        return picture
    # Copies, so that the whole picture's memory is freed before the next one is read.
    alpha = None if picture.alpha is None else excerpt(picture.alpha, pixels, down, across).clone()
    return dataclasses.replace(picture, pixels=part.clone(), alpha=alpha, share=part.shape[2] / picture.width)
