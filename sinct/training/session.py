"""One training with its run directory: reports, log, preview and checkpoints while it runs."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from sinct.errors import Remark
from sinct.inference.model import Model
from sinct.measures.warnings import FLAWS, discriminator_warnings
from sinct.networks.base import GeneratorBase
from sinct.runtime.speed import synchronise
from sinct.training.loop import Loop
from sinct.training.outlook import outlook, pace
from sinct.training.progress import OnProgress, Progress, Training
from sinct.training.run_directory import RunDirectory
from sinct.training.terms import LossTerms, Term, from_json, to_json
from sinct.training.views import Views

LOG_INTERVAL = 10
"""Steps from one log line and progress report to the next."""

CHECKPOINT_SECONDS = 60.0
"""Most work that a crash can lose; an interrupt loses none."""

PREVIEW_SHARE = 0.03
"""Largest share of the time that previews may take."""


class Session:
    """Keeps a run directory and the caller up to date while a training runs.

    Args:
        trainer: the training.
        views: what it is shown and judged by.
        run: where everything is kept.
        facts: facts about the run, for the model file.
        report: called after the first few steps, with an outlook, and every `LOG_INTERVAL` steps.
        recent: losses of the steps since the last line of the log, as a checkpoint of the run has them.
    """

    def __init__(
        self,
        trainer: Loop[Any, Any],
        views: Views,
        run: RunDirectory,
        facts: Mapping[str, Any],
        report: OnProgress,
        recent: Sequence[Mapping[str, float | None]] = (),
    ) -> None:
        self.trainer = trainer
        self.views = views
        self.run = run
        self.facts = facts
        self.report = report
        # Codes of warnings, so that none is repeated when only its figures change.
        self.seen: set[str] = set()
        self.warnings: list[Remark] = []
        self.unreported: list[Remark] = []
        self.recent: list[LossTerms] = [from_json(losses, trainer.device) for losses in recent]
        self.reported_at = time.monotonic()
        self.begun_at = trainer.steps_done, trainer.seconds_done
        self.resumed = trainer.steps_done  # until the log has it
        self.shown: Sequence[Sequence[Tensor]] = ()  # the latest preview, until it has been reported
        self.durations: list[float] | None = []  # of the first steps, until they have been told

    def train(self, should_stop: Callable[[], bool], until: float = 1.0) -> Training:
        """Run to the end or until told to stop; afterwards everything is on the disk.

        Args:
            should_stop: asked before the first step and after each.
            until: share of the training, in [0, 1], after which it is left unfinished.
        """
        trainer = self.trainer
        next_preview, next_checkpoint = 0.0, time.monotonic() + CHECKPOINT_SECONDS
        health = [Health(term) for term in trainer.terms if term.won_below is not None]
        if not should_stop() and trainer.progress < until:
            began = time.monotonic()
            for losses in trainer.run():
                self.recent.append(losses)
                self.look_ahead(began)
                if trainer.steps_done % LOG_INTERVAL == 0 or trainer.progress >= 1:
                    for each in health:
                        each.note(self.recent)
                        self.warn(each.warnings())
                    self.log()
                if (now := time.monotonic()) >= next_preview:
                    self.preview()
                    next_preview = now + max(2.0, (time.monotonic() - now) / PREVIEW_SHARE)
                self.views.look(self.model)  # before the checkpoint, which would continue behind this look
                if now >= next_checkpoint:
                    self.save()
                    next_checkpoint = now + CHECKPOINT_SECONDS
                if should_stop() or trainer.plateaued or trainer.progress >= until:
                    break
                began = time.monotonic()
        self.save()
        self.settle(self.preview())
        self.run.write_plot(trainer.terms, trainer.best.step if trainer.best else None)
        return Training(
            self.result(),
            self.run.path,
            trainer.steps_done,
            trainer.seconds_done,
            trainer.best.step if trainer.best else trainer.steps_done,
            trainer.progress >= 1 or trainer.plateaued,
            tuple(self.warnings),
            trainer.settings.steps,
            trainer.capped,
        )

    @property
    def state(self) -> str:
        """Of what step the translations are that previews show, in words."""
        steps, best = self.trainer.steps_done, self.trainer.best
        if best is not None and best.step < steps:
            return f"best result, of step {best.step:,}"
        return f"result at step {steps:,}" if steps else "result without training"

    def model(self) -> Model:
        """The present generator."""
        return self._model(self.trainer.present)

    def result(self) -> Model:
        """The best generator so far, or the present one where none has been chosen."""
        return self._model(self.trainer.result)

    def _model(self, generator: GeneratorBase) -> Model:
        trainer = self.trainer
        facts = {**self.facts, "steps": trainer.steps_done, "seconds": round(trainer.seconds_done, 3)}
        return trainer.model(generator, self.views.widths, facts)

    def save(self) -> None:
        """Write checkpoint and model."""
        trainer, model = self.trainer, self.result()
        progress = {
            "step": trainer.steps_done,
            "seconds": trainer.seconds_done,
            "best": trainer.best,
            "recent": [to_json(losses) for losses in self.recent],
        }
        networks = {name: type(network).__name__ for name, network in trainer.networks.items()}
        tensors = {**trainer.state(), **model.content_tensors()}
        self.run.save(tensors, {**model.description(), "networks": networks, **progress})
        model.save(self.run.model)
        if self.views.keeps_last and trainer.best is not None:
            self.model().save(self.run.last)

    def preview(self) -> list[Remark]:
        """Refresh the preview, and warn of visible flaws in it, which are returned."""
        rows, found = self.views.preview(self.result())
        self.run.write_preview(rows, self.views.labels(self.state))
        self.shown = rows
        if self.trainer.progress > 0.2:  # flaws in a GAN's first pictures mean nothing
            self.warn(found)
        return found

    def settle(self, found: Sequence[Remark]) -> None:
        """Let the warnings of flaws be those of the last preview: others have passed, and advice has changed."""
        last = {remark.code: remark for remark in found}
        self.warnings = [
            last.get(remark.code, remark)
            for remark in self.warnings
            if remark.code in last or remark.code not in FLAWS
        ]

    def warn(self, found: Sequence[Remark]) -> None:
        """Keep warnings of a new kind for the next report."""
        for remark in found:
            if remark.code not in self.seen:
                self.seen.add(remark.code)
                self.warnings.append(remark)
                self.unreported.append(remark)

    def log(self) -> None:
        """Write one line to the log and report it."""
        self.warn(self.trainer.remarks)
        trainer, now = self.trainer, time.monotonic()
        rate = len(self.recent) / max(now - self.reported_at, 1e-9)
        means = self.means()
        fresh, self.unreported = self.unreported, []
        rate_now = next(iter(trainer.optimizers.values())).param_groups[0]["lr"]
        entry = {
            "step": trainer.steps_done,
            "seconds": round(trainer.seconds_done, 3),
            "learning_rate": float(f"{rate_now:.6g}"),
            **means,
        }
        more = {"warnings": fresh, "resumed": self.resumed}
        self.run.append_log({**entry, **{name: value for name, value in more.items() if value}})
        self.resumed = 0
        self.tell(rate, means, warnings=tuple(fresh))
        self.recent, self.reported_at = [], now

    def look_ahead(self, began: float) -> None:
        """Note the duration of a step; once enough are known, report what the training will take.

        Args:
            began: when the step began, by the monotonic clock.
        """
        if self.durations is None:
            return
        synchronise(self.trainer.device)
        self.durations.append(time.monotonic() - began)
        step_seconds, settings = pace(self.durations), self.trainer.settings
        if step_seconds is None or self.trainer.progress >= 1:
            return
        self.durations = None
        remark = outlook(
            step_seconds,
            name=self.facts.get("preset", "training"),
            done=self.begun_at[0],
            seconds_done=self.begun_at[1],
            steps=settings.steps,
            seconds=settings.seconds,
        )
        self.tell(1 / step_seconds, self.means(), outlook=remark)

    def means(self) -> dict[str, float]:
        """Mean of each loss since the last log line, by name; NaN where it was never due."""
        values = torch.stack([torch.stack(tuple(losses)) for losses in self.recent]).nanmean(dim=0).tolist()
        return dict(zip(self.recent[0]._fields, values, strict=True))

    def tell(self, rate: float, means: Mapping[str, float], **remarks: Any) -> None:
        """Report where the training is.

        Args:
            rate: steps per second.
            means: losses, by name.
            remarks: `warnings` or `outlook` of the report.
        """
        trainer, settings = self.trainer, self.trainer.settings
        left = []
        if settings.steps is not None:
            left.append((settings.steps - trainer.steps_done) / rate)
        if settings.seconds is not None:
            left.append(settings.seconds - trainer.seconds_done)
        shown, self.shown = self.shown, ()
        self.report(
            Progress(
                step=trainer.steps_done,
                steps=settings.steps,
                seconds=trainer.seconds_done,
                fraction=trainer.progress,
                rate=rate,
                remaining=max(0.0, min(left)),
                losses=means,
                terms=trainer.terms,
                epoch=trainer.epoch,
                pictures=trainer.pictures,
                preview=shown,
                **remarks,
            )
        )


class Health:
    """Watches whether a discriminator has won.

    Args:
        term: the discriminator's loss.
    """

    def __init__(self, term: Term) -> None:
        assert term.won_below is not None
        self.term, self.limit = term, term.won_below
        self.latest: list[float] = []

    def note(self, losses: Sequence[LossTerms]) -> None:
        """Record the losses of one or more steps."""
        values = torch.stack([getattr(each, self.term.name) for each in losses]).tolist()
        self.latest = [*self.latest, *values][-100:]

    def warnings(self) -> list[Remark]:
        """Warn if the discriminator has won."""
        return discriminator_warnings(torch.tensor(self.latest), self.limit)
