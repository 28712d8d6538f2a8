"""A trained generator with what is needed to use it well."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sinct import checkpoint
from sinct.compact import make_generator
from sinct.config import Config
from sinct.device import gains_from_bfloat16
from sinct.errors import CheckpointError, ConfigError, DeviceError
from sinct.generator import GeneratorBase
from sinct.grain import grain
from sinct.smoothing import total_variation_smooth
from sinct.translation import WINDOW, translate_picture


@dataclass(frozen=True)
class Model:
    """The generator of a finished or interrupted training.

    Attributes:
        generator: running average, or raw weights where averaging was off.
        config: settings it was trained with.
        widths: smallest and largest width in pixels of the painting it was trained at.
        facts: what the training was of: steps, seconds, hashes and names of its inputs.
    """

    generator: GeneratorBase
    config: Config
    widths: tuple[int, int]
    facts: Mapping[str, Any]

    def translate(self, pixels: Tensor) -> Tensor:
        """Translate one picture of any size.

        Args:
            pixels: (3, H, W) in [-1, 1].

        Returns:
            (3, H, W) in [-1, 1], float32, on the CPU.

        Raises:
            DeviceError: there is not enough memory.
        """
        return self.generate(self.prepare(pixels))

    def prepare(self, pixels: Tensor) -> Tensor:
        """Bring a picture into the form that this generator was trained on, see `prepare`."""
        return prepare(pixels, self.config)

    def generate(self, pixels: Tensor, *, window: int = WINDOW) -> Tensor:
        """Run the generator over a prepared picture; where memory is short, in smaller windows.

        Args:
            pixels: (3, H, W) in [-1, 1].
            window: side of the windows to begin with, in pixels.

        Returns:
            (3, H, W) in [-1, 1], float32, on the CPU.

        Raises:
            DeviceError: not even windows of 128 px fit into memory.
        """
        device = next(self.generator.parameters()).device
        mixed = self.config.mixed_precision and gains_from_bfloat16(device)
        try:
            return translate_picture(self.generator, pixels, window=window, mixed_precision=mixed)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
        if window <= 128:
            raise DeviceError(
                f"not enough memory on {device} for a picture of {pixels.shape[2]}x{pixels.shape[1]} px; close "
                "other programs, give --device cpu, or a smaller picture"
            )
        return self.generate(pixels, window=window // 2)

    def save(self, path: Path) -> None:
        """Write the model as one small safetensors file (see `sinct.checkpoint`)."""
        tensors = checkpoint.prefixed("generator", self.generator.state_dict())
        checkpoint.save(path, "model", tensors, self.description())

    def description(self) -> dict[str, Any]:
        """JSON-serialisable facts that `load_model` reads back."""
        return {"config": self.config.to_dict(), "widths": list(self.widths), "facts": dict(self.facts)}


def prepare(pixels: Tensor, config: Config) -> Tensor:
    """Reduce brush strokes and lay grain, as trainings with these settings do.

    Args:
        pixels: (3, H, W) in [-1, 1].
        config: of the training.

    Returns:
        (3, H, W), about [-1, 1]; the same for the same seed and size.
    """
    if config.detail < 1:
        pixels = torch.lerp(total_variation_smooth(pixels, config.smoothing), pixels, config.detail)
    if config.grain > 0:
        random = torch.Generator().manual_seed(config.seed)
        _, height, width = pixels.shape
        pixels = pixels + grain(1, height, width, config.grain, random)[0].to(pixels)
    return pixels


def load_model(path: Path, device: torch.device) -> Model:
    """Load a model from a run directory, its checkpoint, or a model file.

    Raises:
        InputError: nothing is there.
        CheckpointError: it is damaged or of another version.
    """
    if path.is_dir():
        stored = [path / "model.safetensors", path / "checkpoint.safetensors"]
        path = next((file for file in stored if file.exists()), stored[0])
    loaded = checkpoint.load(path)
    try:
        config = Config.from_dict(loaded.description["config"])
        low, high = loaded.description["widths"]
        generator = make_generator(config.width, compact=config.compact)
        if loaded.description["kind"] == "model":
            name = "generator"
        elif loaded.description.get("best"):
            name = "best"
        else:
            name = "average" if config.ema_decay else "generator"
        generator.load_state_dict(checkpoint.part(loaded.tensors, name))
    except (KeyError, ValueError, TypeError, RuntimeError, ConfigError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path} holds no generator that fits its settings ({reason})") from None
    generator.requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Model(generator, config, (low, high), loaded.description["facts"])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether torch or Python could not allocate; torch reports it as RuntimeError on a CPU."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)
