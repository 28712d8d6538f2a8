"""`sinct train`: train on paintings and photos, and translate nothing yet."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from . import bars, display, opening, translated
from .inputs import stored
from .keeping import given_in
from .options import (
    AsJson,
    Device,
    Faithful,
    FromScratch,
    Overwrite,
    Painting,
    PhotoRegions,
    Photos,
    Preset,
    PresetOption,
    Quiet,
    RegionMaps,
    Resume,
    Seed,
    Set,
    Steps,
    Stroke,
    Time,
    Verbose,
    all_maps,
    chosen,
    with_strokes,
)
from .stopping import stopping


def train(
    ctx: typer.Context,
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
        config = chosen(
            run_dir, resume, preset, time, steps, seed, device, from_scratch, changes, given_in(ctx)
        )
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
            display.emit(translated.training_facts(training))
        display.say(f"trained {translated.trained_for(training)}: {training.run_dir}", quiet=quiet)
        translated.end(training, stop, quiet=quiet)
