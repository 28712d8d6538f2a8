"""A series of paintings that one generator is trained on, within bounds of memory."""

import dataclasses
from collections.abc import MutableMapping, Sequence
from typing import TypeVar

from sinct.data.crops import excerpt
from sinct.errors import InputError, Remark
from sinct.pictures.picture import Picture, read_picture
from sinct.runtime.files import StrPath

PAINTINGS = 64
"""At most so many paintings of a series are trained on, evenly spread over it."""

PIXELS = 24_000_000
"""At most so many pixels of several paintings are trained on, the same number of each; with all that a training
derives from them they take 0.9 GB. One painting is trained on whole."""

DOWN, ACROSS = 0.7548776662466927, 0.5698402909980532
"""Steps from the place of one painting's part to the next one's, which fill a square evenly (Roberts 2018, R2)."""

Item = TypeVar("Item")
Path = TypeVar("Path", bound=StrPath)


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """Choose at most so many items, evenly spread: the middle one of each of `count` equal stretches."""
    count = min(count, len(items))
    return [items[(2 * number + 1) * len(items) // (2 * count)] for number in range(count)]


def choose(paths: Sequence[Item]) -> tuple[list[Item], list[Remark]]:
    """Choose the paintings of a series that are trained on, and say in one line where they are not all."""
    if len(paths) <= PAINTINGS:
        return list(paths), []
    text = (
        f"the series has {len(paths)} paintings; the training sees {PAINTINGS} of them, evenly spread over it, and "
        "the generator can be applied to all"
    )
    return spread(paths, PAINTINGS), [Remark("series_thinned", text)]


def read_series(paths: Sequence[Path], left_out: MutableMapping[Path, str] | None = None) -> list[Picture]:
    """Read the paintings of a series, of large ones a part at the file's own resolution.

    The parts are as large for each painting and lie at other places from painting to painting, so that skies and
    foregrounds are seen, too.

    Args:
        paths: one or more picture files.
        left_out: takes paintings that cannot be read, each with the reason; the series is that of the others then.

    Returns:
        Pictures of at most about `PIXELS` in all, without alpha where a part was cut out; one painting whole.

    Raises:
        InputError: a picture cannot be read; with `left_out`, none can.
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
    """What is said of each painting, as it is written down: of one painting no list."""
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
    # A copy, so that the whole picture's memory is free before the next one is read.
    return dataclasses.replace(picture, pixels=part.clone(), alpha=None, share=part.shape[2] / picture.width)
