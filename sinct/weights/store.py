"""Pretrained weights on the disk: finding, checking, downloading and loading them.

We download them ourselves. pooch would report a wrong checksum as a plain ValueError and a broken connection without
the number of bytes received; it also has no checksum of a first download, and reads every file once more.
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

from sinct.errors import OutputError, WeightsError, counted, one_line
from sinct.runtime.files import printable, replacing
from sinct.weights.registry import WeightFile, find

if TYPE_CHECKING:  # listing and fetching files does not wait for torch
    from torch import Tensor


@dataclass(frozen=True)
class Weights:
    """Pretrained weights for the methods and measures that need them.

    Attributes:
        folder: folder of the files; None means `cache_folder()`, which `fetch` fills.
        random: use random networks of the same shape instead; reports say so.
    """

    folder: Path | None = None
    random: bool = False

    def load(self, name: str) -> "Mapping[str, Tensor] | None":
        """Load a state dict onto the CPU; None if random networks were asked for.

        The file is checked each time (0.4 s for the largest), and no code in it is executed.

        Raises:
            WeightsError: the name is unknown, the file is missing or incomplete, or it holds something other
                than tensors by name.
        """
        if self.random:
            return None
        path = locate(name, self.folder)
        return _state(path, f"delete it and run `{_command(name, self.folder)}`")


def read_state(path: Path, sha256: str | None = None) -> "Mapping[str, Tensor]":
    """Load a state dict from a file of any name onto the CPU; no code in it is executed.

    Args:
        path: file that `torch.save` wrote.
        sha256: checksum in hexadecimal, or its beginning, that the file must have; None takes any.

    Raises:
        WeightsError: it is missing, has another checksum, or holds something other than tensors by name.
    """
    try:
        found = checksum_of(path)
    except OSError as error:
        raise WeightsError(
            f"{printable(path)} cannot be read ({error.strerror}); give a file of weights"
        ) from None
    if not found.startswith((sha256 or "").lower()):
        raise WeightsError(
            f"{printable(path)} has sha256 {found} instead of {sha256}, so it is damaged or another file; download it "
            "again"
        )
    return _state(path, "download it again")


def checksum_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _state(path: Path, remedy: str) -> "Mapping[str, Tensor]":
    """Tensors by name; also those that a file of a training holds under `state_dict`.

    Raises:
        WeightsError: the file holds something else.
    """
    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises nearly anything when the bytes are not its own
        reason = one_line(error)
        raise WeightsError(
            f"{path} cannot be read as tensors by name ({type(error).__name__}: {reason}); it is damaged, "
            f"or contains code, which is refused: {remedy}"
        ) from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(isinstance(v, torch.Tensor) for v in state.values()):
        raise WeightsError(
            f"{path} holds a {type(state).__name__}, not a state dict of tensors by name; {remedy}"
        )
    return state


def cache_folder() -> Path:
    """Folder for downloaded weights: $SINCT_WEIGHTS, or else `sinct/weights` in the system's place for caches.

    That place is $XDG_CACHE_HOME or ~/.cache on Linux, ~/Library/Caches on macOS, %LOCALAPPDATA% on Windows.
    """
    if chosen := os.environ.get("SINCT_WEIGHTS"):
        return Path(chosen).expanduser()
    # with `opinion`, Windows would get another level, `Cache`
    return platformdirs.user_cache_path("sinct", appauthor=False, opinion=False) / "weights"


def path_of(name: str, folder: Path | None = None) -> Path:
    """Path of a file in a folder, whether or not the file exists; None means `cache_folder()`.

    Raises:
        WeightsError: the name is unknown.
    """
    return (folder or cache_folder()) / find(name).file


def present(name: str, folder: Path | None = None) -> bool:
    """Whether a file exists. It may still be damaged: to know that, it must be read.

    Raises:
        WeightsError: the name is unknown.
    """
    return path_of(name, folder).is_file()


def locate(name: str, folder: Path | None = None) -> Path:
    """Check a file and return its path.

    Args:
        name: key of `sinct.weights.registry.FILES`.
        folder: folder of the file; None means `cache_folder()`.

    Raises:
        WeightsError: the name is unknown, the file is missing or unreadable, or its size or checksum is wrong.
    """
    file = find(name)
    path = path_of(name, folder)
    remedy = f"run `{_command(name, folder)}`"
    if not path.is_file():
        raise WeightsError(
            f"{file.file} ({file.description}) is not in {path.parent}; {remedy} with a network connection, "
            f"or download {file.url} and give its folder as `weights_dir`"
        )
    try:
        size = path.stat().st_size
        found = checksum_of(path)
    except OSError as error:
        raise WeightsError(
            f"{path} cannot be read ({error.strerror}); check its permissions or {remedy}"
        ) from None
    expected = checksum(name, folder)
    if size != (file.size or size):
        raise WeightsError(
            f"{path} has {counted(size, 'byte')} instead of {file.size:,}, so it is incomplete; {remedy} to replace "
            "it"
        )
    if not found.startswith(expected or ""):
        raise WeightsError(
            f"{path} has sha256 {found} instead of {expected}, so it is damaged or another file; {remedy} to "
            "replace it"
        )
    return path


def checksum(name: str, folder: Path | None = None) -> str | None:
    """SHA-256 that a file must have: the published one, else that of its first download, else None.

    Raises:
        WeightsError: the name is unknown.
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
    """Download a file unless it is present and undamaged; a damaged file is replaced.

    The checksum is computed while the bytes arrive, and the file gets its name only when all of them have arrived
    and are right. Nothing partial is ever left behind.

    Args:
        name: key of `sinct.weights.registry.FILES`.
        folder: where to write it, created if needed; None means `cache_folder()`.
        on_progress: called with the number of bytes received and the total, which is None if unknown.

    Returns:
        Path of the file.

    Raises:
        WeightsError: the name is unknown, the network or the page cannot be reached, bytes are missing, the
            checksum is wrong, or the folder cannot be written to.
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
                    f"{file.url} gave sha256 {found} instead of {expected}, so nothing was kept; repeat, and if "
                    "the checksum is still wrong, the source has changed and must not be trusted"
                )
            if expected is None:
                with replacing(_record(path)) as record:
                    record.write_text(f"{found}  {file.file}\n", encoding="ascii")
    except OutputError as error:
        raise WeightsError(str(error)) from None
    except OSError as error:  # from making the folder
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
            f"{file.url} answered {error.code} {error.reason}; {file.file} may have moved: try again later, or "
            "put it into the folder yourself"
        ) from None
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise WeightsError(
            f"cannot reach {file.url} ({reason}); check the network, or download {file.file} on another machine "
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
    return WeightsError(f"{file.url} ended after {done}{of} bytes{reason}, so nothing was kept; repeat")


def _command(name: str, folder: Path | None) -> str:
    """The command that fetches a file into a folder."""
    return shlex.join(
        ["sinct", "weights", "fetch", name, *(["--weights-dir", str(folder)] if folder else [])]
    )


def _record(path: Path) -> Path:
    """Path where the checksum of a first download is kept, in the format of sha256sum."""
    return path.with_name(path.name + ".sha256")


_BLOCK = 1 << 20
"""Bytes read at a time."""

_PATIENCE = 30.0
"""Seconds without an answer after which a server counts as unreachable."""
