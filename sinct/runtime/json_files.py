"""Values as JSON, and JSON files."""

import dataclasses
import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from sinct.errors import ConfigError
from sinct.runtime.files import replacing

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


NAME = re.compile(r"[A-Za-z][\w-]*")
"""A name of something to choose, such as a generator."""


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


def parsed(text: str | bytes) -> Any:
    """Parse JSON from anywhere.

    Raises:
        ValueError: it is no JSON, or is nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def typed_value(text: str) -> Any:
    """Read a setting's value as a person types it: in JSON, or a name such as `width` without its quotes.

    Raises:
        ConfigError: it is neither.
    """
    try:
        return parsed(text)
    except ValueError:
        if NAME.fullmatch(text.strip()):
            return text.strip()
        raise ConfigError(
            f"{text!r:.200} is not a value; give a number, true, false, a name or a list such as [32,64]"
        ) from None


def read_json(path: Path) -> Any:
    """Read a JSON file from anywhere.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON in UTF-8, or is nested too deeply.
    """
    return parsed(path.read_text(encoding="utf-8"))


def restored(kind: Any, value: Any, name: str = "it") -> Any:
    """Turn what JSON returned into a declared type, the inverse of `plain`.

    Args:
        kind: a dataclass, or the type of one of its fields: a class, Any, a union with None, a tuple or a mapping of
            these, or another dataclass.
        value: what JSON returned. Lists become tuples; numbers stay as they are.
        name: what the value is called in messages.

    Raises:
        ValueError: the value is of another type, or lacks a field or has an unknown one.
    """
    if kind is Any:
        return value
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is UnionType:
        fitting = None if value is None else next(each for each in arguments if each is not type(None))
        if value is not None or type(None) in arguments:
            return None if fitting is None else restored(fitting, value, name)
    elif origin is tuple and isinstance(value, list | tuple):
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        if len(kinds) == len(value):
            return tuple(restored(each, item, name) for each, item in zip(kinds, value, strict=True))
    elif origin is not None and issubclass(origin, Mapping) and isinstance(value, Mapping):
        return {
            restored(arguments[0], key, name): restored(arguments[1], item, name)
            for key, item in value.items()
        }
    elif dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        return _restored_fields(kind, value)
    elif origin is None and _fits(kind, value):
        return value
    raise ValueError(f"{name} is of another type, {type(value).__name__}")


def _restored_fields(kind: Any, values: Mapping[str, Any]) -> Any:
    types = get_type_hints(kind)
    try:
        return kind(**{name: restored(types.get(name, Any), value, name) for name, value in values.items()})
    except TypeError as error:  # missing or unknown fields
        raise ValueError(str(error)) from None


def _fits(kind: type, value: Any) -> bool:
    """Whether a value has a plain type: whole numbers count as any number, truth values as none."""
    if isinstance(value, bool):
        return kind is bool
    if kind is float and isinstance(value, int):
        return abs(value) < sys.float_info.max
    return isinstance(value, kind)
