"""Which regions of a model a picture has: those of its own map, or none where it is not the painting they are of."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from sinct.data.region_borders import refined_for
from sinct.data.regions import ELSEWHERE, Regions, stored_size
from sinct.errors import ConfigError, InputError, Remark
from sinct.inference.model import Model
from sinct.pictures.picture import Picture
from sinct.pictures.regions import read_region_map
from sinct.pictures.resampling import averaged
from sinct.pictures.rows import Source, read_averaged
from sinct.runtime.files import StrPath, printable


def for_picture(
    model: Model, source: Picture | Source, path: StrPath | None = None
) -> tuple[Model, list[Remark]]:
    """Give a model the regions of a picture.

    Args:
        model: the model.
        source: the picture.
        path: its region map, in colours of the map that the model was trained with; without one, regions are left out
            for pictures other than the model's painting, whose map says nothing of them.

    Returns:
        The model for that picture, and what the user should know.

    Raises:
        ConfigError: there is a map, but the model has no regions, or does not know what their colours were.
        InputError: the map cannot be read, has another shape than the picture, or colours that the model does not know.
    """
    regions = model.content.regions
    if path is not None:
        labels = _labels(_colours_of(regions), source, path)
        size = labels.shape[0], labels.shape[1]
        small = read_averaged(source, *size) if isinstance(source, Source) else averaged(source.seen, size)
        assert regions is not None
        return _with(model, replace(regions, labels=refined_for(labels, small))), []
    if regions is None or source.sha256 in (model.facts.get("painting_sha256") or []):
        return model, []
    text = (
        "the model's region maps are of another picture, so this one gets the look of all photos together; give "
        "`regions`, a map of this picture in the colours of the painting's map"
    )
    return _with(model, None), [Remark("regions", text)]


def _with(model: Model, regions: Regions | None) -> Model:
    return replace(model, content=replace(model.content, regions=regions))


def _colours_of(regions: Regions | None) -> Mapping[str, int]:
    """The colours that a model knows, with the numbers of their regions.

    Raises:
        ConfigError: it knows none.
    """
    if regions is None:
        raise ConfigError(
            "the model has no regions that a map could choose from; leave `regions` out, or train with them and with "
            "a preset that changes colours"
        )
    if not regions.colours:
        raise ConfigError(
            "the model is of an earlier version, which did not keep the colours of its region maps; leave `regions` "
            "out, or train it again"
        )
    return regions.colours


def _labels(known: Mapping[str, int], source: Picture | Source, path: StrPath) -> Tensor:
    """Read a picture's map as numbers of a model's regions, (h, w) uint8, at the size that maps are kept at.

    Raises:
        InputError: see `for_picture`.
    """
    labels, colours = read_region_map(
        path, (source.height, source.width), stored_size(source.height, source.width)
    )
    strange = [colour for colour in colours if colour not in known]
    if strange:
        raise InputError(
            f"the region map {printable(path)} has {', '.join(strange[:3])}{' and others' * (len(strange) > 3)}, but "
            f"the model knows {', '.join(_described(known))}; paint it in these colours, flat, and save as PNG"
        )
    return torch.tensor([known[colour] for colour in colours], dtype=torch.uint8)[labels]


def _described(known: Mapping[str, int]) -> list[str]:
    """Colours of a map, with what is special about them."""
    return [
        f"{colour} (the look of all photos)" if number == ELSEWHERE else colour
        for colour, number in known.items()
    ]
