"""Pretrained weights: where they come from, where they lie, whether they are whole."""

import hashlib
import os
import platform
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from sinct.errors import OutputError, WeightsError, one_line
from sinct.runtime.files import replacing

if TYPE_CHECKING:  # files are listed and fetched without waiting for torch
    from torch import Tensor


@dataclass(frozen=True)
class WeightFile:
    """One file of weights.

    Attributes:
        name: that methods and measures ask for.
        file: its name on the disk.
        url: that it is downloaded from.
        size: in bytes; None where it is not published.
        sha256: its checksum in hexadecimal or the beginning of it; None where it is not published. Then
            the checksum of the first download is kept beside the file and holds from there on.
        licence: SPDX identifier.
        source: who made it and what it is.
        used_for: methods and measures that need it.
    """

    name: str
    file: str
    url: str
    size: int | None
    sha256: str | None
    licence: str
    source: str
    used_for: str

    @property
    def megabytes(self) -> str:
        """Size in words."""
        return "size not published" if self.size is None else f"{self.size / 1e6:.1f} MB"

    @property
    def description(self) -> str:
        """Size and checksum, or that they are not published."""
        return f"{self.megabytes}, sha256 {self.sha256 or 'not published'}"


_TORCHVISION = "https://download.pytorch.org/models/"
_WCT2 = (
    "https://raw.githubusercontent.com/clovaai/WCT2/"
    "902c3a143f3386bc313a0c6fbae42f3d41aca15b/model_checkpoints/"
)

# The names of torchvision's files carry the first eight digits of their checksums. Sizes and the other
# digits are as several projects that pin these files have them.
FILES: Mapping[str, WeightFile] = {
    row.name: row
    for row in (
        WeightFile(
            name="vgg16",
            file="vgg16-397923af.pth",
            url=_TORCHVISION + "vgg16-397923af.pth",
            size=553_433_881,
            sha256="397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
            licence="BSD-3-Clause",
            source="torchvision, VGG16_Weights.IMAGENET1K_V1: VGG-16 trained on ImageNet",
            used_for="STROTSS, LPIPS, DISTS",
        ),
        WeightFile(
            name="vgg19",
            file="vgg19-dcbb9e9d.pth",
            url=_TORCHVISION + "vgg19-dcbb9e9d.pth",
            size=574_673_361,
            sha256="dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44",
            licence="BSD-3-Clause",
            source="torchvision, VGG19_Weights.IMAGENET1K_V1: VGG-19 trained on ImageNet",
            used_for="Gatys et al.",
        ),
        WeightFile(
            name="wct2_encoder",
            file="wave_encoder_cat5_l4.pth",
            url=_WCT2 + "wave_encoder_cat5_l4.pth",
            size=None,
            sha256=None,
            licence="MIT",
            source="NAVER, github.com/clovaai/WCT2: encoder with wavelet pooling, option cat5",
            used_for="WCT2",
        ),
        WeightFile(
            name="wct2_decoder",
            file="wave_decoder_cat5_l4.pth",
            url=_WCT2 + "wave_decoder_cat5_l4.pth",
            size=None,
            sha256=None,
            licence="MIT",
            source="NAVER, github.com/clovaai/WCT2: decoder with wavelet unpooling, option cat5",
            used_for="WCT2",
        ),
        WeightFile(
            name="inception",
            file="weights-inception-2015-12-05-6726825d.pth",
            url="https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
            "weights-inception-2015-12-05-6726825d.pth",
            size=95_628_359,
            sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
            licence="Apache-2.0",
            source="torch-fidelity: Inception as FID uses it, converted from TensorFlow",
            used_for="SIFID, patch KID, ArtFID",
        ),
        WeightFile(
            name="lpips_vgg16",
            file="vgg.pth",
            url="https://raw.githubusercontent.com/richzhang/PerceptualSimilarity/master/lpips/weights/v0.1/vgg.pth",
            size=7_289,
            sha256="a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
            licence="BSD-2-Clause",
            source="LPIPS: weights of VGG-16's channels, version 0.1",
            used_for="LPIPS, ArtFID",
        ),
        WeightFile(
            name="dists",
            file="weights.pt",
            url="https://raw.githubusercontent.com/dingkeyan93/DISTS/master/DISTS_pytorch/weights.pt",
            size=12_288,
            sha256="f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218",
            licence="MIT",
            source="DISTS: weights of VGG-16's channels",
            used_for="DISTS",
        ),
    )
}
"""All weights by name; to add a file, add a row."""


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
    home = Path.home()
    match platform.system():
        case "Darwin":
            caches = home / "Library" / "Caches"
        case "Windows":
            caches = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        case _:
            caches = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return caches / "sinct" / "weights"


def find(name: str) -> WeightFile:
    """The file of that name.

    Raises:
        WeightsError: there is none.
    """
    if name not in FILES:
        raise WeightsError(f"unknown weights {name!r}; there are {', '.join(FILES)}")
    return FILES[name]


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
        name: key of `FILES`.
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
            f"or get {file.url} and give its folder with --weights-dir"
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
        name: key of `FILES`.
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
            f"cannot make the folder {path.parent} ({error.strerror}); choose another with --weights-dir"
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
            "and give its folder with --weights-dir"
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
