"""Learn to take strokes out of paintings: `sinct.networks.stroke_remover`.

    # Packages: see assets/photographs.py.
    python -m assets.stroke_remover --packages . --work strokes --seconds 300        # on a GPU, with many processors

Parts of photographs of free licences (`assets.photographs`) are painted in many manners and palettes, while the
network learns to find the part, in the painting's palette, and the width of the strokes. What it learns is the most
probable picture without strokes (L1), so it invents nothing.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.parts import PaintedPart, Parts, Pool, as_bytes, as_pixels
from assets.photographs import PHOTOGRAPHS, photograph_files
from assets.recipes import in_half, log, recipe_options
from sinct.networks.base import update_average
from sinct.networks.stroke_remover import Removed, StrokeRemover, coded_map
from sinct.runtime.files import replacing

SIDE = 384
"""Side of the painted parts, in pixels."""

CROP = 256
"""Side of the crops that a step sees, in pixels."""

GRADIENTS = 1.0
"""Weight of differences between neighbouring pixels, beside the pixels themselves."""

WIDTHS = 0.1
"""Weight of the strokes' width."""


def packed(part: PaintedPart) -> Tensor:
    """What is kept of a painted part: painting, truth and coded width, (7, S, S), bytes."""
    code = (coded_map(part.stroke) * 255).round().byte()
    return torch.cat([as_bytes(part.painting), as_bytes(part.truth), code[None]])


def sample(pool: Pool, count: int, rng: np.random.Generator) -> Tensor:
    """Draw crops, (count, 7, `CROP`, `CROP`), bytes: turned, mirrored, colours exchanged."""
    crops = []
    for _ in range(count):
        top, left = rng.integers(0, SIDE - CROP + 1, 2)
        crop = pool.draw(rng)[:, top : top + CROP, left : left + CROP]
        if rng.random() < 0.5:
            crop = crop.flip(2)
        if rng.random() < 0.3:
            crop = torch.rot90(crop, int(rng.integers(1, 4)), (1, 2))
        if rng.random() < 0.3:
            order = rng.permutation(3)
            crop = crop[[*order, *(3 + order), 6]]
        crops.append(crop)
    return torch.stack(crops)


def loss(found: Removed, wanted: Tensor, code: Tensor) -> dict[str, Tensor]:
    """Terms of what is minimised: pixels, differences between neighbours at three scales, widths."""
    picture = found.picture.float()
    terms = {"pixels": F.l1_loss(picture, wanted)}
    gradients = []
    for _ in range(3):
        gradients += [F.l1_loss(picture.diff(dim=axis), wanted.diff(dim=axis)) for axis in (2, 3)]
        picture, wanted = F.avg_pool2d(picture, 2), F.avg_pool2d(wanted, 2)
    terms["gradients"] = GRADIENTS * torch.stack(gradients).mean()
    terms["widths"] = WIDTHS * F.l1_loss(found.width.float(), F.avg_pool2d(code, 8))
    return terms


def train(
    photographs: Sequence[Path],
    work: Path,
    *,
    seconds: float,
    device: torch.device,
    batch: int,
    workers: int,
    first: int,
    start: Path | None = None,
    seed: int = 0,
) -> StrokeRemover:
    """Train for some seconds, painting meanwhile.

    Args:
        photographs: files.
        work: where log and weights go.
        seconds: length, from the first painting on.
        device: where to train.
        batch: crops in a step.
        workers: processes that paint.
        first: paintings before the first step.
        start: weights to begin with, or None for random ones.
        seed: seeds all random choices.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = StrokeRemover()
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start:
        network.load_state_dict(load_file(start))
    average = StrokeRemover().to(device).requires_grad_(False)
    average.load_state_dict(network.state_dict())
    optimizer = torch.optim.Adam(
        network.parameters(), lr=0.002, betas=(0.9, 0.99), fused=device.type == "cuda"
    )
    pool = Pool(Parts(photographs, SIDE, packed, seed), workers=workers, first=first, device=device)
    began, steps = time.monotonic(), 0
    while (share := (time.monotonic() - began) / seconds) < 1:
        for group in optimizer.param_groups:
            group["lr"] = 0.002 * min(1.0, steps / 200) * (1 - max(0.0, share - 0.3) / 0.7) ** 1.5
        crops = sample(pool, batch, rng)
        painting, wanted = (
            as_pixels(crops[:, part]).contiguous(memory_format=torch.channels_last)
            for part in (slice(0, 3), slice(3, 6))
        )
        code = crops[:, 6:].float() / 255
        known = torch.from_numpy(rng.random(batch) < 0.5).to(device)
        with torch.autocast(device.type, dtype=torch.bfloat16):
            found = network(painting, torch.where(known, code.mean((1, 2, 3)), 0.0))
        terms = loss(found, wanted, code)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        update_average(average, network, min(0.999, steps / (steps + 10)))
        steps += 1
        if steps % 100 == 0 or steps == 1:
            seconds_done = time.monotonic() - began
            log(work, steps, seconds_done, pool, {name: float(term.detach()) for name, term in terms.items()})
    pool.close()
    export(
        average,
        work / "stroke_remover.safetensors",
        {"steps": steps, "paintings": pool.painted, "batch": batch},
    )
    return average


def export(network: StrokeRemover, path: Path, facts: dict[str, int]) -> None:
    """Write the network in half precision, with what it was learned from."""
    stated = {**facts, "photographs": [asdict(photograph) for photograph in PHOTOGRAPHS]}
    with replacing(path) as part:
        save_file(in_half(network), part, metadata={"stroke_remover": json.dumps(stated)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect the photographs and learn."""
    parser = recipe_options(__doc__, work=Path("strokes"), first=96)
    parser.add_argument("--batch", type=int, default=32, help="crops in a step")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    train(
        photograph_files(options.photographs, options.packages, options.work),
        options.work,
        seconds=options.seconds,
        device=torch.device(options.device),
        batch=options.batch,
        workers=options.workers,
        first=options.first,
        start=options.start,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
