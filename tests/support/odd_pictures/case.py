"""What an odd picture file holds, and what a correct reader gives for it."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Case(NamedTuple):
    """A small file and its pixels.

    Attributes:
        name: what the case is called.
        file: file name.
        data: the file's bytes.
        pixels: (H, W, 3) in [0, 1], sRGB, NaN where any colour is right; None if pixels are not compared.
        alpha: (H, W) in [0, 1], or None if all is opaque or alpha is not compared.
        tolerance: largest difference of a pixel, of 1.
        refused: whether one clear refusal is the right answer.
        note: why.
    """

    name: str
    file: str
    data: bytes
    pixels: Array | None
    alpha: Array | None = None
    tolerance: float = 0.6 / 255
    refused: bool = False
    note: str = ""

    def near(self, found: Array) -> bool:
        """Whether pixels (H, W, 3) in [0, 1] are those of the case."""
        if self.pixels is None:
            return True
        return found.shape == self.pixels.shape and bool(
            np.nanmax(np.abs(found - self.pixels), initial=0) <= self.tolerance + 1e-6
        )
