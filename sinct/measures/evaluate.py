"""Measure pictures that were made elsewhere."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from sinct.errors import InputError
from sinct.measures import Evaluator, Measure, measured
from sinct.measures.warnings import picture_flaws
from sinct.pictures.picture import read_visible
from sinct.pictures.resampling import resize, same_shape
from sinct.runtime.device import choose_device
from sinct.runtime.files import StrPath
from sinct.weights.store import Weights


@dataclass(frozen=True)
class Evaluation:
    """Measures of pictures.

    Attributes:
        measures: the columns of the table.
        rows: name of a picture -> values by measure; the unchanged painting and photo come first.
        unavailable: measures that could not be computed, name -> reason.
        warnings: warnings about the pictures, one line each.
    """

    measures: tuple[Measure, ...]
    rows: Mapping[str, Mapping[str, float]]
    unavailable: Mapping[str, str]
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-serialisable."""
        return asdict(self)


def evaluate(
    painting: StrPath,
    photo: StrPath,
    outputs: Sequence[StrPath],
    *,
    weights_dir: StrPath | None = None,
    device: str = "auto",
) -> Evaluation:
    """Compare pictures with their painting and their photo, by the measures of `sinct.compare`.

    Args:
        painting: picture file.
        photo: picture file.
        outputs: picture files with the painting's shape; those of another size are resized, with a warning.
        weights_dir: folder with pretrained weights; by default the cache.
        device: auto, cpu, cuda, cuda:N or mps.

    Raises:
        InputError: a picture cannot be read or has another shape.
        DeviceError: the device is unknown or missing.
    """
    where = choose_device(device)
    source, target = read_visible(painting).pixels, read_visible(photo, cut_out=True).pixels
    warnings: list[str] = []
    pictures = {"painting, unchanged": source, "photo, unchanged": target}
    for path in outputs:
        picture, found = fitted(read_visible(path).pixels, source, str(path))
        pictures[str(path)] = picture
        warnings += found + [f"{path}: {text}" for text in picture_flaws(picture, source)]
    weights = Weights(Path(weights_dir) if weights_dir is not None else None)
    evaluator = Evaluator(source, target, weights=weights, device=where)
    rows = {name: evaluator.measure(picture) for name, picture in pictures.items()}
    return Evaluation(
        measures=measured(rows.values()),
        rows=rows,
        unavailable=dict(evaluator.missing),
        warnings=tuple(warnings),
    )


def fitted(output: Tensor, painting: Tensor, name: str) -> tuple[Tensor, list[str]]:
    """Bring a picture to the painting's size.

    Args:
        output: (3, H, W) in [-1, 1].
        painting: (3, H', W') in [-1, 1].
        name: what it is called in messages.

    Returns:
        The picture at the painting's size, and a warning if it was resized.

    Raises:
        InputError: it has another shape.
    """
    height, width = output.shape[1:]
    wanted = painting.shape[1], painting.shape[2]
    if (height, width) == wanted:
        return output, []
    if not same_shape(wanted, (height, width)):
        raise InputError(
            f"{name} is {width}x{height} px, the painting {wanted[1]}x{wanted[0]} px: not the same shape; give a "
            "picture made from the whole painting"
        )
    return resize(output, *wanted), [
        f"{name} was resized from {width}x{height} to {wanted[1]}x{wanted[0]} px; measures of texture apply to "
        "the resized picture"
    ]
