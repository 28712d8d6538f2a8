"""What translations show: scores of street scenes by their label maps, and shares of classes in folders of pictures.

Park et al. 2020 (arXiv:2007.15651), appendix C.2 and C.4.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinct.data.folders import find_images
from sinct.errors import ConfigError, WeightsError, counted, did_you_mean
from sinct.measures.class_share import ClassShares, class_shares
from sinct.measures.coco_stuff import COCO_STUFF
from sinct.measures.labellers import DEEPLAB, Labeller, deeplab_labeller, torchvision_labeller
from sinct.measures.segmentation import class_overlaps
from sinct.measures.street_classes import STREET_CLASSES
from sinct.measures.street_scores import NUMBERS, SCORES, SIZE, find_labels, score_scenes, semantic_scores
from sinct.networks.deeplab import DeepLab
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath, printable
from sinct.training.segmenter import SegmenterSettings, TrainedSegmenter, load_segmenter
from sinct.training.segmenter import train_segmenter as run_training
from sinct.weights.store import Weights, read_state

__all__ = ["SceneScores", "Shares", "score_scenes_of", "shares", "train_segmenter"]


@dataclass(frozen=True)
class SceneScores:
    """Semantic scores of one folder of translations.

    Attributes:
        scores: see `sinct.measures.street_scores.SCORES`, in percent.
        overlaps: intersection over union of each class that is there or was predicted, in percent.
        protocols: how each score is computed, with the network's file.
    """

    scores: Mapping[str, float]
    overlaps: Mapping[str, float]
    protocols: Mapping[str, str]


def train_segmenter(
    images: StrPath,
    labels: StrPath,
    output: StrPath,
    *,
    label_numbers: str = "ids",
    epochs: int | None = None,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    from_scratch: bool = False,
    weights_dir: StrPath | None = None,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    on_reading: Callable[[int, int], None] = lambda done, total: None,
    on_step: Callable[[int, int], None] = lambda done, total: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> TrainedSegmenter:
    """Train DRN-D-22 on photographs with label maps, for `score_scenes_of`.

    Args:
        images: folder or list of photographs.
        labels: folder or list of label maps, see `sinct.measures.street_scores.find_labels`.
        output: `.safetensors` file for the network.
        label_numbers: "ids" (of Cityscapes' labels) or "train-ids" (numbers of classes, 255 for none).
        epochs: length, instead of the published 250.
        seed: makes the training repeatable.
        changes: other settings by name, see `sinct.training.segmenter.SegmenterSettings`.
        from_scratch: begin with random weights, not with those trained on ImageNet (ours).
        weights_dir: folder with those; None takes the cache.
        device: auto, cpu, cuda, cuda:N or mps.
        resume, overwrite, on_reading, on_step, should_stop: see `sinct.training.segmenter.train_segmenter`.

    Raises:
        WeightsError: the weights are missing.
        InputError, OutputError, CheckpointError, ConfigError, TrainingError, DeviceError: see there.
    """
    _check_numbers(label_numbers)
    path = Path(output)
    if path.suffix.lower() != ".safetensors":
        raise ConfigError(f"the network is written as .safetensors; name `output` so, not {printable(path)}")
    given = {**(changes or {}), "seed": seed} | ({} if epochs is None else {"epochs": epochs})
    settings = SegmenterSettings().replace(**given)
    where = choose_device(device)
    pairs = find_labels(find_images(images), find_images(labels), label_numbers)
    start = None
    if not from_scratch:
        try:
            start = Weights(Path(weights_dir) if weights_dir else None).load("drn_d_22")
        except WeightsError as error:
            raise WeightsError(f"{error}; or begin with random weights, `from_scratch=True`") from None
    return run_training(
        pairs,
        path,
        settings,
        start=start,
        numbers=label_numbers,
        device=where,
        resume=resume,
        overwrite=overwrite,
        on_reading=on_reading,
        on_step=on_step,
        should_stop=should_stop,
    )


def score_scenes_of(
    translated: StrPath,
    labels: StrPath,
    segmenter: StrPath,
    *,
    label_numbers: str = "ids",
    device: str = "auto",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> SceneScores:
    """Score a folder of translated street scenes by their label maps.

    Args:
        translated: folder or list of translations.
        labels: folder or list of label maps with their names, see `sinct.measures.street_scores.find_labels`.
        segmenter: file of `train_segmenter`, or of github.com/fyu/drn for Cityscapes.
        label_numbers: see `train_segmenter`.
        device: auto, cpu, cuda, cuda:N or mps.
        on_progress: called with pictures done and pictures in all.

    Raises:
        InputError: a picture or a label map is missing or cannot be read.
        WeightsError, CheckpointError: the network cannot be used.
        ConfigError, DeviceError: an argument is not one of those possible.
    """
    _check_numbers(label_numbers)
    network = load_segmenter(Path(segmenter), choose_device(device))
    pairs = find_labels(find_images(translated), find_images(labels), label_numbers)
    matrix = score_scenes(
        pairs,
        network.network,
        mean=network.mean,
        deviation=network.deviation,
        numbers=label_numbers,
        on_progress=on_progress,
    )
    overlaps = (100 * class_overlaps(matrix)).tolist()
    how = f"; {counted(len(pairs), 'picture')} at {SIZE[0]}x{SIZE[1]} px, bicubic, segmented by {network.origin}"
    return SceneScores(
        semantic_scores(matrix),
        {
            each.name: value
            for each, value in zip(STREET_CLASSES, overlaps, strict=True)
            if value == value  # not NaN
        },
        {name: text + how for name, text in SCORES.items()},
    )


@dataclass(frozen=True)
class Shares:
    """Shares of classes in several folders.

    Attributes:
        folders: name of a folder -> what its pictures show.
        classes: the classes, in their order.
        protocol: how they were found.
        random: whether the network's weights were random, so that the shares mean nothing.
    """

    folders: Mapping[str, ClassShares]
    classes: tuple[str, ...]
    protocol: str
    random: bool

    @property
    def table(self) -> dict[str, dict[str, float]]:
        """Name of a folder -> class -> share in percent."""
        return {name: dict(found.shares) for name, found in self.folders.items()}


def shares(
    folders: Mapping[str, StrPath],
    classes: Sequence[str],
    *,
    network: str = DEEPLAB,
    weights: StrPath | None = None,
    sha256: str | None = None,
    weights_dir: StrPath | None = None,
    random_weights: bool = False,
    multi_scale: bool = True,
    device: str = "auto",
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Shares:
    """How many of the pixels of folders show some classes.

    Args:
        folders: name -> folder or list of pictures.
        classes: names of classes that the network knows, such as "horse" and "zebra".
        network: "deeplab_v2", which has the classes of COCO-Stuff, or a network of torchvision, see
            `sinct.measures.labellers.torchvision_networks`.
        weights: file of weights; None takes DeepLab's from the cache, and there are none of torchvision's.
        sha256: checksum, or its beginning, that this file must have.
        weights_dir: folder of DeepLab's weights, instead of the cache.
        random_weights: use a random network, to try out everything else.
        multi_scale: let DeepLab see pictures at three scales, as the published weights were trained.
        device: auto, cpu, cuda, cuda:N or mps.
        on_progress: called with pictures done and pictures in all, for each folder.

    Raises:
        InputError: a folder has no picture that can be read.
        ConfigError: a network or a class is not known, or nothing was asked for.
        WeightsError: the weights are missing or do not fit.
        DeviceError: the device is unknown or not there.
    """
    if not folders or not classes:
        raise ConfigError("give one folder or more, and one class or more")
    places = {name: find_images(folder) for name, folder in folders.items()}
    labeller = _labeller(
        network,
        classes,
        state=lambda: _weights(network, weights, sha256, weights_dir) if not random_weights else None,
        multi_scale=multi_scale,
        device=device,
    )
    found = {
        name: class_shares(paths, labeller, classes, on_progress=on_progress)
        for name, paths in places.items()
    }
    return Shares(found, tuple(classes), labeller.protocol, random_weights)


def _labeller(
    network: str, classes: Sequence[str], *, state: Callable[[], Any], multi_scale: bool, device: str
) -> Labeller:
    where = choose_device(device)
    if network != DEEPLAB:
        labeller = torchvision_labeller(network, state(), where)
    else:
        unknown = [name for name in classes if name.strip().lower() not in COCO_STUFF]
        if unknown:  # before the weights are read
            raise ConfigError(
                f"COCO-Stuff has no class {unknown[0]!r}{did_you_mean(unknown[0], COCO_STUFF)}; its classes are in "
                "sinct.measures.coco_stuff"
            )
        try:
            deeplab = DeepLab(len(COCO_STUFF), state())
        except ConfigError as error:
            raise WeightsError(str(error)) from None
        labeller = deeplab_labeller(deeplab.to(where), multi_scale=multi_scale)
    for name in classes:
        labeller.number(name)
    return labeller


def _weights(
    network: str, weights: StrPath | None, sha256: str | None, weights_dir: StrPath | None
) -> Mapping[str, Any] | None:
    if weights is not None:
        return read_state(Path(weights), sha256)
    if network == DEEPLAB:
        return Weights(Path(weights_dir) if weights_dir else None).load(DEEPLAB)
    raise WeightsError(
        f"weights of {network} are not in sinct's list; download torchvision's own and give the file as `weights`"
    )


def _check_numbers(label_numbers: str) -> None:
    if label_numbers not in NUMBERS:
        raise ConfigError(f"label_numbers must be one of {', '.join(NUMBERS)}, got {label_numbers!r}")
