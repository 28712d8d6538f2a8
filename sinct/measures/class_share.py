"""Shares of classes in a folder's pictures: how many of their pixels show a horse.

Park et al. 2020, appendix C.4 and figure 6: zebras fill more of their pictures than horses, and a translation that has
to match their distribution makes horses larger.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch import Tensor

from sinct.errors import InputError, OutOfMemoryError, counted
from sinct.measures.labellers import Labeller
from sinct.pictures.picture import read_picture
from sinct.runtime.device import is_out_of_memory
from sinct.runtime.files import StrPath, printable


@dataclass(frozen=True)
class ClassShares:
    """What the pictures of a folder show.

    Attributes:
        shares: class -> its mean share of a picture's pixels, in percent.
        pictures: pictures that were looked at.
        left_out: files that could not be read -> why, in one line.
    """

    shares: Mapping[str, float]
    pictures: int
    left_out: Mapping[str, str]


def shares_of(labels: Tensor, numbers: Sequence[int]) -> list[float]:
    """Share of the pixels that have each of some numbers, in percent.

    Args:
        labels: whole numbers of any shape.
        numbers: those wanted.
    """
    return [100 * float((labels == number).double().mean()) for number in numbers]


def class_shares(
    paths: Sequence[StrPath],
    labeller: Labeller,
    classes: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ClassShares:
    """Shares of some classes in pictures. Every picture weighs the same, whatever its size.

    Args:
        paths: picture files.
        labeller: says what each pixel shows.
        classes: names of its classes.
        on_progress: called with pictures done and pictures in all.

    Raises:
        InputError: no picture can be read.
        ConfigError: a class is not known.
        OutOfMemoryError: a picture does not fit into the device's memory.
    """
    numbers = [labeller.number(name) for name in classes]
    found: list[list[float]] = []
    left_out: dict[str, str] = {}
    for index, path in enumerate(paths):
        try:
            found.append(shares_of(_labelled(labeller, read_picture(path).pixels), numbers))
        except InputError as error:
            left_out[printable(path)] = str(error)
        on_progress(index + 1, len(paths))
    if not found:
        why = next(iter(left_out.values()), "there are none")
        raise InputError(f"none of {counted(len(paths), 'picture')} can be read: {why}")
    means = [fmean(values) for values in zip(*found, strict=True)]
    return ClassShares(dict(zip(classes, means, strict=True)), len(found), left_out)


def _labelled(labeller: Labeller, picture: Tensor) -> Tensor:
    try:
        return labeller.label(picture)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    raise OutOfMemoryError("a picture does not fit into the memory of the device; free some, or take the CPU")
