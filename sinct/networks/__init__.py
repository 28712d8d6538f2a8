"""Generators, discriminators, projections and VGG, of plain arguments.

A network knows no setting, no file and no objective; `choice` turns a name into a generator.
"""

from sinct.networks.base import Features, GeneratorBase
from sinct.networks.choice import GENERATORS, describe, make_generator
from sinct.networks.projection import Projection
from sinct.networks.tile_discriminator import Discriminator

__all__ = [
    "GENERATORS",
    "Discriminator",
    "Features",
    "GeneratorBase",
    "Projection",
    "describe",
    "make_generator",
]
