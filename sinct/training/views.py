"""What a training shows of itself, and by what its best state is chosen: this depends on what it is trained on."""

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from sinct.errors import Remark
from sinct.inference.model import Model


class Views(Protocol):
    """Pictures by which a training is shown and judged.

    Attributes:
        widths: smallest and largest width in pixels that pictures are seen at in training.
        keeps_last: whether the last state is kept for use beside the best.
    """

    widths: tuple[int, int]
    keeps_last: bool

    def preview(self, model: Model) -> tuple[list[list[Tensor]], list[Remark]]:
        """Rows of pictures, (3, H, W) in [-1, 1] each, that show what a model does, and its visible flaws."""

    def labels(self, result: str) -> list[str]:
        """What the pictures of each row are, in a word or two.

        Args:
            result: of what step the translation is, in words.
        """

    def look(self, model: Callable[[], Model]) -> None:
        """Score the present model if it is time, and keep it if it is the best so far; called after each step."""
