"""`sinct folders report`: the paper's grid and table from several methods on the same folder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from sinct.errors import ConfigError

from . import bars, display
from .folders import State, WeightsDir, folders_app
from .help import examples
from .keeping import given_in
from .options import AsJson, Device, Overwrite, Quiet, Seed
from .semantics import LabelNumbers, Labels, Numbers, Segmenter
from .stopping import repeating, stopping

__all__ = ["folders_app"]  # with this command in it


@folders_app.command(
    epilog=examples(
        "sinct folders report CUT=runs/cut CycleGAN=runs/cyclegan --source testA --target testB -o report",
        "sinct folders report CUT=run-0 CUT=run-1 Other=translated --source testA --target testB -o report --insets",
    )
)
def report(
    ctx: typer.Context,
    methods: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=PLACE",
            help="A method's name and its run directory, or a folder of its translations, named after their source "
            "pictures. The same name again is another seed.",
            show_default=False,
        ),
    ],
    source: Annotated[
        Path, typer.Option(help="Folder of the source domain's test pictures.", show_default=False)
    ],
    target: Annotated[
        Path,
        typer.Option("--target", help="Folder of the target domain's test pictures.", show_default=False),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the report.", show_default=False)
    ],
    rows: Annotated[
        int, typer.Option(min=1, metavar="N", help="Source pictures in the grid, drawn at random.")
    ] = 6,
    pictures: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Comma-separated names of the pictures to show instead."),
    ] = None,
    insets: Annotated[
        bool, typer.Option("--insets", help="Enlarge the place of each row where the methods differ most.")
    ] = False,
    seed: Seed = 0,
    state: Annotated[
        State, typer.Option(help="State of the trainings: their best, or their last.")
    ] = State.best,
    labels: Labels = None,
    segmenter: Segmenter = None,
    label_numbers: Numbers = LabelNumbers.ids,
    weights_dir: WeightsDir = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use a random network, to try out everything else.")
    ] = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Translate with several methods, score them, and write a web page with the grid and the table of a paper."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        given = _methods(methods)
        if pictures is not None and given_in(ctx)("rows"):
            raise ConfigError("--pictures names the rows of the grid, so --rows has no say; give one of them")
        names = [name.strip() for name in (pictures or "").split(",") if name.strip()]
        bars.load(quiet=quiet)
        from sinct import folders
        from sinct.runtime.json_files import read_json

        with bars.CountDisplay("working", quiet=quiet) as bar:
            page = folders.report(
                given, output, source=source, target=target, rows=rows, pictures=names, insets=insets, seed=seed,
                state=state.value, labels=labels, segmenter=segmenter, label_numbers=label_numbers.value,
                weights_dir=weights_dir, random_weights=random_weights, device=device,
                overwrite=overwrite, on_progress=lambda what, done, total: bar(done, total, what), should_stop=stop,
            )  # fmt: skip
        if page is None:
            display.say(
                f"stopped; translations so far are kept. To continue: {repeating(sys.argv[1:])}", quiet=quiet
            )
            raise typer.Exit(stop.exit_code)
        missing = read_json(page.parent / "results.json").get("missing")
        if missing:
            display.warn(f"FID, clean-FID and KID are missing: {missing}", quiet=quiet)
        if as_json:
            display.emit({"report": str(page), "missing": missing or None})
        display.say(f"report: {page}", quiet=quiet)


def _methods(texts: list[str]) -> dict[str, list[Path]]:
    """Places by method, from NAME=PLACE."""
    found: dict[str, list[Path]] = {}
    for text in texts:
        name, separator, place = text.partition("=")
        if not separator or not name.strip() or not place:
            raise ConfigError(f"{text!r} is not NAME=PLACE; give for instance CUT=runs/cut")
        found.setdefault(name.strip(), []).append(Path(place))
    return found
