"""A run directory: everything one training leaves on the disk.

config.json              settings, inputs with their hashes, device and versions
checkpoint.safetensors   all that is needed to continue (see `sinct.inference.checkpoint`)
model.safetensors        the generator alone, for `apply`
log.jsonl                one JSON object each 10 steps: step, seconds, mean losses; and warnings
losses.png               the same as a plot, drawn at the end
preview.png              painting, translation so far and photo, side by side, refreshed as it goes; of a series
                         a row for each of up to three paintings
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from sinct.config import Config
from sinct.errors import CheckpointError, OutputError
from sinct.inference import checkpoint
from sinct.pictures.picture import write_picture
from sinct.runtime.files import replacing, unwritable

PREVIEW_HEIGHT = 640
"""Pixels; three pictures of this height fit side by side on most screens."""


@dataclass(frozen=True)
class RunDirectory:
    """Paths and files of one run."""

    path: Path

    @property
    def config(self) -> Path:
        """Settings and inputs, JSON."""
        return self.path / "config.json"

    @property
    def checkpoint(self) -> Path:
        """State to continue from."""
        return self.path / "checkpoint.safetensors"

    @property
    def model(self) -> Path:
        """Generator for use."""
        return self.path / "model.safetensors"

    @property
    def log(self) -> Path:
        """Losses and warnings, JSON lines."""
        return self.path / "log.jsonl"

    @property
    def preview(self) -> Path:
        """Picture of the state so far."""
        return self.path / "preview.png"

    @property
    def plot(self) -> Path:
        """Losses over steps."""
        return self.path / "losses.png"

    def create(self, *, overwrite: bool) -> None:
        """Make the folder, or empty it of an older run's files.

        Raises:
            OutputError: it holds a run and `overwrite` is off, or it cannot be made.
        """
        ours = (self.config, self.checkpoint, self.model, self.log, self.preview, self.plot)
        present = [file for file in ours if file.exists()]
        if present and not overwrite:
            raise OutputError(
                f"{self.path} holds a run already; pass --resume to continue it, --overwrite to start again, or "
                "another --run-dir"
            )
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for file in present:
                file.unlink()
        except OSError as error:
            raise unwritable(self.path, error) from None

    def write_config(self, config: Config, facts: Mapping[str, Any]) -> None:
        """Write config.json."""
        text = json.dumps({"config": config.to_dict(), **facts}, indent=2) + "\n"
        with replacing(self.config) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def read_config(self) -> tuple[Config, dict[str, Any]]:
        """Read config.json back: settings, and the facts beside them.

        Raises:
            CheckpointError: there is none, or it is damaged.
            ConfigError: its settings are not ours.
        """
        try:
            facts = json.loads(self.config.read_text(encoding="utf-8"))
            return Config.from_dict(facts.pop("config")), facts
        except FileNotFoundError:
            raise CheckpointError(
                f"{self.path} holds no run to resume; leave out --resume to start one"
            ) from None
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise CheckpointError(
                f"{self.config} is damaged ({error}); start again with --overwrite"
            ) from None

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line to the log; a full disk is no reason to end a training."""
        finite = {name: None if isinstance(x, float) and math.isnan(x) else x for name, x in entry.items()}
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(finite) + "\n")
        except OSError as error:
            raise unwritable(self.log, error) from None

    def read_log(self) -> list[dict[str, Any]]:
        """Entries of the log; a line cut off by a kill is left out."""
        entries = []
        if self.log.exists():
            for line in self.log.read_text(encoding="utf-8").splitlines():
                try:
                    entries.append(json.loads(line))
                except ValueError:
                    continue
        return entries

    def rewind_log(self, step: int) -> None:
        """Drop entries beyond a step, which a resumed run will write again."""
        kept = [entry for entry in self.read_log() if entry["step"] <= step]
        with replacing(self.log) as temporary:
            temporary.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")

    def save(self, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
        """Write the checkpoint whole, or leave the older one."""
        checkpoint.save(self.checkpoint, "checkpoint", tensors, description)

    def write_preview(self, rows: Sequence[Sequence[Tensor]]) -> None:
        """Write rows of pictures, each at the height of its first one, at most 640 px.

        Args:
            rows: pictures side by side, (3, H, W) each, in [-1, 1]; shorter rows are filled up in white.
        """
        lines = [_side_by_side(row) for row in rows]
        width = max(line.shape[2] for line in lines)
        filled = [F.pad(line, (0, width - line.shape[2]), value=1.0) for line in lines]
        write_picture(self.preview, torch.cat(filled, dim=1), overwrite=True)

    def write_plot(self) -> None:
        """Draw the log's losses over steps, one panel each."""
        from matplotlib.figure import Figure  # slow to import, and needed only here

        entries = [entry for entry in self.read_log() if "adversarial_d" in entry]
        if not entries:
            return
        names = ("adversarial_d", "adversarial_g", "nce", "identity", "matching", "r1")
        figure = Figure(figsize=(10, 6), layout="constrained")
        for axes, name in zip(figure.subplots(2, 3).flat, names, strict=True):
            points = [(entry["step"], entry[name]) for entry in entries if entry.get(name) is not None]
            if not points:
                axes.set_axis_off()
                continue
            axes.plot(*zip(*points, strict=True), linewidth=0.8)
            axes.set(title=name, xlabel="step")
            axes.grid(alpha=0.3)
        with replacing(self.plot) as temporary:
            figure.savefig(temporary, format="png", dpi=100)


def _side_by_side(pictures: Sequence[Tensor]) -> Tensor:
    """Pictures at the first one's height, at most 640 px, as one, (3, H, W)."""
    height = min(PREVIEW_HEIGHT, pictures[0].shape[1])
    row = [
        F.interpolate(
            picture[None].cpu(),
            (height, max(1, round(picture.shape[2] * height / picture.shape[1]))),
            mode="bilinear",
            antialias=True,
        )[0]
        for picture in pictures
    ]
    return torch.cat(row, dim=2)


def shrink(picture: Tensor, pixels: int) -> Tensor:
    """Scale a picture down to at most a number of pixels, aspect kept; smaller ones stay.

    Args:
        picture: (3, H, W) in [-1, 1].
        pixels: height times width, about.
    """
    height, width = picture.shape[1:]
    scale = math.sqrt(pixels / (height * width))
    if scale >= 1:
        return picture
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return F.interpolate(picture[None], size, mode="bilinear", antialias=True)[0].clamp(-1, 1)
