"""One training on decoded paintings and photos, and what it is judged by while it runs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from sinct.data.content import seen
from sinct.data.pair import PairSettings, Shown, seen_widths
from sinct.data.regions import RegionMaps, matched_regions
from sinct.data.series import one_or_all, spread
from sinct.errors import ConfigError, InputError, Remark, counted
from sinct.inference.model import Model
from sinct.measures.warnings import picture_warnings
from sinct.pictures.picture import Picture
from sinct.pictures.regions import read_region_maps
from sinct.runtime.files import StrPath, printable
from sinct.training.best import Looks
from sinct.training.loop import Loop
from sinct.training.preview import on_white, shrink
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run import Named, run_in_directory
from sinct.training.run_directory import RunDirectory
from sinct.training.views import Views

PREVIEW_PIXELS = 2_000_000
"""Larger paintings are scaled down for the preview; up to this size it shows exactly what the result will be. The
paintings of a series share these pixels."""

PREVIEWED = 3
"""Paintings of a series that the preview shows, spread evenly over it."""

LOOKED_AT = 4
"""Paintings of a series that the best state is chosen by, spread evenly over it. Together they have as many pixels to
score as a single painting, since scoring takes time from training."""


class Objective(Named, Protocol):
    """A training class for paintings and photos, see `sinct.objectives`."""

    def __call__(
        self,
        paintings: Sequence[Tensor],
        photos: Sequence[Tensor],
        settings: Any,
        device: torch.device,
        shown: Shown,
        tell: Callable[[str], None],
        /,
    ) -> Loop[Any, Any]:
        """Create a training."""


def run_training(
    objective: Objective,
    sources: Sequence[Picture],
    targets: Sequence[Picture],
    run: RunDirectory,
    *,
    names: Mapping[str, Any],
    config: Any,
    preset: str,
    device: torch.device,
    resume: bool,
    overwrite: bool,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
    remarks: Sequence[Remark] = (),
    until: float = 1.0,
    maps: RegionMaps | None = None,
    on_preparing: OnPreparing | None = None,
    output: str = "",
) -> Training:
    """Train on decoded pictures; see `sinct.train` for arguments, result and errors.

    Args:
        objective: objective to train.
        sources: the paintings, one or several.
        targets: the photos.
        run: where everything is kept.
        names: file names of the inputs, for config.json: "painting" (a list where there are several) and "photos".
        config: settings of the objective; None only where a run is resumed with its own.
        preset: name of the settings, for config.json.
        device: where the networks run.
        resume, overwrite, on_progress, on_preparing, should_stop: as for `sinct.train`.
        remarks: warnings to report at the start.
        until: share of the training, in [0, 1], after which it is left, to be resumed some day.
        maps: which regions of the painting and the photos belong together, see `read_maps`.
        output: name of the picture beside `run` that the training is for, for config.json; empty where there is none.
    """
    painting_names = names.get("painting", "")
    paintings = _visible(sources, painting_names)
    # A photo's region map covers all of it.
    cut = [photo.cut_out() for photo in targets] if maps is None else targets
    photos = _visible(cut, names.get("photos", ""))

    def make(settings: Any, tell: OnPreparing) -> tuple[Loop[Any, Any], Callable[[], Views]]:
        widths = _widths(paintings, painting_names, settings)
        try:
            trainer = objective(
                [painting.pixels for painting in paintings],
                [photo.pixels for photo in photos],
                settings,
                device,
                Shown([painting.shown for painting in paintings], [photo.shown for photo in photos], maps),
                tell,
            )
        except ConfigError as error:
            raise ConfigError(f"{error}{_left_of(targets, photos, str(error))}") from None
        return trainer, lambda: PairViews(trainer, paintings, photos, widths)

    return run_in_directory(
        objective,
        run,
        make,
        inputs={
            "painting_sha256": one_or_all([source.sha256 for source in sources]),
            "photo_sha256": [photo.sha256 for photo in targets],
            "regions_sha256": None if maps is None else maps.sha256,
        },
        names=names,
        config=config,
        preset=preset,
        device=device,
        resume=resume,
        overwrite=overwrite,
        on_progress=on_progress,
        should_stop=should_stop,
        smaller=_smaller,
        remarks=remarks,
        until=until,
        on_preparing=on_preparing,
        output=output,
    )


class Drawn(NamedTuple):
    """Region maps as they were drawn, not yet matched.

    Attributes:
        painting: (H, W) int64, the painting's labels.
        photos: (H', W') int64, those of each photo.
        colours: what the maps call each label.
    """

    painting: Tensor
    photos: Sequence[Tensor]
    colours: Sequence[str]

    def matched(self, photos: Sequence[int] | None = None) -> tuple[RegionMaps, list[Remark]]:
        """Match them, with all photos or those of these numbers; see `matched_regions`."""
        chosen = range(len(self.photos)) if photos is None else photos
        return matched_regions(self.painting, [self.photos[number] for number in chosen], self.colours)


def read_maps(
    regions: Sequence[StrPath], paintings: Sequence[Picture], photos: Sequence[Picture]
) -> tuple[RegionMaps | None, list[Remark]]:
    """Read and match the region maps of a painting and its photos, see `read_drawn`.

    Returns:
        The maps, and what the user should know of them.
    """
    drawn = read_drawn(regions, paintings, photos)
    return (None, []) if drawn is None else drawn.matched()


def read_drawn(
    regions: Sequence[StrPath], paintings: Sequence[Picture], photos: Sequence[Picture]
) -> Drawn | None:
    """Read the region maps of a painting and its photos.

    Args:
        regions: the painting's map, and one for each photo; none where all belongs together.
        paintings: the painting; a series has no maps.
        photos: the photos.

    Raises:
        ConfigError: there are several paintings, or not as many maps as pictures.
        InputError: a map cannot be read, or (when they are matched) they have no region in common.
    """
    if not regions:
        return None
    if len(paintings) > 1:
        raise ConfigError(f"`regions` go with one painting, not with {len(paintings)}; give one")
    if len(regions) != 1 + len(photos):
        raise ConfigError(
            f"`regions` need a map of the painting and one of each photo, {1 + len(photos)} in all, "
            f"got {len(regions)}; a map in a single colour stands for a photo that shows one thing"
        )
    labels, colours = read_region_maps(
        regions, [(picture.height, picture.width) for picture in (*paintings, *photos)]
    )
    return Drawn(labels[0], labels[1:], colours)


class PairViews:
    """What a training on paintings and photos shows, see `sinct.training.views.Views`.

    Args:
        trainer: the training.
        sources: the paintings.
        photos: the photos.
        widths: smallest and largest width in pixels that paintings are seen at.
    """

    def __init__(
        self,
        trainer: Loop[Any, Any],
        sources: Sequence[Picture],
        photos: Sequence[Picture],
        widths: tuple[int, int],
    ) -> None:
        self.widths, self.keeps_last, self.content = widths, False, trainer.content
        self.photo = on_white(photos[0].pixels, photos[0].alpha)
        shown = spread(range(len(sources)), PREVIEWED)
        self.paintings = [shrink(sources[number].pixels, PREVIEW_PIXELS // len(shown)) for number in shown]
        self.alphas = [sources[number].alpha for number in shown]
        self.bare, self.prepared = zip(
            *(
                trainer.seen(number, painting)
                if painting is sources[number].pixels
                else seen(painting.to(trainer.device), trainer.content)
                for number, painting in zip(shown, self.paintings, strict=True)
            ),
            strict=True,
        )
        looked_at = spread(range(len(sources)), LOOKED_AT)
        self.looks = (
            Looks(
                trainer,
                [sources[number].pixels for number in looked_at],
                [photo.pixels for photo in photos],
                looked_at,
            )
            if trainer.settings.patience
            else None
        )

    def preview(self, model: Model) -> tuple[list[list[Tensor]], list[Remark]]:
        """See `Views`: painting, the same without strokes, translation and photo."""
        translations = [model.generate(prepared) for prepared in self.prepared]
        rows = []
        for painting, bare, made, alpha in zip(
            self.paintings, self.bare, translations, self.alphas, strict=True
        ):
            own = [painting, *([bare] if self.content.remover else []), made]
            rows.append([*(on_white(each.cpu(), alpha) for each in own), self.photo])
        found = [
            remark
            for painting, translation in zip(self.paintings, translations, strict=True)
            for remark in picture_warnings(translation, painting, what_to_do=model.cure)
        ]
        return rows, found

    def labels(self, result: str) -> list[str]:
        """See `Views`."""
        return ["painting", *(["without strokes"] if self.content.remover else []), result, "photo"]

    def look(self, model: Callable[[], Model]) -> None:
        """See `Views`."""
        if self.looks is not None:
            self.looks.take(lambda prepared: model().generate(prepared))


def _smaller(config: Any) -> tuple[str, str]:
    """See `run_in_directory`."""
    return (
        f"{counted(config.crops, 'crop')} of {config.crop_size} px at width {config.width}",
        f"roughly halve the need with `crops={max(2, config.crops // 2)}` and "
        f"`identity_crops={config.identity_crops // 2}`",
    )


def _visible(pictures: Sequence[Picture], names: str | Sequence[str]) -> list[Picture]:
    """The pictures with the colours of what shows instead of those hidden under alpha.

    Raises:
        InputError: nothing of one shows; the message starts with its name.
    """
    names, found = [names] if isinstance(names, str) else names, []
    for number, picture in enumerate(pictures):
        try:
            found.append(replace(picture, pixels=picture.visible))
        except InputError as error:
            name = printable(names[number]) if number < len(names) and names[number] else "the picture"
            raise InputError(f"{name} {error}") from None
    return found


def _left_of(whole: Sequence[Picture], cut: Sequence[Picture], fault: str) -> str:
    """What to add to a fault about the size of a photo that was cut to what shows of it: its own size."""
    for photo, part in zip(whole, cut, strict=True):
        size = f"{part.width}x{part.height} px"
        if part.width * part.height < photo.width * photo.height and f"a picture of {size}" in fault:
            return f" (of the photo's {photo.width}x{photo.height} px, only {size} show; the rest is transparent)"
    return ""


def _widths(
    sources: Sequence[Picture], names: str | Sequence[str], settings: PairSettings
) -> tuple[int, int]:
    """Smallest and largest width at which paintings are seen, as if whole where only a part is trained on.

    Raises:
        ConfigError: a painting is too narrow for a crop; where there are several, the message starts with its name.
    """
    names = [names] if isinstance(names, str) else names
    lowest, highest = [], []
    for name, source in zip(names, sources, strict=True):
        try:
            low, high = seen_widths(source.pixels, settings)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}" if len(sources) > 1 else str(error)) from None
        lowest.append(round(low / source.share))
        highest.append(round(high / source.share))
    return min(lowest), max(highest)
