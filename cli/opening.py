"""The first lines of a command that takes long: what it does, to what, for how long, and where it can be watched."""

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sinct.errors import SinctError, counted

if TYPE_CHECKING:
    from sinct import Config
    from sinct.config import TrainingSettings
    from sinct.data.folders import Domains
    from sinct.training.run_directory import RunDirectory


def of_training(
    paintings: Sequence[Path],
    photos: Sequence[Path],
    preset: str,
    config: "Config | None",
    run_dir: Path,
    *,
    resume: bool,
) -> list[str]:
    """Lines before a training on paintings and photos.

    Args:
        paintings: files.
        photos: files.
        preset: name of the settings; a resumed run has its own.
        config: the settings, or None for those of the run.
        run_dir: its folder.
        resume: whether it goes on.
    """
    from sinct.objectives.cut import Trainer
    from sinct.training.run_directory import RunDirectory

    run = RunDirectory(run_dir)
    if resume:
        config, preset = config or run.read_config(Trainer)[0], run.preset() or preset
    assert config is not None
    length = _length(config, run if resume else None)
    return [f"{_with_look(paintings, photos)}: {preset}, {length}", f"preview: {run.preview}"]


def of_candidates(
    painting: Path, photos: Sequence[Path], preset: str, config: "Config", count: int, run_dir: Path
) -> list[str]:
    """Lines before trainings of candidates.

    Args:
        painting: a file.
        photos: files.
        preset: name of the settings, or names.
        config: settings whose length is the budget.
        count: number of candidates.
        run_dir: their folder.
    """
    from sinct.variations.candidates import folder_in

    what = f"{_with_look([painting], photos)}: {counted(count, 'candidate')}, {preset}"
    return [
        f"{what}; with the one that goes on, {_length(config, None)}",
        f"candidates: {folder_in(run_dir).path}",
    ]


def of_candidate(
    painting: Path,
    photos: Sequence[Path],
    run_dir: Path,
    number: int,
    steps: int | None,
    seconds: float | None,
) -> list[str]:
    """Lines before a candidate goes on.

    Args:
        painting: a file.
        photos: all files that were given to the candidates.
        run_dir: their folder.
        number: the candidate that goes on, from 1.
        steps, seconds: another length, see `sinct.continue_variation`.
    """
    from sinct.variations.candidates import folder_in
    from sinct.variations.choice import lengthened
    from sinct.variations.folder import settings_of

    folder = folder_in(run_dir)
    entry, run = folder.read().candidates[number - 1], folder.run(number)
    config = lengthened(entry, steps, seconds) or settings_of(entry)
    look = _with_look([painting], [photos[photo] for photo in entry.photos])
    return [
        f"{look}: candidate {number}, {entry.preset}, {_length(config, run)}",
        f"preview: {run.preview}",
    ]


def _with_look(paintings: Sequence[Path], photos: Sequence[Path]) -> str:
    what = described(paintings[0]) if len(paintings) == 1 else counted(len(paintings), "painting")
    look = described(photos[0]) if len(photos) == 1 else counted(len(photos), "photo")
    return f"{what}, with the look of {look}"


def of_folders(
    domains: "Domains", method: str, config: "TrainingSettings", run_dir: Path, *, resume: bool
) -> list[str]:
    """Lines before a training on two folders; a resumed one's settings are its own, up to its length."""
    from sinct.training.run_directory import RunDirectory

    run = RunDirectory(run_dir)
    pictures = f"{len(domains.source)} and {counted(len(domains.target), 'picture')}"
    length = _length(config, run if resume else None)
    return [f"two folders, {pictures}: {method}, {length}", f"preview: {run.preview}"]


def of_comparison(
    what: str,
    names: Sequence[str],
    *,
    pairs: int,
    seconds: float,
    iterations: int | None,
    seeds: int,
    random_weights: bool,
    page: Path,
) -> list[str]:
    """Lines before a comparison.

    Args:
        what: the pictures in words.
        names: methods that run, besides the controls.
        pairs: number of pairs.
        seconds: time for each run of a method.
        iterations: most iterations in each stage of a method, or None.
        seeds: number of seeds.
        random_weights: whether pretrained networks are replaced by random ones.
        page: where the report will be.
    """
    from sinct.comparison import methods
    from sinct.comparison.seeds import places
    from sinct.training.outlook import roughly

    runs = {name: len(places(name, 0, seeds, random_weights=random_weights)) for name in names}
    total = pairs * sum(count * seconds for name, count in runs.items() if methods.find(name).need)
    with_seeds = f", {seeds} seeds each" if seeds > 1 and any(count > 1 for count in runs.values()) else ""
    told = f"{', '.join(names) or 'no method'} and the controls{with_seeds}"
    limit = "" if iterations is None else f", {counted(iterations, 'iteration')} a stage"
    length = f"at most {roughly(seconds)} each{limit}, {roughly(total)} in all" if total else "done at once"
    return [f"{what}: {told}; {length}", f"report: {page}"]


def of_batch(folder: Path, *, places: int, sharing: int) -> list[str]:
    """Lines before a batch, once its ledger knows what is left to do.

    Args:
        folder: the batch's folder.
        places: number of jobs that run at a time.
        sharing: number of jobs on the same device.
    """
    import torch

    from sinct.batch import estimate
    from sinct.batch.ledger import State, ledger_path, read_entries
    from sinct.training.outlook import roughly

    entries = read_entries(ledger_path(folder))
    left = [entry for entry in entries if entry.state in (State.waiting, State.running)]
    done = [entry for entry in entries if entry.state is State.done]
    lines = [
        f"ledger: {ledger_path(folder)}; to see it meanwhile: sinct batch status {shlex.quote(str(folder))}"
    ]
    if not left:
        return [f"{counted(len(entries), 'picture')}, nothing left to do", *lines]
    presets = dict.fromkeys(entry.job.settings.preset for entry in left)
    steps = {entry.job.settings.config(torch.device("cpu")).steps for entry in left}
    each = f", {counted(steps.pop() or 0, 'step')} each" if len(steps) == 1 else ""
    seconds = estimate.seconds_left(left, done, places=places, sharing=sharing)
    takes = "the first will tell how long they take"
    if seconds is not None:
        takes = f"{'about' if done else 'at most'} {roughly(seconds)}"
    at_once = f", {min(places, len(left))} at once" if places > 1 and len(left) > 1 else ""
    what = f"{counted(len(entries), 'picture')}, {len(left)} to do{at_once}"
    return [f"{what}: {', '.join(presets)}{each}; {takes}", *lines]


def described(path: Path) -> str:
    """A picture's name and its size, as far as its header tells."""
    from sinct.pictures.decoding import read_header

    try:
        width, height = read_header(path).size
    except (SinctError, OSError):
        return path.name
    return f"{path.name} ({width}x{height} px)"


def _length(config: "TrainingSettings", begun: "RunDirectory | None") -> str:
    """How long a training is, as far as it is known before its first step; of one that has begun, its log tells."""
    from sinct.training.outlook import roughly

    if config.steps == 0:
        return "without training"
    limit = None if config.seconds is None else roughly(config.seconds)
    entries = begun.read_log() if begun else []
    if entries and config.steps:
        last = entries[-1]
        left = max(0, config.steps - last["step"])
        if not left:
            return f"all {counted(config.steps, 'step')} are done"
        pace = last.get("seconds", 0.0) / last["step"] if last["step"] else 0.0
        takes = f", about {roughly(left * pace)} at the pace so far" if pace else ""
        within = f", at most {limit} with what is done" if limit else ""
        return f"from step {last['step']:,} on to {config.steps:,}{takes}{within}"
    if config.steps is None:
        return f"for {limit}"
    steps = counted(config.steps, "step")
    return f"{steps}, at most {limit}" if limit else f"{steps}; the first will tell how long they take"
