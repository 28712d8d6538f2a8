"""The warm start: networks learned on many painted photographs, which a training on a new pair begins with.

`assets/warm_start.py` makes the file, and says what it was learned from; the file says so as well.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import nn

from sinct.errors import ConfigError, WeightsError, one_line

FILE = Path(__file__).with_name("warm_start.safetensors")
"""The file that comes with sinct; half precision."""


def load_warm_start(networks: Mapping[str, nn.Module], path: Path | None = None) -> None:
    """Give networks the weights of the warm start, in place.

    Args:
        networks: generator, discriminator and projection, by these names.
        path: the file; None means `FILE`.

    Raises:
        WeightsError: the file is missing or damaged.
        ConfigError: the networks have another shape than those of the warm start.
    """
    path = path or FILE
    try:
        with safe_open(path, framework="pt") as stored:
            tensors = {name: stored.get_tensor(name).float() for name in stored.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"the warm start {path} cannot be read ({one_line(error)}); install sinct again, or train with "
            "`warm_start=False`"
        ) from None
    for name, network in networks.items():
        state = {
            key.removeprefix(f"{name}."): value
            for key, value in tensors.items()
            if key.startswith(f"{name}.")
        }
        try:
            network.load_state_dict(state)
        except RuntimeError:
            raise ConfigError(
                f"the warm start does not fit the {name} of these settings; keep the preset's networks, or train with "
                "`warm_start=False`"
            ) from None


def warm_start_facts(path: Path = FILE) -> dict[str, Any]:
    """What the warm start was learned from and how: steps, settings, photographs with authors and licences."""
    with safe_open(path, framework="pt") as stored:
        facts: dict[str, Any] = json.loads(stored.metadata()["warm_start"])
    return facts
