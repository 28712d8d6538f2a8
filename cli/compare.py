"""`sinct compare` and `sinct evaluate`."""

import json
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from sinct.comparison import methods
from sinct.errors import ConfigError, Interrupted, counted

from . import bars, compared, display, opening, tables
from .inputs import stored
from .options import AsJson, Device, Open, Overwrite, Painting, Quiet, Seed, duration
from .stopping import repeating, stopping
from .wording import as_options


def compare(
    painting: Annotated[
        Path | None, typer.Argument(help="The picture to translate.", show_default=False)
    ] = None,
    photo: Annotated[
        Path | None, typer.Argument(help="The photo whose look it takes on.", show_default=False)
    ] = None,
    output: Annotated[
        Path,
        typer.Option("-o", "--output", help="Folder for the report and the results.", show_default=False),
    ] = ...,  # type: ignore[assignment]
    chosen: Annotated[
        str | None,
        typer.Option(
            "--methods",
            metavar="NAMES",
            help=f"Comma-separated, from {', '.join(methods.names())}, or all; controls always run.",
            show_default="those that need no weights or whose weights are present, without gcgan",
        ),
    ] = None,
    time: Annotated[
        float | None,
        typer.Option(parser=duration, metavar="TIME", help="Time for each method.", show_default="10m"),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="CSV file with columns painting,photo, or - for standard input; compare on every pair."
        ),
    ] = None,
    regions: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="MAP MAP", help="Maps of painting and photo; equal colours mark matching regions."
        ),
    ] = None,
    seed: Seed = 0,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Run each method with so many seeds, from --seed on; the tables give mean and spread.",
        ),
    ] = 1,
    device: Device = "auto",
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pretrained weights.", show_default="the cache, downloading what is missing"
        ),
    ] = None,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="Use random networks instead; the report says so.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="METHOD.NAME=VALUE",
            help="Change a method's setting (see sinct/comparison/methods/README.md).",
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Limit each stage of a method to so many iterations, for a quick try."
        ),
    ] = None,
    added: Annotated[
        list[str] | None,
        typer.Option(
            "--add",
            metavar="NAME=PATH",
            help="Show and measure a picture made elsewhere beside the methods; with --pairs, a folder with a picture "
            "named after each pair. Repeat for several.",
            show_default=False,
        ),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Comma-separated methods to leave out: not run, and not reported if finished earlier.",
            show_default=False,
        ),
    ] = None,
    overwrite: Overwrite = False,
    opened: Open = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Run sinct and other methods, measure the results and write a report. Repeat the command to continue."""
    quiet = quiet or as_json
    lists, maps = [pairs] if pairs is not None else [], list(regions or ())
    with display.errors(as_json=as_json, quiet=quiet):
        brought = _added(added or [])
    named = [path for path in (painting, photo) if path is not None]
    with (
        display.errors(as_json=as_json, quiet=quiet),
        stored([*brought.values(), *lists, *maps, *named]) as files,
        stopping() as stop,
    ):
        if (pairs is None) == (len(named) < 2) or (pairs is not None and (named or regions)):
            raise ConfigError("give a painting and a photo, or --pairs FILE with both for every pair")
        brought, files = dict(zip(brought, files, strict=False)), files[len(brought) :]
        maps, given = files[len(lists) : len(lists) + len(maps)], files[len(lists) + len(maps) :]
        bars.load(quiet=quiet)
        from sinct.comparison import compare as comparison
        from sinct.comparison import pairs as comparisons

        options: dict[str, Any] = {
            "names": _names(chosen),
            "seconds": time if time is not None else comparison.SECONDS,
            "iterations": iterations,
            "seed": seed,
            "seeds": seeds,
            "device": device,
            "weights_dir": weights_dir,
            "random_weights": random_weights,
            "settings": _settings(changes or []),
            "added": brought,
            "without": _names(without) or (),
            "overwrite": overwrite,
            "should_stop": stop,
        }
        try:
            first = partial(_opening, given, files[0] if pairs is not None else None, output, options)
            with bars.StageDisplay(quiet=quiet, opening=first) as bar:
                if pairs is not None:
                    folder = (
                        pairs.parent if files[0] == pairs else Path()
                    )  # a pipe's list has no place of its own
                    done = comparisons.compare_pairs(files[0], output, folder=folder, on_stage=bar, **options)
                else:
                    done = {
                        "": comparison.compare(
                            given[0],
                            given[1],
                            output,
                            regions=(maps[0], maps[1]) if maps else None,
                            on_stage=bar,
                            **options,
                        )
                    }
        except Interrupted:
            display.say(
                f"stopped; what is finished is saved. To continue: {repeating(sys.argv[1:])}", quiet=quiet
            )
            raise typer.Exit(stop.exit_code) from None
        compared.tell(done, output, chosen=chosen, opened=opened, as_json=as_json, quiet=quiet)


def evaluate(
    painting: Painting,
    photo: Annotated[Path, typer.Argument(help="The photo whose look it should have.", show_default=False)],
    outputs: Annotated[
        list[Path], typer.Argument(help="Pictures made from the painting by any program.", show_default=False)
    ],
    weights_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of pretrained weights.", show_default="the cache, downloading nothing"),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure pictures made elsewhere, beside the painting and the photo themselves."""
    with (
        display.errors(as_json=as_json, quiet=as_json),
        stored([painting, photo, *outputs]) as [painting, photo, *outputs],
    ):
        bars.load(quiet=as_json)
        from sinct.measures import MEASURES
        from sinct.measures.evaluate import evaluate as measure

        found = measure(painting, photo, outputs, weights_dir=weights_dir, device=device)
        if as_json:
            display.emit(found.to_json())
            return
        for text in found.warnings:
            display.warn(text)
        compared.show(found.measures, found.rows)
        for measure_info in found.measures:
            tables.paragraph(
                f"{measure_info.title}: {measure_info.definition} Cannot see: {measure_info.blind}"
            )
        for reason in dict.fromkeys(found.unavailable.values()):
            names = [name for name, why in found.unavailable.items() if why == reason]
            titles = [each.title for each in MEASURES if each.name in names]
            tables.paragraph(as_options(f"not measured: {', '.join(titles or names)}: {reason}"))


def _opening(
    pictures: Sequence[Path], pairs: Path | None, output: Path, options: Mapping[str, Any]
) -> list[str]:
    """The first lines of a comparison."""
    from sinct.comparison.compare import default_methods
    from sinct.comparison.pairs import read_pairs

    chosen = options["names"]
    if chosen is None:
        chosen = default_methods(options["weights_dir"])
    left = {name for name in chosen if name not in options["without"]}
    names = [name for name in methods.names() if name in left and not methods.find(name).control]
    rows = list(read_pairs(pairs)) if pairs is not None else [""]
    count, page = len(rows), output / rows[0] / "report.html"
    what = counted(count, "pair") if pairs is not None else " and ".join(map(opening.described, pictures))
    return opening.of_comparison(
        what, names, pairs=count, page=page if count == 1 else output / "summary.html",
        **{name: options[name] for name in ("seconds", "iterations", "seeds", "random_weights")},
    )  # fmt: skip


def _names(chosen: str | None) -> list[str] | None:
    if chosen is None:
        return None
    names = [name.strip() for name in chosen.split(",") if name.strip()]
    return list(methods.names()) if names == ["all"] else names


def _added(texts: list[str]) -> dict[str, Path]:
    """Read NAME=PATH."""
    found: dict[str, Path] = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or not path:
            raise ConfigError(f"--add {text!r} is not NAME=PATH; give for instance SDXL=sdxl.png")
        if name.strip() in found:
            raise ConfigError(f"--add gives {name.strip()!r} twice; give each picture a name of its own")
        found[name.strip()] = Path(path)
    return found


def _settings(changes: list[str]) -> dict[str, dict[str, Any]]:
    """Read METHOD.NAME=VALUE."""
    found: dict[str, dict[str, Any]] = {}
    for change in changes:
        key, equals, text = change.partition("=")
        method, dot, name = key.strip().rpartition(".")
        if not equals or not dot:
            raise ConfigError(
                f"--set {change!r} is not METHOD.NAME=VALUE; give for instance gpdm.patch_size=7"
            )
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(method, {})[name] = tuple(value) if isinstance(value, list) else value
    return found
