"""What a generator sees of a painting, and what it should keep: the same in training and in use.

Training prepares whole pictures once and cuts crops from them; translation prepares one window after another. Both
smooth and recolour alike, so that in use a generator sees what it was trained on.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, NamedTuple, Self

import torch
from torch import Tensor

from sinct.data.colours import (
    ROUGHNESS_REACH,
    Spread,
    is_map,
    recolour,
    roughness,
    standardised,
)
from sinct.data.grain import grain_at
from sinct.data.regions import ELSEWHERE, Look, Regions, blended
from sinct.data.smoothing import ITERATIONS, total_variation_smooth
from sinct.data.strokes import (
    COARSEST,
    Bands,
    Planes,
    always,
    in_memory,
    remove_strokes,
    stroke_change,
)
from sinct.data.texture import SIDE, TEXTURE_REACH, Texture, lay_texture
from sinct.errors import WeightsError
from sinct.pictures.cuts import Cut, Window, cut_of
from sinct.runtime.json_files import restored
from sinct.weights.stroke_remover import stroke_remover_version

TENSORS = ("texture", "regions")
"""What of a `Content` are tensors, or holds some."""

LOOK_NUMBERS = ("colours", "spread", "left")
"""What of a `Look` are numbers."""


@dataclass(frozen=True)
class Content:
    """How a painting is prepared for a generator.

    Attributes:
        smoothing: contrast on [-1, 1] that total-variation smoothing removes; 0 leaves the painting unchanged.
        detail: share of that contrast that the generator still sees, in [0, 1]; with a texture, it sees none of it.
        grain: standard deviation of the noise added to what it sees, in units of [-1, 1].
        seed: seeds the noise and the texture.
        colours: the map from the painting's colours to the photo's, see `sinct.data.colours`; none leaves them.
        spread: mean and standard deviation of the painting's roughness, on which that map depends.
        left: the same for what is left of it without strokes, on which the choice of texture depends.
        remover: version of the network that takes strokes out first, see `sinct.data.strokes`; empty leaves them to
            smoothing.
        stroke: width of the strokes in pixels, as that network is told; 0 lets it tell.
        halvings: how often a picture is halved for it to find broad strokes.
        share: how much of the width that it tells of a picture `stroke` is; 0 where that was given.
        texture: what the generator sees of the photo's detail instead of the painting's, see `sinct.data.texture`;
            without one, it sees the painting's.
        regions: where other colours, spreads and textures hold than these, see `sinct.data.regions`; None where
            nothing does.
    """

    smoothing: float = 0.0
    detail: float = 1.0
    grain: float = 0.0
    seed: int = 0
    colours: tuple[float, ...] = ()
    spread: tuple[float, float] = Spread()
    left: tuple[float, float] = Spread()
    remover: str = ""
    stroke: float = 0.0
    halvings: int = 0
    share: float = 0.0
    texture: Texture | None = field(default=None, compare=False)
    regions: Regions | None = field(default=None, compare=False)

    @property
    def changes_nothing(self) -> bool:
        """Whether a generator sees the picture itself, apart from grain."""
        return self.detail == 1 and not self.colours and not self.remover

    @property
    def reach(self) -> int:
        """How many pixels around a cut its preparation depends on, on each side, where its strokes are known."""
        if self.detail == 1 and not self.colours:
            return 0
        smoothing = ITERATIONS if self.smoothing > 0 else 0
        return smoothing + (ROUGHNESS_REACH if self.colours else 0) + (TEXTURE_REACH if self.texture else 0)

    def of_region(self, number: int) -> "Content":
        """How the region of this number is prepared, see `sinct.data.regions`."""
        if self.regions is None or number == ELSEWHERE:
            return self
        return replace(self, regions=None, **self.regions.looks[number - 1]._asdict())

    def numbers(self) -> dict[str, Any]:
        """Everything but tensors, JSON-serialisable."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name not in TENSORS}
        if self.regions is None:
            return own
        looks = [look._asdict() for look in self.regions.looks]
        numbers = [{name: look[name] for name in LOOK_NUMBERS} for look in looks]
        return {**own, "regions": numbers, "region_colours": dict(self.regions.colours)}

    def tensors(self) -> dict[str, Tensor]:
        """Tensors of textures and regions by name; none without them."""
        own = {} if self.texture is None else self.texture._asdict()
        if self.regions is None:
            return own
        for number, look in enumerate(self.regions.looks):
            if look.texture is not None:
                own |= {f"regions.{number}.{name}": each for name, each in look.texture._asdict().items()}
        return {**own, "regions.labels": self.regions.labels}

    @classmethod
    def from_parts(cls, numbers: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """Put together what `numbers` and `tensors` returned.

        Raises:
            ValueError: they are of another type, shape or range, as in a file that sinct did not write.
        """
        # Before strokes could be taken out, one roughness served both purposes.
        numbers = {"left": numbers.get("spread", Spread()), **numbers}
        if "texture" in numbers:
            raise ValueError("texture is no number")
        looks = restored(tuple[Mapping[str, Any], ...], numbers.pop("regions", ()), "regions")
        colours = restored(Mapping[str, int], numbers.pop("region_colours", {}), "region_colours")
        content: Self = restored(cls, numbers)
        content._check()
        own = {name: tensor for name, tensor in tensors.items() if not name.startswith("regions.")}
        content = replace(content, texture=_checked_texture(own) if own else None)
        return (
            replace(content, regions=_checked_regions(content, looks, colours, tensors)) if looks else content
        )

    def _check(self) -> None:
        """Refuse values that no training sets."""
        spreads = (*self.spread, *self.left)
        values = (self.smoothing, self.detail, self.grain, self.stroke, self.share, *spreads, *self.colours)
        within = {
            "smoothing": self.smoothing >= 0,
            "detail": 0 <= self.detail <= 1,
            "grain": self.grain >= 0,
            "seed": 0 <= self.seed < 2**63,
            "colours": not self.colours or is_map(self.colours),
            "stroke": self.stroke >= 0,
            "halvings": 0 <= self.halvings <= COARSEST,
            "share": self.share >= 0,
            "every number": all(map(math.isfinite, values)),
        }
        for name, fits in within.items():
            if not fits:
                raise ValueError(f"{name} of the content is out of range")


def _checked_texture(tensors: Mapping[str, Tensor]) -> Texture:
    """Refuse tensors that are no `Texture`."""
    if set(tensors) != set(Texture._fields):
        raise ValueError(f"a texture has {' and '.join(Texture._fields)}")
    kinds, patches = tensors["kinds"], tensors["patches"]
    if not kinds.is_floating_point() or kinds.dim() != 2 or kinds.shape[1] != 4 or not len(kinds):
        raise ValueError(f"the texture's kinds have the shape {tuple(kinds.shape)} in {kinds.dtype}")
    if patches.dtype != torch.int8 or patches.dim() != 5 or not patches.numel():
        raise ValueError(f"the texture's patches have the shape {tuple(patches.shape)} in {patches.dtype}")
    if (len(patches), *patches.shape[2:]) != (len(kinds), 3, SIDE, SIDE):
        raise ValueError(f"the texture's patches have the shape {tuple(patches.shape)}")
    return Texture(kinds, patches)


def _checked_regions(
    content: Content,
    looks: Sequence[Mapping[str, Any]],
    colours: Mapping[str, int],
    tensors: Mapping[str, Tensor],
) -> Regions:
    """Put the regions of a content together, and refuse what no training stores."""
    found = []
    for number, look in enumerate(looks):
        if set(look) != set(LOOK_NUMBERS):
            raise ValueError(f"a region has {', '.join(LOOK_NUMBERS)}")
        one = Content.from_parts({**content.numbers(), **look}, _below(tensors, f"regions.{number}."))
        if (bool(one.colours), one.texture is None) != (bool(content.colours), content.texture is None):
            raise ValueError(f"region {number + 1} is prepared in another way than the rest")
        found.append(Look(one.colours, one.spread, one.left, one.texture))
    labels = tensors.get("regions.labels")
    shape = () if labels is None or labels.dtype != torch.uint8 or not labels.numel() else labels.shape
    if labels is None or not (len(shape) == 2 or (len(shape) == 3 and shape[0] == 3)):
        raise ValueError("the regions have no map")
    most = int((labels if labels.dim() == 2 else labels[:2]).max())
    if most > len(found):
        raise ValueError(f"the map of regions has {most} of them, not {len(found)}")
    if not all(ELSEWHERE <= number <= len(found) for number in colours.values()):
        raise ValueError("a colour stands for a region that there is not")
    return Regions(labels, tuple(found), colours)


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin so, without that beginning."""
    return {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}


class Separated(NamedTuple):
    """A picture without its fine detail, strokes among it.

    Attributes:
        seen: (3, H, W) with the share `detail` of what was taken away, as a generator sees it.
        kept: (3, H, W) with none of it, as a generator should keep it.
    """

    seen: Tensor
    kept: Tensor


def without_strokes(painting: Tensor, content: Content) -> Tensor:
    """Take a painting's strokes out, (3, H, W) in [-1, 1], as far as the stroke remover is asked for and knows them.

    Raises:
        WeightsError: its file is missing, damaged or another version than the model was trained with.
    """
    if not content.remover:
        return painting
    _check_remover(content)
    return remove_strokes(painting, content.stroke, content.halvings)


def stroke_change_of(
    bands: Bands,
    height: int,
    width: int,
    content: Content,
    *,
    planes: Planes = in_memory,
    side: int | None = None,
) -> Cut | None:
    """What taking strokes out of a picture changes, as `without_strokes` does; None where they stay.

    Args:
        bands, height, width, planes, side: see `stroke_change`.
        content: how to prepare the picture.

    Raises:
        WeightsError: see `without_strokes`.
    """
    if not content.remover:
        return None
    _check_remover(content)
    return stroke_change(bands, height, width, content.stroke, content.halvings, planes=planes, side=side)


def _check_remover(content: Content) -> None:
    here = stroke_remover_version()
    if content.remover != here:
        raise WeightsError(
            f"the model was trained with another stroke remover ({content.remover}) than this version of sinct has "
            f"({here}); translate with the version that trained it, or train it again"
        )


def separate(picture: Tensor, content: Content) -> Separated:
    """Divide a picture, (3, H, W) in [-1, 1], into its forms and its fine detail."""
    kept = total_variation_smooth(picture, content.smoothing)
    return Separated(torch.lerp(kept, picture, content.detail), kept)


def textured(
    own: Separated, rough: Tensor, content: Content, number: int = ELSEWHERE, *, top: int = 0, left: int = 0
) -> Tensor:
    """A picture, or a window of it that begins there, with the photos' texture for a region.

    It takes the place of strokes. Where these were taken out before, what is left is the painting's own detail, and
    texture is added.
    """
    content = content.of_region(number)
    assert content.texture is not None
    rough = standardised(rough, Spread(*content.left))
    detail = own.seen - own.kept if content.remover else None
    base = own.seen if content.remover else own.kept
    return base + lay_texture(content.texture, own.kept, rough, top, left, content.seed, own=detail)


def _recoloured(pixels: Tensor, rough: Tensor, content: Content, number: int) -> Tensor:
    """A picture in the photos' colours for a region."""
    content = content.of_region(number)
    return recolour(pixels, rough, content.colours, Spread(*content.spread))


class Seen(NamedTuple):
    """A painting on its way to a generator, (3, H, W) each.

    Attributes:
        bare: without strokes, in [-1, 1].
        prepared: as the generator sees it in use, see `prepare`.
    """

    bare: Tensor
    prepared: Tensor


def seen(painting: Tensor, content: Content) -> Seen:
    """Take a painting's strokes out, (3, H, W) in [-1, 1], and prepare what is left."""
    bare = without_strokes(painting, content)
    return Seen(bare, prepare(painting, content, bare))


def prepare(pixels: Tensor, content: Content, bare: Tensor | None = None) -> Tensor:
    """Bring a whole picture into the form that a generator is trained on, grain included.

    Args:
        pixels: (3, H, W) in [-1, 1].
        content: how to prepare it.
        bare: the picture without strokes, where that is known already.

    Returns:
        (3, H, W), about [-1, 1]; repeatable for the same seed and size.
    """
    height, width = pixels.shape[1:]
    change = None if bare is None else cut_of(bare - pixels)
    whole = prepared(cut_of(pixels), height, width, content, change)
    return whole(slice(0, height), slice(0, width))


def prepared(cut: Cut, height: int, width: int, content: Content, change: Cut | None = None) -> Cut:
    """Do what `prepare` does, cut by cut: up to rounding, each cut equals that of the whole prepared picture.

    Args:
        cut: returns the picture's pixels.
        height: height of the picture, in pixels.
        width: width of the picture, in pixels.
        content: how to prepare it.
        change: what `stroke_change_of` returned for the picture; where it is missing, strokes are taken out of the
            whole picture now.
    """
    if change is None:
        change = stroke_change_of(always(cut), height, width, content)

    labels = None if content.regions is None else content.regions.labels

    def prepare_cut(rows: slice, columns: slice) -> Tensor:
        if content.changes_nothing:  # the result of smoothing would be thrown away
            pixels = cut(rows, columns)
        else:
            outer = Window(rows, columns).grown(content.reach, height, width)
            inner = Window(rows, columns).grown(TEXTURE_REACH if content.texture else 0, height, width)
            whole = cut(*outer)
            clean = whole if change is None else (whole + change(*outer)).clamp_(-1, 1)
            own = separate(clean, content)
            here = inner.within(outer)
            if content.colours:
                smooth = own.kept
                rough = roughness(whole, smooth)[:, *here]
                by_region = partial(blended, labels, *inner, height, width)
                own = Separated(
                    *(by_region(partial(_recoloured, each[:, *here], rough, content)) for each in own)
                )
                pixels = own.seen
                if content.texture:
                    if content.remover:
                        rough = roughness(clean, smooth)[:, *here]
                    corner = {"top": inner.rows.start, "left": inner.columns.start}
                    pixels = by_region(partial(textured, own, rough, content, **corner))
            else:
                pixels = own.seen[:, *here]
            pixels = pixels[:, *Window(rows, columns).within(inner)]
        if content.grain > 0:
            pixels = pixels + grain_at(rows, columns, content.grain, content.seed).to(pixels)
        return pixels

    return prepare_cut
