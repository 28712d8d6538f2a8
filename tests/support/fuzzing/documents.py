"""Damages what sinct writes: bytes of any file, values of JSON, and checkpoints whose checksum is right again."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from sinct.inference import checkpoint
from tests.support.fuzzing.mutations import mutated

DEEP = "[" * 100_000 + "]" * 100_000
"""JSON that is nested more deeply than Python's parser goes."""

STRANGE: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 3, 2**20, 2**31, 2**63, 10**30, 10**400, 0.5, -1e308, float("nan"), float("inf"), "",
    "x", "two\nlines", "\x1b[31mred\0", "\ud800", "x" * 10_000, [], {}, [[]], [1, 2], ["x"], {"x": 1}, {"x": {"x": []}},
    DEEP,
)  # fmt: skip
"""Values that nobody expects; `DEEP` stands for the JSON that it is."""


def damaged_bytes(data: bytes, chance: random.Random) -> bytes:
    """Change some bytes of a file."""
    return mutated([data], chance)[0]


def damaged_values(values: Any, chance: random.Random) -> Any:
    """Replace, leave out or add one value anywhere in what JSON can hold."""
    values = json.loads(json.dumps(values))
    holders = list(_holders(values))
    if not holders or chance.random() < 0.03:
        return chance.choice(STRANGE)
    holder = chance.choice(holders)
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    key, deed = chance.choice(keys), chance.random()
    if deed < 0.15:
        del holder[key]
    elif deed < 0.25 and isinstance(holder, dict):
        holder[chance.choice(("x", "", "name", "\ud800"))] = holder[key]
    else:
        holder[key] = chance.choice(STRANGE)
    return values


def _holders(values: Any) -> Iterator[Any]:
    """All objects and arrays with something in them."""
    if isinstance(values, dict | list) and values:
        yield values
        for item in values.values() if isinstance(values, dict) else values:
            yield from _holders(item)


def dumped(values: Any) -> bytes:
    """Values as JSON."""
    return json.dumps(values).replace(json.dumps(DEEP), DEEP).encode("utf-8", "surrogatepass")


def damaged_json(data: bytes, chance: random.Random) -> bytes:
    """Change bytes of a JSON file, or one of its values."""
    if chance.random() < 0.3:
        return damaged_bytes(data, chance)
    return dumped(damaged_values(json.loads(data), chance))


def damaged_lines(data: bytes, chance: random.Random) -> bytes:
    """Change bytes of a file with a JSON value on each line, or one of the lines."""
    lines = data.splitlines()
    number = chance.randrange(len(lines))
    lines[number] = damaged_json(lines[number], chance)
    return b"\n".join(lines) + b"\n"


def write_damaged_checkpoint(whole: Path, path: Path, chance: random.Random) -> None:
    """Change bytes of a checkpoint, or a value or tensor, and then make its checksum right."""
    deed = chance.random()
    if deed < 0.2:
        path.write_bytes(damaged_bytes(whole.read_bytes(), chance))
        return
    stored = checkpoint.load(whole)
    tensors, description = dict(stored.tensors), dict(stored.description)
    if deed < 0.8:
        description = damaged_values(description, chance)
    else:
        name = chance.choice(sorted(tensors))
        tensors[name] = chance.choice(
            (
                tensors[name].double(),
                tensors[name].to(torch.int64),
                tensors[name].to(torch.complex64),
                tensors[name].flatten(),
                tensors[name][None],
                tensors[name].flatten()[:0],
                torch.zeros(0, 2**40),
                tensors[name].float() * float("nan"),
                tensors[name].float() * 1e30,
            )
        ).contiguous()
        if chance.random() < 0.2:
            del tensors[name]
    write_signed(path, tensors, description)


def write_signed(path: Path, tensors: dict[str, torch.Tensor], description: Any) -> None:
    """Write a checkpoint with any tensors and any description, and the checksum that belongs to them."""
    if isinstance(description, dict):
        description = {name: value for name, value in description.items() if name != "sha256"}
        held = (
            json.loads(dumped(description)) if DEEP not in dumped(description).decode(errors="ignore") else {}
        )
        description["sha256"] = checkpoint._digest(tensors, held)
    save_file(tensors, path, metadata={"sinct": dumped(description).decode("utf-8", "replace")})
