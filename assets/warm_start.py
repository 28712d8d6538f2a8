"""Learn the warm start: networks that a training on a new pair begins with.

    # Packages: see assets/photographs.py.
    python -m assets.warm_start --packages . --work warm-start --seconds 300       # on a GPU, with many processors

Parts of photographs of free licences (`assets.photographs`) are painted in many manners and palettes, and each is
prepared as a user's painting is prepared for its photo: strokes taken out, the photo's colours and texture given.
Generator, discriminator and projection are trained on all of them together, by the very step that trains on a user's
pair (`sinct.objectives.cut`), with the photographs themselves as what is to be kept.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from assets.parts import PaintedPart, Parts, Pool, as_bytes, as_pixels
from assets.photographs import PHOTOGRAPHS, photograph_files
from assets.recipes import in_half, log, recipe_options
from sinct.data.grain import grain
from sinct.data.pair import PairBatch
from sinct.data.pair_content import prepare_pair
from sinct.inference import checkpoint
from sinct.objectives.cut import CutSettings, Trainer
from sinct.presets import preset
from sinct.runtime.files import replacing
from sinct.weights.warm_start import load_warm_start

SIDE = 512
"""Side of the painted parts, in pixels."""

SMOOTHING = (0.4, 1.2)
"""Range of the contrast that is smoothed away, since it differs between paintings."""


def prepared(part: PaintedPart) -> Tensor:
    """What a generator sees of a painted part, the photo, and the photo as if painted, (9, S, S), bytes."""
    low, high = SMOOTHING
    # The painting itself decides, so that the same part is always prepared alike.
    rng = np.random.default_rng(int(part.painting.abs().sum() * 1e3))
    smoothing = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    content = replace(joint_settings(1).content, smoothing=smoothing, seed=int(rng.integers(2**31)))
    found = prepare_pair(
        [part.painting], [part.photo], content, in_photos_colours=True, repaint=True, texture=True
    )
    return torch.cat([as_bytes(each) for each in (found.paintings[0].seen, part.photo, found.painted[0])])


class JointSampler:
    """Draws crops of many painted parts, each crop from another one.

    A step's paintings and photos show the same photographs, so that the discriminator learns to tell painting from
    photograph and not one motif from another.

    Args:
        pool: of what `prepared` returned.
        settings: which crops to draw.
        random: draws grain.
    """

    def __init__(self, pool: Pool, settings: CutSettings, random: torch.Generator) -> None:
        self.pool, self.settings, self.random = pool, settings, random
        self.rng = np.random.default_rng(settings.seed)

    def sample(self) -> PairBatch:
        """Crops of one step, see `PairBatch`."""
        crops = []
        for _ in range(self.settings.crops):
            part, light = self.pool.draw(self.rng), self._light()
            one, other = self._crop(part, light), self._crop(part, light)
            crops.append(torch.stack([one[:3], one[3:6], other[3:6], other[6:]]))
        painting, content, photo, painted = torch.stack(crops, dim=1)
        batch = self._grained(painting), content, photo, self._grained(painted)
        return PairBatch(*(each.contiguous(memory_format=torch.channels_last) for each in batch))

    def _grained(self, crops: Tensor) -> Tensor:
        """Add grain to (N, 3, S, S)."""
        size = self.settings.crop_size
        return crops + grain(len(crops), size, size, self.settings.grain, self.random).to(crops)

    def _crop(self, part: Tensor, light: Tensor) -> Tensor:
        """Cut all pictures of a part at one place, (9, S, S), mirrored half of the time, in another light."""
        size = self.settings.crop_size
        top, left = self.rng.integers(part.shape[1] - size + 1), self.rng.integers(part.shape[2] - size + 1)
        crop = as_pixels(part[:, top : top + size, left : left + size])
        crop = torch.addcmul(light[1], crop, light[0]).clamp(-1, 1)
        return crop.flip(2) if self.rng.random() < 0.5 else crop

    def _light(self) -> Tensor:
        """A gain and an offset of each channel, (2, 9, 1, 1): exposure and white balance."""
        gain, offset = 1 + self.rng.normal(0, 0.08), self.rng.normal(0, 0.05)
        both = np.stack([gain + self.rng.normal(0, 0.05, 3), offset + self.rng.normal(0, 0.03, 3)])
        return torch.from_numpy(np.tile(both, 3)[..., None, None]).float().to(self.pool.device)


class JointTrainer(Trainer):
    """Trains on many painted photographs at once.

    Args:
        pool: of what `prepared` returned.
        settings: settings of the objective.
        device: where to train.
    """

    def __init__(self, pool: Pool, settings: CutSettings, device: torch.device) -> None:
        blank = torch.zeros(3, 256, 256)
        alone = settings.replace(recolour=False, texture=False, remove_strokes=False, calm=False)
        super().__init__([blank], [blank], alone, device)
        self.joint = JointSampler(pool, settings, self.random)

    def sample(self) -> PairBatch:
        """Draw the crops of one step."""
        self.shift_tiles()
        return self.joint.sample()


def joint_settings(crops: int, *, seconds: float | None = None, seed: int = 0) -> CutSettings:
    """Settings of the joint training: those of `draft`, so that the networks learn what they will be asked for.

    Args:
        crops: crops in a step.
        seconds: length.
        seed: makes the choice of crops repeatable.
    """
    return preset("draft", torch.device("cpu"), steps=None, seconds=seconds, seed=seed).replace(
        crops=crops,
        identity_crops=crops,
        steps=None if seconds else 1,
        ema_decay=0.999,
        patience=0.0,
        mixed_precision=True,
        warm_start=False,
    )


def train(
    photographs: Sequence[Path],
    work: Path,
    settings: CutSettings,
    *,
    device: torch.device,
    workers: int,
    first: int,
    start: Path | None = None,
) -> Trainer:
    """Train on parts that are painted meanwhile.

    Args:
        photographs: files.
        work: where log and weights go.
        settings: settings of the objective, with the length.
        device: where to train.
        workers: processes that paint.
        first: paintings before the first step.
        start: an earlier warm start to begin with, or None for random weights.
    """
    pool = Pool(
        Parts(photographs, SIDE, prepared, settings.seed), workers=workers, first=first, device=device
    )
    trainer = JointTrainer(pool, settings, device)
    if start:
        networks = {name: trainer.networks[name] for name in ("generator", "discriminator", "projection")}
        load_warm_start(networks, start)
        trainer.average.load_state_dict(trainer.generator.state_dict())
    began = time.monotonic()
    for losses in trainer.run():
        if trainer.steps_done % 50 == 0:
            terms = torch.stack(tuple(losses)).nan_to_num().tolist()
            named = dict(zip(losses._fields, terms, strict=True))
            log(work, trainer.steps_done, time.monotonic() - began, pool, named)
        if trainer.steps_done % 1000 == 0:
            export(trainer, work / "warm_start.safetensors", pool.painted)
    pool.close()
    export(trainer, work / "warm_start.safetensors", pool.painted)
    return trainer


def export(trainer: Trainer, path: Path, paintings: int) -> None:
    """Write the networks in half precision, with what they were learned from."""
    tensors: dict[str, Tensor] = {}
    networks = {
        "generator": trainer.average,
        "discriminator": trainer.discriminator,
        "projection": trainer.projection,
    }
    for name, network in networks.items():
        tensors |= checkpoint.prefixed(name, in_half(network))
    facts = {
        "steps": trainer.steps_done,
        "paintings": paintings,
        "settings": trainer.settings.to_dict(),
        "photographs": [asdict(photograph) for photograph in PHOTOGRAPHS],
    }
    with replacing(path) as part:
        save_file(tensors, part, metadata={"warm_start": json.dumps(facts)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Collect the photographs and learn."""
    parser = recipe_options(__doc__, work=Path("warm-start"), first=48)
    parser.add_argument("--crops", type=int, default=32, help="crops in a step")
    options = parser.parse_args(arguments)
    options.work.mkdir(parents=True, exist_ok=True)
    train(
        photograph_files(options.photographs, options.packages, options.work),
        options.work,
        joint_settings(options.crops, seconds=options.seconds),
        device=torch.device(options.device),
        workers=options.workers,
        first=options.first,
        start=options.start,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
