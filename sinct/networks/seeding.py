"""Random weights that depend on a seed alone."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw from the CPU's global generator as if it were new; the caller's random state stays as it is.

    `torch.manual_seed` would seed the generators of all GPUs as well, and forking these takes a context on each.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
