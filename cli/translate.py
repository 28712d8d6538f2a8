"""`sinct translate`: train on a painting and its photos, and write the painting with their look."""

import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from sinct.errors import ConfigError

from . import bars, display, opening, translated, variations, viewing
from .inputs import stored
from .keeping import given_in
from .options import (
    AsJson,
    Bits,
    Continue,
    Device,
    EachFaithful,
    EachPhoto,
    Faithful,
    FromScratch,
    Keep,
    Mask,
    MaxMemory,
    Open,
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
from .stopping import choosing, stopping

if TYPE_CHECKING:
    import sinct


def translate(
    ctx: typer.Context,
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
    opened: Open = False,
    changes: Set = None,
    seeds: Seeds = None,
    presets: Presets = None,
    each_photo: EachPhoto = False,
    each_faithful: EachFaithful = None,
    number: Continue = None,
    pick: PickOption = None,
    prune: Prune = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Train on one painting and its photos, and write the painting with the photos' look."""
    wishes = variations.Wishes(seeds, presets, each_photo, each_faithful, number, pick, prune)
    with (
        display.errors(as_json=as_json, quiet=quiet or as_json),
        stored([painting, *photos, *([mask] if mask else [])]) as [painting, *others],
    ):
        if each_faithful is not None and faithful is not None:
            raise ConfigError("--faithful and --each-faithful contradict each other; give one of them")
        if wishes.check():
            given = given_in(ctx)

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
                mask=others[-1] if mask else None, regions=all_maps(regions, photo_regions), opened=opened,
                verbose=verbose, asks=variations.Asks(
                    seed if given("seed") else None, preset.value if given("preset") and presets is None else None,
                    from_scratch, with_strokes(changes, stroke, faithful),
                ),
            )  # fmt: skip
            return
        bars.load(quiet=quiet or as_json)
        translate_one(
            painting, others[: len(photos)], output, run_dir=run_dir, device=device, bits=bits, resume=resume,
            profile=profile.value, strength=strength, keep=keep or (), mask=others[-1] if mask else None,
            regions=all_maps(regions, photo_regions), max_memory=max_memory, overwrite=overwrite,
            as_json=as_json, quiet=quiet or as_json, verbose=verbose,
            config=chosen(
                run_dir or output.parent / f"{output.stem}.sinct", resume, preset, time, steps, seed, device,
                from_scratch, with_strokes(changes, stroke, faithful), given_in(ctx),
            ),
            preset=preset,
        )  # fmt: skip
        if opened:
            viewing.show(output, quiet=quiet or as_json)


def translate_one(
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
    """Train one candidate, write its picture and say so.

    Args:
        painting, photos, output, preset, config, run_dir: see `sinct.translate`.
        as_json, quiet, verbose: how to tell about it.
        options: what else `sinct.translate` takes.

    Raises:
        typer.Exit: it was interrupted.
    """
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
        translated.report(done, as_json=as_json, quiet=quiet)
        translated.end(done, stop, quiet=quiet)


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
    opened: bool,
    verbose: bool,
    asks: variations.Asks,
    **candidates: Any,
) -> None:
    import sinct

    number = variations.choose(
        wishes, painting, photos, output, run_dir=run_dir, overwrite=overwrite, device=device,
        max_memory=max_memory, mask=mask, regions=regions, as_json=as_json, quiet=quiet, verbose=verbose,
        **candidates,
    )  # fmt: skip
    if number is None:
        sheet = sinct.read_variations(run_dir).sheet
        if opened and sheet is not None:
            viewing.show(sheet, quiet=quiet)
        return
    if not wishes.train:
        variations.check_settings(
            asks, sinct.read_variations(run_dir), number, seeds=wishes.seeds is not None
        )
    # After --pick, a length given was the budget, and the candidate has its part of that.
    if wishes.number is None:
        steps = seconds = None
    first = partial(opening.of_candidate, painting, photos, run_dir, number, steps, seconds)
    with stopping() as stop:
        with (
            bars.TrainingDisplay(quiet=quiet, verbose=verbose, opening=first) as bar,
            bars.PixelDisplay(quiet=quiet) as pixels,
        ):
            done = sinct.continue_variation(
                painting, photos, output, number, run_dir=run_dir, overwrite=overwrite,
                device=device, max_memory=max_memory, bits=bits, profile=profile, strength=strength,
                keep=keep, mask=mask, regions=regions, on_progress=bar, on_preparing=bar.prepare, on_pixels=pixels,
                should_stop=stop, steps=steps, seconds=seconds,
            )  # fmt: skip
        freed = 0
        if wishes.prune and done.finished and done.training is not None and done.training.finished:
            freed = sinct.prune_variations(run_dir, number)
        found = variations.facts(sinct.read_variations(run_dir)) if as_json else {}
        translated.report(done, as_json=as_json, quiet=quiet, more={"chosen": number, "variations": found})
        if freed:
            display.say(f"removed the other candidates' checkpoints: {freed / 1e6:.0f} MB freed", quiet=quiet)
        translated.end(
            done, stop, quiet=quiet, again=lambda steps: choosing(sys.argv[1:], number, steps=steps)
        )
        if opened:
            viewing.show(output, quiet=quiet)
