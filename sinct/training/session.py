"""One training with its run directory: reports, log, preview and checkpoints while it runs."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sinct.data.series import spread
from sinct.errors import Remark
from sinct.inference.model import Model
from sinct.measures.warnings import discriminator_warnings, picture_warnings
from sinct.networks.base import GeneratorBase
from sinct.pictures.picture import Picture
from sinct.training.best import Looks
from sinct.training.loop import Loop
from sinct.training.preview import shrink
from sinct.training.progress import OnProgress, Progress, Training
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import LossTerms, Term

LOG_INTERVAL = 10
"""Steps from one log line and progress report to the next."""

CHECKPOINT_SECONDS = 60.0
"""Most work that a crash can lose; an interrupt loses none."""

PREVIEW_SHARE = 0.03
"""Largest share of the time that previews may take."""

PREVIEW_PIXELS = 2_000_000
"""Larger paintings are scaled down for the preview; up to this size it shows exactly what the result will be. The
paintings of a series share these pixels."""

PREVIEWED = 3
"""Paintings of a series that the preview shows, spread evenly over it."""

LOOKED_AT = 4
"""Paintings of a series that the best state is chosen by, spread evenly over it. Together they have as many pixels to
score as a single painting, since scoring takes time from training."""


class Session:
    """Keeps a run directory and the caller up to date while a training runs.

    Args:
        trainer: the training.
        sources: the paintings.
        photos: (3, H, W) in [-1, 1] each.
        widths: smallest and largest width in pixels that paintings are seen at.
        run: where everything is kept.
        facts: facts about the run, for the model file.
        report: called every `LOG_INTERVAL` steps.
    """

    def __init__(
        self,
        trainer: Loop[Any, Any],
        sources: Sequence[Picture],
        photos: Sequence[Tensor],
        widths: tuple[int, int],
        run: RunDirectory,
        facts: Mapping[str, Any],
        report: OnProgress,
    ) -> None:
        self.trainer = trainer
        self.photo = photos[0]
        shown = spread(sources, PREVIEWED)
        self.paintings = [shrink(source.pixels, PREVIEW_PIXELS // len(shown)) for source in shown]
        self.widths = widths
        self.run = run
        self.facts = facts
        self.report = report
        self.prepared = [self.model().prepare(painting) for painting in self.paintings]
        looked_at = [source.pixels for source in spread(sources, LOOKED_AT)]
        self.looks = Looks(trainer, looked_at, photos) if trainer.settings.patience else None
        # Codes of warnings, so that none is repeated when only its figures change.
        self.seen: set[str] = set()
        self.warnings: list[Remark] = []
        self.unreported: list[Remark] = []
        self.recent: list[LossTerms] = []
        self.reported_at = time.monotonic()

    def train(self, should_stop: Callable[[], bool]) -> Training:
        """Run to the end or until told to stop; afterwards everything is on the disk."""
        trainer = self.trainer
        next_preview, next_checkpoint = 0.0, time.monotonic() + CHECKPOINT_SECONDS
        health = [Health(term) for term in trainer.terms if term.won_below is not None]
        if not should_stop():
            for losses in trainer.run():
                self.recent.append(losses)
                for each in health:
                    each.note(losses)
                if trainer.steps_done % LOG_INTERVAL == 0 or trainer.progress >= 1:
                    for each in health:
                        self.warn(each.warnings())
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
        self.run.write_plot(trainer.terms)
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
        """The present generator."""
        return self._model(self.trainer.present)

    def result(self) -> Model:
        """The best generator so far, or the present one where none has been chosen."""
        return self._model(self.trainer.result)

    def _model(self, generator: GeneratorBase) -> Model:
        trainer = self.trainer
        facts = {**self.facts, "steps": trainer.steps_done, "seconds": round(trainer.seconds_done, 3)}
        return trainer.model(generator, self.widths, facts)

    def save(self) -> None:
        """Write checkpoint and model."""
        trainer, model = self.trainer, self.result()
        progress = {"step": trainer.steps_done, "seconds": trainer.seconds_done, "best": trainer.best}
        networks = {name: type(network).__name__ for name, network in trainer.networks.items()}
        self.run.save(trainer.state(), {**model.description(), "networks": networks, **progress})
        model.save(self.run.model)

    def preview(self) -> None:
        """Refresh the preview, and warn of visible flaws in it."""
        result = self.result()
        translations = [result.generate(prepared) for prepared in self.prepared]
        pairs = list(zip(self.paintings, translations, strict=True))
        self.run.write_preview([(painting, translation, self.photo) for painting, translation in pairs])
        if self.trainer.progress > 0.2:  # flaws in a GAN's first pictures mean nothing
            for painting, translation in pairs:
                self.warn(picture_warnings(translation, painting))

    def warn(self, found: Sequence[Remark]) -> None:
        """Keep warnings of a new kind for the next report."""
        for remark in found:
            if remark.code not in self.seen:
                self.seen.add(remark.code)
                self.warnings.append(remark)
                self.unreported.append(remark)

    def log(self) -> None:
        """Write one line to the log and report it."""
        trainer, settings, now = self.trainer, self.trainer.settings, time.monotonic()
        rate = len(self.recent) / max(now - self.reported_at, 1e-9)
        values = torch.stack([torch.stack(tuple(losses)) for losses in self.recent]).nanmean(dim=0).tolist()
        means = dict(zip(self.recent[0]._fields, values, strict=True))
        fresh, self.unreported = self.unreported, []
        entry = {"step": trainer.steps_done, "seconds": round(trainer.seconds_done, 3), **means}
        self.run.append_log({**entry, "warnings": fresh} if fresh else entry)
        if settings.steps is not None:
            remaining = (settings.steps - trainer.steps_done) / rate
        else:
            remaining = (settings.seconds or 0.0) - trainer.seconds_done
        self.report(
            Progress(
                step=trainer.steps_done,
                steps=settings.steps,
                seconds=trainer.seconds_done,
                fraction=trainer.progress,
                rate=rate,
                remaining=max(0.0, remaining),
                losses=means,
                warnings=tuple(fresh),
                terms=trainer.terms,
            )
        )
        self.recent, self.reported_at = [], now


class Health:
    """Watches whether a discriminator has won.

    Args:
        term: the discriminator's loss.
    """

    def __init__(self, term: Term) -> None:
        assert term.won_below is not None
        self.term, self.limit = term, term.won_below
        self.latest: list[float] = []

    def note(self, losses: LossTerms) -> None:
        """Record the losses of one step."""
        self.latest = [*self.latest[-99:], float(getattr(losses, self.term.name))]

    def warnings(self) -> list[Remark]:
        """Warn if the discriminator has won."""
        return discriminator_warnings(torch.tensor(self.latest), self.limit)
