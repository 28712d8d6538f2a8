"""`sinct settings`: what `--set` can change."""

import json
from typing import Annotated, Any

import typer
from rich.table import Table

from sinct.errors import ConfigError, did_you_mean

from . import bars, display
from .folders import Method
from .help import filled
from .keeping import given_in
from .options import AsJson, Device, Preset

WIDE = 120
"""Columns from which on settings are a table; below, its last column would be too narrow to read."""


def settings(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A setting, or part of its name.")] = None,
    preset: Annotated[
        Preset, typer.Option(metavar="NAME", help="Show the defaults of this preset.")
    ] = Preset.standard,
    method: Annotated[
        Method | None,
        typer.Option(
            metavar="NAME",
            help=f"Show the settings of a method of `sinct folders` instead: {', '.join(Method)}.",
            show_default=False,
        ),
    ] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Show what --set can change: name, default, range and meaning of every setting."""
    with display.errors(as_json=as_json, quiet=as_json):
        if method is not None and given_in(ctx)("preset"):
            raise ConfigError("--preset and --method show different settings; give one of them")
        bars.load(quiet=as_json)
        from sinct.config import describe

        found = describe(_defaults(preset, method, device))
        if name is not None:
            chosen = [each for each in found if each.name == name]
            chosen = chosen or [each for each in found if name in each.name]
            if not chosen:
                near = did_you_mean(name, [each.name for each in found])
                raise ConfigError(f"unknown setting {name!r}{near or '; `sinct settings` shows all'}")
            found = chosen
        if as_json:
            display.emit({each.name: {**each._asdict(), "default": each.default} for each in found})
            return
        width = display.out.width
        if width < WIDE or len(found) == 1:
            for each in found:
                head = f"{each.name} = {_value(each.default)}  ({each.range})"
                display.out.print(filled(head, width, ""), highlight=False)
                display.out.print(filled(each.meaning, width, "    "), highlight=False)
            return
        table = Table(box=None, pad_edge=False)
        for column in ("setting", "default", "range", "meaning"):
            table.add_column(column, overflow="fold", ratio=1 if column == "meaning" else None)
        for each in found:
            cells = (each.name, _value(each.default), each.range, each.meaning)
            table.add_row(*map(display.plain, cells))
        display.out.print(table)


def _defaults(preset: Preset, method: Method | None, device: str) -> Any:
    """Settings whose values are shown."""
    if method is not None:
        from sinct.objectives.folder_methods import find_method

        return find_method(method.value).settings
    import sinct
    from sinct.runtime.device import choose_device

    return sinct.preset(preset.value, choose_device(device))


def _value(value: Any) -> str:
    """A value as --set takes it."""
    return "none" if value is None else json.dumps(value)
