"""Turns picture files into tensors (3, H, W) in [-1, 1] and back, with their colours, EXIF data and alpha.

`picture` reads and writes whole files, `rows` and `rows_to_file` those too large for memory; `opening` chooses
between them. `windows` divides a picture into pieces that a generator takes one at a time.
"""

from sinct.pictures.limits import MAX_PIXELS
from sinct.pictures.opening import open_picture
from sinct.pictures.picture import (
    OUTPUT_SUFFIXES,
    Picture,
    check_output,
    read_picture,
    read_provenance,
    write_picture,
)
from sinct.pictures.regions import read_regions
from sinct.pictures.rows import Source, open_source

__all__ = [
    "MAX_PIXELS",
    "OUTPUT_SUFFIXES",
    "Picture",
    "Source",
    "check_output",
    "open_picture",
    "open_source",
    "read_picture",
    "read_provenance",
    "read_regions",
    "write_picture",
]
