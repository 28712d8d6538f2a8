"""The pretrained weights that some methods and measures need.

`registry` lists them with their sources and checksums; `store` downloads, checks and loads them. Importing this
package does not import torch; only `Weights.load` does.
"""

from sinct.weights.registry import FILES, WeightFile, find
from sinct.weights.store import Weights, cache_folder, checksum, fetch, locate, path_of, present

__all__ = [
    "FILES",
    "WeightFile",
    "Weights",
    "cache_folder",
    "checksum",
    "fetch",
    "find",
    "locate",
    "path_of",
    "present",
]
