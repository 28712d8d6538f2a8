"""Apply a trained generator to a picture of any size, in memory or in rows on the disk.

It reads the checkpoints of every objective and depends on none of them.
"""

from sinct.inference.model import Model, load_model
from sinct.inference.streamed import OnPixels, Streamed, stream

__all__ = ["Model", "OnPixels", "Streamed", "load_model", "stream"]
