"""Which networks settings ask for; the only place that chooses."""

from torch import nn

from sinct.compact import CompactDiscriminator, CompactGenerator
from sinct.config import Config
from sinct.discriminator import Discriminator
from sinct.generator import Generator, GeneratorBase


def make_generator(config: Config) -> GeneratorBase:
    """Build a generator with random weights."""
    return CompactGenerator(config.width) if config.compact else Generator(config.width)


def make_discriminator(config: Config) -> nn.Module:
    """Build a discriminator of tiles with random weights."""
    if config.compact:
        return CompactDiscriminator(config.tile_size, config.discriminator_widths)
    return Discriminator(config.tile_size, config.discriminator_widths, deviation=config.minibatch_deviation)
