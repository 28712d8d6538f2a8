"""`sinct weights`: list, fetch and find pretrained weights."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from . import bars, display, tables
from .help import App, examples
from .options import AsJson, Quiet

weights_app = App(
    help="List, fetch and find the pretrained weights that some methods and measures need.",
    epilog=examples("sinct weights list", "sinct weights fetch all"),
)

WeightsDir = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Folder of the weights.", show_default="$SINCT_WEIGHTS or the platform's cache"
    ),
]


@weights_app.command("list", epilog=examples("sinct weights list", "sinct weights list --json"))
def list_(weights_dir: WeightsDir = None, as_json: AsJson = False) -> None:
    """Show each file's name, size and checksum, and whether it is present and undamaged."""
    from sinct.weights.registry import FILES
    from sinct.weights.store import cache_folder

    with display.errors(as_json=as_json, quiet=as_json):
        folder = weights_dir or cache_folder()
        rows = [_row(name, weights_dir) for name in FILES]
        if as_json:
            display.emit({"folder": str(folder), "files": rows})
            return
        width = max(map(len, FILES))
        for row in rows:
            file = FILES[row["name"]]
            tables.paragraph(f"{row['name']:<{width}}  {row['state']}")
            recorded = [f"sha256 {row['recorded']} at its first download"] if row["recorded"] else []
            for text in (
                f"{row['file']}, {file.size_in_words}",
                file.checksum_in_words,
                *recorded,
                row["licence"],
            ):
                tables.paragraph(text, indent="  ")
            tables.paragraph(row["url"], indent="  ")
        display.say(f"folder: {folder}")


@weights_app.command(epilog=examples("sinct weights fetch all", "sinct weights fetch vgg19"))
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAME...", help="Names that `list` shows, or all.", show_default=False),
    ],
    weights_dir: WeightsDir = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Download the files that are missing and check them."""
    from sinct.weights.registry import FILES, find
    from sinct.weights.store import fetch as download

    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet):
        wanted = list(FILES) if "all" in names else list(dict.fromkeys(names))
        for name in wanted:
            find(name)  # report a mistyped name before any download begins
        paths = {}
        for name in wanted:
            with _bar(quiet=quiet) as bar:
                task = bar.add_task(name, total=None)
                paths[name] = download(
                    name,
                    weights_dir,
                    lambda done, total: bar.update(task, completed=done, total=total),  # noqa: B023
                )
            display.say(f"{name}: {paths[name]}", quiet=quiet)
        if as_json:
            display.emit({name: str(path) for name, path in paths.items()})


@weights_app.command(epilog=examples("sinct weights path vgg19"))
def path(
    name: Annotated[str, typer.Argument(help="A name that `list` shows.", show_default=False)],
    weights_dir: WeightsDir = None,
    as_json: AsJson = False,
) -> None:
    """Check a file and print its path; fail if it is missing or damaged."""
    from sinct.weights.store import locate

    with display.errors(as_json=as_json, quiet=as_json):
        found = locate(name, weights_dir)
        if as_json:
            display.emit({name: str(found)})
        else:
            display.say(str(found))


def _row(name: str, folder: Path | None) -> dict[str, Any]:
    """Everything that `list` says about one file."""
    import dataclasses

    from sinct.errors import WeightsError
    from sinct.weights.registry import FILES
    from sinct.weights.store import checksum, locate, path_of, present

    file = FILES[name]
    there = present(name, folder)
    try:
        locate(name, folder)
        state = "present"
    except WeightsError:
        state = "damaged" if there else "missing"
    return {
        **dataclasses.asdict(file),
        "recorded": None if file.sha256 else checksum(name, folder),
        "state": state,
        "path": str(path_of(name, folder)) if there else None,
    }


def _bar(*, quiet: bool) -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    return bars.progress_bar(*columns, quiet=quiet)
