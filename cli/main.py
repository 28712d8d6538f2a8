"""The commands of `sinct`. They import torch only when they run, so that --help answers at once."""

from typing import Annotated

import typer

from sinct.version import __version__

from . import compare
from . import settings as settings_table
from .apply import apply
from .batch import batch_app
from .demo import demo
from .doctor import doctor
from .folder_report import folders_app
from .guide import help_
from .help import App, examples
from .streams import usable
from .studio import studio
from .train import train
from .translate import translate
from .weights import weights_app

app = App(
    pretty_exceptions_enable=False,
    help="Turn one painting into a photo-like picture with the look of one reference photo.",
    epilog=examples(
        "sinct demo",
        "sinct translate painting.jpg photo.jpg -o out.png",
        "sinct apply out.sinct other.jpg -o other-out.png",
        "sinct doctor painting.jpg",
    ),
)


def run() -> None:
    """Entry point of the console script."""
    with usable():
        app()


@app.callback(invoke_without_command=True)
def main(
    version: Annotated[bool, typer.Option("-V", "--version", help="Print the version.")] = False,
) -> None:
    """Print the version if asked; the commands do everything else."""
    if version:
        print(f"sinct {__version__}")
        raise typer.Exit


app.command(
    epilog=examples(
        "sinct translate painting.jpg photo.jpg -o out.png",
        "sinct translate painting.jpg photo.jpg -o out.png --preset draft --time 10m",
        "sinct translate painting.jpg photo.jpg -o out.tif --faithful 0.2 --bits 16",
        "sinct translate painting.jpg photo.jpg -o out.png --resume --steps 600",
        "sinct translate painting.jpg photo.jpg -o out.png --seeds 4",
        "sinct translate painting.jpg photo.jpg -o out.png --continue 3",
    )
)(translate)
app.command(
    epilog=examples(
        "sinct train painting.jpg photo.jpg --run-dir run",
        "sinct train 1.jpg photo.jpg --painting 2.jpg --painting 3.jpg --run-dir run",
    )
)(train)
app.command(
    epilog=examples(
        "sinct apply out.sinct other.jpg -o other-out.png",
        "sinct apply out.sinct painting.jpg -o weaker.png --strength 0.6",
    )
)(apply)
app.command(
    epilog=examples(
        "sinct demo",
        "sinct demo --preset instant -o quick",
    )
)(demo)
app.command(
    epilog=examples(
        "sinct doctor",
        "sinct doctor painting.jpg",
        "sinct doctor --no-timing --json",
    )
)(doctor)
app.command("help", epilog=examples("sinct help picture", "sinct help batch retry"))(help_)
app.command(
    epilog=examples(
        "sinct compare painting.jpg photo.jpg -o report",
        "sinct compare painting.jpg photo.jpg -o report --methods sinct,gpdm --time 5m",
        "sinct compare painting.jpg photo.jpg -o report --add SDXL=sdxl.png --seeds 3",
        "sinct compare --pairs pairs.csv -o report",
    )
)(compare.compare)
app.command(
    epilog=examples(
        "sinct evaluate painting.jpg photo.jpg out.png", "sinct evaluate painting.jpg photo.jpg *.png --json"
    )
)(compare.evaluate)
app.command(
    epilog=examples("sinct studio", "sinct studio paintings --port 8000", "sinct studio out.sinct --no-open")
)(studio)
app.command(
    epilog=examples(
        "sinct settings", "sinct settings nce_weight", "sinct settings --preset paper --json",
        "sinct settings --method fastcut",
    )
)(settings_table.settings)  # fmt: skip
app.add_typer(batch_app, name="batch")
app.add_typer(folders_app, name="folders")
app.add_typer(weights_app, name="weights")
