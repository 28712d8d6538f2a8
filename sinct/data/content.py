"""What a generator sees of a painting, and what it should keep: the same in training and in use.

Training prepares whole pictures once and cuts crops from them; translation prepares one window after another. Both
smooth and recolour alike, so that in use a generator sees what it was trained on.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Any, NamedTuple, Self, TypeVar

import torch
from torch import Tensor

from sinct.data.calm import calming
from sinct.data.colours import (
    ROUGHNESS_REACH,
    TERMS,
    Spread,
    fit_colours,
    recolour,
    roughness,
    spread_of,
    standardised,
    stroke_variation,
)
from sinct.data.grain import grain_at
from sinct.data.palette import Places, match_palette, palette_of
from sinct.data.regions import ELSEWHERE, Look, RegionMaps, Regions, blended
from sinct.data.smoothing import ITERATIONS, total_variation_smooth
from sinct.data.strokes import (
    AS_TOLD,
    COARSEST,
    Bands,
    Planes,
    always,
    in_memory,
    remove_strokes,
    stroke_change,
    strokes_to_remove,
)
from sinct.data.texture import SIDE, TEXTURE_REACH, Texture, find_texture, lay_texture
from sinct.errors import WeightsError
from sinct.pictures.cuts import Cut, Window, cut_of
from sinct.pictures.resampling import nearest
from sinct.runtime.json_files import restored
from sinct.weights.stroke_remover import stroke_remover_version

Item = TypeVar("Item")

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
        return {**own, "regions": [{name: look[name] for name in LOOK_NUMBERS} for look in looks]}

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
        content: Self = restored(cls, numbers)
        content._check()
        own = {name: tensor for name, tensor in tensors.items() if not name.startswith("regions.")}
        content = replace(content, texture=_checked_texture(own) if own else None)
        return replace(content, regions=_checked_regions(content, looks, tensors)) if looks else content

    def _check(self) -> None:
        """Refuse values that no training sets."""
        spreads = (*self.spread, *self.left)
        values = (self.smoothing, self.detail, self.grain, self.stroke, *spreads, *self.colours)
        within = {
            "smoothing": self.smoothing >= 0,
            "detail": 0 <= self.detail <= 1,
            "grain": self.grain >= 0,
            "seed": 0 <= self.seed < 2**63,
            "colours": len(self.colours) in (0, 3 * TERMS),
            "stroke": self.stroke >= 0,
            "halvings": 0 <= self.halvings <= COARSEST,
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
    content: Content, looks: Sequence[Mapping[str, Any]], tensors: Mapping[str, Tensor]
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
    if labels is None or labels.dtype != torch.uint8 or labels.dim() != 2 or not labels.numel():
        raise ValueError("the regions have no map")
    if int(labels.max()) > len(found):
        raise ValueError(f"the map of regions has {int(labels.max())} of them, not {len(found)}")
    return Regions(labels, tuple(found))


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


class Prepared(NamedTuple):
    """Paintings and photos as a training sees them.

    Attributes:
        content: how the paintings were prepared, with the map of colours.
        bare: the paintings without strokes.
        paintings: what a generator sees of each, without grain, and what it should keep.
        painted: each photo as if painted, as a generator sees it.
    """

    content: Content
    bare: list[Tensor]
    paintings: list[Separated]
    painted: list[Tensor]


def prepare_pair(
    paintings: Sequence[Tensor],
    photos: Sequence[Tensor],
    content: Content,
    *,
    in_photos_colours: bool,
    repaint: bool,
    calm: bool = False,
    texture: bool = False,
    faithful: float = AS_TOLD,
    maps: RegionMaps | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Prepared:
    """Prepare paintings that are translated alike, and the photos that are their target.

    Args:
        paintings: one or more (3, H, W) in [-1, 1].
        photos: one or more (3, H, W) in [-1, 1].
        content: how to prepare them.
        in_photos_colours: find the map that gives paintings the photos' colours, and apply it.
        repaint: give photos the paintings' palette and take from them what is taken from the paintings, so that a
            generator can learn to restore them; otherwise they stay as they are.
        calm: smooth the paintings until they are as calm as the photos (`sinct.data.calm`).
        texture: let a generator see the photos' detail in the paintings instead of their own (`sinct.data.texture`);
            needs the photos' colours.
        faithful: how much is taken out with the strokes, see `strokes_to_remove`.
        maps: which regions of the painting, then a single one, and of the photos belong together; colours and texture
            are found for each.
        tell: called with what is being done, in a few words, whenever something else begins that takes long.

    Raises:
        WeightsError: the stroke remover's file is missing or damaged.
    """
    tell("preparing the pictures")
    if content.remover:
        tell("taking strokes out of the painting")
        stroke, halvings = strokes_to_remove(paintings, content.stroke, faithful)
        content = replace(content, stroke=stroke, halvings=halvings)
    paintings, originals = [without_strokes(painting, content) for painting in paintings], paintings
    areas = _areas(maps, paintings, len(photos))
    labels = None if maps is None else maps.painting
    labels_of = [None] * len(photos) if maps is None else maps.photos
    palettes = []
    if in_photos_colours or repaint or calm:
        tell("matching the photo's colours")
        palettes = [palette_of(paintings, area.paintings) for area in areas]
    # A series has one palette: with one for each painting, a painted colour would stand for several of the
    # photo's, and every pair of painting and photo would take memory.
    in_palette = list(photos)
    if palettes:
        in_palette = [
            _by_region(photo, labels_of[at], partial(_in_palette, photo, at, areas, palettes))
            for at, photo in enumerate(photos)
        ]
    of_photos = content
    if calm:
        content = replace(content, smoothing=calming(paintings, in_palette, content.smoothing))
    smooth = own = [separate(painting, content) for painting in paintings]
    back = [separate(picture, of_photos) for picture in in_palette] if in_photos_colours or repaint else []
    # What a generator restores photos from: they lose what paintings lose.
    bare = back
    if repaint and content.remover:
        tell("making a painted photo to learn from")
        bare = [separate(without_strokes(picture, content), of_photos) for picture in in_palette]
    if in_photos_colours:
        rough = [roughness(painting, each.kept) for painting, each in zip(originals, own, strict=True)]
        back_rough = [roughness(picture, each.kept) for picture, each in zip(in_palette, back, strict=True)]
        # Only what is left of the strokes varies the colours that will be mapped.
        varied = [each.kept for each in own] if texture else paintings
        looks = [
            Look(
                colours=fit_colours(
                    area.of(in_palette),
                    area.of(back_rough),
                    area.of(photos),
                    stroke_variation(varied, area.paintings),
                    weight=float(palette[3].std()),
                    where=area.where,
                ),
                spread=spread_of(rough, area.paintings),
            )
            for area, palette in zip(areas, palettes, strict=True)
        ]
        spreads = [[look.spread for look in looks]] * len(own)
        own = _in_colours(own, rough, [labels] * len(own), looks, spreads)
        spreads = [[area.spread(back_rough, at) for area in areas] for at in range(len(photos))]
        same = bare is back
        back = _in_colours(back, back_rough, labels_of, looks, spreads)
        bare = back if same else _in_colours(bare, back_rough, labels_of, looks, spreads)
        left = rough
        if texture:
            tell("finding the photo's textures")
            if content.remover:
                left = [
                    roughness(painting, each.kept) for painting, each in zip(paintings, smooth, strict=True)
                ]
            looks = [
                look._replace(
                    left=spread_of(left, area.paintings),
                    texture=find_texture(
                        area.of([each.kept for each in back]),
                        [standardised(back_rough[at], area.spread(back_rough, at)) for at in area.photos],
                        area.of([each.seen - each.kept for each in back]),
                        area.where,
                    ),
                )
                for look, area in zip(looks, areas, strict=True)
            ]
        regions = None if labels is None else Regions(labels, tuple(looks[1:]))
        content = replace(content, **looks[ELSEWHERE]._asdict(), regions=regions)
        if texture:
            own = [
                each._replace(seen=_by_region(each.seen, labels, partial(_textured, each, map_, content)))
                for each, map_ in zip(own, left, strict=True)
            ]
    painted = [each.seen for each in bare] if repaint else list(photos)
    return Prepared(content, paintings, own, painted)


class _Area(NamedTuple):
    """A region while a pair is prepared.

    Attributes:
        paintings: where it is in each painting, (H, W) bool; None where all is meant.
        photos: by the numbers of the photos that show it, where it is in them.
    """

    paintings: Places
    photos: dict[int, Tensor | None]

    @property
    def where(self) -> Places:
        """Where it is in the photos that show it."""
        parts = list(self.photos.values())
        return None if all(part is None for part in parts) else parts

    def of(self, items: Sequence[Item]) -> list[Item]:
        """Of one item for each photo, those of the photos that show it."""
        return [items[at] for at in self.photos]

    def spread(self, rough: Sequence[Tensor], at: int) -> Spread:
        """Of a photo's roughness in it; of the whole photo where that does not show it."""
        return spread_of([rough[at]], [self.photos.get(at)])


def _areas(maps: RegionMaps | None, paintings: Sequence[Tensor], photos: int) -> list[_Area]:
    """What colours and texture are found for: everything, then each region."""
    areas = [_Area(None, dict.fromkeys(range(photos)))]
    if maps is not None:
        sizes = [painting.shape[1:] for painting in paintings]
        device = paintings[0].device
        for number in range(1, maps.total + 1):
            own = [(nearest(maps.painting, *size) == number).to(device) for size in sizes]
            theirs = {at: (photo == number).to(device) for at, photo in enumerate(maps.photos)}
            areas.append(_Area(own, {at: part for at, part in theirs.items() if part.any()}))
    return areas


def _by_region(picture: Tensor, labels: Tensor | None, made: Callable[[int], Tensor]) -> Tensor:
    """See `blended`, for a whole picture, (C, H, W)."""
    height, width = picture.shape[1:]
    return blended(labels, slice(0, height), slice(0, width), height, width, made)


def _in_palette(
    photo: Tensor, at: int, areas: Sequence[_Area], palettes: Sequence[Tensor], number: int
) -> Tensor:
    """A photo, the one of number `at`, in the palette of a region."""
    return match_palette(photo, palettes[number], areas[number].photos.get(at))


def _in_colours(
    pictures: Sequence[Separated],
    rough: Sequence[Tensor],
    labels: Sequence[Tensor | None],
    looks: Sequence[Look],
    spreads: Sequence[Sequence[tuple[float, float]]],
) -> list[Separated]:
    """Pictures in the photos' colours, each region by its own map.

    Args:
        pictures: what to recolour.
        rough: the roughness of each.
        labels: the map of each.
        looks: of everything, then of each region.
        spreads: for each picture, those of its roughness by the same numbers.
    """

    def recoloured(pixels: Tensor, at: int) -> Tensor:
        def made(number: int) -> Tensor:
            return recolour(pixels, rough[at], looks[number].colours, Spread(*spreads[at][number]))

        return _by_region(pixels, labels[at], made)

    return [Separated(*(recoloured(pixels, at) for pixels in each)) for at, each in enumerate(pictures)]


def _textured(
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
                    pixels = by_region(partial(_textured, own, rough, content, **corner))
            else:
                pixels = own.seen[:, *here]
            pixels = pixels[:, *Window(rows, columns).within(inner)]
        if content.grain > 0:
            pixels = pixels + grain_at(rows, columns, content.grain, content.seed).to(pixels)
        return pixels

    return prepare_cut
