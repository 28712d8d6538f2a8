"""One painting, or a series, and its photos, prepared for a training: colours and textures are found here.

How a painting is prepared is then a `sinct.data.content.Content`, by which every other picture is prepared in use.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NamedTuple, TypeVar

from torch import Tensor

from sinct.data.calm import calming
from sinct.data.colours import (
    Spread,
    fit_colours,
    recolour,
    roughness,
    spread_of,
    standardised,
    stroke_variation,
)
from sinct.data.content import Content, Separated, separate, textured, without_strokes
from sinct.data.palette import Places, match_palette, palette_of
from sinct.data.region_borders import refined_for
from sinct.data.regions import ELSEWHERE, Look, RegionMaps, Regions, blended, own_labels
from sinct.data.strokes import AS_TOLD, share_to_remove, strokes_to_remove
from sinct.data.texture import find_texture
from sinct.pictures.resampling import nearest

Item = TypeVar("Item")


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
        share = 0.0 if content.stroke else share_to_remove(faithful)
        content = replace(content, stroke=stroke, halvings=halvings, share=share)
    paintings, originals = [without_strokes(painting, content) for painting in paintings], paintings
    labels = None
    if maps is not None:
        labels = refined_for(maps.painting, originals[0])
        maps = maps._replace(painting=own_labels(labels))
    areas = _areas(maps, paintings, len(photos))
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
        regions = None
        if maps is not None and labels is not None:
            regions = Regions(labels, tuple(looks[1:]), maps.colours)
        content = replace(content, **looks[ELSEWHERE]._asdict(), regions=regions)
        if texture:
            own = [
                each._replace(seen=_by_region(each.seen, labels, partial(textured, each, map_, content)))
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
