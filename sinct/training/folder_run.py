"""One training on two folders of pictures, and what it is judged by while it runs."""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from sinct.data.folders import Domains
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.data.series import spread
from sinct.errors import InputError, Remark, counted
from sinct.inference.model import Model
from sinct.measures.folder_distance import distribution_gap, set_distribution
from sinct.runtime.files import printable
from sinct.training.loop import Loop
from sinct.training.progress import OnPreparing, OnProgress, Training
from sinct.training.run import Named, run_in_directory
from sinct.training.run_directory import RunDirectory
from sinct.training.views import Views

PREVIEWED = 4
"""Test pictures that the preview shows, spread evenly over their folder."""

LOOKED_AT = 64
"""Most test pictures by which the best state is chosen, likewise."""

LOOKS = 20
"""Points of a training, at equal distances, the last at its end."""

FIRST_LOOK = 0.5
"""Share of a training from which test pictures are looked at, at these points. Before, hardly anything is learned, and
a measure of colours and textures can prefer plain grey to pictures with wrong colours."""


class FolderObjective(Named, Protocol):
    """A training class for two folders, see `sinct.objectives`."""

    def __call__(
        self, sources: Sequence[Path], targets: Sequence[Path], settings: Any, device: torch.device, /
    ) -> Loop[Any, Any]:
        """Create a training."""


@dataclass(frozen=True)
class Judge:
    """What scores sets of translations.

    Attributes:
        name: of the score, for a person.
        score: (3, H, W) in [-1, 1] each -> distance to the target pictures; lower is better.
    """

    name: str
    score: Callable[[Sequence[Tensor]], float]


def run_folder_training(
    objective: FolderObjective,
    domains: Domains,
    run: RunDirectory,
    *,
    config: Any,
    preset: str,
    device: torch.device,
    resume: bool,
    overwrite: bool,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
    make_judge: Callable[[Sequence[Path], FolderSettings], Judge] | None = None,
    on_preparing: OnPreparing | None = None,
) -> Training:
    """Train on two folders; see `sinct.folders.train` for arguments, result and errors.

    Args:
        objective: objective to train.
        domains: the pictures.
        run: where everything is kept.
        config: settings of the objective; None only where a run is resumed with its own.
        preset: name of the method, for config.json.
        device: where the networks run.
        resume, overwrite, on_progress, on_preparing, should_stop: as for `sinct.train`.
        make_judge: makes what chooses the best state, from files of the target domain; None takes `distance_judge`.
    """

    def make(settings: Any, tell: OnPreparing) -> tuple[Loop[Any, Any], Callable[[], Views]]:
        tell("looking through the folders")
        trainer = objective(domains.source, domains.target, settings, device)
        return trainer, lambda: FolderViews(trainer, domains, make_judge or distance_judge)

    return run_in_directory(
        objective,
        run,
        make,
        inputs={"sources_sha256": hash_of(domains.source), "targets_sha256": hash_of(domains.target)},
        names={"sources": folder_of(domains.source), "targets": folder_of(domains.target)},
        config=config,
        preset=preset,
        device=device,
        resume=resume,
        overwrite=overwrite,
        on_progress=on_progress,
        should_stop=should_stop,
        smaller=_smaller,
        length=("steps", "seconds", "rate_epochs"),
        on_preparing=on_preparing,
    )


class FolderViews:
    """What a training on two folders shows, see `sinct.training.views.Views`.

    The best state, of the second half, is that whose translations of test pictures are nearest to the target domain's.
    Until then, previews show the present one. Where there are no
    test pictures, those that are trained on serve.

    Args:
        trainer: the training.
        domains: the pictures.
        make_judge: makes what scores translations, from files of the target domain; not before the first look.

    Attributes:
        scores: progress at each look, and the score.
    """

    def __init__(
        self,
        trainer: Loop[Any, Any],
        domains: Domains,
        make_judge: Callable[[Sequence[Path], FolderSettings], Judge],
    ) -> None:
        settings: Any = trainer.settings
        self.trainer, self.settings = trainer, settings
        self.keeps_last = True
        self.widths = (min(settings.crop_size, settings.load_size), settings.load_size)
        self.tests = spread(domains.test_source or domains.source, LOOKED_AT)
        self.targets = spread(domains.test_target or domains.target, LOOKED_AT)
        self.make_judge = make_judge
        self.judge: Judge | None = None
        self.shown = _read(spread(self.tests, PREVIEWED), settings)
        self.aims = _read(spread(self.targets, PREVIEWED), settings)
        self.taken = self._due

    def preview(self, model: Model) -> tuple[list[list[Tensor]], list[Remark]]:
        """See `Views`: a test picture, its translation and some picture of the target domain in each row."""
        rows = [[picture, model.translate(picture)] for picture in self.shown]
        return [[*row, *self.aims[n : n + 1]] for n, row in enumerate(rows)], []

    def labels(self, result: str) -> list[str]:
        """See `Views`."""
        return ["source", result, *(["a target"] if self.aims else [])]

    def look(self, model: Callable[[], Model]) -> None:
        """See `Views`; progress decides when, so that a run with a given number of steps is repeatable."""
        if self._due <= self.taken:
            return
        self.taken = self._due
        if self.taken < FIRST_LOOK * LOOKS:
            return
        if self.judge is None:
            self.judge = self.make_judge(self.targets, self.settings)
        now = model()
        score = self.judge.score([now.translate(picture) for picture in _read(self.tests, self.settings)])
        if self.trainer.best is None or score < self.trainer.best.score:
            self.trainer.keep(score)

    @property
    def _due(self) -> int:
        return math.floor(self.trainer.progress * LOOKS + 1e-6)


def distance_judge(targets: Sequence[Path], settings: FolderSettings) -> Judge:
    """Score by `sinct.measures.folder_distance`, which needs no weights."""
    wanted = set_distribution(_read(targets, settings))
    return Judge("distance", lambda made: distribution_gap(set_distribution(made), wanted))


def _read(paths: Sequence[Path], settings: FolderSettings) -> list[Tensor]:
    """Test pictures, without those that cannot be read; training has named them.

    Raises:
        InputError: none can be read.
    """
    found, fault = [], ""
    for path in paths:
        try:
            found.append(read_test_image(path, settings))
        except InputError as error:
            fault = str(error)
    if not found:
        raise InputError(f"no test picture can be read: {fault}")
    return found


def hash_of(paths: Sequence[Path]) -> str:
    """SHA-256 of the pictures' names and sizes, in their order: reading all of them would take long."""
    digest = hashlib.sha256()
    for path in paths:
        size = path.stat().st_size if path.exists() else -1
        digest.update(f"{path.name!r} {size}\n".encode(errors="surrogateescape"))
    return digest.hexdigest()


def folder_of(paths: Sequence[Path]) -> str:
    """What a run says of its pictures: how many, and where the first lies."""
    return f"{counted(len(paths), 'picture')}, {printable(paths[0].parent)}"


def _smaller(config: Any) -> tuple[str, str]:
    """See `run_in_directory`."""
    return (
        f"{counted(config.batch_size, 'crop')} of {config.crop_size} px at width {config.width}",
        f"give `crop_size={max(64, config.crop_size // 2)}`, a smaller `width` or `batch_size=1`",
    )
