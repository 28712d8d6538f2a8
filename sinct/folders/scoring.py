"""Score folders of translations."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import torch

from sinct.data.folders import find_images
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.errors import (
    ConfigError,
    InputError,
    WeightsError,
)
from sinct.measures.fid import score_folders
from sinct.measures.folder_distance import distribution_gap, set_distribution
from sinct.measures.folder_scores import described
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, printable
from sinct.semantics import score_scenes_of
from sinct.weights.store import Weights


@dataclass(frozen=True)
class Scored:
    """Scores of one set of translations, or of several.

    Attributes:
        sets: scores of each set, by folder, JSON-serialisable: "distance"; with weights "fid", "clean_fid", "kid"; with
            label maps those of `sinct.measures.street_scores.SCORES`.
        mean: mean of each score over the sets.
        spread: standard deviation over the sets; empty for a single one.
        unchanged: the same scores of the source pictures as they are; empty without them.
        protocols: how each score is computed.
        left_out: files that could not be read, with the reason.
        missing: why scores that need weights are missing; empty where they are not.
        random: whether the network's weights were random, so that its scores mean nothing.
        overlaps: intersection over union of each class of street scenes in percent, by folder; empty without
            label maps.
    """

    sets: Mapping[str, Mapping[str, float]]
    mean: Mapping[str, float]
    spread: Mapping[str, float]
    unchanged: Mapping[str, float]
    protocols: Mapping[str, str]
    left_out: Mapping[str, str]
    missing: str = ""
    random: bool = False
    overlaps: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-serialisable, with the unit of each score; none for FID and KID, which have none."""
        return {**asdict(self), "units": {name: described(name).unit for name in self.mean}}


def score(
    translated: StrPath | Sequence[StrPath],
    target: StrPath,
    *,
    source: StrPath | None = None,
    labels: StrPath | None = None,
    segmenter: StrPath | None = None,
    label_numbers: str = "ids",
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    device: str = "auto",
    cache: StrPath | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Scored:
    """Compare folders of translations with pictures of the target domain.

    FID, clean-FID and KID need the weights of FID's network (`sinct weights`); the distance of colours and textures,
    which sees neither things nor places, needs none.

    Args:
        translated: folder or list of translations; several, for instance of several seeds, get a mean and a spread.
        target: folder or list of the target domain's test pictures.
        source: those of the source domain, for the score of doing nothing.
        labels: folder or list of label maps of street scenes, for the semantic scores of translations with their
            names; with `segmenter`, see `sinct.semantics.score_scenes_of`.
        segmenter: file of the network that segments them.
        label_numbers: "ids" or "train-ids", what the numbers in label maps are.
        weights_dir: folder with the weights; None takes the cache.
        random_weights: use a random network, to try out everything else.
        device: auto, cpu, cuda, cuda:N or mps.
        cache: folder of kept features; None takes the cache.
        on_progress: called with pictures done and pictures in all, for each folder.

    Raises:
        InputError: a folder has fewer than two pictures that can be read, or a translation has no label map.
        ConfigError: only one of `labels` and `segmenter` was given, or `label_numbers` without them.
        WeightsError, CheckpointError: the segmenter cannot be used.
        DeviceError: the device is unknown or not there.
    """
    where = choose_device(device)
    if labels is None and label_numbers != "ids":
        raise ConfigError("`label_numbers` says what `labels` hold; give these too, or leave it out")
    if (labels is None) != (segmenter is None):
        raise ConfigError("semantic scores need both `labels` and `segmenter`; give the two or neither")
    places = [translated] if isinstance(translated, (str, PathLike)) else list(translated)
    if not places:
        raise InputError("there is no folder of translations; give one or more")
    targets, weights = (
        find_images(target),
        Weights(Path(weights_dir) if weights_dir else None, random_weights),
    )
    own = FolderSettings(resizing="none", crop_size=1)
    wanted = set_distribution(_readable(targets, own), count=len(targets))

    def distance(paths: Sequence[Path]) -> float:
        return distribution_gap(set_distribution(_readable(paths, own), count=len(paths)), wanted)

    sources = find_images(source) if source is not None else None
    unchanged = {} if sources is None else {"distance": distance(sources)}
    protocols = {"distance": "colours and textures of both sets, in ΔE; see sinct.measures.folder_distance"}
    sets: dict[str, dict[str, float]] = {}
    overlaps: dict[str, Mapping[str, float]] = {}
    left_out: dict[str, str] = {}
    missing = ""
    for place in places:
        paths = find_images(place)
        found = {"distance": distance(paths)}
        if labels is not None and segmenter is not None:
            scenes = score_scenes_of(
                place, labels, segmenter, label_numbers=label_numbers, device=device, on_progress=on_progress
            )
            found |= scenes.scores
            protocols |= scenes.protocols
            overlaps[printable(place)] = scenes.overlaps
        try:
            scores = score_folders(
                paths,
                targets,
                source=sources,
                weights=weights,
                device=where,
                cache=Path(cache) if cache is not None else None,
                on_progress=on_progress,
            )
        except WeightsError as error:
            missing = str(error)
        else:
            found |= {"fid": scores.fid, "clean_fid": scores.clean_fid, "kid": scores.kid}
            protocols |= scores.protocols
            left_out |= scores.left_out
            if scores.unchanged_fid is not None:
                unchanged["fid"] = scores.unchanged_fid
        sets[printable(place)] = found
    names = next(iter(sets.values()))
    columns = {name: [values[name] for values in sets.values()] for name in names}
    return Scored(
        sets,
        {name: fmean(values) for name, values in columns.items()},
        {name: stdev(values) for name, values in columns.items() if len(values) > 1},
        unchanged,
        protocols,
        left_out,
        missing,
        random_weights,
        overlaps,
    )


def _readable(paths: Sequence[Path], settings: FolderSettings) -> Iterator[torch.Tensor]:
    """Pictures that can be read, one after another; FID's features name the others.

    Raises:
        InputError: none can be read.
    """
    found = False
    for path in paths:
        try:
            picture = read_test_image(path, settings)
        except InputError:
            continue
        found = True
        yield picture
    if not found:
        raise InputError(f"no picture of {len(paths)} can be read, the first is {printable(paths[0])}")
