"""Pretrained weights on the disk: where they lie, whether they are whole, how they get there.

The download is our own, since pooch would report a wrong checksum as a plain ValueError, a cut connection without the
bytes that came, knows no checksum of a first download, and reads every file once more.
"""

import hashlib
import os
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import platformdirs

from sinct.errors import OutputError, WeightsError, one_line
from sinct.runtime.files import replacing
from sinct.weights.registry import WeightFile, find

if TYPE_CHECKING:  # files are listed and fetched without waiting for torch
    from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """Pretrained weights for those methods and measures that need them.

    Attributes:
        folder: where the files lie; None means `cache_folder()`, which `fetch` fills.
        random: use random networks of the same shape instead; a report says so.
    """

    folder: Path | None = None
    random: bool = False

    def load(self, name: str) -> "Mapping[str, Tensor] | None":
        """State dict of that name, on the CPU; None where random networks were asked for.

        The file is checked each time (0.4 s for the largest), and nothing in it is executed.

        Raises:
            WeightsError: there is no such name, the file is missing, it is not whole, or it holds
                something else than tensors by name.
        """
        if self.random:
            return None
        path = locate(name, self.folder)
        import torch

        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as error:  # torch raises nearly anything on bytes that are not its own
            reason = one_line(error)
            raise WeightsError(
                f"{path} cannot be read as tensors by name ({type(error).__name__}: {reason}); it is damaged "
                f"or wants to run code, which is refused: delete it and run `{_command(name, self.folder)}`"
            ) from None
        if not isinstance(state, Mapping) or not all(isinstance(v, torch.Tensor) for v in state.values()):
            raise WeightsError(
                f"{path} holds a {type(state).__name__} that is not tensors by name; a state dict is needed: "
                f"delete it and run `{_command(name, self.folder)}`"
            )
        return state


def cache_folder() -> Path:
    """Folder that weights are downloaded to: $SINCT_WEIGHTS, else `sinct/weights` where caches belong.

    That is $XDG_CACHE_HOME or ~/.cache on Linux, ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows.
    """
    if chosen := os.environ.get("SINCT_WEIGHTS"):
        return Path(chosen).expanduser()
    # without `opinion`, Windows would get another level, `Cache`
    return platformdirs.user_cache_path("sinct", appauthor=False, opinion=False) / "weights"


def path_of(name: str, folder: Path | None = None) -> Path:
    """Where a file lies if it is there: in that folder, None meaning `cache_folder()`.

    Raises:
        WeightsError: there is no such name.
    """
    return (folder or cache_folder()) / find(name).file


def present(name: str, folder: Path | None = None) -> bool:
    """Whether a file is there; not whether it is whole, which takes reading it.

    Raises:
        WeightsError: there is no such name.
    """
    return path_of(name, folder).is_file()


def locate(name: str, folder: Path | None = None) -> Path:
    """Path of a file that is there and whole.

    Args:
        name: key of `sinct.weights.registry.FILES`.
        folder: where it lies; None means `cache_folder()`.

    Raises:
        WeightsError: there is no such name, the file is missing or unreadable, or its size or checksum is
            another.
    """
    file = find(name)
    path = path_of(name, folder)
    remedy = f"run `{_command(name, folder)}`"
    if not path.is_file():
        raise WeightsError(
            f"{file.file} ({file.description}) is not in {path.parent}; {remedy} where there is a network, "
            f"or get {file.url} and give its folder as `weights_dir`"
        )
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}); check its permissions or {remedy}"
        ) from None
    expected = checksum(name, folder)
    if size != (file.size or size):
        raise WeightsError(
            f"{path} has {size} bytes, {file.size} are expected; it is not whole: {remedy}, which replaces it"
        )
    if not found.startswith(expected or ""):
        raise WeightsError(
            f"{path} has sha256 {found}, {expected} is expected; it is damaged or another file: {remedy}, "
            "which replaces it"
        )
    return path


def checksum(name: str, folder: Path | None = None) -> str | None:
    """SHA-256 that a file must have: the published one, else that of its first download, else None.

    Raises:
        WeightsError: there is no such name.
    """
    file = find(name)
    if file.sha256 is not None:
        return file.sha256
    with suppress(OSError, IndexError):
        return _record(path_of(name, folder)).read_text(encoding="ascii").split()[0]
    return None


def fetch(
    name: str,
    folder: Path | None = None,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Path:
    """Download a file unless it is there and whole; what is there but not whole is replaced.

    The checksum is computed while the bytes come in, and the file gets its name only when all of them are
    there and right: whatever happens, nothing partial is left.

    Args:
        name: key of `sinct.weights.registry.FILES`.
        folder: to write to, created if need be; None means `cache_folder()`.
        on_progress: called with the bytes that are there and with all of them, None where unknown.

    Returns:
        Path of the file.

    Raises:
        WeightsError: there is no such name, no network, no such page, fewer bytes than announced, another
            checksum, or no place to write to.
    """
    file = find(name)
    path = path_of(name, folder)
    with suppress(WeightsError):
        return locate(name, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, temporary.open("wb") as target:
            found = _download(file, target, on_progress)
            expected = checksum(name, folder)
            if not found.startswith(expected or ""):
                raise WeightsError(
                    f"{file.url} gave sha256 {found}, {expected} is expected; nothing was kept: repeat, and "
                    "if it stays so, the source has changed and must not be trusted"
                )
            if expected is None:
                with replacing(_record(path)) as record:
                    record.write_text(f"{found}  {file.file}\n", encoding="ascii")
    except OutputError as error:
        raise WeightsError(str(error)) from None
    except OSError as error:  # of the folder
        raise WeightsError(
            f"cannot make the folder {path.parent} ({error.strerror}); choose another `weights_dir`"
        ) from None
    return path


def _download(file: WeightFile, target: IO[bytes], on_progress: Callable[[int, int | None], None]) -> str:
    """Write the file's bytes and return their SHA-256."""
    digest = hashlib.sha256()
    done = 0
    try:
        source = urlopen(file.url, timeout=_PATIENCE)
    except HTTPError as error:
        error.close()
        raise WeightsError(
            f"{file.url} answered {error.code} {error.reason}; {file.file} may have moved: put it into the "
            "folder by hand, or try again later"
        ) from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(
            f"cannot reach {file.url} ({reason}); check the network, or fetch {file.file} on another machine "
            "and give its folder as `weights_dir`"
        ) from None
    with source:
        announced = source.headers.get("Content-Length")
        total = int(announced) if announced else file.size
        while True:
            try:
                block = source.read(_BLOCK)
            except (HTTPException, OSError) as error:
                raise _ended(file, done, total, f" ({error})") from None
            if not block:
                break
            target.write(block)
            digest.update(block)
            done += len(block)
            on_progress(done, total)
    if done != (total or done):
        raise _ended(file, done, total)
    return digest.hexdigest()


def _ended(file: WeightFile, done: int, total: int | None, reason: str = "") -> WeightsError:
    of = "" if total is None else f" of {total}"
    return WeightsError(f"{file.url} ended after {done}{of} bytes{reason}; nothing was kept: repeat")


def _command(name: str, folder: Path | None) -> str:
    """The command line that fetches a file into that folder."""
    return shlex.join(
        ["sinct", "weights", "fetch", name, *(["--weights-dir", str(folder)] if folder else [])]
    )


def _record(path: Path) -> Path:
    """Where the checksum of a first download is kept, in the format of sha256sum."""
    return path.with_name(path.name + ".sha256")


_BLOCK = 1 << 20
_PATIENCE = 30.0
"""Bytes read at once; seconds without an answer after which a server counts as gone."""
