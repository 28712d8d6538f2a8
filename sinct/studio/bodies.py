"""Reads what a page sends, and writes what it gets."""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from sinct.errors import InputError, SinctError
from sinct.runtime.json_files import restored
from sinct.studio.run import Choices

MOST_JSON = 900_000
"""Most bytes of a request that is no file: a batch names a thousand pictures, each with its photo."""


class TooLarge(SinctError):
    """More bytes came than are taken in."""


class Json(JSONResponse):
    """An answer in JSON. What is no UTF-8 in it, such as a file's name may be, is shown as question marks."""

    def render(self, content: Any) -> bytes:
        """The bytes of it."""
        return as_json(content).encode()


def as_json(values: Any) -> str:
    """Values in JSON, likewise."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace").decode()


async def json_body(request: Request, **kinds: Any) -> dict[str, Any]:
    """The body of a request as JSON.

    Args:
        request: the request.
        kinds: types of the values that it must have, by name.

    Raises:
        InputError: it is something else.
        TooLarge: there is too much of it.
    """
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_JSON:
            raise TooLarge("the request is too long")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or any(not _is_a(values.get(name), kind) for name, kind in kinds.items()):
        raise InputError(f"the request must be JSON with {', '.join(kinds)}")
    return values


def choices_in(asked: dict[str, Any]) -> Choices:
    """What a request chooses besides pictures and preset.

    Raises:
        InputError: it is something else.
    """
    try:
        choices: Choices = restored(Choices, asked.get("choices", {}), "choices")
    except ValueError as error:
        raise InputError(f"the choices are no choices: {error}") from None
    return choices


def _is_a(value: Any, kind: Any) -> bool:
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
