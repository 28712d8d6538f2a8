"""From a name to a generator, and back."""

from collections.abc import Mapping
from typing import Any

from sinct.networks.base import GeneratorBase
from sinct.networks.compact_generator import CompactGenerator, CrispGenerator
from sinct.networks.stylegan2_generator import Generator, LinearGenerator

GENERATORS: Mapping[str, type[CompactGenerator | CrispGenerator | Generator]] = {
    network.name: network for network in (Generator, CompactGenerator, CrispGenerator, LinearGenerator)
}
"""All generators by name; to add one, add it here."""


def make_generator(name: str, width: int) -> GeneratorBase:
    """Build a generator with random weights.

    Args:
        name: one of `GENERATORS`.
        width: channels; see the network.

    Raises:
        ValueError: there is no generator of that name.
    """
    if name not in GENERATORS:
        raise ValueError(f"unknown generator {name!r}; choose one of {', '.join(GENERATORS)}")
    return GENERATORS[name](width)


def describe(generator: GeneratorBase) -> dict[str, Any]:
    """Arguments for `make_generator` to build the same network again, JSON-serialisable."""
    return {"name": generator.name, "width": generator.width}
