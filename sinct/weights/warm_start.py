"""The warm start: networks learned on many painted photographs, which a training on a new pair begins with.

`assets/warm_start.py` makes the file, and says what it was learned from; the file says so as well.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from sinct.errors import ConfigError, WeightsError, one_line
from sinct.runtime.files import printable
from sinct.runtime.json_files import parsed

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
            tensors = {name: _weights(stored.get_tensor(name)) for name in stored.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise _unreadable(path, error) from None
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
    """What the warm start was learned from and how: steps, settings, photographs with authors and licences.

    Raises:
        WeightsError: the file is missing or damaged, or does not say it.
    """
    try:
        with safe_open(path, framework="pt") as stored:
            facts = parsed((stored.metadata() or {}).get("warm_start", "null"))
        if not isinstance(facts, dict):
            raise ValueError("it does not say what it was learned from")
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        raise _unreadable(path, error) from None
    return facts


def _weights(tensor: Tensor) -> Tensor:
    """A stored tensor in full precision.

    Raises:
        ValueError: it is of another kind, or has a number that is not finite.
    """
    if not tensor.is_floating_point() or not tensor.isfinite().all():
        raise ValueError("it holds what is no finite weight")
    return tensor.float()


def _unreadable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"the warm start {path} cannot be read ({printable(one_line(error))}); install sinct again, or train with "
        "`warm_start=False`"
    )
