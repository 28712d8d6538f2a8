"""Generators, discriminators, projections and VGG, built from plain arguments.

A network knows nothing of settings, files or objectives; `make_generator` turns a name into a generator.
"""

from sinct.networks.base import Features, GeneratorBase
from sinct.networks.choice import GENERATORS, describe, make_generator
from sinct.networks.patchgan_discriminator import PatchDiscriminator
from sinct.networks.projection import Projection
from sinct.networks.tile_discriminator import Discriminator
from sinct.networks.vgg import VGG

__all__ = [
    "GENERATORS",
    "VGG",
    "Discriminator",
    "Features",
    "GeneratorBase",
    "PatchDiscriminator",
    "Projection",
    "describe",
    "make_generator",
]
