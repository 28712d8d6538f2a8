"""Options that several commands share, each with its one help text."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .keeping import Given, check_kept

if TYPE_CHECKING:
    from sinct import Config


class Preset(StrEnum):
    """Names in `sinct.PRESETS`, repeated here so that --help need not import torch; a test compares them."""

    instant = "instant"
    draft = "draft"
    standard = "standard"
    paper = "paper"
    authors = "authors"


class Match(StrEnum):
    """Names in `sinct.batch.matching.MATCHES`, repeated here for the same reason."""

    name = "name"
    palette = "palette"
    nearest = "nearest"


class Format(StrEnum):
    """File formats for a batch's pictures."""

    png = "png"
    tif = "tif"
    jpg = "jpg"
    webp = "webp"
    jxl = "jxl"
    avif = "avif"
    dzi = "dzi"


class Profile(StrEnum):
    """Names in `sinct.pictures.output_profile.CHOICES`, repeated here for the same reason."""

    srgb = "srgb"
    keep = "keep"


class Part(StrEnum):
    """Names in `sinct.inference.parts.PARTS`, repeated here for the same reason."""

    colours = "colours"
    light = "light"
    texture = "texture"


class Pick(StrEnum):
    """How a candidate is chosen without looking at it."""

    best = "best"


def duration(text: str) -> float:
    """Read 90, 90s, 10m, 2h or 1h30m as seconds."""
    units = {"h": 3600.0, "m": 60.0, "s": 1.0}
    total, number = 0.0, ""
    try:
        for letter in text.strip().lower():
            if letter in units:
                total, number = total + float(number) * units[letter], ""
            else:
                number += letter
        total += float(number) if number else 0.0
    except ValueError:
        total = 0.0
    if not 0 < total < float("inf"):
        raise typer.BadParameter(f"{text!r} is not a time; give for instance 90s, 10m or 2h")
    return total


def size(text: str) -> int:
    """Read 2GB, 1.5G, 800MB or a number of bytes."""
    units = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    number = text.strip().upper().removesuffix("B").rstrip("I")
    unit = number[-1:] if number[-1:] in units and not number[-1:].isdigit() else ""
    try:
        total = float(number.removesuffix(unit)) * units[unit]
    except ValueError:
        total = 0.0
    if not 1 <= total < float("inf"):
        raise typer.BadParameter(f"{text!r} is not an amount of memory; give for instance 2GB or 800MB")
    return int(total)


Painting = Annotated[Path, typer.Argument(help="The picture to translate.", show_default=False)]
Photos = Annotated[
    list[Path], typer.Argument(help="One or more photos whose look it takes on.", show_default=False)
]
Output = Annotated[
    Path,
    typer.Option(
        "-o", "--output", help="Picture to write: .png .jpg .tif .webp .jxl .avif .dzi.", show_default=False
    ),
]
PresetOption = Annotated[
    Preset,
    typer.Option(
        metavar="NAME",
        help="Steps of training: instant 0, draft 100, standard 250; paper 100,000 as printed, authors 100,000 as in "
        "the code of the paper's authors.",
    ),
]
Time = Annotated[
    float | None,
    typer.Option(
        parser=duration,
        metavar="TIME",
        help="Stop after this much time even if not all steps are done: 90s, 10m, 2h.",
    ),
]
Steps = Annotated[
    int | None, typer.Option(min=0, metavar="N", help="Train for this many steps instead of the preset's.")
]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="Seed for the random numbers.")]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")]
RunDir = Annotated[
    Path | None,
    typer.Option(
        help="Folder for the checkpoints, log and preview.", show_default="the output's name with .sinct"
    ),
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Continue what was interrupted; a run keeps its settings.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace an existing output and run.")]
FromScratch = Annotated[
    bool,
    typer.Option(
        "--from-scratch",
        help="Begin with random networks instead of those that come with sinct; takes more steps.",
    ),
]
Bits = Annotated[
    int | None, typer.Option(metavar="N", help="8 or 16 bits per channel.", show_default="as in the input")
]
ProfileOption = Annotated[
    Profile,
    typer.Option(
        "--profile",
        help="Colour profile of the output: srgb, or keep for the input's own. The colours are the same and lie within "
        "sRGB; profiles much wider than that get 16 bits.",
    ),
]
Strength = Annotated[
    float,
    typer.Option(
        min=0,
        max=1,
        metavar="SHARE",
        help="How far to go from the input, 0, to its translation, 1; needs no new training with `sinct apply`.",
    ),
]
Keep = Annotated[
    list[Part] | None,
    typer.Option(
        "--keep",
        metavar="PART",
        help="Keep colours, light (light and shade of forms) or texture of the input (strokes, "
        "canvas, fine detail); repeat for two. With --strength and --mask, this comes first.",
    ),
]
Mask = Annotated[
    Path | None,
    typer.Option(
        metavar="PICTURE",
        help="A picture in grey that says where to translate: white there, black keeps the input's own pixels, grey "
        "mixes. Transparent is black; another size is fitted.",
        show_default=False,
    ),
]
RegionMaps = Annotated[
    tuple[Path, Path] | None,
    typer.Option(
        "--regions",
        metavar="MAP MAP",
        help="Maps of painting and photo in flat colours: what a colour covers in the painting learns from what it "
        "covers in the photo, sky from sky.",
    ),
]
RegionMap = Annotated[
    Path | None,
    typer.Option(
        "--regions",
        metavar="MAP",
        help="Map of the picture in flat colours, those of the painting's map in the training: each part gets the look "
        "of the painting's part of this colour.",
        show_default=False,
    ),
]
PhotoRegions = Annotated[
    list[Path] | None,
    typer.Option(
        "--photo-regions",
        metavar="MAP",
        help="Map of the second photo; repeat it for the third, and so on. Goes with --regions.",
    ),
]
MaxMemory = Annotated[
    int | None,
    typer.Option(
        parser=size,
        metavar="SIZE",
        help="Memory for the translation; a picture too large for it is read and written row by row.",
        show_default="1.5GB, or half the free memory if that is less",
    ),
]
Open = Annotated[
    bool, typer.Option("--open", help="Open the finished picture or report in the system's viewer.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Show the losses of a training too, by their names in the paper.")
]
Stroke = Annotated[
    float | None,
    typer.Option(
        min=0,
        metavar="PX",
        help="Width of the strokes to take out, in pixels of the painting.",
        show_default="told from the painting, see `sinct doctor PAINTING`",
    ),
]
Faithful = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        metavar="SHARE",
        help="From 0, which keeps little more than the composition, to 1, which keeps every form and many strokes.",
        show_default="0.5",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="Change a setting, such as nce_weight=2; `sinct settings` shows all.",
    ),
]


Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        metavar="N",
        help="Train N candidates for a short time each, with seeds counted up from --seed, and show them on one sheet. "
        "Half of the steps or time is theirs, the other half goes to the one that --continue or --pick chooses.",
        show_default=False,
    ),
]
EachPhoto = Annotated[
    bool, typer.Option("--each-photo", help="Likewise with a candidate of each photo by itself.")
]
EachFaithful = Annotated[
    str | None,
    typer.Option(
        "--each-faithful",
        metavar="SHARES",
        help="Likewise with a candidate of each of these values of --faithful, for instance 0.25,0.5,1.",
        show_default=False,
    ),
]
Presets = Annotated[
    str | None,
    typer.Option(
        "--presets",
        metavar="NAMES",
        help="Likewise with a candidate of each of these presets, for instance instant,draft,authors.",
        show_default=False,
    ),
]
Continue = Annotated[
    int | None,
    typer.Option(
        "--continue",
        metavar="K",
        help="Go on with candidate K and write the picture; --steps or --time give it another length.",
        show_default=False,
    ),
]
PickOption = Annotated[
    Pick | None,
    typer.Option(help="Go on with the candidate that sinct's own measure likes best.", show_default=False),
]
Prune = Annotated[
    bool,
    typer.Option("--prune", help="Then remove the checkpoints of the other candidates; their models stay."),
]


def settings(
    preset: str,
    *,
    time: float | None,
    steps: int | None,
    seed: int,
    device: str,
    from_scratch: bool,
    changes: list[str] | None,
) -> "Config":
    """Settings from the preset, the length, the seed, the start and --set.

    Raises:
        SinctError: they contradict each other, or a value is out of range.
    """
    import sinct
    from sinct.runtime.device import choose_device

    config = sinct.preset(preset, choose_device(device), seconds=time, steps=steps, seed=seed)
    return config.replace(**({"warm_start": False} if from_scratch else {}), **parse_changes(changes))


def chosen(
    run_dir: Path,
    resume: bool,
    preset: Preset,
    time: float | None,
    steps: int | None,
    seed: int,
    device: str,
    from_scratch: bool,
    changes: list[str] | None,
    given: Given,
) -> "Config | None":
    """Settings for a new run; a resumed run keeps its own, so it gets settings only for a new length.

    A time alone leaves it its steps. Steps alone free it from the limit to its time.

    Raises:
        SinctError: they contradict each other or those of the run, a value is out of range, or there is no run to
            resume.
    """
    if not resume:
        return settings(
            preset.value,
            time=time,
            steps=steps,
            seed=seed,
            device=device,
            from_scratch=from_scratch,
            changes=changes,
        )
    asks = given("preset") or given("seed") or from_scratch or changes
    if time is None and steps is None and not asks:
        return None
    from sinct.objectives.cut import Trainer
    from sinct.training.run_directory import RunDirectory

    run = RunDirectory(run_dir)
    config: Config = run.read_config(Trainer)[0]
    check_kept(
        "this run", config, parse_changes(changes), seed=seed if given("seed") else None,
        preset=preset.value if given("preset") else None, own_preset=run.preset(), from_scratch=from_scratch,
    )  # fmt: skip
    if time is None and steps is None:
        return None
    return config.replace(steps=config.steps if steps is None else steps, seconds=time)


def all_maps(regions: tuple[Path, Path] | None, more: list[Path] | None) -> list[Path]:
    """All region maps, that of the painting first.

    Raises:
        SinctError: there are maps of further photos only.
    """
    if more and not regions:
        import sinct

        raise sinct.ConfigError("--photo-regions goes with --regions, the maps of painting and first photo")
    return [*(regions or ()), *(more or [])]


def with_strokes(changes: list[str] | None, stroke: float | None, faithful: float | None) -> list[str]:
    """Settings changed by --set, and by the options about strokes."""
    given = {"stroke": stroke, "faithful": faithful}
    return [
        *(changes or []),
        *(f"{name}={value}" for name, value in given.items() if value is not None),
    ]


def parse_changes(changes: list[str] | None) -> dict[str, Any]:
    """Read NAME=VALUE pairs, with values in JSON or names.

    Raises:
        SinctError: a pair has another form, or sets the length.
    """
    import sinct
    from sinct.runtime.json_files import typed_value

    values: dict[str, Any] = {}
    for change in changes or []:
        name, equals, text = change.partition("=")
        if not equals:
            raise sinct.ConfigError(f"--set {change!r} has no value; give NAME=VALUE")
        try:
            values[name.strip()] = typed_value(text)
        except sinct.ConfigError as error:
            raise sinct.ConfigError(f"--set {name}: {error}") from None
    if {"steps", "seconds"} & set(values):
        raise sinct.ConfigError("--set does not take steps or seconds; use --steps or --time")
    return values
