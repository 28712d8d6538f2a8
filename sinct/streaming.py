"""Pictures of any size from file to file: read in bands of rows, kept in a scratch file, written at the end.

Only the scratch file, on the disk beside the output, ever holds the whole picture. It also is what an interrupted
translation continues from.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from sinct._colour import SRGB_PROFILE, Array, to_srgb
from sinct._decoding import Header, read_header
from sinct._encoding import xmp
from sinct.device import memory, resident
from sinct.errors import DeviceError, InputError, OutputError
from sinct.files import StrPath, replacing, unwritable
from sinct.images import MAX_PIXELS, _to_samples, _to_tensor
from sinct.model import Model, context
from sinct.translation import padded_size, plan
from sinct.windows import Sides, Span, choose_sides, waste

OnPixels = Callable[[int, int], None]
"""Called with pixels done and pixels in all."""

DEFAULT_MEMORY = 1_500_000_000
"""Bytes that sinct takes for a picture where nothing is said, or half of what is free if that is less."""

IN_MEMORY = 64
"""Bytes a pixel that reading, translating and writing a picture in memory takes, beside the windows."""

FIXED = 700_000_000
"""Bytes of the process itself with torch, and of windows of the usual size."""

TRAINING_PIXELS = 16_000_000
"""A larger painting that is streamed is trained on at this size."""

SMOOTHING = 100
"""Bytes a pixel that total-variation smoothing works in."""

COPIES = 48
"""Bytes a pixel of a window's colours on their way to the generator and back: four float32 pictures."""

BUFFERS = 3
"""Bands of rows in memory at a time: the one in use, the one before it while they change, the one being read."""

ROWS_PER_CALL = 64
"""Rows asked of the decoder at a time: it keeps about as many itself."""


def memory_budget(asked: int | None) -> int:
    """Bytes that a translation may take: as asked, else `DEFAULT_MEMORY` or half of what is free."""
    if asked is not None:
        return asked
    room = memory(torch.device("cpu"))
    return min(DEFAULT_MEMORY, room.free // 2) if room else DEFAULT_MEMORY


def must_stream(size: tuple[int, int], output: Path, max_memory: int | None) -> bool:
    """Whether a picture has to be read and written in rows: it is too large for the budget, or tiles are asked for.

    Where nothing is said about memory, pictures are translated in memory as far as they are read at all when pyvips
    is not installed or the output cannot be written in rows.

    Args:
        size: width and height in pixels.
        output: that will be written.
        max_memory: bytes, as a person asked.
    """
    pixels = size[0] * size[1]
    if output.suffix.lower() == ".dzi" or pixels > MAX_PIXELS:
        return True
    fits = pixels * IN_MEMORY + FIXED <= memory_budget(max_memory)
    if fits or max_memory is not None:
        return not fits
    try:
        vips()
    except InputError:
        return False
    return output.suffix.lower() in STREAMED_SUFFIXES


def plan_sides(
    model: Model,
    height: int,
    width: int,
    budget: int,
    *,
    bytes_per_pixel: int,
    preferred: Sides | None = None,
) -> Sides:
    """Choose windows for a picture so that all that is in memory with them stays within a budget.

    Args:
        model: that is to run.
        height: of the picture in pixels.
        width: of the picture in pixels.
        budget: bytes of main memory for the process, all in all.
        bytes_per_pixel: of the source's samples.
        preferred: taken if they fit.

    Raises:
        DeviceError: not even the smallest windows fit.
    """
    stride, halo, device = model.generator.stride, model.generator.halo, model.device
    reach = context(model.config)
    element = 2 if model.mixed_precision else 4
    # A training that ended leaves memory to its process that is used again: it is not counted twice.
    room = budget - min(resident(), 450_000_000)
    on_device = memory(device) if device.type != "cpu" else None

    def needs(sides: Sides) -> tuple[int, int]:
        area = (sides.rows + 2 * reach) * (sides.columns + 2 * reach)
        window = area * (COPIES + max(model.generator.live_channels * element, SMOOTHING if reach else 0))
        band = min(height, sides.rows + 2 * reach) * width * bytes_per_pixel * BUFFERS
        return window, band + 2 * min(height, sides.rows) * width * bytes_per_pixel

    def fits(sides: Sides) -> bool:
        window, bands = needs(sides)
        if on_device is not None:
            return window <= on_device.free // 2 and bands <= room
        return window + bands <= room

    if preferred is not None and fits(preferred):
        return preferred
    sides = choose_sides(*padded_size(height, width, stride), halo, stride, fits)
    if sides is None:
        smallest = min(2 * halo + 64, *padded_size(height, width, stride))
        least = sum(needs(Sides(smallest, smallest))) + budget - room
        raise DeviceError(
            f"{budget / 1e9:.2f} GB are too little for a picture of {width}x{height} px with this generator; it "
            f"takes about {least / 1e9:.2f} GB: give --max-memory {least / 1e9 + 0.05:.1f}GB, or close other programs"
        )
    return sides


# Reading -------------------------------------------------------------------------------------------------


def vips() -> Any:
    """Import pyvips, which only pictures above the memory budget and Deep Zoom need.

    Raises:
        InputError: it is not installed.
    """
    try:
        import pyvips
    except (ImportError, OSError) as error:  # OSError: the module is there, its library is not
        raise InputError(
            "a picture above the memory budget, or a .dzi, needs pyvips, which is not installed "
            f"({' '.join(str(error).split())[:80]}); pip install 'sinct[large]'"
        ) from None
    return pyvips


@dataclass(frozen=True)
class Source:
    """A picture file that is read in rows.

    Attributes:
        path: of the file.
        header: what it says about itself.
        sha256: of its bytes, in hexadecimal.
        bands: samples a pixel, alpha included.
        space: of its colours, see `sinct._colour.to_srgb`.
        alpha: whether the last sample is transparency.
        bits: 8 or 16.
    """

    path: Path
    header: Header
    sha256: str
    bands: int
    space: str
    alpha: bool
    bits: int

    @property
    def height(self) -> int:
        """In pixels, upright."""
        return self.header.size[1]

    @property
    def width(self) -> int:
        """In pixels, upright."""
        return self.header.size[0]

    def rows(self) -> Callable[[int, int], Array]:
        """Open the file; the function returned reads rows start to stop, (H, W, bands), each call further down."""
        region = vips().Region.new(_opened(self.path)[0])

        def read(start: int, stop: int) -> Array:
            result = np.empty((stop - start, self.width, self.bands), f"uint{self.bits}")
            with _reading(self.path):
                for top in range(start, stop, ROWS_PER_CALL):
                    count = min(ROWS_PER_CALL, stop - top)
                    samples = np.frombuffer(region.fetch(0, top, self.width, count), result.dtype)
                    result[top - start : top - start + count] = samples.reshape(count, self.width, self.bands)
            return result

        return read

    def pixels(self, samples: Array, remarks: list[str]) -> Tensor:
        """(H, W, bands) as read -> (3, H, W) in [-1, 1], sRGB."""
        colours = samples[..., : self.bands - self.alpha]
        return _to_tensor(to_srgb(colours, self.space, self.header.profile, remarks)).mul_(2).sub_(1)


def open_source(path: StrPath) -> Source:
    """Look at a picture file of any size without decoding it.

    Raises:
        InputError: it is missing, damaged, of no kind that can be read in rows, or pyvips is not installed.
    """
    header = read_header(path)
    image, space = _opened(Path(path))
    if (image.width, image.height) != header.size:
        raise InputError(f"{path} holds a preview before its picture; export it as a plain TIFF, PNG or JPEG")
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    bits = 16 if image.format == "ushort" else 8
    return Source(Path(path), header, digest, image.bands, space, bool(image.hasalpha()), bits)


def read_shrunk(source: Source, pixels: int) -> Tensor:
    """Read a picture of any size at most so many pixels large, (3, H, W) in [-1, 1], sRGB."""
    scale = min(1.0, (pixels / (source.width * source.height)) ** 0.5)
    with _reading(source.path):
        image = _opened(source.path)[0]
        if scale < 1:
            image = image.resize(scale)
        samples = np.frombuffer(image.write_to_memory(), f"uint{source.bits}")
        return source.pixels(samples.reshape(image.height, image.width, source.bands), [])


def _opened(path: Path) -> tuple[Any, str]:
    """The upright image, not yet decoded, and the space of its colours."""
    pyvips = vips()
    with _reading(path):
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
        if image.get_typeof("orientation") and image.get("orientation") > 1:
            image = pyvips.Image.new_from_file(str(path), fail_on="truncated").autorot()
        spaces = {
            "srgb": "rgb",
            "rgb": "rgb",
            "rgb16": "rgb",
            "b-w": "gray",
            "grey16": "gray",
            "cmyk": "cmyk",
        }
        space = spaces.get(image.interpretation)
        if space is None:
            image, space = image.colourspace("srgb"), "rgb"
        if image.format not in ("uchar", "ushort"):
            raise InputError(
                f"{path} has {image.format} samples; unsigned 8 or 16 bits are needed: save it so"
            )
        wanted = {"rgb": 3, "gray": 1, "cmyk": 4}[space]
        return (image[: wanted + image.hasalpha()] if image.bands > wanted else image), space


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn libvips's errors into one line."""
    try:
        yield
    except vips().Error as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path} is damaged or cut off ({reason}); copy it again") from None


def overlapping(
    read: Callable[[int, int], Array], bands: Sequence[tuple[int, int]]
) -> Iterator[tuple[int, Array]]:
    """Read bands of rows that overlap, each row once and the next ones while the present ones are used.

    Args:
        read: rows from start to stop.
        bands: first row and row behind the last, both growing.

    Yields:
        The first row, and the rows.
    """
    with ThreadPoolExecutor(1, "reading") as pool:
        top, held = bands[0][0], None
        future = pool.submit(read, *bands[0])
        for index, (start, stop) in enumerate(bands):
            fresh = future.result()
            if index + 1 < len(bands):
                future = pool.submit(read, stop, bands[index + 1][1])
            held = fresh if held is None else np.concatenate([held[start - top :], fresh])
            top = start
            del fresh
            yield start, held


# The scratch file -----------------------------------------------------------------------------------------


class Scratch:
    """Finished rows of a translation, in a folder beside the output.

    Args:
        output: that will be written.
        job: what the rows depend on; rows of another job are not continued.
        row_bytes: of one row.
    """

    def __init__(self, output: Path, job: Mapping[str, Any], row_bytes: int) -> None:
        self.folder = output.with_name(f".{output.name}.sinct")
        self.file, self.state = self.folder / "rows.raw", self.folder / "state.json"
        self.job, self.row_bytes = dict(job), row_bytes

    def found(self, *, resume: bool, overwrite: bool) -> tuple[int, Sides | None]:
        """Look for rows to continue; changes nothing.

        Returns:
            Rows that are done, and the windows they were done with.

        Raises:
            OutputError: an unfinished translation is there and nothing is said about it, or it is of another job.
        """
        if overwrite or not self.state.exists():
            return 0, None
        if not resume:
            raise OutputError(
                f"an unfinished translation lies in {self.folder}; give --resume to continue it, or "
                "--overwrite to begin again"
            )
        try:
            stored = json.loads(self.state.read_text())
            job, rows, sides = stored["job"], int(stored["rows"]), Sides(*stored["sides"])
            whole = rows == 0 or self.file.stat().st_size >= rows * self.row_bytes
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise OutputError(f"{self.state} is damaged; give --overwrite to begin again") from None
        if job != self.job:
            raise OutputError(
                f"the unfinished translation in {self.folder} is of another picture, model or setting; give "
                "--overwrite to begin again"
            )
        return rows, sides

    def begin(self, done: int, sides: Sides) -> None:
        """Make the folder, or cut what is there down to the rows that count as done.

        Raises:
            OutputError: it cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with self.file.open("ab") as file:
                file.truncate(done * self.row_bytes)
            self.save(done, sides)
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def append(self, rows: Array, done: int, sides: Sides) -> None:
        """Add rows; they are on the disk before they count as done."""
        try:
            with self.file.open("ab") as file:
                file.write(rows.data)
                file.flush()
                os.fsync(file.fileno())
            self.save(done, sides)
        except OSError as error:
            raise unwritable(self.file, error) from None

    def remove(self) -> None:
        """Delete the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def save(self, rows: int, sides: Sides) -> None:
        """Note how many rows are done and with which windows."""
        with replacing(self.state) as temporary:
            temporary.write_text(json.dumps({"job": self.job, "rows": rows, "sides": sides}))


# Translating ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Streamed:
    """How a streamed translation ended.

    Attributes:
        rows: done.
        finished: whether the output is written.
        waste: pixels computed only to be cut away, as a share of the picture's.
        remarks: what a person should know about the source.
    """

    rows: int
    finished: bool
    waste: float
    remarks: tuple[str, ...]


def stream(
    model: Model,
    source: Source,
    output: Path,
    *,
    bits: int,
    budget: int,
    provenance: Mapping[str, str],
    resume: bool,
    overwrite: bool,
    on_pixels: OnPixels | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Streamed:
    """Translate a picture file of any size.

    Args:
        model: that is to run.
        source: the picture.
        output: .tif (tiled, pyramidal, BigTIFF where needed), .png, .jpg or .dzi (Deep Zoom).
        bits: 8 or 16 a channel.
        budget: bytes of main memory for the process, all in all.
        provenance: how the picture was made.
        resume: continue an interrupted translation.
        overwrite: begin again where one was interrupted, and replace an older output.
        on_pixels: called with pixels done and all, a window at a time.
        should_stop: asked after each row of windows; True keeps what is done.

    Raises:
        InputError: the source is damaged.
        OutputError: something cannot be written.
        DeviceError: the budget is too small.
    """
    if output.suffix.lower() not in STREAMED_SUFFIXES:
        raise OutputError(
            f"{output} cannot be written in rows, as a picture of {source.width}x{source.height} px must be with "
            f"{budget / 1e9:.1f} GB of memory; end it in one of {', '.join(STREAMED_SUFFIXES)}, or raise --max-memory"
        )
    height, width = source.height, source.width
    channels = 3 + (source.alpha and output.suffix.lower() not in (*JPEGS, ".dzi"))
    job = {
        "source": source.sha256,
        "model": fingerprint(model),
        "size": [width, height, channels, bits],
        "bfloat16": model.mixed_precision,
        "device": model.device.type,
    }
    scratch = Scratch(output, job, width * channels * bits // 8)
    done, earlier = scratch.found(resume=resume, overwrite=overwrite)
    size = max(source.bands * source.bits, channels * bits) // 8
    # The same windows as before the interruption, if there is still room: then no value differs by a rounding.
    sides = plan_sides(model, height, width, budget, bytes_per_pixel=size, preferred=earlier)
    scratch.begin(done, sides)
    rows, columns = plan(model.generator, height, width, sides)
    left = _from(rows, done, model.generator.halo)
    reach, remarks = context(model.config), list[str]()
    report = on_pixels or (lambda done, total: None)
    with ThreadPoolExecutor(1, "writing") as pool:
        writing: Future[None] | None = None
        bands = [(max(0, span.start - reach), min(height, span.stop + reach)) for span in left]
        for span, (top, held) in zip(left, overlapping(source.rows(), bands) if left else [], strict=True):
            finished = _translate_band(
                model, source, span, top, held, columns, channels, bits, remarks, report
            )
            if writing is not None:
                writing.result()
            done = min(height, span.keep_stop)
            writing = pool.submit(scratch.append, finished, done, sides)
            if should_stop is not None and done < height and should_stop():
                break
        if writing is not None:
            writing.result()
    stride, halo = model.generator.stride, model.generator.halo
    excess = waste(*padded_size(height, width, stride), sides, halo, stride)
    if source.header.exif is not None and output.suffix.lower() in TIFFS:
        remarks.append("EXIF data do not go into a TIFF that is written in rows; a .png or .jpg takes them")
    if done == height:
        write_streamed(scratch.file, output, source, channels=channels, bits=bits, provenance=provenance)
        scratch.remove()
    return Streamed(done, done == height, excess, tuple(dict.fromkeys(remarks)))


def _from(rows: Sequence[Span], done: int, halo: int) -> list[Span]:
    """What is left of a plan whose first rows are done, also where they were done under another plan."""
    return [
        span if span.keep_start >= done else span._replace(keep_start=done, start=max(0, done - halo))
        for span in rows
        if span.keep_stop > done
    ]


def _translate_band(
    model: Model,
    source: Source,
    span: Span,
    top: int,
    held: Array,
    columns: Sequence[Span],
    channels: int,
    bits: int,
    remarks: list[str],
    report: Callable[[int, int], None],
) -> Array:
    """Translate one row of windows, (H, W, channels) samples as they are written."""
    height, width = source.height, source.width
    stop = min(height, span.keep_stop)
    result = np.empty((stop - span.keep_start, width, channels), f"uint{bits}")

    def cut(rows: slice, columns: slice) -> Tensor:
        return source.pixels(held[rows.start - top : rows.stop - top, columns], remarks)

    prepared = model.prepared(cut, height, width)
    for part in model.windows(prepared, height, width, [span], columns):
        right = part.left + part.pixels.shape[2]
        result[:, part.left : right, :3] = _to_samples(part.pixels, None, bits)
        report(span.keep_start * width + right * len(result), height * width)
    if channels == 4:
        alpha = held[span.keep_start - top : stop - top, :, -1].astype(np.float32)
        result[..., 3] = np.rint(alpha * ((2**bits - 1) / (2**source.bits - 1)))
    return result


def fingerprint(model: Model) -> str:
    """Hash of all that a translation by this model depends on."""
    digest = hashlib.sha256(json.dumps(model.config.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(model.generator.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


# Writing ------------------------------------------------------------------------------------------------


JPEGS = (".jpg", ".jpeg")
TIFFS = (".tif", ".tiff")

STREAMED_SUFFIXES = (*TIFFS, ".png", *JPEGS, ".dzi")
"""Endings of the files that pictures of any size can be written to."""

SAVERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    ".tif": (
        "tiffsave",
        {
            "tile": True, "tile_width": 256, "tile_height": 256, "pyramid": True,
            "compression": "deflate", "predictor": "horizontal",
        },
    ),
    ".png": ("pngsave", {"compression": 6}),
    ".jpg": ("jpegsave", {"Q": 95, "subsample_mode": "off"}),
}  # fmt: skip
"""libvips's operations and their options."""

CLASSIC_TIFF = 2_000_000_000
"""Bytes of samples above which a TIFF is written as BigTIFF; its offsets end at twice that."""


def write_streamed(
    rows: Path, output: Path, source: Source, *, channels: int, bits: int, provenance: Mapping[str, str]
) -> None:
    """Encode finished rows as a picture file, whole or not at all, with the sRGB profile and the source's facts.

    Args:
        rows: samples, row after row.
        output: its suffix chooses the format.
        source: gives size, resolution and EXIF.
        channels: 3 or 4 with alpha.
        bits: 8 or 16 a channel.
        provenance: how the picture was made.

    Raises:
        OutputError: writing failed; the rows are still there.
    """
    pyvips = vips()
    kind = {8: ("uchar", "srgb"), 16: ("ushort", "rgb16")}[bits]
    try:
        image = pyvips.Image.rawload(
            str(rows), source.width, source.height, channels, format=kind[0], interpretation=kind[1],
            access="sequential",
        )  # fmt: skip
        dpi = source.header.dpi
        image = image.copy(**({"xres": dpi[0] / 25.4, "yres": dpi[1] / 25.4} if dpi else {}))
        blobs = {
            "icc-profile-data": SRGB_PROFILE,
            "xmp-data": xmp(provenance),
            "exif-data": source.header.exif,
        }
        for name, data in blobs.items():
            if data is not None and (name != "exif-data" or output.suffix.lower() not in TIFFS):
                image.set_type(pyvips.GValue.blob_type, name, data)
        suffix = output.suffix.lower().replace(".tiff", ".tif").replace(".jpeg", ".jpg")
        output.parent.mkdir(parents=True, exist_ok=True)
        if suffix == ".dzi":
            _write_deep_zoom(image, output)
            return
        operation, options = SAVERS[suffix]
        if suffix == ".tif":
            options = {**options, "bigtiff": rows.stat().st_size > CLASSIC_TIFF}
        with replacing(Path(os.path.realpath(output))) as temporary:
            getattr(image, operation)(str(temporary), **options)
    except pyvips.Error as error:
        reason = " ".join(str(error).split())[:200]
        raise OutputError(
            f"cannot write {output}: {reason}; make room, then repeat with --resume: no row is lost"
        ) from None
    except OSError as error:
        raise unwritable(output, error) from None


def _write_deep_zoom(image: Any, output: Path) -> None:
    """Tiles in NAME_files and, when they are complete, NAME.dzi, which viewers open."""
    folder = output.with_name(f".{output.name}.tiles")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        image.dzsave(str(folder / output.stem), suffix=".jpg[Q=90]", tile_size=254, overlap=1)
        tiles = output.with_name(f"{output.stem}_files")
        older = output.with_name(f".{output.stem}_files.old")
        if tiles.exists():
            with suppress(FileNotFoundError):
                output.unlink()  # a description of tiles that change is no picture
            tiles.rename(older)
        (folder / f"{output.stem}_files").rename(tiles)
        (folder / f"{output.stem}.dzi").rename(output)
        shutil.rmtree(older, ignore_errors=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
