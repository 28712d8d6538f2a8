"""A training together with its run directory: reports, log, preview, checkpoints, resuming."""

import math
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from torch import Tensor

from sinct.config import Config
from sinct.data.series import one_or_all, spread
from sinct.errors import CheckpointError, ConfigError, OutOfMemoryError
from sinct.inference import checkpoint
from sinct.inference.model import Model, prepare
from sinct.measures.warnings import discriminator_warnings, kind, picture_warnings
from sinct.networks.stylegan2_generator import GeneratorBase
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import Picture
from sinct.presets import preset as preset_config
from sinct.runtime.device import is_out_of_memory, memory
from sinct.training.best import FIRST_LOOK, LOOKS, PIXELS, make_score, middle
from sinct.training.loop import Best, Loop, LossTerms, seen_widths
from sinct.training.run_directory import RunDirectory, shrink
from sinct.version import __version__

LOG_INTERVAL = 10
"""Steps between two lines of the log and two events."""

CHECKPOINT_SECONDS = 60.0
"""At most this much work is lost to a crash; an interrupt loses none."""

PREVIEW_SHARE = 0.03
"""Share of the time that previews may take."""

PREVIEW_PIXELS = 2_000_000
"""Larger paintings are translated smaller for the preview; up to here it shows what the result will be. The
paintings of a series share them."""

PREVIEWED = 3
"""Paintings of a series that the preview shows, evenly spread over it."""

LOOKED_AT = 4
"""Paintings of a series that choose the best state, evenly spread over it; together they have as many pixels to
look at as one, since looking takes time from training."""


@dataclass(frozen=True)
class Progress:
    """What a training reports as it goes.

    Attributes:
        step: steps done, counted from the run's beginning.
        steps: steps in all, or None where the clock decides.
        seconds: spent training, from the run's beginning.
        fraction: done, in [0, 1].
        rate: steps per second of late.
        remaining: seconds left, as far as can be told.
        losses: means since the last report (see `sinct.objectives.cut.Losses`); NaN where a term was not due.
        warnings: new ones, one line each.
    """

    step: int
    steps: int | None
    seconds: float
    fraction: float
    rate: float
    remaining: float
    losses: Mapping[str, float]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Training:
    """A training that has ended or was stopped.

    Attributes:
        model: the generator as it stands.
        run_dir: where everything lies.
        steps: done.
        seconds: spent training.
        kept: step whose state the model is of: the last, or the best.
        finished: False when it was stopped before its length was reached or the picture stood still.
        warnings: all that came up, each once.
    """

    model: Model
    run_dir: Path
    steps: int
    seconds: float
    kept: int
    finished: bool
    warnings: tuple[str, ...]


OnProgress = Callable[[Progress], None]


def run_training(
    sources: Sequence[Picture],
    targets: Sequence[Picture],
    run: RunDirectory,
    *,
    names: Mapping[str, Any],
    config: Config | None,
    preset: str,
    device: torch.device,
    resume: bool,
    overwrite: bool,
    on_progress: OnProgress | None,
    should_stop: Callable[[], bool] | None,
    remarks: Sequence[str] = (),
    make: Callable[[Sequence[Tensor], Sequence[Tensor], Config, torch.device], Loop[Any]] = Trainer,
) -> Training:
    """Train on decoded pictures; see `sinct.train` for arguments, result and errors.

    Args:
        sources: the paintings, one or several.
        targets: the photos.
        run: where everything is kept.
        names: file names of the inputs, for config.json: "painting", of several a list, and "photos".
        config, preset, resume, overwrite, on_progress, should_stop: as for `sinct.train`.
        device: that is there.
        remarks: warnings to begin with.
        make: of the training; by default the paper's method.
    """
    if resume and overwrite:
        raise ConfigError("--resume and --overwrite contradict each other; give one of them")
    hashes = {
        "painting_sha256": one_or_all([source.sha256 for source in sources]),
        "photo_sha256": [photo.sha256 for photo in targets],
    }
    asked = config
    if resume:
        config, facts = run.read_config()
        if any(facts.get(name) != value for name, value in hashes.items()):
            raise CheckpointError(
                f"{run.path} is a run on other pictures ({facts.get('painting')}, {facts.get('photos')}); give "
                "those, or another --run-dir"
            )
        if asked is not None:
            config = config.replace(steps=asked.steps, seconds=asked.seconds)
    else:
        config = asked if asked is not None else preset_config(preset, device)
        facts = {"preset": preset, **names, **hashes, **_environment(device)}
    widths = _widths(sources, names.get("painting", ""), config)
    try:
        trainer = make(
            [source.pixels for source in sources], [photo.pixels for photo in targets], config, device
        )
        if resume:
            stored = checkpoint.load(run.checkpoint)
            best = stored.description.get("best")
            trainer.load_state(
                stored.tensors,
                stored.description["step"],
                stored.description["seconds"],
                Best(*best) if best else None,
            )
            run.rewind_log(trainer.steps_done)
        else:
            run.create(overwrite=overwrite)
        run.write_config(config, facts)
        session = _Session(trainer, sources, widths, run, facts, on_progress or (lambda progress: None))
        session.warn(remarks)
        return session.train(should_stop or (lambda: False))
    except Exception as error:
        if not is_out_of_memory(error):
            raise
    room = memory(device)
    free = f", {room.free / 1e9:.1f} GB of {room.total / 1e9:.1f} GB free" if room else ""
    raise OutOfMemoryError(
        f"out of memory on {device}: {config.crops} crops of {config.crop_size} px at width {config.width}{free}; "
        f"close other programs, or need about half with --set crops={max(2, config.crops // 2)} --set "
        f"identity_crops={config.identity_crops // 2}"
    )


class _Session:
    """Keeps a run directory and the caller up to date while a trainer runs."""

    def __init__(
        self,
        trainer: Loop[Any],
        sources: Sequence[Picture],
        widths: tuple[int, int],
        run: RunDirectory,
        facts: Mapping[str, Any],
        report: OnProgress,
    ) -> None:
        self.trainer = trainer
        shown = spread(sources, PREVIEWED)
        self.paintings = [shrink(source.pixels, PREVIEW_PIXELS // len(shown)) for source in shown]
        self.widths = widths
        self.run = run
        self.facts = facts
        self.report = report
        self.prepared = [self.model().prepare(painting) for painting in self.paintings]
        looked_at = [source.pixels for source in spread(sources, LOOKED_AT)]
        self.looks = _Looks(trainer, looked_at) if trainer.config.patience else None
        self.seen: set[str] = set()  # warnings by kind, so that none is repeated with new figures
        self.warnings: list[str] = []
        self.unreported: list[str] = []
        self.recent: list[LossTerms] = []
        self.reported_at = time.monotonic()

    def train(self, should_stop: Callable[[], bool]) -> Training:
        """Run to the end or until told to stop; everything is on the disk afterwards."""
        trainer = self.trainer
        next_preview, next_checkpoint = 0.0, time.monotonic() + CHECKPOINT_SECONDS
        discriminator: list[float] = []
        if not should_stop():
            for losses in trainer.run():
                self.recent.append(losses)
                discriminator = [*discriminator[-99:], float(losses.adversarial_d)]
                if trainer.steps_done % LOG_INTERVAL == 0 or trainer.progress >= 1:
                    self.warn(discriminator_warnings(torch.tensor(discriminator)))
                    self.log()
                if (now := time.monotonic()) >= next_preview:
                    self.preview()
                    next_preview = now + max(2.0, (time.monotonic() - now) / PREVIEW_SHARE)
                if now >= next_checkpoint:
                    self.save()
                    next_checkpoint = now + CHECKPOINT_SECONDS
                if self.looks is not None:
                    self.looks.take(self.model().generate)
                if should_stop() or trainer.plateaued:
                    break
        self.save()
        self.preview()
        self.run.write_plot()
        return Training(
            self.result(),
            self.run.path,
            trainer.steps_done,
            trainer.seconds_done,
            trainer.best.step if trainer.best else trainer.steps_done,
            trainer.progress >= 1 or trainer.plateaued,
            tuple(self.warnings),
        )

    def model(self) -> Model:
        """The generator as it stands now."""
        averaged = self.trainer.config.ema_decay > 0
        return self._model(self.trainer.average if averaged else self.trainer.generator)

    def result(self) -> Model:
        """The best generator so far, or the present one where none was chosen."""
        best = self.trainer.networks.get("best")
        return self._model(best) if isinstance(best, GeneratorBase) else self.model()

    def _model(self, generator: GeneratorBase) -> Model:
        trainer = self.trainer
        facts = {**self.facts, "steps": trainer.steps_done, "seconds": round(trainer.seconds_done, 3)}
        return Model(generator, trainer.config, self.widths, facts)

    def save(self) -> None:
        """Write checkpoint and model."""
        trainer, model = self.trainer, self.result()
        progress = {"step": trainer.steps_done, "seconds": trainer.seconds_done, "best": trainer.best}
        self.run.save(trainer.state(), {**model.description(), **progress})
        model.save(self.run.model)

    def preview(self) -> None:
        """Refresh the preview and look at it for what a person would see."""
        result, photo = self.result(), self.trainer.photos[0][:3]
        translations = [result.generate(prepared) for prepared in self.prepared]
        pairs = list(zip(self.paintings, translations, strict=True))
        self.run.write_preview([(painting, translation, photo) for painting, translation in pairs])
        if self.trainer.progress > 0.2:  # the first pictures of a GAN deserve no alarm
            for painting, translation in pairs:
                self.warn(picture_warnings(translation, painting))

    def warn(self, found: Sequence[str]) -> None:
        """Keep warnings of a new kind for the next report."""
        for text in found:
            if kind(text) not in self.seen:
                self.seen.add(kind(text))
                self.warnings.append(text)
                self.unreported.append(text)

    def log(self) -> None:
        """Write one line to the log and report it."""
        trainer, config, now = self.trainer, self.trainer.config, time.monotonic()
        rate = len(self.recent) / max(now - self.reported_at, 1e-9)
        values = torch.stack([torch.stack(tuple(losses)) for losses in self.recent]).nanmean(dim=0).tolist()
        means = dict(zip(self.recent[0]._fields, values, strict=True))
        fresh, self.unreported = self.unreported, []
        entry = {"step": trainer.steps_done, "seconds": round(trainer.seconds_done, 3), **means}
        self.run.append_log({**entry, "warnings": fresh} if fresh else entry)
        if config.steps is not None:
            remaining = (config.steps - trainer.steps_done) / rate
        else:
            remaining = (config.seconds or 0.0) - trainer.seconds_done
        self.report(
            Progress(
                step=trainer.steps_done,
                steps=config.steps,
                seconds=trainer.seconds_done,
                fraction=trainer.progress,
                rate=rate,
                remaining=max(0.0, remaining),
                losses=means,
                warnings=tuple(fresh),
            )
        )
        self.recent, self.reported_at = [], now


class _Looks:
    """Looks at the pictures at even shares of the last quarter and keeps the best state by their mean score."""

    def __init__(self, trainer: Loop[Any], paintings: Sequence[Tensor]) -> None:
        self.trainer = trainer
        views = [middle(painting, PIXELS // len(paintings)) for painting in paintings]
        self.prepared = [prepare(view, trainer.config) for view in views]
        photos = [photo[:3] for photo in trainer.photos]
        self.scores = [make_score(view, photos) for view in views]
        self.taken = self._due

    @property
    def _due(self) -> int:
        return math.floor((self.trainer.progress - FIRST_LOOK) / (1 - FIRST_LOOK) * LOOKS + 1e-6)

    def take(self, translate: Callable[[Tensor], Tensor]) -> None:
        """Look, if it is time; at shares of the progress, so that runs of so many steps can be repeated."""
        if self._due < 0 or self._due <= self.taken:
            return
        self.taken = self._due
        score = fmean(
            score(translate(prepared)) for score, prepared in zip(self.scores, self.prepared, strict=True)
        )
        if self.trainer.best is None or score < self.trainer.best.score:
            self.trainer.keep(score)


def _widths(sources: Sequence[Picture], names: str | Sequence[str], config: Config) -> tuple[int, int]:
    """Smallest and largest width that whole paintings are seen at, also those of which a training has a part.

    Raises:
        ConfigError: a painting is too narrow for a crop; of several, the message begins with its name.
    """
    names = [names] if isinstance(names, str) else names
    lowest, highest = [], []
    for name, source in zip(names, sources, strict=True):
        try:
            low, high = seen_widths(source.pixels, config)
        except ConfigError as error:
            raise ConfigError(f"{name}: {error}" if len(sources) > 1 else str(error)) from None
        lowest.append(round(low / source.share))
        highest.append(round(high / source.share))
    return min(lowest), max(highest)


def _environment(device: torch.device) -> dict[str, str]:
    """Versions and device, for config.json."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "sinct": __version__,
        "torch": torch.__version__,
        "python": platform.python_version(),
        "device": f"{device} {name}".strip(),
    }
