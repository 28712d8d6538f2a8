"""Pictures that were made elsewhere, by any program, and are shown and measured beside the methods."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sinct.comparison import methods
from sinct.errors import ConfigError, InputError
from sinct.measures.evaluate import fitted
from sinct.pictures.formats import READ_SUFFIXES
from sinct.pictures.picture import Picture, read_visible, write_picture
from sinct.runtime.files import StrPath, file_key, printable
from sinct.runtime.json_files import plain, read_json, restored, write_json

FOLDER = "added"
"""Their folder in `work`."""

TOLD = ("steps", "seconds", "source")
"""What can be told of such a picture as a setting of its name."""

LONGEST = 60
"""Most characters of a name."""


@dataclass(frozen=True)
class Elsewhere:
    """A picture that was made elsewhere.

    Attributes:
        name: what made it.
        file: name of the file that was given.
        sha256: hash of that file.
        steps: steps that it took, if that was told.
        seconds: time that it took, if that was told.
        source: where it comes from, if that was told.
        remark: what was done to it, in one line; empty if nothing.
    """

    name: str
    file: str
    sha256: str
    steps: int | None = None
    seconds: float | None = None
    source: str = ""
    remark: str = ""

    @property
    def key(self) -> str:
        """The name as part of a file's name, which no other name shares."""
        return file_key(self.name)


def check_names(names: Iterable[str]) -> None:
    """Check names of pictures that were made elsewhere.

    Raises:
        ConfigError: one is empty, too long, or that of a method.
    """
    taken = {text.casefold() for name in methods.names() for text in (name, methods.find(name).title)}
    for name in names:
        if (
            not name.strip()
            or name != name.strip()
            or not name.isprintable()
            or "," in name
            or len(name) > LONGEST
        ):
            raise ConfigError(
                f"{printable(name)!r} cannot name a picture; give 1 to {LONGEST} letters without commas and line breaks"
            )
        if name.casefold() in taken | {"all"}:
            raise ConfigError(
                f"{name!r} is the name of a method; give the picture made elsewhere another name"
            )


def described(name: str, path: StrPath, picture: Picture, told: Mapping[str, Any]) -> Elsewhere:
    """Describe a picture and what was told about it.

    Raises:
        ConfigError: something else was told than `TOLD`, or of another type.
    """
    found = {"name": name, "file": printable(Path(path).name), "sha256": picture.sha256, **told}
    try:
        entry: Elsewhere = restored(Elsewhere, found)
        if set(told) - set(TOLD) or min(entry.steps or 0, entry.seconds or 0) < 0:
            raise ValueError
    except ValueError:
        raise ConfigError(
            f"of {name}, {', '.join(f'{k}={v!r}' for k, v in told.items())} was told; give steps, a whole number, "
            "seconds, or source, a text"
        ) from None
    return entry


def read_added(
    added: Mapping[str, StrPath | None], painting: Picture, settings: Mapping[str, Mapping[str, Any]]
) -> dict[str, tuple[Elsewhere, Picture] | None]:
    """Read pictures that were made elsewhere and bring them to the painting's size.

    Args:
        added: picture files by name; None where there is none for this painting.
        painting: the painting.
        settings: what is told about them, by name; see `TOLD`.

    Raises:
        InputError: a picture cannot be read or has another shape than the painting.
        ConfigError: what is told about one is no such thing.
    """
    found: dict[str, tuple[Elsewhere, Picture] | None] = {}
    for name, path in added.items():
        if path is None:
            found[name] = None
            continue
        if Path(path).is_dir():
            raise InputError(
                f"{printable(path)}, given for {name}, is a folder; give a picture for a single pair"
            )
        picture = read_visible(path)
        entry = described(name, path, picture, settings.get(name, {}))
        pixels, remarks = fitted(picture.pixels, painting.pixels, printable(path))
        entry = Elsewhere(**{**plain(entry), "remark": " ".join(remarks)})
        found[name] = entry, Picture(pixels, alpha=None, bits=8, dpi=None, exif=None, sha256=picture.sha256)
    return found


def keep(work: Path, added: Mapping[str, tuple[Elsewhere, Picture] | None]) -> None:
    """Write pictures and what is known of them to a comparison's folder; a missing one is removed from it."""
    folder = work / FOLDER
    for name, found in added.items():
        folder.mkdir(exist_ok=True)
        (folder / f"{file_key(name)}.json").unlink(missing_ok=True)
        if found:
            entry, picture = found
            write_picture(folder / f"{entry.key}.png", picture.pixels, bits=8, overwrite=True)
            write_json(folder / f"{entry.key}.json", plain(entry))


def kept(work: Path) -> dict[str, Elsewhere]:
    """What a comparison's folder holds, by name; damaged entries are left out."""
    found = {}
    for path in sorted((work / FOLDER).glob("*.json")):
        try:
            entry: Elsewhere = restored(Elsewhere, read_json(path))
        except (OSError, ValueError):
            continue
        if path.stem == entry.key and path.with_suffix(".png").exists():
            found[entry.name] = entry
    return found


def of_pairs(added: Mapping[str, StrPath], pairs: Iterable[str]) -> dict[str, dict[str, Path | None]]:
    """Find the pictures of each pair: files named after the pair, in a folder for each name.

    Args:
        added: folders by name.
        pairs: names of the pairs.

    Returns:
        By the pair's name: pictures by name; None where a folder has none for this pair.

    Raises:
        InputError: a folder is none, has no picture of any pair, or several of one.
    """
    pairs = list(pairs)
    found: dict[str, dict[str, Path | None]] = {pair: {} for pair in pairs}
    for name, folder in added.items():
        if not Path(folder).is_dir():
            raise InputError(
                f"{printable(folder)}, given for {name}, is no folder; for several pairs, give one with a picture "
                f"named after each, such as {printable(pairs[0])}.png"
            )
        files = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in READ_SUFFIXES)
        for pair in pairs:
            own = [path for path in files if path.stem == pair]
            if len(own) > 1:
                raise InputError(
                    f"{printable(folder)} has {len(own)} pictures of the pair {printable(pair)}; leave one"
                )
            found[pair][name] = own[0] if own else None
        if not any(found[pair][name] for pair in pairs):
            raise InputError(
                f"{printable(folder)} has no picture named after a pair; name them after the pairs, such as "
                f"{printable(pairs[0])}.png"
            )
    return found
