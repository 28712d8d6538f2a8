"""A run directory: everything one training leaves on the disk.

config.json              settings, inputs with their hashes, device and versions
checkpoint.safetensors   all that is needed to continue (see `sinct.inference.checkpoint`)
model.safetensors        the generator alone, for `apply`
last.safetensors         likewise its last state, in trainings on folders, where model.safetensors holds the best
log.jsonl                one JSON object every 10 steps: step, seconds, learning rate, mean losses, any warnings, and
                         in the first after it was resumed, at which step
losses.png               the losses as a plot, drawn at the end
preview.png              painting, translation so far with its step and photo, side by side, refreshed during
                         training; for a series, one row for each of up to three paintings
"""

import json
import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from sinct.config import TrainingSettings
from sinct.errors import CheckpointError, OutputError, one_line
from sinct.inference import checkpoint
from sinct.pictures.picture import write_picture
from sinct.runtime.files import printable, replacing, unwritable
from sinct.runtime.json_files import parsed, read_json, restored
from sinct.training.plot import draw_losses
from sinct.training.preview import in_rows
from sinct.training.terms import Term

if TYPE_CHECKING:
    from sinct.training.run import Named


LARGEST = 1e39
"""Bound of all numbers in a log; losses are in single precision."""


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
        """The generator alone, for `apply`."""
        return self.path / "model.safetensors"

    @property
    def last(self) -> Path:
        """The generator of the last state, where `model` holds a better one, of trainings that keep both."""
        return self.path / "last.safetensors"

    @property
    def log(self) -> Path:
        """Losses and warnings, JSON lines."""
        return self.path / "log.jsonl"

    @property
    def preview(self) -> Path:
        """Picture of the translation so far."""
        return self.path / "preview.png"

    @property
    def plot(self) -> Path:
        """Losses over steps."""
        return self.path / "losses.png"

    def check_free(self, *, overwrite: bool) -> None:
        """See whether a new run may begin here, before any work is done for it.

        It may in place of a run that was killed before it had saved anything.

        Raises:
            OutputError: the folder holds a run and `overwrite` is off.
        """
        if overwrite or not (self.checkpoint.exists() or self.model.exists()):
            return
        on = "`resume=True` to continue it, " if self.config.exists() else ""
        raise OutputError(
            f"{self.path} already holds a run; pass {on}`overwrite=True` to start again, or another `run_dir`"
        )

    def create(self, *, overwrite: bool) -> None:
        """Create the folder, or delete an older run's files from it.

        Raises:
            OutputError: it holds a run and `overwrite` is off, or it cannot be created.
        """
        self.check_free(overwrite=overwrite)
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            for file in self._present():
                file.unlink()
        except OSError as error:
            raise unwritable(self.path, error) from None

    def _present(self) -> list[Path]:
        """Files of a run that are there."""
        ours = (
            self.config, self.checkpoint, self.model, self.last, self.log, self.preview, self.plot
        )  # fmt: skip
        return [file for file in ours if file.exists()]

    def write_config(self, config: TrainingSettings, facts: Mapping[str, Any]) -> None:
        """Write config.json."""
        text = json.dumps({"config": config.to_dict(), **facts}, indent=2) + "\n"
        with replacing(self.config) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def read_config(self, objective: "Named") -> tuple[Any, dict[str, Any]]:
        """Read config.json back: the objective's settings, and the other facts.

        Raises:
            CheckpointError: it is missing, damaged, or from another objective.
            ConfigError: its settings are not the objective's.
        """
        try:
            facts = restored(Mapping[str, Any], read_json(self.config), "its content")
            name = facts.get("objective", "cut")  # version 0.1 did not store it
            if name != objective.name:
                theirs = printable(one_line(name))
                raise CheckpointError(
                    f"{self.path} is a run of the objective {theirs}, not of {objective.name}; give another `run_dir`"
                )
            settings = restored(Mapping[str, Any], facts.pop("config"), "config")
            return objective.settings_type.from_run(settings), facts
        except FileNotFoundError:
            if self._present():  # it was killed while it replaced an older run
                raise CheckpointError(
                    f"{self.path} holds a run without its config.json, which cannot be resumed; start again with "
                    "`overwrite=True`"
                ) from None
            if (self.path / "variations" / "variations.json").exists():  # see sinct.variations.folder
                raise CheckpointError(
                    f"{self.path} holds variations, no run of its own; leave out `resume=True`, and go on with one of "
                    "them by its number, `number=K`"
                ) from None
            raise CheckpointError(
                f"{self.path} holds no run to resume; leave out `resume=True` to start one"
            ) from None
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise CheckpointError(
                f"{self.config} is damaged ({printable(one_line(error))}); start again with `overwrite=True`"
            ) from None

    def preset(self) -> str | None:
        """Name of the settings with which the run began, as far as config.json can be read."""
        try:
            name = json.loads(self.config.read_text(encoding="utf-8"))["preset"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return name if isinstance(name, str) else None

    def append_log(self, entry: Mapping[str, Any]) -> None:
        """Add one line to the log.

        Raises:
            OutputError: it cannot be written.
        """
        finite = {name: None if isinstance(x, float) and math.isnan(x) else x for name, x in entry.items()}
        try:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(finite) + "\n")
        except OSError as error:
            raise unwritable(self.log, error) from None

    def read_log(self) -> list[dict[str, Any]]:
        """Entries of the log, without lines that a kill has cut off or that are no entries.

        Raises:
            CheckpointError: it cannot be read.
        """
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise CheckpointError(
                f"cannot read {self.log}: {error.strerror}; check its permissions"
            ) from None
        entries = []
        for line in text.splitlines():
            with suppress(ValueError):
                entry = parsed(line)
                if isinstance(entry, dict):
                    restored(int, entry.get("step"), "step")
                    for name, value in entry.items():
                        if isinstance(value, int | float) and not abs(value) < LARGEST:
                            raise ValueError(f"{name} is no loss")
                    entries.append(entry)
        return entries

    def rewind_log(self, step: int) -> None:
        """Drop entries after a step, which a resumed run will write again."""
        kept = [entry for entry in self.read_log() if entry["step"] <= step]
        with replacing(self.log) as temporary:
            temporary.write_text("".join(json.dumps(entry) + "\n" for entry in kept), encoding="utf-8")

    def save(self, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
        """Write the checkpoint completely, or keep the older one."""
        checkpoint.save(self.checkpoint, "checkpoint", tensors, description)

    def write_preview(self, rows: Sequence[Sequence[Tensor]], labels: Sequence[str]) -> None:
        """Write rows of pictures, each row at the height of its first picture, at most 640 px.

        Args:
            rows: pictures side by side, (3, H, W) each, in [-1, 1]; shorter rows are filled with white.
            labels: what is written above the pictures of every row.
        """
        write_picture(self.preview, in_rows(rows, labels), overwrite=True)

    def write_plot(self, terms: Sequence[Term], best: int | None = None) -> None:
        """Draw the log's losses over steps, one panel for each term, with marks where something happened.

        Args:
            terms: terms of the objective.
            best: step whose state is kept, or None where that is the last one.
        """
        figure = draw_losses(self.read_log(), terms, best)
        if figure is None:
            return
        with replacing(self.plot) as temporary:
            figure.savefig(temporary, format="png", dpi=100)
