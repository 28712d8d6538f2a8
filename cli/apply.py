"""`sinct apply`: translate a picture with what was trained before."""

from pathlib import Path
from typing import Annotated

import typer

from . import bars, display, opening, translated, viewing
from .inputs import stored
from .options import (
    AsJson,
    Bits,
    Device,
    Keep,
    Mask,
    MaxMemory,
    Open,
    Output,
    Overwrite,
    Profile,
    ProfileOption,
    Quiet,
    RegionMap,
    Resume,
    Strength,
)
from .stopping import stopping


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
    regions: RegionMap = None,
    max_memory: MaxMemory = None,
    opened: Open = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Translate any picture with a trained generator."""
    quiet = quiet or as_json
    with (
        display.errors(as_json=as_json, quiet=quiet),
        stored([image, *(path for path in (mask, regions) if path)]) as [image, *others],
        stopping() as stop,
    ):
        bars.load(quiet=quiet)
        import sinct

        with bars.PixelDisplay(quiet=quiet, doing=f"translating {opening.described(image)}") as bar:
            done = sinct.apply(
                model, image, output, device=device, bits=bits, profile=profile.value, strength=strength,
                keep=keep or (), mask=others[0] if mask else None, regions=others[-1] if regions else None,
                max_memory=max_memory, resume=resume, overwrite=overwrite, on_pixels=bar, should_stop=stop,
            )  # fmt: skip
        translated.report(done, as_json=as_json, quiet=quiet)
        translated.end(done, stop, quiet=quiet)
        if opened:
            viewing.show(done.output, quiet=quiet)
