"""`sinct studio`: the local web page."""

import shlex
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from . import display


def studio(
    place: Annotated[
        Path,
        typer.Argument(
            metavar="[RUN|FOLDER]",
            help="A folder of pictures, a run directory in one, or a batch's folder; it is made if it is missing.",
        ),
    ] = Path("sinct-studio"),
    port: Annotated[
        int,
        typer.Option(
            min=0, max=65535, metavar="N", help="Port on this machine.", show_default="any that is free"
        ),
    ] = 0,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in your browser.")] = True,
) -> None:
    """Make pictures on a web page that only this machine serves: choose, train, watch, compare, download.

    A training or a batch goes on when the page or this command is closed; open the studio again to find it.
    """
    with display.errors(as_json=False, quiet=False):
        from sinct.studio import Studio, is_batch, is_run, serve

        folder, run = (place.absolute().parent, place.name) if is_run(place) else (place, None)
        made = Studio(folder)

        def opened(address: str) -> None:
            whole = f"{address}#{run}" if run else f"{address}&page=batch" if is_batch(folder) else address
            display.say(f"the studio is at {whole}")
            display.say("only this machine reaches it; Ctrl-C closes it, and what it began goes on")
            if browser:
                webbrowser.open(whole)

        serve(made, port=port, opened=opened)
        worker = made.processes.working()
        if worker is not None and worker.task in ("train", "batch"):
            display.say(
                f"{worker.run} goes on; to see it again: {shlex.join(['sinct', 'studio', str(place)])}"
            )
