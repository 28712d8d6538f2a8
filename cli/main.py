"""The commands of `sinct`. They import torch only when they run, so that --help answers at once."""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sinct.errors import named
from sinct.version import __version__

from . import bars, compare, display, opening, variations
from . import settings as settings_table
from .batch import batch_app
from .folder_report import folders_app
from .guide import help_
from .help import App, examples
from .inputs import stored
from .options import (
    AsJson,
    Bits,
    Continue,
    Device,
    EachPhoto,
    Faithful,
    FromScratch,
    Keep,
    Mask,
    MaxMemory,
    Output,
    Overwrite,
    Painting,
    PhotoRegions,
    Photos,
    PickOption,
    Preset,
    PresetOption,
    Presets,
    Profile,
    ProfileOption,
    Prune,
    Quiet,
    RegionMaps,
    Resume,
    RunDir,
    Seed,
    Seeds,
    Set,
    Steps,
    Strength,
    Stroke,
    Time,
    Verbose,
    all_maps,
    chosen,
    settings,
    with_strokes,
)
from .stopping import Stop, capped, choosing, resuming, stopping
from .streams import usable
from .studio import studio
from .weights import weights_app
from .wording import one_folder

if TYPE_CHECKING:
    import sinct

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


@app.command(
    epilog=examples(
        "sinct translate painting.jpg photo.jpg -o out.png",
        "sinct translate painting.jpg photo.jpg -o out.png --preset draft --time 10m",
        "sinct translate painting.jpg photo.jpg -o out.tif --faithful 0.2 --bits 16",
        "sinct translate painting.jpg photo.jpg -o out.png --resume --steps 600",
        "sinct translate painting.jpg photo.jpg -o out.png --seeds 4",
        "sinct translate painting.jpg photo.jpg -o out.png --continue 3",
    )
)
def translate(
    painting: Painting,
    photos: Photos,
    output: Output,
    preset: PresetOption = Preset.standard,
    time: Time = None,
    steps: Steps = None,
    seed: Seed = 0,
    stroke: Stroke = None,
    faithful: Faithful = None,
    from_scratch: FromScratch = False,
    device: Device = "auto",
    run_dir: RunDir = None,
    resume: Resume = False,
    overwrite: Overwrite = False,
    bits: Bits = None,
    profile: ProfileOption = Profile.srgb,
    strength: Strength = 1.0,
    keep: Keep = None,
    mask: Mask = None,
    regions: RegionMaps = None,
    photo_regions: PhotoRegions = None,
    max_memory: MaxMemory = None,
    changes: Set = None,
    seeds: Seeds = None,
    presets: Presets = None,
    each_photo: EachPhoto = False,
    number: Continue = None,
    pick: PickOption = None,
    prune: Prune = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train on one painting and its photos, and write the painting with the photos' look."""
    wishes = variations.Wishes(seeds, presets, each_photo, number, pick, prune)
    with (
        display.errors(as_json=as_json, quiet=quiet or as_json),
        stored([painting, *photos, *([mask] if mask else [])]) as [painting, *others],
    ):
        if wishes.check():

            def of_preset(name: str | None) -> "sinct.Config":
                return settings(
                    preset if name is None else name, time=time if name is None else None,
                    steps=steps if name is None else None, seed=seed, device=device, from_scratch=from_scratch,
                    changes=with_strokes(changes, stroke, faithful),
                )  # fmt: skip

            _translate_one_of_several(
                wishes, painting, others[: len(photos)], output, run_dir=run_dir or output.with_suffix(".sinct"),
                settings=of_preset, preset=preset.value, overwrite=overwrite, as_json=as_json,
                quiet=quiet or as_json, device=device, max_memory=max_memory, steps=steps, seconds=time,
                bits=bits, profile=profile.value, strength=strength, keep=keep or (),
                mask=others[-1] if mask else None, regions=all_maps(regions, photo_regions),
            )  # fmt: skip
            return
        bars.load(quiet=quiet or as_json)
        _translate(
            painting, others[: len(photos)], output, run_dir=run_dir, device=device, bits=bits, resume=resume,
            profile=profile.value, strength=strength, keep=keep or (), mask=others[-1] if mask else None,
            regions=all_maps(regions, photo_regions), max_memory=max_memory, overwrite=overwrite,
            as_json=as_json, quiet=quiet or as_json, verbose=verbose,
            config=chosen(
                run_dir or output.parent / f"{output.stem}.sinct", resume, preset, time, steps, seed, device,
                from_scratch, with_strokes(changes, stroke, faithful),
            ),
            preset=preset,
        )  # fmt: skip


@app.command(
    epilog=examples(
        "sinct train painting.jpg photo.jpg --run-dir run",
        "sinct train 1.jpg photo.jpg --painting 2.jpg --painting 3.jpg --run-dir run",
    )
)
def train(
    painting: Painting,
    photos: Photos,
    run_dir: Annotated[
        Path, typer.Option(help="Folder for the model, checkpoints, log and preview.", show_default=False)
    ],
    more: Annotated[
        list[Path] | None,
        typer.Option(
            "--painting", metavar="PATH", help="A further painting of a series; repeat for several."
        ),
    ] = None,
    preset: PresetOption = Preset.standard,
    time: Time = None,
    steps: Steps = None,
    seed: Seed = 0,
    stroke: Stroke = None,
    faithful: Faithful = None,
    from_scratch: FromScratch = False,
    regions: RegionMaps = None,
    photo_regions: PhotoRegions = None,
    device: Device = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    changes: Set = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train only; `sinct apply` then translates any picture with the trained model."""
    quiet = quiet or as_json
    given = [painting, *(more or []), *photos]
    with (
        display.errors(as_json=as_json, quiet=quiet),
        stored(given) as pictures,
        stopping() as stop,
    ):
        bars.load(quiet=quiet)
        import sinct

        paintings, photos = pictures[: -len(photos)], pictures[-len(photos) :]
        changes = with_strokes(changes, stroke, faithful)
        config = chosen(run_dir, resume, preset, time, steps, seed, device, from_scratch, changes)
        first = partial(opening.of_training, paintings, photos, preset.value, config, run_dir, resume=resume)
        with bars.TrainingDisplay(
            quiet=quiet, verbose=verbose, kept="the model so far", opening=first
        ) as bar:
            training = sinct.train(
                paintings, photos, run_dir, config=config, preset=preset.value, device=device,
                regions=all_maps(regions, photo_regions), resume=resume, overwrite=overwrite, on_progress=bar,
                on_preparing=bar.prepare, should_stop=stop,
            )  # fmt: skip
        if as_json:
            display.emit(_training_facts(training))
        display.say(f"trained {_trained_for(training)}: {training.run_dir}", quiet=quiet)
        _end(training, stop, quiet=quiet)


@app.command(
    epilog=examples(
        "sinct apply out.sinct other.jpg -o other-out.png",
        "sinct apply out.sinct painting.jpg -o weaker.png --strength 0.6",
    )
)
def apply(
    model: Annotated[
        Path, typer.Argument(help="A run directory, checkpoint or model file.", show_default=False)
    ],
    image: Annotated[Path, typer.Argument(help="The picture to translate.", show_default=False)],
    output: Output,
    device: Device = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    bits: Bits = None,
    profile: ProfileOption = Profile.srgb,
    strength: Strength = 1.0,
    keep: Keep = None,
    mask: Mask = None,
    max_memory: MaxMemory = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Translate any picture with a trained generator."""
    quiet = quiet or as_json
    with (
        display.errors(as_json=as_json, quiet=quiet),
        stored([image, *([mask] if mask else [])]) as [image, *masks],
        stopping() as stop,
    ):
        bars.load(quiet=quiet)
        import sinct

        with bars.PixelDisplay(quiet=quiet, doing=f"translating {opening.described(image)}") as bar:
            done = sinct.apply(
                model, image, output, device=device, bits=bits, profile=profile.value, strength=strength,
                keep=keep or (), mask=masks[0] if masks else None, max_memory=max_memory, resume=resume,
                overwrite=overwrite, on_pixels=bar, should_stop=stop,
            )  # fmt: skip
        _report(done, as_json=as_json, quiet=quiet)
        _end(done, stop, quiet=quiet)


@app.command(
    epilog=examples(
        "sinct demo",
        "sinct demo --preset instant -o quick",
    )
)
def demo(
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to write to.")] = Path("sinct-demo"),
    preset: PresetOption = Preset.draft,
    time: Time = None,
    steps: Steps = None,
    seed: Seed = 0,
    stroke: Stroke = None,
    faithful: Faithful = None,
    from_scratch: FromScratch = False,
    device: Device = "auto",
    resume: Resume = False,
    overwrite: Overwrite = False,
    max_memory: MaxMemory = None,
    changes: Set = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Try `sinct translate` on the painting and the photo that come with sinct."""
    with one_folder(), display.errors(as_json=as_json, quiet=quiet or as_json):
        bars.load(quiet=quiet or as_json)
        shipped = files("sinct_assets")
        with (
            as_file(shipped / "demo-painting.jpg") as painting,
            as_file(shipped / "demo-photo.jpg") as photo,
        ):
            _translate(
                painting, [photo], output / "result.png", run_dir=output / "run", device=device, bits=None,
                resume=resume, max_memory=max_memory, overwrite=overwrite, as_json=as_json, quiet=quiet or as_json,
                verbose=verbose, config=chosen(
                    output / "run", resume, preset, time, steps, seed, device, from_scratch,
                    with_strokes(changes, stroke, faithful),
                ),
                preset=preset,
            )  # fmt: skip
        display.say(
            f"painting, result and photo side by side: {output / 'run' / 'preview.png'}",
            quiet=quiet or as_json,
        )


@app.command(
    epilog=examples(
        "sinct doctor",
        "sinct doctor painting.jpg",
        "sinct doctor --no-timing --json",
    )
)
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
        width = max(map(len, facts))
        for name, value in facts.items():
            display.say(f"{name:<{width}}  {value}")


def _translate(
    painting: Path,
    photos: list[Path],
    output: Path,
    *,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    preset: Preset,
    config: "sinct.Config | None",
    run_dir: Path | None,
    **options: Any,
) -> None:
    import sinct

    run = run_dir or output.parent / f"{output.stem}.sinct"
    first = partial(
        opening.of_training, [painting], photos, preset.value, config, run, resume=options["resume"]
    )
    with stopping() as stop:
        with (
            bars.TrainingDisplay(quiet=quiet, verbose=verbose, opening=first) as bar,
            bars.PixelDisplay(quiet=quiet) as pixels,
        ):
            done = sinct.translate(
                painting, photos, output, preset=preset.value, config=config, run_dir=run_dir, on_progress=bar,
                on_preparing=bar.prepare, on_pixels=pixels, should_stop=stop, **options,
            )  # fmt: skip
        _report(done, as_json=as_json, quiet=quiet)
        _end(done, stop, quiet=quiet)


def _translate_one_of_several(
    wishes: variations.Wishes,
    painting: Path,
    photos: list[Path],
    output: Path,
    *,
    run_dir: Path,
    overwrite: bool,
    device: str,
    max_memory: int | None,
    steps: int | None,
    seconds: float | None,
    as_json: bool,
    quiet: bool,
    bits: int | None,
    profile: str,
    strength: float,
    keep: Sequence[str],
    mask: Path | None,
    regions: Sequence[Path],
    **candidates: Any,
) -> None:
    import sinct

    number = variations.choose(
        wishes, painting, photos, output, run_dir=run_dir, overwrite=overwrite, device=device,
        max_memory=max_memory, regions=regions, as_json=as_json, quiet=quiet, **candidates,
    )  # fmt: skip
    if number is None:
        return
    # After --pick, a length given was the budget, and the candidate has its part of that.
    longer = wishes.number is not None
    with stopping() as stop:
        with bars.TrainingDisplay(quiet=quiet) as bar, bars.PixelDisplay(quiet=quiet) as pixels:
            done = sinct.continue_variation(
                painting, photos, output, number, run_dir=run_dir, overwrite=overwrite,
                device=device, max_memory=max_memory, bits=bits, profile=profile, strength=strength,
                keep=keep, mask=mask, regions=regions, on_progress=bar, on_pixels=pixels, should_stop=stop,
                steps=steps if longer else None, seconds=seconds if longer else None,
            )  # fmt: skip
        freed = 0
        if wishes.prune and done.finished and done.training is not None and done.training.finished:
            freed = sinct.prune_variations(run_dir, number)
        found = variations.facts(sinct.read_variations(run_dir)) if as_json else {}
        _report(done, as_json=as_json, quiet=quiet, more={"chosen": number, "variations": found})
        if freed:
            display.say(f"removed the other candidates' checkpoints: {freed / 1e6:.0f} MB freed", quiet=quiet)
        _end(done, stop, quiet=quiet, again=lambda steps: choosing(sys.argv[1:], number, steps=steps))


def _report(
    done: "sinct.Translation", *, as_json: bool, quiet: bool, more: Mapping[str, Any] | None = None
) -> None:
    if as_json:
        trained = _training_facts(done.training) if done.training else {}
        facts = {"output": str(done.output), "width": done.size[0], "height": done.size[1]}
        finished = done.finished and trained.get("finished", True)
        display.emit(
            {
                **trained,
                **facts,
                "warnings": list(done.warnings),
                "finished": finished,
                **(more or {}),
            }
        )
        return
    for text in done.warnings:
        display.warn(text, quiet=quiet)
    trained_for = ""
    if done.training:
        trained_for = f" after {_trained_for(done.training)}" if done.training.steps else " without training"
    if not done.finished:
        return
    display.say(f"wrote {done.output} ({done.size[0]}x{done.size[1]} px){trained_for}", quiet=quiet)


def _trained_for(training: "sinct.Training") -> str:
    """How long it trained, in words; of how many steps, where time or an interrupt ended it early."""
    took = display.clock(training.seconds)
    if training.planned is not None and (training.capped or not training.finished):
        return f"{training.steps} of {training.planned} {named(training.planned, 'step')} in {took}"
    return f"{training.steps} {named(training.steps, 'step')} in {took}"


def _training_facts(training: "sinct.Training") -> dict[str, Any]:
    return {
        "run_dir": str(training.run_dir),
        "steps": training.steps,
        "planned_steps": training.planned,
        "seconds": round(training.seconds, 3),
        "finished": training.finished,
        "capped": training.capped,
        "warnings": list(training.warnings),
    }


def _resuming(steps: int | None) -> str:
    """The command that resumes the present one's run, up to a new length if one is given."""
    return resuming(sys.argv[1:], steps=steps)


def _end(
    done: "sinct.Training | sinct.Translation",
    stop: Stop,
    *,
    quiet: bool,
    again: Callable[[int | None], str] = _resuming,
) -> None:
    """Where the time was up early, say how to go on. After an interrupt, also exit as interrupted programs do."""
    training: Any = getattr(done, "training", done)  # a Translation holds its training
    if not stop() or (done.finished and (training is None or training.finished)):
        if training is not None and training.capped:
            display.say(capped(training.steps, training.planned, again(training.planned)), quiet=quiet)
        return
    where = "in the picture"
    if training is not None and not training.finished:
        of = "" if training.planned is None else f" of {training.planned}"
        where = f"at step {training.steps}{of}"
    display.say(f"stopped {where}; everything is saved. To continue: {again(None)}", quiet=quiet)
    raise typer.Exit(stop.exit_code)


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
