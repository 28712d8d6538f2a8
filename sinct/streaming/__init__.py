"""Pictures of any size from file to file: read in bands of rows, kept in a scratch file, encoded at the end.

Only the scratch file, on the disk beside the output, ever holds the whole picture. It also is what an interrupted
translation continues from.
"""

from sinct.pictures.rows import Source, open_source, read_shrunk
from sinct.streaming.budget import memory_budget, must_stream
from sinct.streaming.translate import OnPixels, Streamed, stream

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
