"""`sinct demo`: a translation of the pair that comes with sinct."""

from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import typer

from . import bars, display, viewing
from .keeping import given_in
from .options import (
    AsJson,
    Device,
    Faithful,
    FromScratch,
    MaxMemory,
    Open,
    Overwrite,
    Preset,
    PresetOption,
    Quiet,
    Resume,
    Seed,
    Set,
    Steps,
    Stroke,
    Time,
    Verbose,
    chosen,
    with_strokes,
)
from .translate import translate_one
from .wording import one_folder


def demo(
    ctx: typer.Context,
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
    opened: Open = False,
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
            translate_one(
                painting, [photo], output / "result.png", run_dir=output / "run", device=device, bits=None,
                resume=resume, max_memory=max_memory, overwrite=overwrite, as_json=as_json, quiet=quiet or as_json,
                verbose=verbose, config=chosen(
                    output / "run", resume, preset, time, steps, seed, device, from_scratch,
                    with_strokes(changes, stroke, faithful), given_in(ctx),
                ),
                preset=preset,
            )  # fmt: skip
        display.say(
            f"painting, result and photo side by side: {output / 'run' / 'preview.png'}",
            quiet=quiet or as_json,
        )
        if opened:
            viewing.show(output / "result.png", quiet=quiet or as_json)
