"""Checkpoints: every tensor of a training, and a description, in one safetensors file.

A checkpoint holds all that is needed to continue bit for bit: networks, running average, both
optimisers' moments and the state of the random generator. A *model* is a small file that holds only the generator
that translates. Both hold tensors and JSON, and no executable code. Format:

    metadata["sinct"]   JSON object: "format" (1), "kind" ("checkpoint" or "model"), "version" of sinct,
                        "sha256" of everything else, "config", and what the kind adds
    tensors             "<part>.<parameter>", for instance "average.encoder.from_rgb.weight"
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from sinct.errors import CheckpointError, InputError, one_line
from sinct.runtime.files import printable, replacing
from sinct.runtime.json_files import parsed
from sinct.version import __version__

FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """Contents of a checkpoint or model file.

    Attributes:
        tensors: tensors by name, on the CPU.
        description: the JSON object described in the module's docstring.
    """

    tensors: dict[str, Tensor]
    description: dict[str, Any]


def save(path: Path, kind: str, tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> None:
    """Write a file, completely or not at all.

    Args:
        path: file to write; an existing one is replaced.
        kind: "checkpoint" or "model".
        tensors: tensors by name, on any device.
        description: JSON-serialisable facts to store with them.

    Raises:
        CheckpointError: a tensor holds a number that is not finite, so it must not replace a good file.
        OutputError: the file cannot be written.
    """
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    for name, tensor in plain.items():
        if not torch.isfinite(tensor).all():
            raise CheckpointError(f"{name} is not finite: {path} was not written and keeps its older state")
    facts = {"format": FORMAT, "kind": kind, "version": __version__, **description}
    facts["sha256"] = _digest(plain, facts)
    with replacing(path) as temporary:
        try:
            save_file(plain, temporary, metadata={"sinct": json.dumps(facts)})
        except SafetensorError as error:  # wraps the system's error, for instance that the disk is full
            raise OSError(str(error)) from None


def load(path: Path) -> Checkpoint:
    """Read a file that `save` wrote, and verify it.

    Raises:
        InputError: there is no such file.
        CheckpointError: it is damaged, not sinct's, or in another version's format.
    """
    if not path.is_file():
        raise InputError(f"there is no checkpoint {path}; give a run directory or a .safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            description = parsed((file.metadata() or {}).get("sinct", "null"))
            if not isinstance(description, dict) or "format" not in description:
                raise CheckpointError(
                    f"{path} is not a sinct checkpoint; give a run directory or one of its files"
                )
            if description["format"] != FORMAT:
                theirs, version = (
                    printable(one_line(value))
                    for value in (description["format"], description.get("version", "(unknown)"))
                )
                raise CheckpointError(
                    f"{path} has checkpoint format {theirs}, but this sinct {__version__} "
                    f"reads format {FORMAT}; use sinct {version} or train again"
                )
            # copies, because Windows does not let a file be replaced while it is mapped into memory
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
        stored = {name: value for name, value in description.items() if name != "sha256"}
        intact = description.get("sha256") == _digest(tensors, stored)
    except (SafetensorError, OSError, ValueError, RuntimeError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is damaged ({printable(one_line(error))}); train again or restore a copy"
        ) from None
    if not intact:
        raise CheckpointError(f"{path} is damaged (checksum differs); train again or restore a copy")
    return Checkpoint(tensors, description)


def part(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """Select the tensors of one part and remove its prefix."""
    return {
        key.removeprefix(f"{name}."): value for key, value in tensors.items() if key.startswith(f"{name}.")
    }


def prefixed(name: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Add a part's prefix to its tensors' names."""
    return {f"{name}.{key}": value for key, value in tensors.items()}


def _digest(tensors: Mapping[str, Tensor], description: Mapping[str, Any]) -> str:
    """SHA-256 of everything that a reader of the file relies on."""
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for name in sorted(tensors):
        tensor = tensors[name].contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()
