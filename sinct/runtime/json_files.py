"""Values as JSON, to files and back."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinct.runtime.files import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def plain(instance: "DataclassInstance") -> dict[str, Any]:
    """Fields as they come back from JSON, so that they can be compared with stored ones."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(instance)))
    return values


def write_json(path: Path, values: Any) -> None:
    """Write a file whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")
