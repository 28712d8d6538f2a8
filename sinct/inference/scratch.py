"""Finished rows of a translation, kept on the disk until the last row is done."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile

from sinct.errors import OutputError
from sinct.pictures.colour import Array
from sinct.pictures.windows import Sides
from sinct.runtime.files import unwritable
from sinct.runtime.json_files import read_json, write_json
from sinct.runtime.locks import LOCK

ROWS_PER_STRIP = 16
"""Rows that a reader of the scratch file reads at a time."""


@dataclass(frozen=True)
class Raster:
    """Layout of a picture's samples.

    Attributes:
        height: height in pixels.
        width: width in pixels.
        channels: 3, or 4 with alpha.
        bits: 8 or 16 bits per channel.
    """

    height: int
    width: int
    channels: int
    bits: int

    @property
    def dtype(self) -> str:
        """NumPy's name for the samples' type."""
        return f"uint{self.bits}"

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return self.width * self.channels * self.bits // 8


class Scratch:
    """Finished rows, in a folder beside the output.

    They are stored in a plain TIFF, which libvips reads piece by piece when it encodes the output; it would map a
    file without a header into memory whole.

    Args:
        output: file that will be written.
        job: everything the rows depend on; rows of another job are not continued.
        raster: layout of the output.
    """

    def __init__(self, output: Path, job: Mapping[str, Any], raster: Raster) -> None:
        self.folder = self.folder_of(output)
        self.file, self.state = self.folder / "rows.tif", self.folder / "state.json"
        self.job, self.raster = {**job, "raster": asdict(raster)}, raster
        self._offset = 0  # of the first row in the file
        self._planes = 0  # how many there are

    @staticmethod
    def folder_of(output: Path) -> Path:
        """The folder for an output."""
        return output.with_name(f".{output.name}.sinct")

    def found(self, *, resume: bool, overwrite: bool) -> tuple[int, Sides | None]:
        """Look for rows to continue; changes nothing.

        Returns:
            Number of finished rows, and the windows they were translated in.

        Raises:
            OutputError: there is an unfinished translation and neither `resume` nor `overwrite` is set, or it
                belongs to another job or is damaged.
        """
        if overwrite or not self.state.exists():
            return 0, None
        if not resume:
            raise OutputError(
                f"{self.folder} holds an unfinished translation; give `resume=True` to continue it or "
                "`overwrite=True` to start again"
            )
        try:
            stored = read_json(self.state)
            job, rows, sides = stored["job"], int(stored["rows"]), Sides(*stored["sides"])
            whole = job != self.job or self._first_row() > 0
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            raise OutputError(f"{self.folder} is damaged; give `overwrite=True` to start again") from None
        if job != self.job:
            raise OutputError(
                f"the unfinished translation in {self.folder} belongs to another picture, model or setting; give "
                "`overwrite=True` to start again"
            )
        return rows, sides

    def begin(self, done: int, sides: Sides) -> None:
        """Create the folder and an empty file, unless rows are to be continued.

        Raises:
            OutputError: the folder cannot be written.
        """
        raster = self.raster
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if done == 0:
                self.state.unlink(missing_ok=True)
                tifffile.imwrite(
                    self.file, shape=(raster.height, raster.width, raster.channels), dtype=raster.dtype,
                    photometric="rgb", planarconfig="contig", extrasamples=["unassalpha"] * (raster.channels - 3),
                    rowsperstrip=ROWS_PER_STRIP, bigtiff=True, byteorder="<", metadata=None, software=False,
                )  # fmt: skip
            self._offset = self._first_row()
            self.save(done, sides)
        except OSError as error:
            raise unwritable(self.folder, error) from None

    def append(self, rows: Array, done: int, sides: Sides) -> None:
        """Add rows; they are on the disk before they count as done.

        Args:
            rows: (H, W, channels) of the raster's type.
            done: number of finished rows, these included.
            sides: windows they were translated in.

        Raises:
            OutputError: they cannot be written.
        """
        try:
            with self.file.open("r+b") as file:
                file.seek(self._offset + (done - len(rows)) * self.raster.row_bytes)
                file.write(rows.astype(rows.dtype.newbyteorder("<"), copy=False).data)
                file.flush()
                os.fsync(file.fileno())
            self.save(done, sides)
        except OSError as error:
            raise unwritable(self.file, error) from None

    def planes(self, height: int, width: int) -> "_FilePlane":
        """Make a plane of a height and a width in pixels, on the disk.

        Raises:
            OutputError: it cannot be written.
        """
        self._planes += 1
        return _FilePlane(self.folder / f"plane-{self._planes}.raw", height, width)

    def remove(self) -> None:
        """Delete everything; the folder itself goes with its lock (see `sinct.runtime.locks`)."""
        self.state.unlink(missing_ok=True)  # first: without the rows, it would describe a damaged translation
        for path in self.folder.iterdir():
            if path.name != LOCK:
                path.unlink(missing_ok=True)

    def save(self, rows: int, sides: Sides) -> None:
        """Record how many rows are done, and in which windows."""
        write_json(self.state, {"job": self.job, "rows": rows, "sides": sides})

    def _first_row(self) -> int:
        """Find the offset of the first sample in the file.

        Raises:
            ValueError: the file is not as `begin` created it.
        """
        with tifffile.TiffFile(self.file) as tiff:
            page = tiff.pages.first
            offset = int(page.dataoffsets[0])
            whole = (
                page.is_contiguous
                and self.file.stat().st_size >= offset + self.raster.height * self.raster.row_bytes
            )
        if not whole:
            raise ValueError(f"{self.file} is cut off")
        return offset


class _FilePlane:
    """A picture (3, H, W) of 16-bit floating-point numbers on the disk, see `sinct.data.strokes.Plane`.

    The file is opened anew for each part, so that what was used does not stay in memory.
    """

    def __init__(self, path: Path, height: int, width: int) -> None:
        self.path, self.shape = path, (3, height, width)
        try:
            with path.open("wb") as file:
                file.truncate(3 * height * width * 2)
        except OSError as error:
            raise unwritable(path, error) from None

    def __getitem__(self, part: tuple[slice, slice, slice]) -> Array:
        return np.array(self._opened("r")[part])

    def __setitem__(self, part: tuple[slice, slice, slice], values: Array) -> None:
        self._opened("r+")[part] = values

    def _opened(self, mode: Literal["r", "r+"]) -> Array:
        return np.memmap(self.path, np.float16, mode, shape=self.shape)
