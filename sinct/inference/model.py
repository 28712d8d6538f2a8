"""A trained generator with everything needed to use it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sinct.data.content import Content, prepare, prepared, stroke_change_of
from sinct.data.strokes import Bands, Planes
from sinct.errors import CheckpointError, InputError, OutOfMemoryError, one_line
from sinct.inference import checkpoint
from sinct.inference.mixing import Mix
from sinct.inference.whole import WINDOW, Part, translate_whole, translate_windows
from sinct.measures.warnings import ANOTHER_SEED, cure
from sinct.networks.base import GeneratorBase
from sinct.networks.choice import describe, make_stored
from sinct.pictures.cuts import Cut, cut_of
from sinct.pictures.windows import Span
from sinct.runtime.device import choose_device, gains_from_bfloat16, is_out_of_memory
from sinct.runtime.files import StrPath, printable
from sinct.runtime.json_files import restored


@dataclass(frozen=True)
class Model:
    """The generator of a finished or interrupted training.

    Attributes:
        generator: running average, or raw weights where averaging was off.
        content: how pictures are prepared for it.
        widths: smallest and largest width in pixels at which it saw paintings in training.
        objective: name of the objective it was trained with.
        settings: all settings of that training, JSON-serialisable.
        facts: facts about that training: steps, seconds, hashes and names of its inputs.
        mix: how translations are mixed with the picture that they are made from. It is not stored.
    """

    generator: GeneratorBase
    content: Content
    widths: tuple[int, int]
    objective: str
    settings: Mapping[str, Any]
    facts: Mapping[str, Any]
    mix: Mix = field(default_factory=Mix)

    @property
    def cure(self) -> str:
        """What to do about a flaw in its translations, see `sinct.measures.warnings.cure`."""
        steps, planned = self.facts.get("steps"), self.settings.get("steps")
        if not isinstance(steps, int):
            return ANOTHER_SEED
        warm = bool(self.settings.get("warm_start"))
        return cure(steps, planned if isinstance(planned, int) else None, warm=warm)

    def translate(self, pixels: Tensor) -> Tensor:
        """Translate one picture of any size, and mix the two as `mix` says.

        Args:
            pixels: (3, H, W) in [-1, 1].

        Returns:
            (3, H, W) in [-1, 1], float32, on the CPU.

        Raises:
            OutOfMemoryError: there is too little memory.
        """
        if self.mix.only_picture:
            return pixels.float().cpu().clone()
        height, width = pixels.shape[1:]
        prepared = self.prepared(cut_of(pixels), height, width)
        return self.mix.mixed(pixels, self._assembled(prepared, height, width, WINDOW))

    def prepare(self, pixels: Tensor) -> Tensor:
        """Bring a whole picture into the form that this generator was trained on, see `prepared`."""
        return prepare(pixels, self.content)

    def prepared(self, cut: Cut, height: int, width: int, change: Cut | None = None) -> Cut:
        """Bring a picture into the form that this generator was trained on, cut by cut, on the generator's device.

        Args:
            cut, height, width, change: see `sinct.data.content.prepared`.
        """
        return prepared(self._here(cut), height, width, self.content, change)

    def stroke_change(
        self, bands: Bands, height: int, width: int, planes: Planes, side: int | None
    ) -> Cut | None:
        """What taking strokes out of a picture changes, see `sinct.data.content.stroke_change_of`."""

        def here(asked: Sequence[tuple[int, int]]) -> Iterator[Cut]:
            return map(self._here, bands(asked))

        return stroke_change_of(here, height, width, self.content, planes=planes, side=side)

    def _here(self, cut: Cut) -> Cut:
        """The same cuts, on the generator's device."""
        return lambda rows, columns: cut(rows, columns).to(self.device)

    def generate(self, pixels: Tensor) -> Tensor:
        """Run the generator over a prepared picture.

        Args:
            pixels: (3, H, W) in [-1, 1].

        Returns:
            (3, H, W) in [-1, 1], float32, on the CPU.

        Raises:
            OutOfMemoryError: there is too little memory.
        """
        height, width = pixels.shape[1:]
        return self._assembled(cut_of(pixels), height, width, WINDOW)

    def windows(
        self, prepared: Cut, height: int, width: int, rows: Sequence[Span], columns: Sequence[Span]
    ) -> Iterator[Part]:
        """Run the generator over windows of a prepared picture, see `translate_windows`."""
        return translate_windows(
            self.generator,
            prepared,
            height,
            width,
            rows,
            columns,
            mixed_precision=self.mixed_precision,
            seed=self.content.seed,
        )

    @property
    def halo(self) -> int:
        """How many pixels around a window its pixels depend on, on each side, for generators that have a halo."""
        return self.generator.halo + self.mix.reach

    @property
    def device(self) -> torch.device:
        """Where the generator is."""
        return next(self.generator.parameters()).device

    @property
    def mixed_precision(self) -> bool:
        """Whether it runs in bfloat16: it was trained that way, and its device gains from it."""
        return bool(self.settings["mixed_precision"]) and gains_from_bfloat16(self.device)

    def _assembled(self, prepared: Cut, height: int, width: int, window: int) -> Tensor:
        """Translate the whole picture, in smaller windows where memory is short."""
        try:
            return translate_whole(
                self.generator,
                prepared,
                height,
                width,
                window=window,
                mixed_precision=self.mixed_precision,
                seed=self.content.seed,
            )
        except Exception as error:
            if not is_out_of_memory(error):
                raise
        if self.generator.whole:
            raise OutOfMemoryError(
                f"not enough memory on {self.device} for a picture of {width}x{height} px, which the generator "
                f"{self.generator.name!r} needs in one piece; close other programs, or give `device='cpu'` "
                "or a smaller picture"
            )
        if window <= 256:
            raise OutOfMemoryError(
                f"not enough memory on {self.device} for a picture of {width}x{height} px; close "
                "other programs, or give `device='cpu'` or `max_memory`"
            )
        return self._assembled(prepared, height, width, window // 2)

    def save(self, path: Path) -> None:
        """Write the model to one small safetensors file (see `sinct.inference.checkpoint`)."""
        tensors = checkpoint.prefixed("generator", self.generator.state_dict())
        checkpoint.save(path, "model", {**tensors, **self.content_tensors()}, self.description())

    def content_tensors(self) -> dict[str, Tensor]:
        """Tensors that `load_model` reads back beside the generator's, by their names in files."""
        return checkpoint.prefixed("content", self.content.tensors())

    def description(self) -> dict[str, Any]:
        """JSON-serialisable facts that `load_model` reads back."""
        return {
            "objective": self.objective,
            "generator": describe(self.generator),
            "content": self.content.numbers(),
            "config": dict(self.settings),
            "widths": list(self.widths),
            "facts": dict(self.facts),
        }


def load_model(path: StrPath, device: torch.device | str = "auto") -> Model:
    """Load a model from a run directory, its checkpoint, or a model file.

    Args:
        path: of the folder or file.
        device: where the model runs: auto, cpu, cuda, cuda:N or mps, or a device.

    Raises:
        DeviceError: the device is unknown or not there.
        InputError: the file does not exist.
        CheckpointError: the file is damaged or from another version.
    """
    path = Path(path)
    device = choose_device(device) if isinstance(device, str) else device
    if path.is_dir():
        stored = [path / "model.safetensors", path / "checkpoint.safetensors"]
        several = path / "variations"
        if not any(file.exists() for file in stored) and several.is_dir():
            raise InputError(
                f"{printable(path)} holds variations; give one of them, such as {printable(several / '1')}"
            )
        path = next((file for file in stored if file.exists()), stored[0])
    loaded = checkpoint.load(path)
    description = loaded.description
    try:
        settings, (low, high) = description["config"], description["widths"]
        # Version 0.1 had one objective; generator and content follow from its settings.
        network = description.get("generator") or {
            "name": "compact" if settings["compact"] else "stylegan2", "width": settings["width"]
        }  # fmt: skip
        content = description.get("content") or {
            name: settings[name] for name in ("smoothing", "detail", "grain", "seed")
        }
        generator = make_stored(checkpoint.part(loaded.tensors, _translating(description)), **network)
        model = Model(
            generator=generator,
            content=Content.from_parts(content, checkpoint.part(loaded.tensors, "content")),
            widths=restored(tuple[int, int], (low, high), "widths"),
            objective=restored(str, description.get("objective", "cut"), "objective"),
            settings=settings,
            facts=restored(Mapping[str, Any], description["facts"], "facts"),
        )
        if not 0 < low <= high < 2**31:
            raise ValueError(f"widths are {low} to {high}")
        for name, fact in model.facts.items():
            if isinstance(fact, list):  # names and hashes of pictures
                restored(tuple[str, ...], fact, name)
        restored(bool, settings["mixed_precision"], "mixed_precision")
        restored(int, settings["seed"], "seed")
    except (KeyError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        reason = printable(one_line(error))
        raise CheckpointError(f"{path} holds no generator that fits its settings ({reason})") from None
    generator.requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model


def _translating(description: Mapping[str, Any]) -> str:
    """Name of the network in a file that translates: in a checkpoint, the best, the averaged or the raw generator."""
    if description["kind"] == "model":
        return "generator"
    if description.get("best"):
        return "best"
    return "average" if description["config"]["ema_decay"] else "generator"
