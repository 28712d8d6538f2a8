"""The stroke remover: weights of the network that takes strokes out of paintings, which come with sinct.

`assets/stroke_remover.py` makes the file, and says what it was learned from; the file says so as well.
"""

import hashlib
from functools import cache
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from sinct.errors import WeightsError, one_line
from sinct.networks.stroke_remover import StrokeRemover
from sinct.runtime.files import printable

FILE = Path(__file__).with_name("stroke_remover.safetensors")
"""The file that comes with sinct; half precision."""


@cache
def load_stroke_remover(device: torch.device, path: Path = FILE) -> StrokeRemover:
    """The network on a device, ready to be used; loaded once.

    Raises:
        WeightsError: the file is missing or damaged.
    """
    network = StrokeRemover()
    try:
        stored = load_file(path)
        if not all(value.is_floating_point() and value.isfinite().all() for value in stored.values()):
            raise ValueError("it holds what is no finite weight")
        network.load_state_dict({name: value.float() for name, value in stored.items()})
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        raise _unreadable(path, error) from None
    network.requires_grad_(False).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


@cache
def stroke_remover_version(path: Path = FILE) -> str:
    """What tells one stroke remover from another: the first digits of its file's SHA-256.

    Raises:
        WeightsError: the file is missing.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: Path, error: Exception) -> WeightsError:
    return WeightsError(
        f"the stroke remover {path} cannot be read ({printable(one_line(error))}); install sinct again, or train with "
        "`remove_strokes=False`"
    )
