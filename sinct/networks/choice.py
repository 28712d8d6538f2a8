"""From a name to a generator, and back."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from sinct.networks.base import GeneratorBase
from sinct.networks.compact_generator import CompactGenerator, CrispGenerator
from sinct.networks.drit_generator import DritGenerator
from sinct.networks.munit_generator import MunitGenerator
from sinct.networks.resnet_generator import ResnetGenerator
from sinct.networks.stylegan2_generator import Generator, LinearGenerator

GENERATORS: Mapping[str, type[CompactGenerator | CrispGenerator | Generator | ResnetGenerator]] = {
    network.name: network
    for network in (Generator, CompactGenerator, CrispGenerator, LinearGenerator, ResnetGenerator)
}
"""All generators that a setting can choose, by name; to add one, add it here."""

STYLED: Mapping[str, type[MunitGenerator | DritGenerator]] = {
    network.name: network for network in (MunitGenerator, DritGenerator)
}
"""Generators that belong to one method, by name."""

COUNTS = ("blocks",)
"""Options that say how many layers there are; others are lengths of weights."""


def make_generator(name: str, width: int, **options: int) -> GeneratorBase:
    """Build a generator with random weights.

    Args:
        name: one of `GENERATORS` or `STYLED`.
        width: channels; see the network.
        options: arguments that this network alone has, such as the blocks of "resnet".

    Raises:
        ValueError: there is no generator of that name.
    """
    if name in STYLED:
        return STYLED[name](width, **options)
    if name not in GENERATORS:
        raise ValueError(f"unknown generator {name!r}; choose one of {', '.join(GENERATORS)}")
    return GENERATORS[name](width, **options)


def make_stored(tensors: Mapping[str, Tensor], name: str, width: int, **options: int) -> GeneratorBase:
    """Build a generator that a file describes, with the weights in the file.

    The weights bound what is built: a file from elsewhere may describe a network of any size.

    Args:
        tensors: the file's weights by name.
        name, width, options: see `make_generator`.

    Raises:
        ValueError: the description fits no generator, or not these weights.
    """
    longest = max((max(tensor.shape, default=0) for tensor in tensors.values()), default=0)
    for key, value, most in (
        ("width", width, longest),
        *((key, value, len(tensors) if key in COUNTS else longest) for key, value in options.items()),
    ):
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(
                f"{key} must be a whole number from 1 to {most} for these weights, got {value!r:.200}"
            )
    try:
        with torch.device("meta"):  # without memory
            wanted = make_generator(name, width, **options).state_dict()
        for key in sorted({*wanted, *tensors}):
            one, other = (part[key].shape if key in part else "none" for part in (wanted, tensors))
            if one != other:
                raise ValueError(f"{key:.100} has the shape {other} instead of {one}")
            if not tensors[key].is_floating_point():
                raise ValueError(f"{key} holds {tensors[key].dtype} instead of floating point")
        generator = make_generator(name, width, **options)
        generator.load_state_dict(tensors)
    except (RuntimeError, TypeError) as error:  # options that the network does not have, sizes beyond 64 bits
        raise ValueError(str(error)) from None
    return generator


def describe(generator: GeneratorBase) -> dict[str, Any]:
    """Arguments for `make_generator` to build the same network again, JSON-serialisable."""
    return {"name": generator.name, "width": generator.width, **generator.options}
