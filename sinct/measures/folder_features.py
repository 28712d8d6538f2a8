"""Inception's features of many picture files, computed once for each file and kept on the disk."""

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from sinct.errors import ConfigError, InputError, OutOfMemoryError, OutputError, counted
from sinct.measures.inception import DIMENSIONS, SIDE, Inception
from sinct.pictures.picture import read_picture
from sinct.runtime.device import is_out_of_memory
from sinct.runtime.files import StrPath, file_sha256, printable, replacing, unwritable


@dataclass(frozen=True)
class FolderFeatures:
    """Features of the pictures that could be read.

    Attributes:
        features: (N, 2048) float32 on the CPU, in the order of the files.
        left_out: files that could not be read -> why, in one line.
    """

    features: Tensor
    left_out: Mapping[str, str]


def features_of(
    paths: Sequence[StrPath],
    inception: Inception,
    *,
    resize: str = "pytorch",
    cache: Path | None = None,
    batch: int = 16,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> FolderFeatures:
    """Features of picture files at Inception's last average pooling.

    Pictures are read as everywhere in sinct, in sRGB and upright, and rounded to 8 bits. pytorch-fid and clean-fid
    ignore colour profiles and EXIF; pictures without those have the same pixels there.

    A file's features are kept under the SHA-256 of its bytes and those of the network, the kind of device and the way
    of resizing, 8 kB each. Any number of processes may share the cache, and deleting it costs only time. If it cannot
    be written, a warning says so and the work goes on.

    Args:
        paths: picture files.
        inception: the network.
        resize: a key of `RESIZINGS`.
        cache: folder of the kept features; None means `cache_folder()`.
        batch: pictures that the network sees at a time; each needs about 40 MB.
        on_progress: called with the number of files done and of all files.

    Warns:
        UserWarning: features cannot be kept; or as `read_picture`.

    Raises:
        ConfigError: `resize` or `batch` is not one of those possible.
        InputError: fewer than two of the pictures can be read.
        OutOfMemoryError: the device has too little memory for a batch.
    """
    if resize not in RESIZINGS:
        raise ConfigError(f"unknown way of resizing {resize!r}; there are {', '.join(RESIZINGS)}")
    if batch < 1:
        raise ConfigError(f"`batch` is {batch}; give at least 1")
    kind = f"{_VERSION}-{inception.identity[:16]}-{inception.device.type}-{resize}"
    store = _Store((cache or cache_folder()) / kind)
    found: dict[int, Tensor] = {}
    left_out: dict[str, str] = {}
    waiting: list[tuple[int, str, Tensor]] = []
    for index, path in enumerate(paths):
        try:
            kept = store.load(file_sha256(path))
        except InputError:  # reading it as a picture will say more
            kept = None
        if kept is not None:
            found[index] = kept
        else:
            try:
                picture = read_picture(path)
            except InputError as error:
                left_out[str(path)] = str(error)
            else:
                waiting.append((index, picture.sha256, RESIZINGS[resize](_eight_bits(picture.pixels))))
        if waiting and (len(waiting) == batch or index == len(paths) - 1):
            pooled = _pooled(inception, torch.stack([resized for _, _, resized in waiting]))
            for (place, sha256, _), features in zip(waiting, pooled, strict=True):
                found[place] = features
                store.save(sha256, features)
            waiting = []
        on_progress(len(found) + len(left_out), len(paths))
    if len(found) < 2:
        why = "; ".join(left_out.values())
        where = f" in {printable(Path(paths[0]).parent)}" if paths else ""
        raise InputError(
            f"{len(found)} of {counted(len(paths), 'picture')}{where} can be read, and a distribution needs at least 2"
            + (f": {why}" if why else "; give more")
        )
    return FolderFeatures(torch.stack([found[index] for index in sorted(found)]), left_out)


def cache_folder() -> Path:
    """Folder of the features that are kept: `sinct/features` in the system's place for caches."""
    return platformdirs.user_cache_path("sinct", appauthor=False, opinion=False) / "features"


def _pooled(inception: Inception, pictures: Tensor) -> Tensor:
    """(N, 3, 299, 299) -> (N, 2048) on the CPU."""
    try:
        with torch.no_grad():
            return inception.pooled(pictures).cpu()
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
    raise OutOfMemoryError(  # outside the handler, whose traceback would hold the memory
        f"a batch of {len(pictures)} does not fit into the memory of {inception.device}; give a smaller `batch`"
    )


# Resizing


def pytorch_resized(pixels: Tensor) -> Tensor:
    """(3, H, W) uint8 -> (3, 299, 299) in [-1, 1], as pytorch-fid 0.3.

    Bilinear interpolation by PyTorch of values in [0, 1], corners not aligned, without antialiasing: a picture that
    shrinks is sampled at 299 x 299 places, and detail between them is lost or aliased.

    torch-fidelity's own extractor differs: it interpolates as TensorFlow 1 did, half a pixel off, and maps x to
    (x - 128) / 128.
    """
    values = pixels[None].float() / 255
    resized: Tensor = F.interpolate(values, (SIDE, SIDE), mode="bilinear", align_corners=False)[0]
    return 2 * resized - 1


def clean_resized(pixels: Tensor) -> Tensor:
    """(3, H, W) uint8 -> (3, 299, 299) in [-1, 1), as clean-fid.

    Pillow's antialiased bicubic filter on each channel in floating point, clipped to [0, 255] but not rounded, then
    (x - 128) / 128. Parmar et al. 2022 (arXiv:2104.11222).
    """
    channels = [Image.fromarray(channel.float().numpy()) for channel in pixels]
    resized = [np.asarray(channel.resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for channel in channels]
    return (torch.from_numpy(np.stack(resized)).clamp(0, 255) - 128) / 128


RESIZINGS: Mapping[str, Callable[[Tensor], Tensor]] = {"pytorch": pytorch_resized, "clean": clean_resized}
"""Ways to bring a picture to Inception's size, by name."""


def _eight_bits(pixels: Tensor) -> Tensor:
    """(3, H, W) in [-1, 1] -> (3, H, W) uint8."""
    return ((pixels + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)


# Cache

_VERSION = 1
"""To be raised whenever the same file would give other features: when it is read or resized in another way."""


class _Store:
    """Features on the disk, one file a picture: 2048 float32, little-endian, then the SHA-256 of these bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.writable = True

    def load(self, sha256: str) -> Tensor | None:
        """(2048,), or None if they are missing or damaged."""
        try:
            data = (self.folder / sha256).read_bytes()
        except OSError:
            return None
        values, digest = data[:-32], data[-32:]
        if len(values) != 4 * DIMENSIONS or hashlib.sha256(values).digest() != digest:
            return None
        return torch.from_numpy(np.frombuffer(values, "<f4").astype(np.float32))

    def save(self, sha256: str, features: Tensor) -> None:
        """Keep (2048,) float32."""
        if not self.writable:
            return
        values = features.numpy().astype("<f4").tobytes()
        try:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise unwritable(self.folder, error) from None
            with replacing(self.folder / sha256) as temporary:
                temporary.write_bytes(values + hashlib.sha256(values).digest())
        except OutputError as error:
            self.writable = False
            warnings.warn(f"features are not kept for the next time: {error}", stacklevel=3)
