"""Values as JSON, and JSON files."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinct.runtime.files import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def plain(instance: "DataclassInstance") -> dict[str, Any]:
    """A dataclass's fields as JSON would return them, so that they can be compared with stored ones."""
    values: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(instance)))
    return values


def write_json(path: Path, values: Any) -> None:
    """Write values to a JSON file, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(values), encoding="utf-8")
