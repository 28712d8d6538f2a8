"""Reads Deep Zoom: a picture as tiles at many sizes, from NAME.dzi and the folder NAME_files.

Level 0 is the picture at 1 px; each further level is twice as large, up to the picture itself. What sinct writes of it
is in `sinct.pictures.rows_to_file`. The format: Microsoft, "Deep Zoom File Format Overview".
"""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from sinct.errors import InputError
from sinct.runtime.files import printable

LARGEST = 10_000
"""Most bytes of a .dzi; it describes a picture in 200."""

LONGEST = 100_000_000
"""Longest side that is believed, in pixels."""

TILE_SIZES = range(16, 4097)
"""Sides of tiles that are read, in pixels."""

KINDS = ("jpg", "jpeg", "png", "webp")
"""Suffixes of tiles that are read, those that every browser shows."""


@dataclass(frozen=True)
class DeepZoom:
    """A picture as tiles.

    Attributes:
        path: the .dzi.
        width: width of the picture in pixels.
        height: its height.
        tile_size: side of a tile in pixels, without what it shares with its neighbours.
        overlap: pixels that a tile shares with each neighbour.
        kind: suffix of the tiles, without its dot.
    """

    path: Path
    width: int
    height: int
    tile_size: int
    overlap: int
    kind: str

    @property
    def tiles(self) -> Path:
        """Folder of the tiles."""
        return self.path.with_name(f"{self.path.stem}_files")

    @property
    def levels(self) -> int:
        """Number of levels; the last one is the picture itself."""
        return (max(self.width, self.height) - 1).bit_length() + 1

    def tile(self, level: int, column: int, row: int) -> Path:
        """Path of a tile.

        Raises:
            InputError: there is none, or it is a link that leaves the folder of the tiles.
        """
        path = self.tiles / str(level) / f"{column}_{row}.{self.kind}"
        try:
            own = path.is_file() and self.tiles.resolve() in path.resolve().parents
            own = own and self.tiles.resolve().parent == self.path.resolve().parent
        except (OSError, RuntimeError):  # links in a circle
            own = False
        if not own:
            raise InputError(f"{printable(self.path.name)} has no such tile; make the picture again")
        return path

    def overview(self) -> Path:
        """Path of the largest tile that shows the whole picture.

        Raises:
            InputError: it is missing.
        """
        return self.tile(min(self.levels, self.tile_size.bit_length()) - 1, 0, 0)


def read_deep_zoom(path: Path) -> DeepZoom:
    """Read what a .dzi says of its tiles.

    Raises:
        InputError: it is missing, or says something else.
    """
    name = printable(path.name)
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except OSError as error:
        raise InputError(
            f"cannot read {name}: {error.strerror}; check the path and your permissions"
        ) from None
    try:
        if len(text) > LARGEST or b"<!" in text:  # entities can be made to fill the memory
            raise ValueError
        image = ElementTree.fromstring(text)
        size = image.find("{*}Size")
        if not re.fullmatch(r"(\{.*\})?Image", image.tag) or size is None:
            raise ValueError
        found = DeepZoom(
            path,
            int(size.attrib["Width"]),
            int(size.attrib["Height"]),
            int(image.attrib["TileSize"]),
            int(image.attrib["Overlap"]),
            image.attrib["Format"],
        )
    except (ElementTree.ParseError, ValueError, KeyError):
        found = None
    if (
        found is None
        or not 0 < min(found.width, found.height) <= max(found.width, found.height) <= LONGEST
        or found.tile_size not in TILE_SIZES
        or not 0 <= found.overlap <= found.tile_size // 2
        or found.kind not in KINDS
    ):
        raise InputError(f"{name} is no Deep Zoom that can be shown; make it again with sinct")
    return found
