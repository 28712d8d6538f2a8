"""How a translation is mixed with the picture that it was made from: parts that are kept, strength, mask."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from sinct.errors import ConfigError
from sinct.inference.parts import PARTS, REACH, with_parts_of
from sinct.pictures.masks import Mask


@dataclass(frozen=True)
class Mix:
    """What shows of a picture and what of its translation.

    First the translation gets the parts of the picture that are kept, then it is mixed with the picture as `strength`
    says, last as `mask` says. The last two mix sRGB as it is stored, with its gamma.

    Attributes:
        strength: how far to go from the picture, 0, to the translation, 1.
        keep: parts of the picture that the translation gets, see `sinct.inference.parts`; in the order of `PARTS`.
        mask: where the translation shows; everywhere without one.
    """

    strength: float = 1.0
    keep: Sequence[str] = ()
    mask: Mask | None = None

    def __post_init__(self) -> None:
        """Check the values, before any work is done for them, and sort the parts.

        Raises:
            ConfigError: the strength does not lie between 0 and 1, or there is no such part.
        """
        strength: object = self.strength
        if isinstance(strength, bool) or not (isinstance(strength, Real) and 0 <= float(strength) <= 1):
            raise ConfigError(f"strength must lie in [0, 1], got {strength}")
        several = isinstance(self.keep, Iterable) and not isinstance(self.keep, str)
        keep = list(self.keep) if several else [self.keep]
        unknown = [part for part in keep if part not in PARTS]
        if unknown:
            raise ConfigError(
                f"`keep` takes {', '.join(PARTS)}, not {unknown[0]!r}; give one or several of these"
            )
        object.__setattr__(self, "strength", float(strength))
        object.__setattr__(self, "keep", tuple(part for part in PARTS if part in keep))

    @property
    def only_picture(self) -> bool:
        """Whether nothing of the translation shows."""
        return self.strength == 0 or self.keep == PARTS or (self.mask is not None and self.mask.black)

    @property
    def only_translation(self) -> bool:
        """Whether nothing of the picture shows, so that it is not needed."""
        return self.strength == 1 and not self.keep and self.mask is None

    @property
    def reach(self) -> int:
        """How many pixels around a pixel take part in it, on each side; a multiple of every generator's stride."""
        return REACH if self.keep and not self.only_picture else 0

    def changes(self, rows: slice, columns: slice) -> bool:
        """Whether something of the translation shows at a place in the picture."""
        if self.only_picture:
            return False
        return self.mask is None or bool(self.mask.values[rows, columns].any())

    def mixed(self, picture: Tensor, translation: Tensor, top: int = 0, left: int = 0) -> Tensor:
        """Mix a picture and its translation.

        Where the translation is not to show, the picture's own values come back bit for bit; where nothing of the
        picture is to show, those of the translation do.

        Args:
            picture: (3, H, W) in [-1, 1], a picture or a part of one.
            translation: (3, H, W) in [-1, 1], the same part.
            top: its first row in the picture.
            left: its first column.

        Returns:
            (3, H, W) in [-1, 1]; parts are exact where they are `reach` away from sides that are not the picture's.
        """
        picture = picture.to(translation)
        kept = with_parts_of(picture, translation, self.keep)
        if self.mask is None:
            return torch.lerp(picture, kept, self.strength)
        height, width = picture.shape[1:]
        weights = self.mask.weights(slice(top, top + height), slice(left, left + width))
        return torch.lerp(picture, kept, weights.mul_(self.strength).to(picture))

    def facts(self) -> dict[str, Any]:
        """What was asked for other than the default, JSON-serialisable, for hashes and metadata."""
        return {
            **({"strength": self.strength} if self.strength < 1 else {}),
            **({"keep": list(self.keep)} if self.keep else {}),
            **({"mask_sha256": self.mask.sha256} if self.mask else {}),
        }
