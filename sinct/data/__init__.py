"""What a training step and a generator see: crops, content without strokes, grain, palettes, series.

Everything works on tensors in [-1, 1] and draws from the random generator it is given.
"""

from sinct.data.content import Content, prepare, prepared
from sinct.data.folder_sampler import FolderBatch, FolderSampler
from sinct.data.folders import Domains, find_domains, find_images
from sinct.data.pair import PairBatch, PairSampler, PairSettings
from sinct.data.palette import match_palette, palette_of
from sinct.data.scaled import FolderSettings, read_test_image
from sinct.data.smoothing import total_variation_smooth
from sinct.data.transport import transport

__all__ = [
    "Content",
    "Domains",
    "FolderBatch",
    "FolderSampler",
    "FolderSettings",
    "PairBatch",
    "PairSampler",
    "PairSettings",
    "find_domains",
    "find_images",
    "match_palette",
    "palette_of",
    "prepare",
    "prepared",
    "read_test_image",
    "total_variation_smooth",
    "transport",
]
