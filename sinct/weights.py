"""Pretrained weights: where they come from, where they lie, whether they are whole."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """Pretrained weights for those methods and measures that need them.

    Attributes:
        folder: where the files lie; None means the cache directory, into which they are downloaded.
        random: use random networks of the same shape instead; a report says so.
    """

    folder: Path | None = None
    random: bool = False

    def load(self, name: str) -> Mapping[str, Tensor] | None:
        """State dict of that name, on the CPU; None where random networks were asked for.

        Raises:
            WeightsError: the file is missing and cannot be downloaded, or is not whole.
        """
        raise NotImplementedError
