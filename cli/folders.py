"""`sinct folders`: train on two folders of pictures, translate pictures with the result, score translations."""

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sinct.errors import counted, named

from . import bars, compared, display, opening, tables
from .help import App, examples
from .keeping import check_kept, given_in
from .options import (
    AsJson,
    Device,
    MaxMemory,
    Overwrite,
    Quiet,
    Resume,
    Seed,
    Set,
    Time,
    Verbose,
    parse_changes,
)
from .semantics import LabelNumbers, Labels, Numbers, Segmenter, segmenter, shares
from .stopping import capped, resuming, stopping

folders_app = App(
    help="Train on two folders of pictures (CUT, FastCUT, CycleGAN, ...), translate with the result, and score it.",
    epilog=examples(
        "sinct folders train paintings photos --run-dir run --method fastcut",
        "sinct folders apply run paintings -o translated",
        "sinct folders score translated --target photos",
    ),
)


class Method(StrEnum):
    """Names in `sinct.folders.METHODS`, repeated here so that --help need not import torch; a test compares them."""

    cut = "cut"
    fastcut = "fastcut"
    cut_moco = "cut-moco"
    cut_separate = "cut-separate"
    cut_detached = "cut-detached"
    cyclegan = "cyclegan"
    gcgan = "gcgan"
    distancegan = "distancegan"
    self_distancegan = "self-distancegan"
    munit = "munit"
    drit = "drit"


class State(StrEnum):
    """States of a training."""

    best = "best"
    last = "last"


class Size(StrEnum):
    """Sizes at which pictures are translated."""

    tested = "tested"
    own = "own"


WeightsDir = Annotated[
    Path | None,
    typer.Option(help="Folder with the weights of FID's network.", show_default="the cache of weights"),
]


@folders_app.command(
    epilog=examples(
        "sinct folders train paintings photos --run-dir run",
        "sinct folders train dataset --run-dir run --method fastcut --epochs 100",
    )
)
def train(
    ctx: typer.Context,
    run_dir: Annotated[
        Path, typer.Option(help="Folder for the models, checkpoint, log and preview.", show_default=False)
    ],
    source: Annotated[
        Path,
        typer.Argument(
            help="Folder or list of the pictures to translate; or one folder with trainA, trainB, testA and testB.",
            show_default=False,
        ),
    ],
    target: Annotated[
        Path | None,
        typer.Argument(help="Folder or list of pictures whose look is wanted.", show_default=False),
    ] = None,
    method: Annotated[
        Method, typer.Option(metavar="NAME", help=f"What to train: {', '.join(Method)}.")
    ] = Method.cut,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Length in epochs of the larger folder.", show_default="as published"
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Length in steps, instead of in epochs.")
    ] = None,
    time: Time = None,
    seed: Seed = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, metavar="N", help="Train this many times, with seeds from --seed on, in RUN_DIR/seed-N."
        ),
    ] = 1,
    device: Device = "auto",
    weights_dir: WeightsDir = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    changes: Set = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train on two folders of pictures of any size, none of which belong together."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        bars.load(quiet=quiet)
        from sinct import folders
        from sinct.runtime.device import choose_device
        from sinct.training.run_directory import RunDirectory

        domains = folders.find_domains(source, target)
        if resume and not given_in(ctx)("method"):
            method = _method_of(run_dir if seeds == 1 else run_dir / f"seed-{seed}") or method
        length: Any = {"epochs": epochs, "steps": steps, "seconds": time}
        places = {
            number: run_dir if seeds == 1 else run_dir / f"seed-{number}"
            for number in range(seed, seed + seeds)
        }
        if not resume:  # before the first of several trainings, not after it
            for where in places.values():
                RunDirectory(where).check_free(overwrite=overwrite)
        done: list[dict[str, Any]] = []
        early: Any = None
        for number, where in places.items():
            going_on = resume and (where / "config.json").exists() if seeds > 1 else resume
            config: Any = None
            own: Any = None
            if not going_on:
                config = folders.settings(
                    method.value, domains, device=choose_device(device), seed=number, changes=parse_changes(changes),
                    **length,
                )  # fmt: skip
            else:
                own = folders.resumed_settings(method.value, domains, where)
                asked = number if seeds > 1 or given_in(ctx)("seed") else None
                check_kept("this run", own, parse_changes(changes), seed=asked)
                if any(length.values()):
                    config = folders.resumed_settings(method.value, domains, where, **length)
            first = partial(opening.of_folders, domains, method.value, config or own, where, resume=going_on)
            with bars.TrainingDisplay(
                quiet=quiet, verbose=verbose, kept="the model so far", opening=first
            ) as bar:
                training = folders.train(
                    domains, where, method=method.value, config=config, device=device, weights_dir=weights_dir,
                    resume=going_on, overwrite=overwrite, on_progress=bar, on_preparing=bar.prepare, should_stop=stop,
                )  # fmt: skip
            done.append(_facts(training, number))
            display.say(_in_words(training), quiet=quiet)
            early = training if training.capped else early
            if stop() and not training.finished:
                break
        if as_json:
            display.emit({"method": method.value, "trainings": done})
        if early is not None and not stop():
            display.say(capped(early.steps, early.planned), quiet=quiet)
        if stop() and not all(each["finished"] for each in done):
            display.say(f"everything is saved. To continue: {resuming(sys.argv[1:])}", quiet=quiet)
            raise typer.Exit(stop.exit_code)


@folders_app.command(
    epilog=examples(
        "sinct folders apply run paintings -o translated",
        "sinct folders apply run one.jpg two.jpg -o translated --size own",
        "sinct folders apply run paintings -o translated --samples 4",
    )
)
def apply(
    run: Annotated[Path, typer.Argument(help="A run directory or a model file.", show_default=False)],
    images: Annotated[
        list[Path],
        typer.Argument(
            help="Pictures, a folder of them, or a list of them (.txt, .csv or .json).", show_default=False
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Folder for the translations.", show_default=False)
    ],
    state: Annotated[State, typer.Option(help="State of the training: its best, or its last.")] = State.best,
    size: Annotated[
        Size, typer.Option(help="tested: scaled as in the training's tests; own: as they are.")
    ] = Size.tested,
    suffix: Annotated[str, typer.Option(metavar=".EXT", help="File format of the translations.")] = ".png",
    samples: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=1000,
            metavar="N",
            help="Translate each picture this often, with random styles, as NAME-1 to NAME-N; for munit and drit.",
            show_default="once, with the mean style",
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE",
            help="Translate to the style of this picture; for munit and drit.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    max_memory: MaxMemory = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Translate pictures with a model that was trained on two folders."""
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet), stopping() as stop:
        bars.load(quiet=quiet)
        from sinct import folders

        given: Any = images[0] if len(images) == 1 and _holds_many(images[0]) else images
        with bars.CountDisplay("translating", quiet=quiet) as bar:
            done = folders.apply(
                run, given, output, state=state.value, size=size.value, suffix=_suffix(suffix),
                samples=samples, reference=reference, device=device, max_memory=max_memory, resume=resume,
                overwrite=overwrite, on_picture=bar, should_stop=stop,
            )  # fmt: skip
        for text in done.warnings:
            display.warn(text, quiet=quiet)
        for path, reason in done.failed.items():
            display.warn(reason if str(path) in reason else f"{path}: {reason}", quiet=quiet)
        if as_json:
            display.emit(
                {
                    "written": [str(path) for path in done.written],
                    "kept": [str(path) for path in done.kept],
                    "failed": {str(path): reason for path, reason in done.failed.items()},
                    "warnings": list(done.warnings),
                }
            )
        kept = f", kept {len(done.kept)} that were there" if done.kept else ""
        failed = f", left out {len(done.failed)}" if done.failed else ""
        display.say(f"wrote {counted(len(done.written), 'picture')} to {output}{kept}{failed}", quiet=quiet)
        if stop():
            display.say(f"stopped; to translate the rest: {resuming(sys.argv[1:])}", quiet=quiet)
            raise typer.Exit(stop.exit_code)
        if done.failed:
            raise typer.Exit(1)


@folders_app.command(
    epilog=examples(
        "sinct folders score translated --target photos",
        "sinct folders score seed-0 seed-1 --target photos --source paintings",
        "sinct folders score streets --target photos --labels maps --segmenter drn.safetensors",
    )
)
def score(
    translated: Annotated[
        list[Path],
        typer.Argument(
            help="One or more folders of translations, for instance of several seeds.", show_default=False
        ),
    ],
    target: Annotated[
        Path,
        typer.Option("--target", help="Folder of the target domain's test pictures.", show_default=False),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the source pictures, for the score of doing nothing.", show_default=False
        ),
    ] = None,
    labels: Labels = None,
    segmenter: Segmenter = None,
    label_numbers: Numbers = LabelNumbers.ids,
    weights_dir: WeightsDir = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use a random network, to try out everything else.")
    ] = False,
    device: Device = "auto",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare folders of translations with the target domain: FID, clean-FID, KID, and a distance without weights.

    With label maps of street scenes and a segmenter, also mIoU (the paper's mAP), pixel and class accuracy in percent.
    """
    quiet = quiet or as_json
    with display.errors(as_json=as_json, quiet=quiet):
        bars.load(quiet=quiet)
        from sinct import folders

        with bars.CountDisplay("looking", quiet=quiet) as bar:
            found = folders.score(
                translated, target, source=source, labels=labels, segmenter=segmenter,
                label_numbers=label_numbers.value, weights_dir=weights_dir, random_weights=random_weights,
                device=device, on_progress=bar,
            )  # fmt: skip
        for path, reason in found.left_out.items():
            display.warn(reason if path in reason else f"{path}: {reason}", quiet=quiet)
        if found.missing:
            display.warn(f"FID, clean-FID and KID are missing: {found.missing}", quiet=quiet)
        if found.random:
            display.warn("the network is random, so FID, clean-FID and KID mean nothing", quiet=quiet)
        if as_json:
            display.emit(found.to_json())
            return
        _show(found)


folders_app.command(
    epilog=examples(
        "sinct folders segmenter photos --labels maps -o drn.safetensors",
        "sinct folders segmenter photos --labels maps -o drn.safetensors --resume",
    )
)(segmenter)
folders_app.command(
    epilog=examples(
        "sinct folders shares horses zebras CUT=translated --class horse --class zebra -o shares.png",
        "sinct folders shares horses --class horse --network fcn_resnet50 --weights fcn_resnet50_coco-1167a1af.pth",
    )
)(shares)


def _suffix(text: str) -> str:
    """A format's suffix, also where its dot is left out."""
    return text if text.startswith(".") else f".{text}"


def _method_of(run_dir: Path) -> Method | None:
    """The method of a run; None where it cannot be told."""
    from sinct.training.run_directory import RunDirectory

    name = RunDirectory(run_dir).preset()
    return Method(name) if name in list(Method) else None


def _show(found: Any) -> None:
    """Print scores as a table."""
    from sinct.measures.folder_scores import described

    rows = dict(found.sets)
    if found.unchanged:
        rows["source, unchanged"] = found.unchanged
    if found.spread:
        rows["mean"], rows["spread"] = found.mean, found.spread
    lines = [
        [name, *(f"{values[column]:.3f}" if column in values else "not measured" for column in found.mean)]
        for name, values in rows.items()
    ]
    heads = [compared.heading(described(name)) for name in found.mean]
    tables.show(["folder", *heads], lines, numbers=True)


def _holds_many(path: Path) -> bool:
    """Whether a path is a folder or a list of pictures, not a picture."""
    return path.is_dir() or path.suffix.lower() in (".csv", ".txt", ".json", ".jsonl", ".ndjson")


def _facts(training: Any, seed: int) -> dict[str, Any]:
    return {
        "run_dir": str(training.run_dir),
        "seed": seed,
        "steps": training.steps,
        "planned_steps": training.planned,
        "best": training.kept,
        "seconds": round(training.seconds, 3),
        "finished": training.finished,
        "capped": training.capped,
        "warnings": list(training.warnings),
    }


def _in_words(training: Any) -> str:
    steps = f"{training.steps} {named(training.steps, 'step')}"
    if training.planned is not None and (training.capped or not training.finished):
        steps = f"{training.steps} of {training.planned} {named(training.planned, 'step')}"
    return (
        f"trained {steps} in {display.clock(training.seconds)}, best state at step {training.kept}: "
        f"{training.run_dir}"
    )
