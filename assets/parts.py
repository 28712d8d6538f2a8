"""Painted parts of photographs, made without end by many processes: what sinct's networks are learned from."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from assets.dabs import paint_with_scale
from assets.manners import random_manner, random_palette
from assets.painterly import Array, blur

SHORT_SIDE = (540, 1400)
"""Range of the shorter side in pixels that a photograph is scaled to, as far as it has them."""

CHOICE = 3
"""Parts of a photograph that are looked at, of which the one with most detail is painted."""

SMOOTH = 0.06
"""Share of the paintings that show no strokes, so that fine paintings are left alone."""


class PaintedPart(NamedTuple):
    """A part of a photograph as a painter would have painted it.

    Attributes:
        painting: (3, S, S) in [-1, 1].
        truth: (3, S, S), the part in the painting's palette.
        photo: (3, S, S), the part itself.
        stroke: (S, S), width of the strokes in pixels.
    """

    painting: Tensor
    truth: Tensor
    photo: Tensor
    stroke: Tensor


def paint_part(photograph: Image.Image, side: int, rng: np.random.Generator) -> PaintedPart:
    """Choose a square part of a photograph at a scale, a palette and a manner, and paint it.

    Args:
        photograph: RGB.
        side: side of the part, in pixels.
        rng: draws everything.
    """
    low, high = SHORT_SIDE
    short = np.exp(rng.uniform(np.log(low), np.log(max(low + 1, min(high, *photograph.size)))))
    scale = float(short) / min(photograph.size)
    width, height = (max(side, round(length * scale)) for length in photograph.size)
    scaled = photograph.resize((width, height), Image.Resampling.LANCZOS)
    parts = []
    for _ in range(CHOICE):
        left, top = int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))
        parts.append(np.asarray(scaled.crop((left, top, left + side, top + side)), np.float32) / 255)
    # Blurred backgrounds would teach that everything is blurred.
    part = max(parts, key=lambda each: float(np.abs(np.diff(each, axis=0)).mean()))
    truth, manner = random_palette(part, rng), random_manner(rng)
    if rng.random() < SMOOTH:
        painting, stroke = blur(truth, manner.softness), np.ones((side, side), np.float32)
    else:
        few = truth.reshape(-1, 3)[rng.integers(0, side * side, rng.integers(5, 16))]
        painting, stroke = paint_with_scale(
            truth,
            manner,
            palette=few if rng.random() < 0.3 else None,
            pull=rng.uniform(0, 0.4),
            seed=int(rng.integers(2**31)),
        )
    return PaintedPart(
        _tensor(_scanned(painting, rng)), _tensor(truth), _tensor(part), torch.from_numpy(stroke)
    )


def _scanned(painting: Array, rng: np.random.Generator) -> Array:
    """A painting as a file shows it: with a little noise or none, stored with loss or without."""
    noise = rng.uniform(0, 0.02) * rng.standard_normal(painting.shape) if rng.random() < 0.4 else 0.0
    scan: Array = np.asarray((painting + noise).clip(0, 1), np.float32)
    if rng.random() < 0.5:
        stored = io.BytesIO()
        pixels = Image.fromarray((scan * 255).round().astype(np.uint8))
        pixels.save(stored, "JPEG", quality=int(rng.integers(60, 96)))
        scan = np.asarray(Image.open(stored), np.float32) / 255
    return scan


def _tensor(picture: Array) -> Tensor:
    """(H, W, 3) in [0, 1] -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)).mul(2).sub(1)


def as_bytes(pixels: Tensor) -> Tensor:
    """[-1, 1] -> bytes, of any shape."""
    return ((pixels.clamp(-1, 1) + 1) * 127.5).round().byte()


def as_pixels(stored: Tensor) -> Tensor:
    """Undo `as_bytes`."""
    return stored.float() / 127.5 - 1


class Parts(IterableDataset[Tensor]):
    """Painted parts without end, each worker's own.

    Args:
        photographs: files.
        side: side of the parts, in pixels.
        packed: what to make of each, a tensor of bytes.
        seed: seeds all random choices.
    """

    def __init__(
        self, photographs: Sequence[Path], side: int, packed: Callable[[PaintedPart], Tensor], seed: int
    ) -> None:
        self.photographs, self.side, self.packed, self.seed = list(photographs), side, packed, seed

    def __iter__(self) -> Iterator[Tensor]:
        worker = get_worker_info()
        if worker:
            torch.set_num_threads(1)
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            path = self.photographs[rng.integers(len(self.photographs))]
            with Image.open(path) as photograph:
                yield self.packed(paint_part(photograph.convert("RGB"), self.side, rng))


class Pool:
    """Packed parts on a device, of which the oldest give way to new ones as these are painted.

    Args:
        parts: what paints.
        workers: processes that paint; 0 paints in this one.
        first: parts to wait for.
        device: where they are kept.
        capacity: how many are kept.
    """

    def __init__(
        self, parts: Parts, *, workers: int, first: int, device: torch.device, capacity: int = 4000
    ) -> None:
        self.device, self.capacity, self.painted = device, capacity, 0
        self.stored: list[Tensor] = []
        loader = DataLoader(
            parts, batch_size=None, num_workers=workers, prefetch_factor=4 if workers else None
        )
        self.coming, self.closed = iter(loader), False
        for _ in range(first):
            self._add()
        self.thread = threading.Thread(target=self._fill, daemon=True)
        self.thread.start()

    def draw(self, rng: np.random.Generator) -> Tensor:
        """One of those kept."""
        return self.stored[rng.integers(len(self.stored))]

    def close(self) -> None:
        """Take in no more."""
        self.closed = True
        self.thread.join()

    def _fill(self) -> None:
        while not self.closed:
            self._add()

    def _add(self) -> None:
        """Wait for the next part and take it in."""
        part = next(self.coming).to(self.device)
        if len(self.stored) < self.capacity:
            self.stored.append(part)
        else:
            self.stored[self.painted % self.capacity] = part
        self.painted += 1
