"""What a step sees of one painting, or a series, and of the photos: crops cut at random."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from sinct.config import ABOVE_0, FROM_0, SHARE, Settings, bounded
from sinct.data.content import Content, Seen
from sinct.data.crops import (
    SMALLEST_SHARE,
    TRIES,
    freely_zoomed_crops,
    random_crops,
    shown_sums,
    uniform,
    width_range,
)
from sinct.data.grain import grain, grain_at
from sinct.data.pair_content import prepare_pair
from sinct.data.regions import ELSEWHERE, RegionMaps
from sinct.data.strokes import AS_TOLD
from sinct.errors import ConfigError
from sinct.pictures.resampling import nearest


@dataclass(frozen=True)
class PairSettings(Settings):
    """Which crops a step sees, and how the pictures are prepared first.

    Attributes:
        crops: crops of the painting, and as many of the photo, per step.
        crop_size: side of a crop, in pixels.
        min_width: smallest width that a picture is scaled to before cropping, in pixels.
        max_width: largest such width, in pixels.
        free_zoom: scale height and width of every crop by factors of its own, between a third of the picture's size
            and all of it, as the authors' code does; then the widths above have no part. When off, all crops of a
            step are scaled alike, as in appendix B.
        overhang: share of a crop's side by which it may overhang the picture before it is pushed back inside, so
            that a picture's edges, often its sky, are seen as often as its middle (ours above 0).
        native_share: share of steps that see a picture at its own size instead (ours).
        remove_strokes: take the painting's strokes out first, by a network that learned it on many painted
            photographs (`sinct.data.strokes`); what is said of the painting below holds for what is left (ours).
        stroke: width in pixels of the strokes to be taken out; 0 stands for two thirds of what the network tells
            (ours).
        faithful: from 0, which keeps little more than the composition, to 1, which keeps every form and many strokes
            with them; changes the width of what is taken out, and the weight of an objective's content (ours).
        smoothing: contrast on [-1, 1] that total-variation smoothing removes from the painting before PatchNCE
            sees it, so that strokes do not count as content to keep; 0 compares with the painting itself (ours
            otherwise).
        calm: smooth the painting further than `smoothing`, which then holds for the photo, until the calm parts of
            both are equally calm (ours).
        detail: share of the removed contrast that the generator still sees; with 1 it sees the painting itself
            (ours otherwise). With `texture`, this is the photo's contrast, in both pictures.
        recolour: give G the painting in the photo's colours, by a map in closed form (`sinct.data.colours`), so that
            it has only texture and local colour left to learn (ours).
        repaint: give G crops of the photo as if painted, in the painting's palette and smoothed like it, and let
            the identity term ask for the photo back (ours). When off, G gets the photo itself and should leave it
            alone.
        texture: let G see the photo's detail in the painting instead of the painting's own, at each place that of the
            photo's most similar kind of surface (`sinct.data.texture`), so that strokes give way to what a camera
            sees; needs `recolour` (ours).
        grain: standard deviation of the noise on what G sees, in units of [-1, 1], so that texture has something
            to grow from (ours).
    """

    crops: int = bounded(16, ABOVE_0)
    crop_size: int = bounded(128, ABOVE_0)
    min_width: int = bounded(384, ABOVE_0)
    max_width: int = bounded(1024, ABOVE_0)
    free_zoom: bool = False
    overhang: float = bounded(0.0, SHARE)
    native_share: float = bounded(0.0, SHARE)
    remove_strokes: bool = False
    stroke: float = bounded(0.0, FROM_0)
    faithful: float = bounded(AS_TOLD, SHARE)
    smoothing: float = bounded(0.0, FROM_0)
    calm: bool = False
    detail: float = bounded(1.0, SHARE)
    recolour: bool = False
    repaint: bool = False
    texture: bool = False
    grain: float = bounded(0.0, FROM_0)

    def check(self) -> None:
        """See `Settings.check`."""
        super().check()
        if self.min_width > self.max_width:
            raise ConfigError(f"min_width {self.min_width} exceeds max_width {self.max_width}")
        if self.free_zoom and (self.overhang or self.native_share):
            raise ConfigError(
                "free_zoom scales and places crops by itself; set overhang and native_share to 0"
            )
        if not self.remove_strokes and (self.stroke or self.faithful != AS_TOLD):
            raise ConfigError(
                "stroke and faithful say which strokes are taken out, but none are; set remove_strokes to true, or "
                "choose another preset than paper and authors"
            )
        if self.texture and not self.recolour:
            raise ConfigError(
                "texture needs recolour, since it is chosen by the photo's colours; set recolour to true, or texture "
                "to false as well"
            )


class Shown(NamedTuple):
    """Where pictures show, (H, W) bool each, or None for one that shows everywhere; empty where all do. And what.

    Attributes:
        paintings: for each painting.
        photos: for each photo.
        regions: which regions of a single painting and of the photos belong together; None where all does.
    """

    paintings: Sequence[Tensor | None] = ()
    photos: Sequence[Tensor | None] = ()
    regions: RegionMaps | None = None


ALL_SHOWN = Shown()
"""Nothing is hidden, and all belongs together."""

REGION_TRIES = 64
"""Places that are tried for each crop of a region, which may be small."""


class PairBatch(NamedTuple):
    """Crops of one step, (N, 3, S, S) each, in [-1, 1].

    Attributes:
        painting: crops of one painting, as G sees them.
        content: the same crops as G should keep them; unchanged in the paper, without brush strokes in ours.
        photo: crops of one photo.
        painted: the same crops as G sees them; unchanged in the paper, as if painted in ours.
        painting_own: (N, 1, S, S) in [0, 1], how far each pixel of the painting's crops shows the region that this
            step is of; None without regions.
        photo_own: the same of the photo's crops.
    """

    painting: Tensor
    content: Tensor
    photo: Tensor
    painted: Tensor
    painting_own: Tensor | None = None
    photo_own: Tensor | None = None


class PairSampler:
    """Draws the crops of each step.

    Args:
        paintings: one or more (3, H, W) in [-1, 1], float32, translated alike. Each step sees one of them.
        photos: one or more (3, H, W) in [-1, 1], which form one target together.
        settings: which crops to draw.
        content: how paintings are prepared, before the map of colours is known.
        device: where pictures and crops are kept.
        random: draws the crops; on the CPU whatever the device, so that the same seed gives the same crops.
        device_random: draws the grain, on the device.
        channels_last: memory layout of the crops.
        shown: where the pictures show, so that crops are cut there.
        tell: called with what is being done, see `prepare_pair`.

    Raises:
        ConfigError: a picture is too narrow for a crop.
    """

    def __init__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: PairSettings,
        content: Content,
        *,
        device: torch.device,
        random: torch.Generator,
        device_random: torch.Generator,
        channels_last: bool = True,
        shown: Shown = ALL_SHOWN,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        self.settings, self.random, self.device_random = settings, random, device_random
        self.layout = torch.channels_last if channels_last else torch.contiguous_format
        for picture in (*paintings, *photos):
            scaled_widths(picture, settings)  # raises before any work is done
        prepared = prepare_pair(
            [painting.to(device) for painting in paintings],
            [photo.to(device) for photo in photos],
            content,
            in_photos_colours=settings.recolour,
            repaint=settings.repaint,
            faithful=settings.faithful,
            calm=settings.calm,
            texture=settings.texture,
            maps=shown.regions,
            tell=tell,
        )
        self.content, self.bare = prepared.content, prepared.bare
        # One tensor each, (6, H, W): what G sees of a painting and what it should keep, to be cropped at the same
        # positions; what G should restore of a photo, and its painted version.
        self.paintings = [torch.cat(both) for both in prepared.paintings]
        self.shown_paintings, self.shown_photos = (
            _sums(shown.paintings, paintings),
            _sums(shown.photos, photos),
        )
        self.photos = [
            torch.cat([photo.to(device), painted])
            for photo, painted in zip(photos, prepared.painted, strict=True)
        ]
        self.regions = [] if shown.regions is None else _regions(shown, shown.regions, paintings[0], device)

    @property
    def widths(self) -> tuple[int, int]:
        """Smallest and largest width in pixels that the paintings are seen at."""
        seen = (seen_widths(painting, self.settings) for painting in self.paintings)
        lowest, highest = zip(*seen, strict=True)
        return min(lowest), max(highest)

    def sample(self) -> PairBatch:
        """Draw crops of one painting, its content, one photo, and its painted version; of one region of both."""
        # Nothing is drawn to choose a single painting, so that its trainings are the same as before series existed.
        count = len(self.paintings)
        which = int(torch.randint(count, (), generator=self.random)) if count > 1 else 0
        shown = self.shown_paintings[which]
        photos = {number: _Part(sums) for number, sums in enumerate(self.shown_photos)}
        own, tries = _Part(shown), TRIES
        if self.regions:
            shares = torch.tensor([region.share for region in self.regions])
            region = self.regions[int(torch.multinomial(shares, 1, generator=self.random))]
            own, photos, tries = region.painting, region.photos, REGION_TRIES
        painting, content, painting_own = self._crops(self.paintings[which], own, tries)
        which = list(photos)[int(torch.randint(len(photos), (), generator=self.random))]
        photo, painted, photo_own = self._crops(self.photos[which], photos[which], tries)
        painting, painted = self._grained(painting), self._grained(painted)
        lay = self._laid_out
        return PairBatch(lay(painting), lay(content), lay(photo), lay(painted), painting_own, photo_own)

    def seen(self, number: int) -> Seen:
        """One of the paintings as it is seen in use."""
        pixels = self.paintings[number][:3]
        height, width = pixels.shape[1:]
        if self.content.grain:
            whole = slice(0, height), slice(0, width)
            pixels = pixels + grain_at(*whole, self.content.grain, self.content.seed).to(pixels)
        return Seen(self.bare[number], pixels)

    def _grained(self, crops: Tensor) -> Tensor:
        """Add grain as the settings say."""
        if not self.content.grain:
            return crops
        count, _, height, width = crops.shape
        return crops + grain(count, height, width, self.content.grain, self.device_random).to(crops)

    def _crops(self, pictures: Tensor, part: "_Part", tries: int) -> tuple[Tensor, Tensor, Tensor | None]:
        """Draw crops of two pictures at the same places, and how far they show a part."""
        if part.own is None:
            first, second = torch.split(self._cut(pictures, part.sums, tries), 3, dim=1)
            return first, second, None
        crops = self._cut(torch.cat([pictures, part.own]), part.sums, tries)
        first, second, own = torch.split(crops, 3, dim=1)
        return first, second, own.clamp(0, 1)

    def _cut(self, picture: Tensor, shown: Tensor | None, tries: int) -> Tensor:
        """Draw random crops at a random width, or at the picture's own."""
        settings = self.settings
        if settings.free_zoom:
            crops = freely_zoomed_crops(
                picture,
                count=settings.crops,
                size=settings.crop_size,
                generator=self.random,
                shown=shown,
                tries=tries,
            )
            return self._laid_out(crops)
        width = uniform(*scaled_widths(picture, settings), self.random)
        native = uniform(0, 1, self.random) < settings.native_share
        if native and min(picture.shape[1:]) >= settings.crop_size:
            width = picture.shape[2]
        crops = random_crops(
            picture,
            count=settings.crops,
            size=settings.crop_size,
            width=width,
            generator=self.random,
            overhang=settings.overhang,
            shown=shown,
            tries=tries,
        )
        return self._laid_out(crops)

    def _laid_out(self, crops: Tensor) -> Tensor:
        return crops.contiguous(memory_format=self.layout)


class _Part(NamedTuple):
    """Where crops of a picture are cut.

    Attributes:
        sums: what `random_crops` needs to know to cut there; None for anywhere.
        own: (1, H, W), 1 where the part is and 0 elsewhere, on the picture's device; None where all counts.
    """

    sums: Tensor | None
    own: Tensor | None = None


class _Region(NamedTuple):
    """Where crops meet in a step.

    Attributes:
        share: of the painting, in [0, 1].
        painting: its part of the painting.
        photos: its part of the photos that show it, by their numbers.
    """

    share: float
    painting: _Part
    photos: dict[int, _Part]


def _regions(shown: Shown, maps: RegionMaps, painting: Tensor, device: torch.device) -> list[_Region]:
    """Every region that the painting has; what is `ELSEWHERE` meets all of all photos."""
    labels = nearest(maps.painting, *painting.shape[1:])
    hidden = shown.paintings or [None]
    found = []
    for number in range(maps.total + 1):
        own = _both(labels == number, hidden[0])
        anywhere = dict(zip(range(len(maps.photos)), shown.photos or [None] * len(maps.photos), strict=True))
        theirs = anywhere
        if number != ELSEWHERE:
            parts = {at: _both(photo == number, anywhere[at]) for at, photo in enumerate(maps.photos)}
            theirs = {at: part for at, part in parts.items() if part.any()}
        if own.any() and theirs:
            met = {at: _part(part, maps.photos[at].shape, device) for at, part in theirs.items()}
            found.append(_Region(float(own.double().mean()), _part(own, own.shape, device), met))
    return found


def _part(own: Tensor | None, shape: Sequence[int], device: torch.device) -> _Part:
    """A part of a picture of some height and width; None is all of it."""
    if own is None:
        return _Part(None, torch.ones(1, *shape, device=device))
    return _Part(shown_sums(own), own[None].to(device, torch.float32))


def _both(one: Tensor, other: Tensor | None) -> Tensor:
    return one if other is None else one & other


def _sums(shown: Sequence[Tensor | None], pictures: Sequence[Tensor]) -> list[Tensor | None]:
    """What `random_crops` needs to know of each picture."""
    return [None if each is None else shown_sums(each) for each in shown or [None] * len(pictures)]


def scaled_widths(picture: Tensor, settings: PairSettings) -> tuple[int, int]:
    """Smallest and largest width in pixels that a picture, (C, H, W), is scaled to.

    Raises:
        ConfigError: the picture is too narrow for a crop.
    """
    if settings.free_zoom:
        own = picture.shape[2]
        return max(settings.crop_size, round(SMALLEST_SHARE * own)), max(settings.crop_size, own)
    return width_range(
        picture.shape[1],
        picture.shape[2],
        crop_size=settings.crop_size,
        min_width=settings.min_width,
        max_width=settings.max_width,
    )


def seen_widths(picture: Tensor, settings: PairSettings) -> tuple[int, int]:
    """Smallest and largest width in pixels that a picture is seen at: `scaled_widths`, or its own."""
    low, high = scaled_widths(picture, settings)
    if settings.native_share > 0:
        low, high = min(low, picture.shape[2]), max(high, picture.shape[2])
    return low, high
