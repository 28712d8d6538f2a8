"""Progress bars on a terminal; elsewhere, a line from time to time."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from sinct.runtime.files import printable

from . import display
from .wording import as_options

if TYPE_CHECKING:
    import sinct
    from sinct.batch.progress import Progress as BatchProgress
    from sinct.comparison.stage import Stage


NARROW = 60
"""Columns below which there is no room for a bar beside the figures."""

FINDING, SHAPING = 0.2, 0.75
"""Shares of a training up to which its picture is only beginning, and taking shape; it settles from there on."""


class _TimeLeft(ProgressColumn):
    """Time left as sinct reports it, since sinct takes time budgets into account; none before it is known."""

    def render(self, task: Task) -> Text:
        if task.total is None:
            return Text()
        remaining = task.fields.get("remaining")
        return Text("-:--" if remaining is None else f"{display.clock(remaining)} left", style="cyan")


class _Share(ProgressColumn):
    """Share done, in per cent; none before it is known."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else Text(f"{task.percentage:>3.0f}%")


class _Moving(Progress):
    """A bar that moves on between two reports, as far as the work should have come meanwhile."""

    def get_renderables(self) -> Iterator[Any]:
        """See `rich.progress.Progress`."""
        for task in self.tasks:
            if told := task.fields.get("told"):
                when, fraction, remaining = told
                passed = time.monotonic() - when
                task.completed = moved(fraction, remaining, passed)
                task.fields["remaining"] = max(0.0, remaining - passed)
        yield from super().get_renderables()


def moved(fraction: float, remaining: float, passed: float) -> float:
    """How far work should have come, some seconds after it was at a fraction with a time left; 1 only where it was."""
    if fraction >= 1 or remaining <= 0:
        return fraction
    return max(fraction, min(0.99, fraction + (1 - fraction) * passed / remaining))


def progress_bar(*columns: ProgressColumn, quiet: bool) -> Progress:
    """A bar on stderr, on a terminal only; it disappears when the work is done."""
    return _Moving(
        *columns, console=display.err, disable=quiet or not display.err.is_terminal, transient=True
    )


@contextmanager
def waiting(text: str, *, quiet: bool) -> Iterator[None]:
    """Show that something is going on, on a terminal only."""
    if quiet or not display.err.is_terminal:
        yield
        return
    with display.err.status(text):
        yield


def load(*, quiet: bool) -> None:
    """Import what nearly all commands compute with. It takes seconds, so it is named."""
    with waiting("loading PyTorch", quiet=quiet):
        import sinct.api  # noqa: F401


class _Display:
    """Shows a progress bar as long as its context lasts.

    Args:
        quiet: show nothing at all.
        columns: what the bar shows, from left to right.
        opening: makes the lines that are shown once all that was given has been read and checked.
    """

    def __init__(
        self, *columns: ProgressColumn, quiet: bool, opening: Callable[[], Sequence[str]] = tuple
    ) -> None:
        self.quiet, self.opening, self.opened = quiet, opening, False
        self.bar = progress_bar(*columns, quiet=quiet)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.bar.stop()

    def open(self) -> None:
        """Print the first lines, unless that has been done."""
        if not self.opened and not self.quiet:
            for line in self.opening():
                display.remark(line)
        self.opened = True


def _gauge() -> tuple[ProgressColumn, ...]:
    """Columns of a bar with the time left and some figures; it fits the terminal from 40 characters on."""
    return (
        SpinnerColumn(),
        *([BarColumn(bar_width=10)] if display.err.width >= NARROW else []),
        _Share(table_column=Column(no_wrap=True)),
        _TimeLeft(table_column=Column(no_wrap=True)),
        TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)),
    )


class TrainingDisplay(_Display):
    """A progress bar fed by sinct's progress events.

    Args:
        quiet: show nothing at all.
        kept: what an interrupt leaves, in words.
        verbose: show the losses too.
        opening: makes the lines that are shown once all that was given has been read and checked.
    """

    def __init__(
        self,
        *,
        quiet: bool,
        kept: str = "the picture so far",
        verbose: bool = False,
        opening: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        super().__init__(*_gauge(), quiet=quiet, opening=opening)
        self.kept, self.verbose = kept, verbose
        self.task = self.bar.add_task(
            "training", total=None, figures="reading the pictures", remaining=None, told=None
        )
        self.troubled = False
        self.printed = 0.0

    def prepare(self, text: str) -> None:
        """Show what is being done before the first step; without a terminal, print a line."""
        if self.quiet:
            return
        self.open()
        self.bar.update(self.task, figures=text)
        if not display.err.is_terminal:
            display.remark(text)

    def __call__(self, progress: "sinct.Progress") -> None:
        """Show one event; without a terminal, print a line at every tenth of the way."""
        self.troubled = self.troubled or bool(progress.warnings)
        figures = self.figures(progress)
        self.bar.update(
            self.task, total=1.0, completed=progress.fraction, remaining=progress.remaining,
            told=(time.monotonic(), progress.fraction, progress.remaining),
            figures=figures if progress.fraction < 1 else "saving and writing",
        )  # fmt: skip
        if progress.outlook and not self.quiet:
            display.remark(f"{progress.outlook}; Ctrl-C any time keeps {self.kept}")
        for text in progress.warnings:
            display.warn(text, quiet=self.quiet)
        if not display.err.is_terminal and not self.quiet and progress.fraction >= self.printed + 0.1:
            self.printed = progress.fraction
            left = display.clock(progress.remaining)
            display.err.print(f"{progress.fraction:4.0%}  {left} left  {figures}", highlight=False)

    def figures(self, progress: "sinct.Progress") -> str:
        """Where a training is, how fast it goes, and how well: in plain words, or by its losses."""
        from sinct.training.terms import in_short

        of = "" if progress.steps is None else f" of {progress.steps:,}"
        step = f"step {progress.step:,}{of}"
        if display.err.is_terminal and display.err.width < NARROW:
            return step
        pace = f"{progress.rate:.1f} steps/s" if progress.rate >= 1 else f"{1 / progress.rate:.1f} s/step"
        if progress.epoch is not None:
            pace = f"epoch {progress.epoch:.1f}, {progress.rate * progress.pictures:.2g} images/s"
        if self.verbose:
            return f"step {progress.step} {pace} {in_short(progress.terms, progress.losses)}"
        return f"{step}, {pace}, {in_words(progress.fraction, troubled=self.troubled)}"


def in_words(fraction: float, *, troubled: bool) -> str:
    """How a training goes, for a person who knows no losses.

    Args:
        fraction: share of it that is done.
        troubled: whether there was a warning.
    """
    if troubled:
        return "see the warning"
    if fraction < FINDING:
        return "just begun"
    return "taking shape" if fraction < SHAPING else "settling"


class PixelDisplay(_Display):
    """A bar, in megapixels, for a picture that is translated row by row.

    Args:
        quiet: show nothing at all.
        doing: what is going on, to be shown until the first pixels are done; a picture that is translated whole
            reports none.
    """

    def __init__(self, *, quiet: bool, doing: str = "") -> None:
        super().__init__(*_gauge(), quiet=quiet)
        self.task: TaskID | None = None
        self.waiting = self.bar.add_task("waiting", total=None, figures=doing, visible=bool(doing))
        self.begun, self.first, self.printed = 0.0, 0, 0.0

    def __call__(self, done: int, total: int) -> None:
        """Show how many pixels are done; without a terminal, print a line at every tenth of the way."""
        if self.task is None:  # rate and time left count from here: a resumed picture has a head start
            self.bar.remove_task(self.waiting)
            self.task = self.bar.add_task("pixels", total=1.0, figures="", remaining=None)
            self.begun, self.first, self.printed = time.monotonic(), done, done / total
        rate = (done - self.first) / max(time.monotonic() - self.begun, 1e-9)
        remaining = (total - done) / rate if rate else None
        figures = f"{done / 1e6:.1f} of {total / 1e6:.1f} MP  {rate / 1e6:.2f} MP/s"
        self.bar.update(self.task, completed=done / total, figures=figures, remaining=remaining)
        if not display.err.is_terminal and not self.quiet and done / total >= self.printed + 0.1:
            self.printed = done / total
            left = "" if remaining is None else f"{display.clock(remaining)} left"
            display.err.print(f"{done / total:4.0%}  {left}  {figures}", highlight=False)


class CountDisplay(_Display):
    """A bar for pictures that are worked on one after another.

    Args:
        doing: what is done with them, in a word.
        quiet: show nothing at all.
    """

    def __init__(self, doing: str, *, quiet: bool) -> None:
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.completed:.0f} of {task.total:.0f}"),
            TimeElapsedColumn(),
            quiet=quiet,
        )
        self.doing = doing
        self.task: TaskID | None = None

    def __call__(self, done: int, total: int, doing: str = "") -> None:
        """Show how many pictures are done, and of what where that changes."""
        if self.task is None:
            self.task = self.bar.add_task(self.doing, total=total)
        self.bar.update(self.task, completed=done, total=total, description=printable(doing or self.doing))


class StageDisplay(_Display):
    """A line for each stage of a comparison, with a bar for the current one.

    Args:
        quiet: show nothing at all.
        opening: makes the lines that are shown once all that was given has been read and checked.
    """

    def __init__(self, *, quiet: bool, opening: Callable[[], Sequence[str]] = tuple) -> None:
        wide = display.err.width >= NARROW
        super().__init__(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=wide)),
            *([BarColumn(bar_width=20)] if wide else []),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            *([TimeElapsedColumn()] if wide else []),
            quiet=quiet,
            opening=opening,
        )
        self.tasks: dict[tuple[str | None, str], TaskID] = {}

    def __call__(self, stage: "Stage") -> None:
        """Show one event; without a terminal, print a line at the end of each stage."""
        self.open()
        key = (stage.pair, stage.name)
        label = f"{stage.pair + ': ' if stage.pair else ''}{stage.name} ({stage.index + 1} of {stage.count})"
        if key not in self.tasks:
            self.tasks[key] = self.bar.add_task(label, total=1.0)
        self.bar.update(self.tasks[key], completed=stage.fraction)
        if stage.fraction >= 1:
            self.bar.remove_task(self.tasks[key])
            if not self.quiet:
                result = f"no result: {as_options(stage.note)}" if stage.note else "done"
                display.remark(f"{label} {result}")


class BatchDisplay(_Display):
    """A bar for the whole batch, and one for each job that is running.

    Args:
        quiet: show nothing at all.
        opening: makes the lines that are shown once it is known what is left to do.
    """

    def __init__(self, *, quiet: bool, opening: Callable[[], Sequence[str]] = tuple) -> None:
        self.wide = display.err.width >= NARROW
        name = Column(max_width=30, no_wrap=True) if self.wide else Column(max_width=16, overflow="fold")
        super().__init__(
            TextColumn("{task.description}", markup=False, table_column=name),
            *([BarColumn(bar_width=10)] if self.wide else []),
            TextColumn("{task.percentage:>3.0f}%", table_column=Column(no_wrap=True)),
            _TimeLeft(table_column=Column(no_wrap=True)),
            TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=self.wide)),
            quiet=quiet,
            opening=opening,
        )
        self.all = self.bar.add_task("all", total=1.0, figures="", remaining=None)
        self.tasks: dict[str, TaskID] = {}
        self.begun = time.monotonic()
        self.first: int | None = None

    def __call__(self, progress: "BatchProgress") -> None:
        """Show one event; without a terminal, print a line whenever a job ends."""
        self.open()
        if self.first is None:
            self.first = progress.done
        hours = (time.monotonic() - self.begun) / 3600
        rate = f", {(progress.done - self.first) / hours:.1f}/h" if progress.done > self.first else ""
        failed = f", {progress.failed} failed" if progress.failed else ""
        figures = f"{progress.done} of {progress.total} done{rate}{failed}"
        share = (progress.done + progress.failed + sum(part for part, _ in progress.running.values())) / max(
            1, progress.total
        )
        short = f"{progress.done} of {progress.total}{failed}"
        self.bar.update(
            self.all, completed=share, figures=figures if self.wide else short, remaining=progress.remaining
        )
        for name in set(self.tasks) - set(progress.running):
            self.bar.remove_task(self.tasks.pop(name))
        for name, (part, remaining) in progress.running.items():
            if name not in self.tasks:
                self.tasks[name] = self.bar.add_task(name, total=1.0, figures="", remaining=None)
            self.bar.update(self.tasks[name], completed=part, remaining=remaining)
        if progress.note and not self.quiet:
            left = "" if progress.remaining is None else f", {display.clock(progress.remaining)} left"
            display.remark(f"{progress.note} ({figures}{left})")
