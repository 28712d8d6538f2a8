"""The library's messages, reworded for a page, which has neither arguments nor options."""

import re

ARGUMENT = re.compile(r"`(?P<name>[a-z_0-9]+)(?:=(?P<value>[^`]*))?`")


def in_words(text: str) -> str:
    """A message in one line, with the Python arguments that it writes in backticks as words.

    `steps=1000` becomes 1000 steps, `seed` becomes seed, `overwrite=True` becomes overwrite, `tile_size=64` becomes
    tile size 64.
    """
    return ARGUMENT.sub(_words, " ".join(text.split()))


def _words(found: re.Match[str]) -> str:
    name, value = found["name"].replace("_", " "), (found["value"] or "").strip("'\"")
    if value in ("", "True"):
        return name
    return f"{value} {name}" if name in ("steps", "seconds", "seeds") else f"{name} {value}"
