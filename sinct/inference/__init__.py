"""A trained generator over a picture of any size, in memory or in rows on the disk.

It reads checkpoints of any objective and knows none of them.
"""

from sinct.inference.model import Model, load_model
from sinct.inference.streamed import OnPixels, Streamed, stream

__all__ = ["Model", "OnPixels", "Streamed", "load_model", "stream"]
