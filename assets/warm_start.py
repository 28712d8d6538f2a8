"""Learn the warm start: networks that a training on a new pair begins with.

    apt-get download gcompris-qt-data lomiri-wallpapers-16.04       # on Debian 12, 60 MB
    python -m assets.warm_start --packages . --work warm-start      # about two hours on two cores; run again to resume

Photographs of free licences (`assets.photographs`) are painted in many manners and palettes, and each painting is
given its photograph's colours back in closed form, as a user's painting is given the reference photo's. Generator,
discriminator and projection are then trained on all of them together, by the very step that trains on a user's pair
(`sinct.objectives.cut`), with the photograph itself as what the identity term asks for.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor

from assets.dabs import Manner, paint_dabs
from assets.painterly import Array
from assets.photographs import PHOTOGRAPHS, collect
from sinct.data.content import Content, prepare_pair
from sinct.data.grain import grain
from sinct.data.pair import PairBatch
from sinct.inference import checkpoint
from sinct.objectives.cut import CutSettings, Losses, Trainer
from sinct.presets import preset
from sinct.runtime.files import replacing
from sinct.training.loop import update

MANNERS = 4
"""Paintings of each photograph."""

LONG_SIDE = (620, 1024)
"""Range of the longer side in pixels that a photograph is scaled to before it is painted."""

ALONE = 0.4
"""Share of the steps in which the generator learns alone."""

DETAIL = 2.0
"""Weight of fine detail there, beside the pixels themselves."""


class Example(NamedTuple):
    """A painted photograph, (3, H, W) each in [-1, 1]: as a generator sees it, as it should keep it, the photograph."""

    seen: Tensor
    kept: Tensor
    photo: Tensor


def random_manner(rng: np.random.Generator) -> Manner:
    """Draw how a painting is painted: fine dabs to broad strokes, calm to restless, thin to thick."""
    finest = float(np.exp(rng.uniform(np.log(1.6), np.log(6.0))))
    return Manner(
        brushes=tuple(finest * factor for factor in (6.0, 3.0, 1.7, 1.0)),
        elongation=rng.uniform(1.3, 4.0),
        disorder=rng.uniform(0.1, 0.7),
        detail=rng.uniform(0.02, 0.06),
        overpaint=rng.uniform(0.1, 0.5),
        dryness=rng.uniform(0.0, 0.7),
        hue=rng.uniform(0.05, 0.35),
        saturation=rng.uniform(0.1, 0.4),
        value=rng.uniform(0.03, 0.11),
        impasto=rng.uniform(0.1, 0.9),
        canvas_grain=float(np.exp(rng.uniform(np.log(0.02), np.log(0.2)))),
        softness=rng.uniform(0.0, 0.9),
    )


def random_palette(photo: Array, rng: np.random.Generator) -> Array:
    """Change a photograph's colours, (H, W, 3) in [0, 1], as painters do: tinted, paler, lighter or darker."""
    middle = photo.mean((0, 1))
    tint = rng.normal(0, 0.07, 3)
    contrast = rng.uniform(0.45, 1.0)
    turn = np.eye(3) + rng.normal(0, 0.12, (3, 3))
    turn /= turn.sum(1, keepdims=True)  # grey stays grey, up to the tint
    level = middle + rng.uniform(-0.1, 0.25)
    changed = (photo - middle) @ turn.T * contrast + level + tint
    return np.asarray(changed.clip(0, 1), np.float32)


def make_example(path: Path, seed: int, content: Content) -> Example:
    """Paint a photograph once."""
    rng = np.random.default_rng(seed)
    picture = Image.open(path)
    scale = rng.uniform(*LONG_SIDE) / max(picture.size)
    size = max(256, round(picture.width * scale)), max(256, round(picture.height * scale))
    photo = np.asarray(picture.resize(size, Image.Resampling.LANCZOS), np.float32) / 255
    painting = paint_dabs(random_palette(photo, rng), random_manner(rng), seed=seed)
    target, painted = _tensor(photo), _tensor(painting)
    prepared = prepare_pair([painted], [target], content, in_photos_colours=True, repaint=False)
    return Example(*prepared.paintings[0], target)


def paint_all(photographs: Sequence[Path], folder: Path, content: Content) -> list[Path]:
    """Paint every photograph in several manners, unless that was done; files of 8-bit pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for manner in range(MANNERS):
        for number, path in enumerate(photographs):
            file = folder / f"{path.stem}-{manner}.safetensors"
            paths.append(file)
            if file.exists():
                continue
            example = make_example(path, 1000 * manner + number, content)
            with replacing(file) as part:
                save_file({name: _bytes(picture) for name, picture in example._asdict().items()}, part)
            print(f"painted {file.name}", flush=True)
    return paths


class JointSampler:
    """Draws crops of many painted photographs, each crop from another one.

    A step's paintings and photos show the same photographs, so that the discriminator learns to tell painting from
    photograph and not one motif from another.
    """

    def __init__(self, files: Sequence[Path], settings: CutSettings, random: torch.Generator) -> None:
        self.examples = [load_file(file) for file in files]
        self.settings, self.random = settings, random

    def sample(self) -> PairBatch:
        """Crops of one step, see `PairBatch`."""
        painting, content, photo, painted = [], [], [], []
        for _ in range(self.settings.crops):
            example = self.examples[self._below(len(self.examples))]
            change = self._light()
            seen, kept, _ = self._crop(example, change)
            painting.append(seen)
            content.append(kept)
            seen, _, target = self._crop(example, change)
            painted.append(seen)
            photo.append(target)
        crops = [torch.stack(each) for each in (painting, content, photo, painted)]
        crops[0], crops[3] = self.grained(crops[0]), self.grained(crops[3])
        return PairBatch(*(each.contiguous(memory_format=torch.channels_last) for each in crops))

    def grained(self, crops: Tensor) -> Tensor:
        """Add grain to (N, 3, S, S)."""
        size = self.settings.crop_size
        return crops + grain(len(crops), size, size, self.settings.grain, self.random)

    def _crop(self, example: dict[str, Tensor], change: Tensor) -> list[Tensor]:
        """Cut the three pictures of an example at one place, mirrored half of the time, in another light."""
        size = self.settings.crop_size
        height, width = example["photo"].shape[1:]
        top, left = self._below(height - size + 1), self._below(width - size + 1)
        mirrored = self._below(2)
        cut = []
        for name in Example._fields:
            crop = example[name][:, top : top + size, left : left + size].float() / 127.5 - 1
            crop = torch.addcmul(change[1], crop, change[0]).clamp(-1, 1)
            cut.append(crop.flip(2) if mirrored else crop)
        return cut

    def _light(self) -> Tensor:
        """A gain and an offset of each channel, (2, 3, 1, 1): exposure and white balance."""
        draw = torch.randn(2, 4, generator=self.random)
        both = draw[:, :1] * torch.tensor([[0.08], [0.05]]) + draw[:, 1:] * torch.tensor([[0.05], [0.03]])
        both[0] += 1
        return both[:, :, None, None]

    def _below(self, limit: int) -> int:
        return int(torch.randint(limit, (), generator=self.random))


class JointTrainer(Trainer):
    """Trains on many painted photographs at once.

    Args:
        files: what `paint_all` returned.
        settings: settings of the objective.
    """

    def __init__(self, files: Sequence[Path], settings: CutSettings) -> None:
        blank = torch.zeros(3, 256, 256)
        super().__init__([blank], [blank], settings, torch.device("cpu"))
        self.joint = JointSampler(files, settings, self.random)

    def sample(self) -> PairBatch:
        """Draw the crops of one step."""
        self.shift_tiles()
        return self.joint.sample()

    def step(self, batch: PairBatch) -> Losses:
        """Let the generator restore photographs alone at first, then take the objective's own step.

        A discriminator teaches little while anybody can tell the pictures apart, and costs more than the generator.
        """
        if self.steps_done >= ALONE * (self.settings.steps or 0):
            return super().step(batch)
        more = self.joint.sample()
        seen = torch.cat([batch.painted, more.painted])
        photo = torch.cat([batch.photo, more.photo])
        with self.autocast():
            restored = self.generator(seen)
        identity = F.l1_loss(restored.float(), photo)
        update(self.optimizer_g, identity + DETAIL * F.l1_loss(detail(restored.float()), detail(photo)))
        none = torch.zeros(())
        return Losses(none, none, none, none, identity.detach(), none, none, none)


def detail(pictures: Tensor) -> Tensor:
    """What a blur over 5 px removes from (N, 3, H, W)."""
    return pictures - F.avg_pool2d(pictures, 5, stride=1, padding=2, count_include_pad=False)


def joint_settings(steps: int) -> CutSettings:
    """Settings of the joint training: those of `draft`, with the photograph itself as the main teacher.

    Paintings are smoothed little, and show a part of their own strokes, which the generator must learn to remove.
    """
    return preset("draft", torch.device("cpu"), steps=steps).replace(
        identity_crops=4,
        identity_weight=4.0,
        matching_weight=2.0,
        anchor_weight=0.0,
        nce_weight=0.25,
        ema_decay=0.998,
        patience=0.0,
        recolour=False,
        texture=False,
        calm=False,
        smoothing=0.3,
        detail=0.3,
        grain=0.06,
        warm_start=False,
    )


def train(files: Sequence[Path], work: Path, steps: int) -> Trainer:
    """Train, or continue from the last checkpoint."""
    trainer = JointTrainer(files, joint_settings(steps))
    stored, log = work / "checkpoint.safetensors", work / "log.jsonl"
    if stored.exists():
        state = checkpoint.load(stored)
        trainer.load_state(state.tensors, state.description["step"], state.description["seconds"])
        print(f"continued after {trainer.steps_done} steps", flush=True)

    began, sums = time.monotonic(), torch.zeros(len(trainer.terms))
    for losses in trainer.run():
        sums += torch.stack(tuple(losses)).nan_to_num()
        if trainer.steps_done % 50 == 0:
            means = dict(zip(losses._fields, (sums / 50).tolist(), strict=True))
            line = {"steps": trainer.steps_done, "seconds": round(time.monotonic() - began, 1), **means}
            with log.open("a") as stream:
                stream.write(json.dumps(line) + "\n")
            sums.zero_()
        if trainer.steps_done % 250 == 0:
            done = {"step": trainer.steps_done, "seconds": trainer.seconds_done}
            checkpoint.save(stored, "checkpoint", trainer.state(), done)
            export(trainer, work / "warm_start.safetensors")
    return trainer


def export(trainer: Trainer, path: Path) -> None:
    """Write the networks in half precision, with what they were learned from."""
    tensors: dict[str, Tensor] = {}
    networks = {
        "generator": trainer.average,
        "discriminator": trainer.discriminator,
        "projection": trainer.projection,
    }
    for name, network in networks.items():
        half = {key: value.half().contiguous() for key, value in network.state_dict().items()}
        tensors |= checkpoint.prefixed(name, half)
    facts = {
        "steps": trainer.steps_done,
        "settings": trainer.settings.to_dict(),
        "photographs": [asdict(photograph) for photograph in PHOTOGRAPHS],
    }
    with replacing(path) as part:
        save_file(tensors, part, metadata={"warm_start": json.dumps(facts)})


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is left to do."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--packages", type=Path, default=Path(), help="folder with the .deb files")
    parser.add_argument("--work", type=Path, default=Path("warm-start"), help="where everything is kept")
    parser.add_argument("--steps", type=int, default=5000, help="length of the joint training")
    options = parser.parse_args(arguments)
    photographs = collect(options.packages, options.work / "photographs")
    files = paint_all(photographs, options.work / "paintings", joint_settings(options.steps).content)
    trainer = train(files, options.work, options.steps)
    export(trainer, options.work / "warm_start.safetensors")
    print(f"wrote {options.work / 'warm_start.safetensors'}")
    return 0


def _tensor(picture: Array) -> Tensor:
    """(H, W, 3) in [0, 1] -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).mul(2).sub(1)


def _bytes(picture: Tensor) -> Tensor:
    return ((picture.clamp(-1, 1) + 1) * 127.5).round().byte().contiguous()


if __name__ == "__main__":
    sys.exit(main())
