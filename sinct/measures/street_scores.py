"""Semantic scores of street scenes: whether a network finds in a translation what its label map says.

Park et al. 2020, appendix C.2: translations of the 500 validation pictures of Cityscapes are reduced bicubically to
256x128 px and segmented by a DRN-D-22 that was trained on photographs of that size; label maps are reduced to it by the
nearest neighbour. What the paper leaves open, and what we take:

- It prints "mAP" and speaks of a mean average precision. The code that it used (github.com/fyu/drn) prints the mean
  intersection over union under that name, and the repository of the paper thanks it "for mIoU computation". So its mAP
  is taken for the mIoU; the mean precision of classes, the other reading, is given beside it.
- Pixels of no class are left out of all scores, as in that code. Some papers count them as wrong in the pixel
  accuracy, which makes it lower by about their share.
- A class that has no pixel and is never predicted is left out of a mean.
- All pictures make one confusion matrix.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor, nn

from sinct.errors import InputError, OutOfMemoryError, counted
from sinct.measures.segmentation import (
    class_accuracy,
    class_precision,
    confusion,
    mean_overlap,
    pixel_accuracy,
)
from sinct.measures.street_classes import HIGHEST_LABEL, IGNORED, STREET_CLASSES
from sinct.pictures.label_maps import LabelMap, read_label_map
from sinct.pictures.picture import read_picture
from sinct.runtime.device import is_out_of_memory
from sinct.runtime.files import StrPath, printable

SIZE = (256, 128)
"""Width and height in pixels at which scenes are segmented."""

SCORES: Mapping[str, str] = {
    "mIoU": "mean over the classes of the share of right pixels among all that are of a class or taken for it, in %; "
    "printed as mAP by Park et al. 2020",
    "pixAcc": "share of right pixels, in %; pixels of no class are left out",
    "classAcc": "mean over the classes of the share of their pixels that are right, in %",
    "precision": "mean over the classes of the share of right pixels among those taken for a class, in %; another "
    "reading of mAP",
}
"""What each score is."""

NUMBERS = ("ids", "train-ids")
"""What the numbers of label maps are: Cityscapes' ids, or numbers of classes with 255 for none."""

_ENDINGS = (
    "_leftImg8bit", "_gtFine_labelIds", "_gtFine_labelTrainIds", "_gtFine_trainIds", "_gtFine_color",
    "_gtFine_instanceIds", "_labelIds",
)  # fmt: skip
"""What Cityscapes puts behind a scene's name, for the photograph and for each kind of map."""

_MAPS = {"ids": ("_labelIds",), "train-ids": ("_labelTrainIds", "_trainIds")}
"""Ends of the names of maps of each kind."""


def semantic_scores(matrix: Tensor) -> dict[str, float]:
    """Every score of `SCORES`, in percent.

    Args:
        matrix: (C, C), see `sinct.measures.segmentation.confusion`.
    """
    found = (mean_overlap(matrix), pixel_accuracy(matrix), class_accuracy(matrix), class_precision(matrix))
    return {name: 100 * value for name, value in zip(SCORES, found, strict=True)}


def find_labels(
    pictures: Sequence[Path], maps: Sequence[Path], numbers: str = "ids"
) -> list[tuple[Path, Path]]:
    """Find the label map of each picture, by name.

    Names are the same up to their suffix and what Cityscapes puts behind a scene's name: `aachen_0_leftImg8bit.png`
    has `aachen_0_gtFine_labelIds.png`. Where a folder holds maps of several kinds, those of `numbers` are taken.

    Args:
        pictures: picture files.
        maps: label maps; there may be more of them.
        numbers: see `NUMBERS`.

    Raises:
        InputError: a picture has no map, or more than one.
    """
    named = [path for path in maps if path.stem.endswith(_MAPS[numbers])]
    found: dict[str, list[Path]] = {}
    for path in named or maps:
        found.setdefault(_scene(path), []).append(path)
    for picture in pictures:
        there = found.get(_scene(picture), [])
        if not there:
            raise InputError(
                f"{printable(picture)} has no label map among {counted(len(maps), 'file')} in "
                f"{printable(maps[0].parent)}; name it {_scene(picture)}.png"
            )
        if len(there) > 1:
            raise InputError(
                f"{printable(picture)} has {len(there)} label maps, {printable(there[0])} and {printable(there[1])}; "
                "leave one of them"
            )
    return [(picture, found[_scene(picture)][0]) for picture in pictures]


def _scene(path: Path) -> str:
    return next((path.stem.removesuffix(end) for end in _ENDINGS if path.stem.endswith(end)), path.stem)


def read_classes(path: StrPath, size: tuple[int, int] = SIZE, numbers: str = "ids") -> LabelMap:
    """Read a label map as numbers of classes.

    Args:
        path: PNG with one channel.
        size: width and height in pixels to which it is reduced, by the nearest neighbour.
        numbers: see `NUMBERS`.

    Returns:
        (H, W): places in `STREET_CLASSES`, and `IGNORED` for pixels of no class.

    Raises:
        InputError: it cannot be read, or has numbers that do not exist.
    """
    stored = read_label_map(path, size)
    highest = HIGHEST_LABEL if numbers == "ids" else len(STREET_CLASSES) - 1
    known = (stored <= highest) | (stored == IGNORED) if numbers == "train-ids" else stored <= highest
    if not known.all():
        other = NUMBERS[1 - NUMBERS.index(numbers)]
        raise InputError(
            f"the label map {printable(path)} has the number {stored[~known].max()}, and {numbers} go to {highest}"
            f"{' or are 255' if numbers == 'train-ids' else ''}; if it holds {other}, give `label_numbers={other!r}`"
        )
    if numbers == "train-ids":
        return stored
    table = np.full(HIGHEST_LABEL + 1, IGNORED, dtype=np.int64)
    for number, each in enumerate(STREET_CLASSES):
        table[each.label] = number
    return table[stored]


def read_scene(path: StrPath, size: tuple[int, int] = SIZE) -> npt.NDArray[np.uint8]:
    """Read a picture, rounded to 8 bits and then scaled bicubically by Pillow, as (H, W, 3).

    Raises:
        InputError: it cannot be read.
    """
    samples = read_picture(path).pixels.add(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)
    image = Image.fromarray(samples.permute(1, 2, 0).contiguous().numpy())
    return np.asarray(image if image.size == size else image.resize(size, Image.Resampling.BICUBIC))


def normalised(scenes: npt.NDArray[np.uint8], mean: Sequence[float], deviation: Sequence[float]) -> Tensor:
    """(N, H, W, 3) in 8 bits -> (N, 3, H, W), less the mean and by the deviation of each channel on [0, 1]."""
    values = torch.from_numpy(np.moveaxis(scenes, 3, 1).astype(np.float32, order="C")).div_(255)
    return (values - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(deviation).view(3, 1, 1)


def score_scenes(
    pairs: Sequence[tuple[Path, Path]],
    network: nn.Module,
    *,
    mean: Sequence[float],
    deviation: Sequence[float],
    size: tuple[int, int] = SIZE,
    numbers: str = "ids",
    batch: int = 16,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Tensor:
    """Segment pictures and compare them with their label maps.

    Args:
        pairs: picture files with their label maps, see `find_labels`.
        network: (N, 3, H, W), normalised -> (N, C, H, W) logits, on its device, with C as in `STREET_CLASSES`.
        mean, deviation: of each channel on [0, 1], with which pictures are normalised.
        size: width and height in pixels to which both are reduced.
        numbers: what the label maps' numbers are, see `NUMBERS`.
        batch: pictures that the network sees at a time.
        on_progress: called with pictures done and pictures in all.

    Returns:
        (C, C) int64 confusion matrix of all pictures.

    Raises:
        InputError: a picture or a label map cannot be read; scores of others would not be those of this set.
        OutOfMemoryError: the device has too little memory for a batch.
    """
    device = next(network.parameters()).device
    matrix = torch.zeros(len(STREET_CLASSES), len(STREET_CLASSES), dtype=torch.int64)
    for start in range(0, len(pairs), batch):
        part = pairs[start : start + batch]
        scenes = np.stack([read_scene(picture, size) for picture, _ in part])
        truth = np.stack([read_classes(labels, size, numbers) for _, labels in part])
        predicted = _segmented(network, normalised(scenes, mean, deviation).to(device))
        matrix += confusion(predicted, torch.from_numpy(truth), len(STREET_CLASSES))
        on_progress(start + len(part), len(pairs))
    return matrix


def _segmented(network: nn.Module, pictures: Tensor) -> Tensor:
    try:
        with torch.no_grad():
            found: Tensor = network(pictures).argmax(dim=1).cpu()
            return found
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    raise OutOfMemoryError(
        f"{counted(len(pictures), 'picture')} at once do not fit into the memory; free some"
    )
