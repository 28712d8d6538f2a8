"""A trained generator with what is needed to use it well."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sinct.config import Config
from sinct.data.grain import grain_at
from sinct.data.smoothing import ITERATIONS, total_variation_smooth
from sinct.errors import CheckpointError, ConfigError, OutOfMemoryError, one_line
from sinct.inference import checkpoint
from sinct.inference.whole import WINDOW, Cut, Part, translate_whole, translate_windows
from sinct.networks.compact_generator import make_generator
from sinct.networks.stylegan2_generator import GeneratorBase
from sinct.pictures.windows import Span
from sinct.runtime.device import gains_from_bfloat16, is_out_of_memory


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
            OutOfMemoryError: there is not enough memory.
        """
        height, width = pixels.shape[1:]
        prepared = self.prepared(lambda rows, columns: pixels[:, rows, columns], height, width)
        return self._assembled(prepared, height, width, WINDOW)

    def prepare(self, pixels: Tensor) -> Tensor:
        """Bring a whole picture into the form that this generator was trained on, see `prepared`."""
        return prepare(pixels, self.config)

    def prepared(self, cut: Cut, height: int, width: int) -> Cut:
        """Bring a picture into the form that this generator was trained on, cut by cut, on its device."""
        device = self.device
        return prepared(lambda rows, columns: cut(rows, columns).to(device), height, width, self.config)

    def generate(self, pixels: Tensor) -> Tensor:
        """Run the generator over a prepared picture.

        Args:
            pixels: (3, H, W) in [-1, 1].

        Returns:
            (3, H, W) in [-1, 1], float32, on the CPU.

        Raises:
            OutOfMemoryError: there is not enough memory.
        """
        height, width = pixels.shape[1:]
        return self._assembled(lambda rows, columns: pixels[:, rows, columns], height, width, WINDOW)

    def windows(
        self, prepared: Cut, height: int, width: int, rows: Sequence[Span], columns: Sequence[Span]
    ) -> Iterator[Part]:
        """Run the generator over windows of a prepared picture, see `translate_windows`."""
        return translate_windows(
            self.generator, prepared, height, width, rows, columns, mixed_precision=self.mixed_precision
        )

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.generator.parameters()).device

    @property
    def mixed_precision(self) -> bool:
        """Whether it runs in bfloat16: it was trained so, and its device gains from it."""
        return self.config.mixed_precision and gains_from_bfloat16(self.device)

    def _assembled(self, prepared: Cut, height: int, width: int, window: int) -> Tensor:
        """The whole picture; where memory is short, in smaller windows."""
        try:
            return translate_whole(
                self.generator, prepared, height, width, window=window, mixed_precision=self.mixed_precision
            )
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        if window <= 256:
            raise OutOfMemoryError(
                f"not enough memory on {self.device} for a picture of {width}x{height} px; close "
                'other programs, give `device="cpu"`, or `max_memory=1.5e9`'
            )
        return self._assembled(prepared, height, width, window // 2)

    def save(self, path: Path) -> None:
        """Write the model as one small safetensors file (see `sinct.inference.checkpoint`)."""
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
    height, width = pixels.shape[1:]
    whole = prepared(lambda rows, columns: pixels[:, rows, columns], height, width, config)
    return whole(slice(0, height), slice(0, width))


def prepared(cut: Cut, height: int, width: int, config: Config) -> Cut:
    """`prepare` cut by cut: each cut is the same as that of the whole picture prepared, to rounding.

    Args:
        cut: gives the picture's pixels.
        height: of the picture in pixels.
        width: of the picture in pixels.
        config: of the training.
    """
    reach = context(config)

    def prepare_cut(rows: slice, columns: slice) -> Tensor:
        top, left = max(0, rows.start - reach), max(0, columns.start - reach)
        bottom, right = min(height, rows.stop + reach), min(width, columns.stop + reach)
        pixels = cut(slice(top, bottom), slice(left, right))
        if reach:
            smooth = total_variation_smooth(pixels, config.smoothing)
            pixels = torch.lerp(smooth, pixels, config.detail)
        pixels = pixels[:, rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
        if config.grain > 0:
            pixels = pixels + grain_at(rows, columns, config.grain, config.seed).to(pixels)
        return pixels

    return prepare_cut


def context(config: Config) -> int:
    """Pixels beyond a cut, on each side, that its preparation depends on."""
    return ITERATIONS if config.detail < 1 and config.smoothing > 0 else 0


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
        reason = one_line(error)
        raise CheckpointError(f"{path} holds no generator that fits its settings ({reason})") from None
    generator.requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Model(generator, config, (low, high), loaded.description["facts"])
