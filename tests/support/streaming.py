"""Models and row-by-row translations, for tests and the processes that they start."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from sinct.inference.model import Model
from sinct.inference.streamed import Streamed, stream
from sinct.networks.choice import make_generator
from sinct.pictures.rows import open_source


def make_model(config, generator="crisp", seed=0) -> Model:
    torch.manual_seed(seed)
    config = config.replace(generator=generator)
    network = make_generator(generator, config.width).requires_grad_(False)
    for name, parameter in network.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter, std=0.1)
    return Model(network, config.content, (40, 400), "cut", config.to_dict(), {"steps": 4})


def run_stream(model, source, output, **changes) -> Streamed:
    options = {
        "bits": 8, "budget": 10**9, "provenance": {"seed": "7"}, "resume": False, "overwrite": False, **changes
    }  # fmt: skip
    return stream(model, open_source(source), Path(output), **options)


def samples(path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)
