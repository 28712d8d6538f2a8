"""Reference values that the code of the paper's authors gave, see published/README.md."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from sinct.networks.patchgan_discriminator import PatchDiscriminator
from sinct.networks.resnet_generator import ResnetGenerator
from sinct.networks.stylegan2_generator import Generator

PUBLISHED = Path(__file__).parent / "published"


def published(name: str) -> dict[str, Tensor]:
    """The values of one file."""
    return load_file(PUBLISHED / f"{name}.safetensors")


def published_generator(values: dict[str, Tensor]) -> Generator:
    """The generator with the published weights."""
    places = {
        "from_rgb": "encoder.from_rgb",
        "down": "encoder.down",
        **{f"encoder.residual{n}": f"encoder.blocks.{n}" for n in range(3)},
        **{f"decoder.residual{n}": f"decoder.{n}" for n in range(3)},
        "up": "decoder.3",
        "to_rgb": "decoder.4",
    }
    weights = {
        place + name.removeprefix(part): tensor
        for part, place in places.items()
        for name, tensor in values.items()
        if name.startswith(f"{part}.")
    }
    weights["decoder.3.weight"] = weights["decoder.3.weight"].transpose(0, 1)  # ours is (in, out, 3, 3)
    generator = Generator(width=8)
    generator.load_state_dict({**weights, "decoder.3.noise_weight": torch.zeros(1)})
    return generator


def published_resnet(values: dict[str, Tensor]) -> ResnetGenerator:
    """The ResNet generator with the published weights."""
    generator = ResnetGenerator(width=4)
    generator.load_state_dict(
        {
            name.replace("block", "blocks."): tensor
            for name, tensor in values.items()
            if not name.startswith(("in.", "out."))
        }
    )
    return generator


def published_patchgan(values: dict[str, Tensor]) -> PatchDiscriminator:
    """The PatchGAN discriminator with the published weights."""
    discriminator = PatchDiscriminator(width=4)
    discriminator.load_state_dict(
        {
            name.replace("conv", "convolutions."): tensor
            for name, tensor in values.items()
            if name.startswith("conv")
        }
    )
    return discriminator
