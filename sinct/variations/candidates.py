"""The candidates of a folder of variations, as callers see them, and the sheet that shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from sinct.data.strokes import AS_TOLD
from sinct.errors import Remark, counted
from sinct.pictures.picture import Picture
from sinct.report.labelled_sheet import Cell, labelled_sheet, save_sheet
from sinct.report.pictures import read, to_image
from sinct.runtime.files import StrPath
from sinct.training.pair_run import PREVIEW_PIXELS
from sinct.training.preview import on_white, shrink
from sinct.variations.folder import Continued, Entry, Folder, Record, settings_of

SCORE = (
    "Score: distance to the photo's colours, texture and casts, relative to the painting's own distance, plus the part "
    "of the painting's edges that is lost. Lower is better; the painting itself has 1."
)
"""What candidates are judged by, in words; see `sinct.training.best.make_score`."""


@dataclass(frozen=True)
class Candidate:
    """One of several short trainings to choose from.

    Attributes:
        number: its number, from 1.
        label: what distinguishes it from the others: its seed, preset, photo or `faithful`.
        seed: its seed.
        preset: name of its settings.
        photos: file names of its photos.
        run_dir: its run directory, which `apply` takes.
        picture: the painting as it translates it, at most 2 megapixels.
        planned: steps that it is trained as a candidate; None where only the clock decides.
        whole: steps that it has in all if it is continued; None where only the clock decides.
        steps: steps that it was trained as a candidate, 0 until it is.
        seconds: seconds that took.
        score: its score, lower is better, see `SCORE`; None until it is trained.
        warnings: flaws that show in it, one line each.
        continued: what became of it if it was chosen.
        pruned: whether its checkpoint was removed, so that it cannot be continued any more.
        faithful: how much of the painting it keeps, see `sinct.Config`.
    """

    number: int
    label: str
    seed: int
    preset: str
    photos: tuple[str, ...]
    run_dir: Path
    picture: Path
    planned: int | None
    whole: int | None
    steps: int = 0
    seconds: float = 0.0
    score: float | None = None
    warnings: tuple[Remark, ...] = ()
    continued: Continued | None = None
    pruned: bool = False
    faithful: float = AS_TOLD


@dataclass(frozen=True)
class Variations:
    """Candidates that belong together.

    Attributes:
        folder: holds everything, see `sinct.variations.folder`.
        sheet: picture of the painting, the photos and the candidates trained so far; None where there are none yet.
        candidates: all of them, also those that are not trained yet.
    """

    folder: Path
    sheet: Path | None
    candidates: tuple[Candidate, ...]

    @property
    def finished(self) -> bool:
        """Whether all candidates are trained; `vary`, called again, trains the others."""
        return all(candidate.score is not None for candidate in self.candidates)

    @property
    def best(self) -> int | None:
        """Number of the candidate with the lowest score among those with the fewest visible flaws; None without any.

        The score is the one by which a training keeps its best state. It asks for both halves of the task, the photo's
        look and the painting's forms: by each measure of `evaluate`, the photo or the painting itself would win.
        """
        trained = [candidate for candidate in self.candidates if candidate.score is not None]
        ranked = sorted(
            trained, key=lambda candidate: (len(candidate.warnings), candidate.score, candidate.number)
        )
        return ranked[0].number if ranked else None

    @property
    def warnings(self) -> tuple[Remark, ...]:
        """What to know about the scores, where candidates have different targets or settings."""
        found = []
        if len({candidate.photos for candidate in self.candidates}) > 1:
            text = (
                "each candidate is judged by its own photo, so scores compare only roughly; look at the sheet"
            )
            found.append(Remark("scores_of_photos", text))
        if len({candidate.preset for candidate in self.candidates}) > 1:
            text = (
                "scores favour the presets that train towards the same statistics, which are sinct's own, and "
                "those that need few steps; look at the sheet"
            )
            found.append(Remark("scores_of_presets", text))
        if len({candidate.faithful for candidate in self.candidates}) > 1:
            text = (
                "how much of the strokes should stay depends on the painting, which scores cannot tell; look at "
                "the sheet"
            )
            found.append(Remark("scores_of_faithful", text))
        return tuple(found)


def read_variations(run_dir: StrPath) -> Variations:
    """What a folder of variations holds.

    Args:
        run_dir: the `run_dir` of `vary`: the output's name with .sinct, if no other was given.

    Raises:
        CheckpointError: it holds no variations, or they are damaged.
    """
    folder = folder_in(run_dir)
    return variations_of(folder, folder.read())


def folder_in(run_dir: StrPath) -> Folder:
    """The folder of variations in a run directory."""
    return Folder(Path(run_dir) / "variations")


def variations_of(folder: Folder, record: Record) -> Variations:
    """Stored variations, as callers see them."""
    found = tuple(
        _candidate(folder, record, number, entry) for number, entry in enumerate(record.candidates, start=1)
    )
    return Variations(folder.path, folder.sheet, found)


def is_trained(folder: Folder, number: int, entry: Entry) -> bool:
    """Whether a candidate has a result, and a model and a picture that show it."""
    return entry.result is not None and folder.run(number).model.exists() and folder.picture(number).exists()


def _candidate(folder: Folder, record: Record, number: int, entry: Entry) -> Candidate:
    settings = settings_of(entry)
    result = entry.result if is_trained(folder, number, entry) else None
    return Candidate(
        number=number,
        label=_label(record, entry),
        seed=settings.seed,
        preset=entry.preset,
        photos=tuple(record.photos[photo] for photo in entry.photos),
        run_dir=folder.run(number).path,
        picture=folder.picture(number),
        planned=None if settings.steps is None else round(entry.until * settings.steps),
        whole=settings.steps,
        steps=result.steps if result else 0,
        seconds=result.seconds if result else 0.0,
        score=result.score if result else None,
        warnings=tuple(Remark(code, text) for code, text in result.warnings) if result else (),
        continued=entry.continued,
        pruned=entry.pruned,
        faithful=settings.faithful,
    )


def _label(record: Record, entry: Entry) -> str:
    """What distinguishes a candidate from the others: its preset, photo, `faithful` or seed, those that differ."""
    others = record.candidates
    parts = []
    if len({each.preset for each in others}) > 1:
        parts.append(entry.preset)
    if len({each.photos for each in others}) > 1:
        parts.append(", ".join(record.photos[number] for number in entry.photos))
    if len({settings_of(each).faithful for each in others}) > 1:
        parts.append(f"faithful {settings_of(entry).faithful:g}")
    if len({settings_of(each).seed for each in others}) > 1:
        parts.append(f"seed {settings_of(entry).seed}")
    return ", ".join(parts)


def write_sheet(folder: Folder, record: Record, painting: Picture, photos: Sequence[Picture]) -> None:
    """Draw painting, photos and the candidates trained so far side by side; a frame marks the best by the score.

    Args:
        folder: folder of the variations.
        record: its record.
        painting: the painting, as it was trained on.
        photos: the photos.

    Raises:
        OutputError: the sheet cannot be written.
        InputError: a candidate's picture is damaged.
    """
    found = variations_of(folder, record)
    inputs = [Cell(_shown(painting), (f"painting: {record.painting}",))]
    inputs += [
        Cell(_shown(photo), (f"photo: {name}",)) for photo, name in zip(photos, record.photos, strict=True)
    ]
    made = []
    for candidate in found.candidates:
        if candidate.score is not None:
            best = found.finished and candidate.number == found.best
            lines = (
                f"{candidate.number}: {candidate.label}",
                f"{counted(candidate.steps, 'step')}, score {candidate.score:.3f}{', best' if best else ''}",
            )
            made.append(Cell(read(candidate.picture), lines, marked=best))
    groups = [inputs, made] if made else [inputs]
    save_sheet(labelled_sheet(groups, SCORE), *folder.sheets)


def _shown(picture: Picture) -> Image.Image:
    return to_image(on_white(shrink(picture.pixels, PREVIEW_PIXELS), picture.alpha))
