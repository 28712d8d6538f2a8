"""Trains and judges candidates one by one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch

from sinct.api import input_names
from sinct.errors import ConfigError, Remark, counted
from sinct.measures.warnings import picture_warnings
from sinct.objectives.cut import Trainer
from sinct.pictures.picture import Picture, write_picture
from sinct.training.best import make_judge
from sinct.training.loop import share_done
from sinct.training.outlook import per_step, roughly
from sinct.training.pair_run import PREVIEW_PIXELS, Drawn, run_training
from sinct.training.preview import on_white, shrink
from sinct.training.progress import OnPreparing, Progress, Training
from sinct.variations.candidates import is_trained
from sinct.variations.folder import Entry, Folder, Record, Result, settings_of
from sinct.variations.plan import FEWEST_STEPS


@dataclass(frozen=True)
class VariationProgress:
    """What `vary` reports as it goes.

    Attributes:
        number: number of the candidate that is trained, from 1.
        count: number of candidates.
        fraction: share of all their training that is done, in [0, 1].
        remaining: estimated seconds until all are trained.
        training: report of this candidate's training; its `fraction` and `remaining` count up to its whole length, as
            if it were continued. Its `outlook` is that of all candidates.
    """

    number: int
    count: int
    fraction: float
    remaining: float
    training: Progress


OnVariation = Callable[[VariationProgress], None]


class Work:
    """Trains and judges candidates on decoded pictures.

    Args:
        folder: where everything is kept.
        painting: the painting.
        photos: the photos.
        drawn: maps of the painting and of each photo, if there are any.
        device: where the networks run.
        on_progress, on_preparing, should_stop: see `vary`.
    """

    def __init__(
        self,
        folder: Folder,
        painting: Picture,
        photos: Sequence[Picture],
        drawn: Drawn | None,
        device: torch.device,
        on_progress: OnVariation | None,
        on_preparing: OnPreparing | None,
        should_stop: Callable[[], bool] | None,
    ) -> None:
        self.folder, self.painting, self.photos, self.device = folder, painting, photos, device
        self.drawn = drawn
        self.on_progress, self.on_preparing, self.should_stop = on_progress, on_preparing, should_stop
        self.told = False

    def train(self, record: Record, number: int) -> Result | None:
        """Train one candidate, from where it is, and judge it; None where that was stopped early.

        Raises:
            ConfigError: its time was up before it had enough steps to be judged by.
        """
        entry, run = record.candidates[number - 1], self.folder.run(number)
        photos = [self.photos[photo] for photo in entry.photos]
        maps, remarks = (None, []) if self.drawn is None else self.drawn.matched(entry.photos)
        training = run_training(
            Trainer,
            [self.painting],
            photos,
            run,
            names=input_names([record.painting], [record.photos[photo] for photo in entry.photos]),
            config=settings_of(entry),
            preset=entry.preset,
            device=self.device,
            resume=run.config.exists(),
            overwrite=False,
            on_progress=self._report(record, number),
            on_preparing=self.on_preparing,
            should_stop=self.should_stop,
            until=entry.until,
            maps=maps,
            remarks=remarks,
        )
        if not _reached(training, entry):
            return None
        settings = settings_of(entry)
        if settings.seconds is not None and training.steps < FEWEST_STEPS and settings.steps != 0:
            raise ConfigError(
                f"the time is too short for {len(record.candidates)} candidates: candidate {number} had "
                f"{entry.until * settings.seconds:.3g} s, which was enough for {counted(training.steps, 'step')}; "
                "start again with `overwrite=True` and more `seconds`, or with fewer candidates"
            )
        return self._judged(training, entry, number)

    def _judged(self, training: Training, entry: Entry, number: int) -> Result:
        """Score a candidate's translation, and keep that as a picture."""
        small = shrink(self.painting.visible, PREVIEW_PIXELS)
        photos = [self.photos[photo].cut_out().visible for photo in entry.photos]
        made = training.model.translate(small)
        score = make_judge(small, photos)(made)
        shown = on_white(made, self.painting.alpha)
        write_picture(self.folder.picture(number), shown, overwrite=True)
        found = tuple(
            (remark.code, str(remark))
            for remark in picture_warnings(made, small, what_to_do=training.model.cure)
        )
        return Result(training.steps, training.seconds, score, found)

    def _report(self, record: Record, number: int) -> Callable[[Progress], None]:
        """What turns reports of one candidate's training into those of all."""
        trained = [
            is_trained(self.folder, other, entry) for other, entry in enumerate(record.candidates, start=1)
        ]
        own = record.candidates[number - 1]
        waiting = sum(not done for done in trained) - 1

        seconds = settings_of(own).seconds

        def report(progress: Progress) -> None:
            part = min(1.0, progress.fraction / own.until)
            lengths = []  # of this candidate in steps, at the present rate
            if progress.steps is not None:
                lengths.append(own.until * progress.steps)
            if seconds is not None:
                lengths.append(progress.step + (own.until * seconds - progress.seconds) * progress.rate)
            each = min(lengths)
            remaining = max(0.0, each * (1 + waiting) - progress.step) / progress.rate
            if progress.outlook is not None:
                outlook = None if self.told else _outlook(remaining, progress.rate, waiting + 1, round(each))
                self.told, progress = True, replace(progress, outlook=outlook)
            if self.on_progress is not None:
                fraction = (sum(trained) + part) / len(trained)
                self.on_progress(VariationProgress(number, len(trained), fraction, remaining, progress))

        return report


def _reached(training: Training, entry: Entry) -> bool:
    """Whether a candidate has been trained as far as candidates are."""
    settings = settings_of(entry)
    share = share_done(training.steps, training.seconds, steps=settings.steps, seconds=settings.seconds)
    return training.finished or share >= entry.until


def _outlook(seconds: float, rate: float, count: int, steps: int) -> Remark:
    """Say in one line how long candidates take, see `sinct.training.outlook`.

    Args:
        seconds: time for all that are left.
        rate: steps per second.
        count: candidates that are left, the present one among them.
        steps: steps of each.
    """
    several = f"{counted(count, 'candidate')} of {counted(steps, 'step')}"
    return Remark("outlook", f"{per_step(1 / rate)} on this machine: {several}, about {roughly(seconds)}")
