"""What a step of a training on two folders sees: crops of a picture of each, or of several.

The pictures, crops and flips of a step follow from the files, the settings, the seed and the step's number alone, so
that a training can go on at any step, with any number of processes and any cache, bit for bit.
"""

import math
import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from sinct.data.decoders import ScaledPictures
from sinct.data.scaled import FolderSettings, Pixels, check_image, cropped
from sinct.data.series import spread
from sinct.errors import InputError, Remark
from sinct.runtime.files import printable

AHEAD = 4
"""Pictures that are read ahead for each process."""

ORDER, DRAWS, SURVEY = 0, 1, 2
"""What a seed is used for: the order of an epoch, the draws of one item, and those of one picture in a survey."""


class FolderBatch(NamedTuple):
    """Crops of one step, (N, 3, S, S) float32 each, in [-1, 1]."""

    source: Tensor
    target: Tensor


class Item(NamedTuple):
    """What stands at one place of a batch: two pictures by number, and two crops as `cropped` takes them."""

    source: int
    target: int
    source_crop: tuple[float, float, bool]
    target_crop: tuple[float, float, bool]


class FolderSampler:
    """Draws the batch of each step from two folders.

    An epoch has as many items as the larger folder has pictures. Sources come in an order that is shuffled anew for
    each epoch, from the beginning again where there are fewer than targets; the target of each is drawn from all,
    as in the authors' code (`unaligned_dataset.py`), so that no pairs form. Items are numbered through all epochs: a
    batch that an epoch does not fill goes on with the next one.

    All files are looked at first; bad ones are left out. A file that turns out bad only when it is decoded is
    replaced, always, by the next good one in its folder.

    Args:
        sources: files of the source domain.
        targets: files of the target domain.
        settings: how pictures are scaled and cropped.
        seed: makes the batches repeatable, 0 or more.
        device: where the batches are kept.
        channels_last: memory layout of the batches.
        steps: length of the training, of which `settings.whole_from` is a share; None never shows pictures whole.

    Attributes:
        remarks: files left out or replaced so far, and what else a user should know about files.
        whole_step: the first step that sees pictures whole; None where none does.

    Raises:
        InputError: no picture of a domain can be used.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        targets: Sequence[Path],
        settings: FolderSettings,
        *,
        seed: int,
        device: torch.device,
        channels_last: bool = True,
        steps: int | None = None,
    ) -> None:
        self.settings, self.seed, self.device = settings, seed, device
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        self.remarks: list[Remark] = []
        good_sources, good_targets = self._good(sources, "source"), self._good(targets, "target")
        self.source_count, self.target_count = len(good_sources), len(good_targets)
        self._pictures = ScaledPictures((*good_sources, *good_targets), settings)
        self._bad: set[int] = set()
        self.whole_step = whole_step(settings, steps)
        self._whole = settings.replace(load_size=settings.crop_size)

    @property
    def epoch_size(self) -> int:
        """Items of an epoch: pictures of the larger folder."""
        return max(self.source_count, self.target_count)

    @property
    def steps_per_epoch(self) -> int:
        """Steps that an epoch takes, rounded up."""
        return -(-self.epoch_size // self.settings.batch_size)

    def batch(self, step: int) -> FolderBatch:
        """Crops of a step, and begin to read those of the steps after it.

        Args:
            step: number of the step, from 0.

        Warns:
            UserWarning: a file turned out bad and is replaced, see `remarks`.

        Raises:
            InputError: no picture of a domain can be decoded.
            LostDecoder: a process that reads pictures was killed; the message names the file.
        """
        size = self.settings.batch_size
        first = step * size
        further = -(-AHEAD * self.settings.decoders // 2)  # two pictures each
        end = first + size + further
        whole = self.whole_step is not None and step >= self.whole_step
        if self.whole_step is not None and not whole:
            end = min(end, self.whole_step * size)  # what comes later is scaled otherwise
        self._pictures.scale_as(self._whole if whole else self.settings)
        ahead = [self._item(number) for number in range(first, end)]
        self._pictures.ask(
            number for item in ahead for number in (item.source, item.target) if number not in self._bad
        )
        side = self.settings.crop_size
        pairs = [
            (
                cropped(self._picture(item.source), side, *item.source_crop),
                cropped(self._picture(item.target), side, *item.target_crop),
            )
            for item in ahead[:size]
        ]
        stacked = (torch.stack(crops).to(self.device) for crops in zip(*pairs, strict=True))
        return FolderBatch(*(crops.contiguous(memory_format=self.layout) for crops in stacked))

    def crops(self, domain: Literal["source", "target"], most: int) -> Iterator[Tensor]:
        """Cut a crop of each picture of a domain as a step would, to look at the domain as a whole.

        Like the batches, they follow from files, settings and seed alone. Bad files are left out.

        Args:
            domain: whose pictures.
            most: pictures at most, spread evenly over their folder.

        Yields:
            (3, S, S) float32 in [-1, 1], on the CPU.

        Raises:
            InputError: no picture of the domain can be decoded.
            LostDecoder: see `batch`.
        """
        first, count = self._range(domain)
        numbers = spread(range(first, first + count), most)
        self._pictures.scale_as(self.settings)
        for place, number in enumerate(numbers):
            ahead = numbers[place : place + AHEAD * max(1, self.settings.decoders)]
            self._pictures.ask(each for each in ahead if each not in self._bad)
            pixels = self._picture(number)
            if number in self._bad:
                continue
            draws = torch.rand(
                3, generator=_generator(self.seed, SURVEY, number), dtype=torch.float64
            ).tolist()
            flipped = draws[2] < 0.5 and self.settings.flips
            yield cropped(pixels, self.settings.crop_size, draws[0], draws[1], flipped)

    def close(self) -> None:
        """End the processes that read ahead."""
        self._pictures.close()

    def __enter__(self) -> Self:
        """Return the sampler."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the sampler."""
        self.close()

    def _item(self, number: int) -> Item:
        """The item of a number, from 0 through all epochs; targets are counted behind sources."""
        epoch, place = divmod(number, self.epoch_size)
        draws = torch.rand(7, generator=_generator(self.seed, DRAWS, number), dtype=torch.float64).tolist()
        crops = [
            (down, across, flip < 0.5 and self.settings.flips)
            for down, across, flip in (draws[1:4], draws[4:])
        ]
        source = _order(self.seed, epoch, self.epoch_size)[place] % self.source_count
        return Item(source, self.source_count + int(draws[0] * self.target_count), *crops)

    def _range(self, domain: Literal["source", "target"]) -> tuple[int, int]:
        """The first number of a domain's pictures, and how many there are."""
        return (0, self.source_count) if domain == "source" else (self.source_count, self.target_count)

    def _picture(self, number: int) -> Pixels:
        """A scaled picture, or the next one of its folder that can be decoded."""
        first, count = self._range("source" if number < self.source_count else "target")
        fault = ""
        for offset in range(count):
            which = first + (number - first + offset) % count
            if which in self._bad:
                continue
            try:
                return self._pictures.get(which)
            except InputError as error:
                fault = str(error)
                self._bad.add(which)
                self.remarks.append(Remark("picture_replaced", f"{fault}; the next picture is used instead"))
                warnings.warn(self.remarks[-1], stacklevel=3)
        raise InputError(
            fault or f"no picture beside {printable(self._pictures.paths[number])} can be decoded"
        )

    def _good(self, paths: Sequence[Path], domain: str) -> list[Path]:
        """The files whose headers are good; the others get a remark."""
        good, fault = [], f"there are no {domain} pictures; give some"
        for path in paths:
            try:
                found = check_image(path, self.settings)
            except InputError as error:
                fault = f"no {domain} picture can be used: {error}"
                self.remarks.append(Remark("picture_left_out", f"{error}; it is left out"))
                continue
            good.append(path)
            self.remarks += [Remark("picture", f"{printable(path)}: {remark}") for remark in found]
        if not good:
            raise InputError(fault)
        return good


def whole_step(settings: FolderSettings, steps: int | None) -> int | None:
    """The first step of a training that sees pictures whole; None where none does.

    Args:
        settings: say from which share of the training.
        steps: length of the training; None where only the clock decides it.
    """
    if steps is None or settings.whole_from == 1 or settings.resizing == "none":
        return None
    return math.ceil(settings.whole_from * steps - 1e-6)


@lru_cache(maxsize=4)
def _order(seed: int, epoch: int, count: int) -> list[int]:
    order: list[int] = torch.randperm(count, generator=_generator(seed, ORDER, epoch)).tolist()
    return order


def _generator(seed: int, use: int, number: int) -> torch.Generator:
    """A generator of its own for each seed, use and number."""
    state = np.random.SeedSequence((seed, use, number)).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0]) % 2**63)
