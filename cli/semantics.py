"""`sinct folders segmenter` and `shares`: train what scores street scenes, and see what pictures show."""

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from statistics import fmean
from typing import Annotated, Any

import typer

from sinct.errors import ConfigError, OutputError, counted

from . import bars, display, tables
from .options import AsJson, Device, Overwrite, Quiet, Resume, Seed, Set, parse_changes
from .stopping import resuming, stopping


class LabelNumbers(StrEnum):
    """Names in `sinct.measures.street_scores.NUMBERS`, repeated so that --help need not import torch."""

    ids = "ids"
    train_ids = "train-ids"


Labels = Annotated[
    Path | None,
    typer.Option(
        help="Folder of street scenes' label maps, named as the pictures, for semantic scores; with --segmenter.",
        show_default=False,
    ),
]
Segmenter = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Network that segments them: of `folders segmenter`, or of github.com/fyu/drn for Cityscapes.",
        show_default=False,
    ),
]
Numbers = Annotated[
    LabelNumbers,
    typer.Option(help="Numbers in label maps: Cityscapes' ids, or those of classes with 255 for none."),
]


def segmenter(
    images: Annotated[Path, typer.Argument(help="Folder or list of photographs.", show_default=False)],
    labels: Annotated[
        Path,
        typer.Option("--labels", help="Folder of their label maps, by the same names.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="File for the network, .safetensors.", show_default=False),
    ],
    label_numbers: Numbers = LabelNumbers.ids,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Length in passes over the photographs.", show_default="250"),
    ] = None,
    from_scratch: Annotated[
        bool,
        typer.Option(
            "--from-scratch", help="Begin with random weights instead of those trained on ImageNet."
        ),
    ] = False,
    weights_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with the weights to begin with.", show_default="the cache of weights"),
    ] = None,
    seed: Seed = 0,
    device: Device = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    changes: Set = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train the network for the semantic scores of street scenes, DRN-D-22, on photographs with label maps."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        bars.load(quiet=quiet)
        from sinct import semantics

        with bars.CountDisplay("reading", quiet=quiet) as bar:
            done = semantics.train_segmenter(
                images, labels, output, label_numbers=label_numbers.value, epochs=epochs, seed=seed,
                changes=parse_changes(changes), from_scratch=from_scratch, weights_dir=weights_dir, device=device,
                resume=resume, overwrite=overwrite, on_reading=bar,
                on_step=lambda done, total: bar(done, total, "training"), should_stop=stop,
            )  # fmt: skip
        loss = f", cross-entropy {done.loss:.3f}" if done.loss == done.loss else ""
        if as_json:
            display.emit(
                {
                    "output": str(output),
                    "steps": done.steps,
                    "planned_steps": done.planned,
                    "loss": done.loss if loss else None,
                    "finished": done.finished,
                }
            )
        steps = (
            counted(done.steps, "step")
            if done.finished
            else f"{done.steps:,} of {counted(done.planned, 'step')}"
        )
        display.say(f"trained {steps}{loss}: {output}", quiet=quiet)
        if not done.finished:
            display.say(f"everything is saved. To continue: {resuming(sys.argv[1:])}", quiet=quiet)
            raise typer.Exit(stop.exit_code)


def shares(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="[NAME=]FOLDER",
            help="Folders or lists of pictures: sources, targets, translations; with a name to be shown.",
            show_default=False,
        ),
    ],
    classes: Annotated[
        list[str],
        typer.Option(
            "--class", metavar="NAME", help="Class to look for; repeat for several.", show_default=False
        ),
    ],
    network: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="deeplab_v2 (classes of COCO-Stuff), or a network of torchvision such as maskrcnn_resnet50_fpn.",
        ),
    ] = "deeplab_v2",
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Its weights.", show_default="deeplab_v2's in the cache of weights"
        ),
    ] = None,
    sha256: Annotated[
        str | None,
        typer.Option(metavar="HEX", help="Checksum that this file must have.", show_default=False),
    ] = None,
    weights_dir: Annotated[
        Path | None,
        typer.Option(help="Folder with deeplab_v2's weights.", show_default="the cache of weights"),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use a random network, to try out everything else.")
    ] = False,
    single_scale: Annotated[
        bool, typer.Option("--single-scale", help="Let deeplab_v2 see pictures at one scale, not at three.")
    ] = False,
    output: Annotated[
        list[Path] | None,
        typer.Option(
            "-o",
            "--output",
            help="Chart (.png, .svg, .pdf) or table (.csv); repeat for several.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure what share of folders' pixels shows some classes, such as horses and zebras."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet):
        places = _named(folders)
        outputs = list(output or ())
        bars.load(quiet=quiet)
        from sinct import semantics
        from sinct.report.share_chart import check_chart, write_shares
        from sinct.report.tables import write_csv
        from sinct.runtime.files import replacing

        for path in outputs:
            if path.suffix.lower() != ".csv":
                check_chart(path, overwrite=overwrite)
            elif path.exists() and not overwrite:
                raise OutputError(f"{path} already exists; give `overwrite=True` or another `output`")
        with bars.CountDisplay("looking", quiet=quiet) as bar:
            found = semantics.shares(
                places, classes, network=network, weights=weights, sha256=sha256, weights_dir=weights_dir,
                random_weights=random_weights, multi_scale=not single_scale, device=device, on_progress=bar,
            )  # fmt: skip
        for each in found.folders.values():
            for path_, reason in each.left_out.items():
                display.warn(reason if path_ in reason else f"{path_}: {reason}", quiet=quiet)
        if found.random:
            display.warn("the network is random, so the shares mean nothing", quiet=quiet)
        for path in outputs:
            if path.suffix.lower() == ".csv":
                rows = [[name, each.pictures, *each.shares.values()] for name, each in found.folders.items()]
                head = ["folder", "pictures", *(f"{name}_percent" for name in found.classes)]
                with replacing(path) as temporary:
                    temporary.write_text(write_csv(head, rows), encoding="utf-8", newline="")
            else:
                write_shares(path, found.table, found.classes)
        if as_json:
            display.emit(_facts(found))
            return
        _show(found)
        for path in outputs:
            display.say(f"wrote {path}", quiet=quiet)


def _named(texts: Sequence[str]) -> dict[str, Path]:
    """Read [NAME=]FOLDER; a folder that is there is one, whatever signs its path has.

    Raises:
        ConfigError: two have one name.
    """
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or Path(text).exists() or not path:
            name, path = Path(text).name or text, text
        if name in found:
            raise ConfigError(f"two folders are called {name!r}; give another name as NAME=FOLDER")
        found[name] = Path(path)
    return found


def _facts(found: Any) -> dict[str, Any]:
    """A result for programs: "mean" is over the folders, as that of scores; none where the network is random."""
    columns = {name: [each.shares[name] for each in found.folders.values()] for name in found.classes}
    return {
        "folders": {
            name: {"shares": dict(each.shares), "pictures": each.pictures, "left_out": dict(each.left_out)}
            for name, each in found.folders.items()
        },
        "mean": {} if found.random else {name: fmean(values) for name, values in columns.items()},
        "protocols": dict.fromkeys(found.classes, found.protocol),
        "random": found.random,
    }


def _show(found: Any) -> None:
    """Print shares as a table."""
    several = len(found.classes) > 1
    header = [
        "folder",
        "pictures",
        *(f"{name}, %" for name in found.classes),
        *(["together, %"] if several else []),
    ]
    rows = []
    for name, each in found.folders.items():
        values = list(each.shares.values())
        cells = [f"{value:.1f}" for value in (*values, *([sum(values)] if several else []))]
        rows.append([name, str(each.pictures), *cells])
    tables.show(header, rows, numbers=True)
    total = sum(each.pictures for each in found.folders.values())
    tables.paragraph(f"{counted(total, 'picture')}, {found.protocol}")
