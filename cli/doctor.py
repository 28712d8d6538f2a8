"""`sinct doctor`: what the machine offers and how long presets take, or how wide a painting's strokes are."""

from pathlib import Path
from typing import Annotated

import typer

from . import bars, display, tables
from .inputs import stored
from .options import AsJson, Device


def doctor(
    painting: Annotated[
        Path | None,
        typer.Argument(help="A painting, to be told how wide its strokes are.", show_default=False),
    ] = None,
    device: Device = "auto",
    timing: Annotated[
        bool,
        typer.Option(
            "--timing/--no-timing", help="Train some steps, to tell how long each preset would take."
        ),
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Show devices, precision, threads, versions and memory, what sinct would choose and how long it would take.

    With a painting, show how wide its strokes are, and train nothing.
    """
    with display.errors(as_json=as_json, quiet=as_json), stored([painting] if painting else []) as pictures:
        bars.load(quiet=as_json)
        from sinct.doctor import examine

        painting = pictures[0] if pictures else None
        doing = "looking at the strokes" if painting else "timing some steps" if timing else "looking"
        with bars.waiting(doing, quiet=as_json):
            facts = examine(device, timing=timing and painting is None, painting=painting)
        if as_json:
            display.emit(facts)
            return
        tables.facts(facts)
