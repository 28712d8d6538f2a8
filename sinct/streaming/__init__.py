"""Pictures of any size from file to file: read in bands of rows, kept in a scratch file, encoded at the end.

Only the scratch file, on the disk beside the output, ever holds the whole picture. It also is what an interrupted
translation continues from.
"""

from sinct.inference.streamed import OnPixels, Streamed, stream
from sinct.inference.window_sizes import memory_budget, must_stream
from sinct.pictures.rows import Source, open_source, read_shrunk

__all__ = [
    "OnPixels",
    "Source",
    "Streamed",
    "memory_budget",
    "must_stream",
    "open_source",
    "read_shrunk",
    "stream",
]
