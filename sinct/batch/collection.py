"""Turns a collection (a folder, a pattern or a manifest) into a list of jobs."""

import glob
import os
import warnings
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import torch

from sinct.batch import storage
from sinct.batch.descriptions import Descriptions
from sinct.batch.jobs import SERIES, Job, distinct
from sinct.batch.ledger import ledger_path, read_entries
from sinct.batch.manifest import MANIFESTS, read_manifest
from sinct.batch.matching import PhotosFor, photos_by_look, photos_by_name, same_photos
from sinct.batch.settings import Settings
from sinct.data.series import choose
from sinct.errors import ConfigError, InputError, counted
from sinct.pictures.collecting import is_picture
from sinct.pictures.encoding import FORMATS
from sinct.pictures.formats import READ_SUFFIXES

COMPANIONS = (
    ".aae", ".csv", ".db", ".doc", ".docx", ".htm", ".html", ".ini", ".json", ".jsonl", ".lnk", ".log", ".md", ".pdf",
    ".rtf", ".thm", ".txt", ".url", ".xls", ".xlsx", ".xml", ".xmp", ".yaml", ".yml", ".zip",
)  # fmt: skip
"""Suffixes of the files that lie beside pictures without being any; nobody expects a word about them."""

NAMED = 3
"""Skipped files that are named; of more, only the number is told."""


def read_collection(
    collection: str,
    folder: str,
    settings: Settings,
    *,
    photo: Sequence[str] = (),
    photos: str | None = None,
    match: str = "name",
    shared_model: bool = False,
    suffix: str = ".png",
    cache: Path,
) -> list[Job]:
    """All jobs of a collection.

    Args:
        collection: a folder, local or remote; a pattern; or a manifest.
        folder: where the outputs go.
        settings: settings for all jobs.
        photo: reference photo for every painting; several together are the target.
        photos: folder of photos, from which each painting gets one.
        match: how it is chosen: "name", "palette" or "nearest" (see `sinct.batch.matching`).
        shared_model: train one model on all paintings, towards all photos together.
        suffix: suffix of outputs that a manifest does not name.
        cache: file that stores what matching has learnt about pictures.

    Raises:
        InputError: there are no pictures, or the manifest cannot be read.
        ConfigError: the arguments contradict each other.
    """
    settings.config(torch.device("cpu"))  # raises before any work is done
    if suffix not in FORMATS:
        raise ConfigError(f"unknown format {suffix!r}; there are {', '.join(FORMATS)}")
    if shared_model and match != "name":
        raise ConfigError(
            "a shared model is trained on all photos together; leave out `match` or `shared_model`"
        )
    if match != "name" and not photos and (photo or collection.lower().endswith(MANIFESTS)):
        raise ConfigError("`match` chooses among a folder of `photos`; give one, or leave out `match`")
    if collection.lower().endswith(MANIFESTS):
        if photo or photos:
            raise ConfigError("a manifest names its photos itself; leave out `photo` and `photos`")
        jobs = read_manifest(collection, folder, suffix, settings)
        targets = sorted({place for job in jobs for place in job.photos})
    elif bool(photo) == bool(photos):
        raise ConfigError("give either `photo`, a reference for all, or `photos`, a folder of references")
    else:
        descriptions = None
        made = _made(ledger_path(cache.parent.parent), folder)
        skipped: list[str] = []
        paintings = find_paintings(collection, made, skipped)
        targets = (
            list(photo) if photos is None else [place for _, place in find_paintings(photos, made, skipped)]
        )
        for remark in skipped:
            warnings.warn(remark, stacklevel=2)
        if photos is None or shared_model:
            photos_for = same_photos(targets)
        elif match == "name":
            photos_for = photos_by_name(targets, photos)
        else:
            descriptions = Descriptions(cache)
            photos_for, remarks = photos_by_look(targets, match, descriptions, cache.parent)
            for remark in remarks:
                warnings.warn(remark, stacklevel=2)
        jobs = from_pictures(paintings, photos_for, folder, suffix, settings)
        if descriptions is not None:
            descriptions.save()
    return shared(jobs, targets, settings) if shared_model else jobs


def find_paintings(
    collection: str, made: Collection[str] = (), remarks: list[str] | None = None
) -> list[tuple[str, str]]:
    """Name and place of each picture that a folder and its subfolders contain, or that a pattern matches.

    What sinct has written is never input: folders below that hold a batch, and run directories, are left out.

    Args:
        collection: a folder, local or remote; or a pattern with *, ? or ** for any folders.
        made: further files and folders to leave out, as `_real` gives them.
        remarks: gets an entry if there are files that are not pictures of a kind that is read.

    Raises:
        InputError: there are no pictures.
    """
    if not storage.is_remote(collection) and not Path(collection).exists() and glob.has_magic(collection):
        places = sorted(glob.glob(collection, recursive=True))
        fixed = Path(collection)
        while glob.has_magic(str(fixed)):
            fixed = fixed.parent
        root = str(fixed)
    elif Path(collection).is_file():
        raise InputError(
            f"{collection} is one file; give a folder of paintings or a manifest that ends in {', '.join(MANIFESTS)}, "
            "or use `sinct translate` for one picture"
        )
    else:
        places, root = list(storage.files_in(collection)), collection
    found = [place for place in places if is_picture(place)]
    others = [place for place in places if _is_other(place)]
    results = {
        below for below in {Path(place).parent for place in [*found, *others]} if _written(below, root, made)
    }
    others = [place for place in others if Path(place).parent not in results and _real(place) not in made]
    pictures = [place for place in found if Path(place).parent not in results and _real(place) not in made]
    if found and not pictures:
        raise InputError(
            f"all pictures in {collection} were made by sinct; give a folder or pattern with others"
        )
    if not pictures:
        told = f", only {_listed(others)}, which is not read" if others else ""
        raise InputError(f"there are no pictures in {collection}{told}; give a folder or pattern with some")
    if others and remarks is not None:
        count = counted(len(others), "file")
        remarks.append(f"{count} in {collection} skipped, of kinds that are not read: {_listed(others)}")
    return [(_name_below(place, root), place) for place in pictures]


def _is_other(place: str) -> bool:
    """Whether a file is neither a picture that can be read, nor one of those that lie beside pictures."""
    suffix = PurePosixPath(place).suffix.lower()
    return suffix not in (*READ_SUFFIXES, *COMPANIONS, *MANIFESTS) and not Path(place).is_dir()


def _listed(places: Sequence[str]) -> str:
    """The names of the first files, and how many more there are."""
    names = ", ".join(PurePosixPath(place).name for place in places[:NAMED])
    return names + (f" and {len(places) - NAMED} more" if len(places) > NAMED else "")


def _made(ledger: Path, folder: str) -> set[str]:
    """The folder of a batch's outputs, and those that it made."""
    entries = read_entries(ledger) if ledger.exists() else []
    done = {_real(entry.job.output) for entry in entries if entry.job.output in entry.hashes}
    return {_real(folder), *done}


def _real(place: str) -> str:
    """A form in which places can be compared."""
    return place.rstrip("/") if storage.is_remote(place) else os.path.realpath(place)


def _written(folder: Path, root: str, made: Collection[str]) -> bool:
    """Whether a folder below a collection's root is, or lies in, one that sinct writes to."""
    if storage.is_remote(root):
        top = root.rstrip("/").replace("://", ":/")  # as a path has it
        above = [str(parent) for parent in (folder, *folder.parents) if str(parent).startswith(f"{top}/")]
        return any(name.endswith(".sinct") or name.replace(":/", "://", 1) in made for name in above)
    below = [parent for parent in (folder, *folder.parents) if Path(root) in parent.parents]
    return any(
        parent.name.endswith(".sinct") or (parent / ".sinct").is_dir() or _real(str(parent)) in made
        for parent in below
    )


def _name_below(place: str, root: str) -> str:
    """A job's name: the path within a folder, without suffix."""
    if storage.is_remote(root):
        inside = place[len(root.rstrip("/")) + 1 :] if place.startswith(root) else place.rpartition("/")[2]
    else:
        inside = Path(place).relative_to(root).as_posix()
    return str(PurePosixPath(inside).with_suffix(""))


def from_pictures(
    paintings: Sequence[tuple[str, str]], photos_for: PhotosFor, folder: str, suffix: str, settings: Settings
) -> list[Job]:
    """A job for each picture of a folder.

    Args:
        paintings: name and place of each, see `find_paintings`.
        photos_for: chooses the photos for a painting.
        folder: where the outputs go.
        suffix: suffix of the outputs, with its dot.
        settings: settings for all jobs.
    """
    jobs = []
    for name, painting in paintings:
        photos: tuple[str, ...] = ()
        fault = None
        try:
            photos = photos_for(painting)
        except InputError as error:
            fault = str(error)
        output = storage.join(folder, name + suffix)
        jobs.append(Job(name, "pair", (painting,), photos, output, settings, fault=fault))
    return distinct(jobs)


def shared(jobs: Sequence[Job], photos: Sequence[str], settings: Settings) -> list[Job]:
    """Jobs that share one model: a training on all pictures, then each picture's own job, which waits for it.

    Args:
        jobs: one for each picture.
        photos: all photos, which together are the target.
        settings: settings for the training.
    """
    sound = [job for job in jobs if job.fault is None]
    paintings, remarks = choose([job.paintings[0] for job in sound])
    for remark in remarks:
        warnings.warn(remark, stacklevel=3)
    fault = None if paintings else "no painting of the series can be read"
    # It writes no picture, so another profile or mix keeps the model.
    settings = replace(settings, profile="srgb", strength=1.0, keep=())
    training = Job(SERIES, "series", tuple(paintings), tuple(photos), "", settings, fault=fault)
    return [training, *(replace(job, kind="apply", photos=(), needs=SERIES) for job in jobs)]
