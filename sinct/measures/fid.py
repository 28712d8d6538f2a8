"""Scores between folders of pictures: FID as in Park et al. 2020, with clean-FID and KID beside it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sinct.measures.folder_features import FolderFeatures, features_of
from sinct.measures.inception import Inception, frechet_distance, kernel_distance, subset_kernel_distance
from sinct.runtime.files import StrPath
from sinct.weights.store import Weights

PROTOCOLS: Mapping[str, str] = {
    "fid": "as pytorch-fid 0.3: 8-bit pixels, bilinear to 299 px by PyTorch without antialiasing, FID's Inception, "
    "last average pooling, all pictures (Park et al. 2020, appendix C.2)",
    "clean_fid": "as clean-fid: bicubic to 299 px by Pillow with antialiasing, not rounded; the rest as fid "
    "(Parmar et al. 2022)",
    "kid": "unbiased estimate from all pictures at once, with fid's features (Bińkowski et al. 2018)",
    "kid_subsets": "mean and standard deviation over 100 subsets of 1000 pictures, as torch-fidelity, with fid's "
    "features (Bińkowski et al. 2018)",
}
"""What each score computes; KID has two ways, of which `FolderScores.protocols` names the one that was taken."""

_SUBSET = 1000
"""Pictures in a subset for KID. Only larger folders are divided."""


@dataclass(frozen=True)
class FolderScores:
    """How near translated pictures are to pictures of the target domain.

    Attributes:
        fid: Fréchet distance by the paper's protocol; lower is better. It depends on the number of pictures, and is
            too high where they are fewer than some ten thousand: compare only values of equal counts.
        clean_fid: the same with pictures resized without aliasing.
        kid: squared maximum mean discrepancy; on average it is the same for any number of pictures, and it may fall
            below 0.
        kid_spread: its standard deviation over subsets; None if all pictures were taken at once.
        unchanged_fid: `fid` of the source pictures as they are; None without them. A translation should be lower.
        counts: pictures that were compared, by folder: translated, target and, if given, source.
        left_out: files that could not be read -> why, in one line.
        protocols: score -> how it was computed.
        random: whether the network's weights were random; then the values say nothing.
    """

    fid: float
    clean_fid: float
    kid: float
    kid_spread: float | None
    unchanged_fid: float | None
    counts: Mapping[str, int]
    left_out: Mapping[str, str]
    protocols: Mapping[str, str]
    random: bool

    def to_json(self) -> dict[str, Any]:
        """Return everything, JSON-serialisable."""
        return asdict(self)


def score_folders(
    translated: Sequence[StrPath],
    target: Sequence[StrPath],
    *,
    source: Sequence[StrPath] | None = None,
    weights: Weights | None = None,
    device: torch.device | None = None,
    cache: Path | None = None,
    batch: int = 16,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderScores:
    """Compare translated pictures with pictures of the target domain.

    Args:
        translated: picture files, the translations of all test pictures.
        target: picture files of the target domain's test set.
        source: picture files before their translation.
        weights: where to find Inception's weights; None means the cache of weights.
        device: where to compute; None means the CPU.
        cache: folder of kept features; None means `sinct.measures.folder_features.cache_folder()`.
        batch: pictures that the network sees at a time.
        on_progress: called with the number of pictures done and of all. A file counts once for each way of resizing.

    Warns:
        UserWarning: as `features_of`.

    Raises:
        WeightsError: torch-fidelity is not installed, or the weights are missing or damaged.
        InputError: fewer than two pictures of a folder can be read.
        ConfigError: `batch` is below 1.
        OutOfMemoryError: the device has too little memory for a batch.
    """
    weights = weights or Weights()
    inception = Inception(weights.load("inception"), device or torch.device("cpu"))
    steps = [
        ("translated", translated, "pytorch"),
        ("target", target, "pytorch"),
        *([("source", source, "pytorch")] if source is not None else []),
        ("translated", translated, "clean"),
        ("target", target, "clean"),
    ]
    total = sum(len(paths) for _, paths, _ in steps)
    found: dict[tuple[str, str], FolderFeatures] = {}
    finished = 0

    def report(done: int, of: int) -> None:
        on_progress(finished + done, total)

    for name, paths, resize in steps:
        found[name, resize] = features_of(
            paths, inception, resize=resize, cache=cache, batch=batch, on_progress=report
        )
        finished += len(paths)
    features = {key: value.features for key, value in found.items()}
    ours, theirs = features["translated", "pytorch"], features["target", "pytorch"]
    kid, spread = kernel_distance_of_folders(ours, theirs)
    own = features.get(("source", "pytorch"))
    return FolderScores(
        fid=frechet_distance(ours, theirs),
        clean_fid=frechet_distance(features["translated", "clean"], features["target", "clean"]),
        kid=kid,
        kid_spread=spread,
        unchanged_fid=None if own is None else frechet_distance(own, theirs),
        counts={name: len(values) for (name, resize), values in features.items() if resize == "pytorch"},
        left_out={path: why for value in found.values() for path, why in value.left_out.items()},
        protocols={
            "fid": PROTOCOLS["fid"],
            "clean_fid": PROTOCOLS["clean_fid"],
            "kid": PROTOCOLS["kid" if spread is None else "kid_subsets"],
        },
        random=weights.random,
    )


def kernel_distance_of_folders(first: Tensor, second: Tensor) -> tuple[float, float | None]:
    """KID and its spread over subsets, which is None for folders that are taken at once.

    Args:
        first: (N, D), N ≥ 2.
        second: (M, D), M ≥ 2.

    Folders of more than 1000 pictures each are compared as torch-fidelity does by default. In smaller ones a subset of
    1000 does not exist or is nearly everything, and the estimate from all pictures varies least.
    """
    if min(len(first), len(second)) > _SUBSET:
        return subset_kernel_distance(first, second, size=_SUBSET)
    return kernel_distance(first, second), None
