"""From a name to a generator, and back."""

from collections.abc import Mapping
from typing import Any

from sinct.networks.base import GeneratorBase
from sinct.networks.compact_generator import CompactGenerator, CrispGenerator
from sinct.networks.resnet_generator import ResnetGenerator
from sinct.networks.stylegan2_generator import Generator, LinearGenerator

GENERATORS: Mapping[str, type[CompactGenerator | CrispGenerator | Generator | ResnetGenerator]] = {
    network.name: network
    for network in (Generator, CompactGenerator, CrispGenerator, LinearGenerator, ResnetGenerator)
}
"""All generators by name; to add one, add it here."""


def make_generator(name: str, width: int, **options: int) -> GeneratorBase:
    """Build a generator with random weights.

    Args:
        name: one of `GENERATORS`.
        width: channels; see the network.
        options: arguments that this network alone has, such as the blocks of "resnet".

    Raises:
        ValueError: there is no generator of that name.
    """
    if name not in GENERATORS:
        raise ValueError(f"unknown generator {name!r}; choose one of {', '.join(GENERATORS)}")
    return GENERATORS[name](width, **options)


def describe(generator: GeneratorBase) -> dict[str, Any]:
    """Arguments for `make_generator` to build the same network again, JSON-serialisable."""
    return {"name": generator.name, "width": generator.width, **generator.options}
