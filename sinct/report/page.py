"""One comparison as a page that needs neither network nor other files."""

import base64
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sinct.measures import Measure
from sinct.report.contact_sheet import contact_sheet
from sinct.report.crops import Place, choose_places, similar_place
from sinct.report.figure import write_figure
from sinct.report.latex import to_latex
from sinct.report.pictures import Panel, embed, embed_small, embed_thumbnail, panels
from sinct.report.plots import default_axes, scatter
from sinct.report.ranking import ENOUGH, in_blocks, leaders, pictured
from sinct.report.results import Comparison, MethodResult
from sinct.report.tables import to_csv
from sinct.report.wording import ABSENT, arrow, column_formats, count, duration, in_groups, memory, spread
from sinct.runtime.files import replacing

_THUMBNAIL = 640
"""Width in pixels; the inset takes about a quarter of a picture that fills a wide screen."""


def write_report(folder: Path, comparison: Comparison) -> Path:
    """Write the report, each of its files completely or not at all.

    These are `report.html`, `contact-sheet.png`, `figure.pdf`, `figure.svg`, `table.csv` and `table.tex`. The same
    pictures and numbers give the same bytes.

    Args:
        folder: folder of the comparison, with the pictures that it names.
        comparison: its results.

    Returns:
        Path of the page, a single file that can be sent and opened anywhere.

    Raises:
        InputError: a picture is missing or damaged.
        OutputError: the folder cannot be written to.
    """
    painting, photo, results = panels(folder, comparison)
    with replacing(folder / "contact-sheet.png") as temporary:
        contact_sheet(painting, photo, [panel for panel in results if not panel.further]).save(
            temporary, "PNG"
        )
    compared = _contenders([p for p in results if p.picture.size == painting.picture.size])
    places = choose_places(painting.picture, [panel.picture for panel in compared]) if compared else []
    write_figure(folder, painting, photo, compared, places)
    write_text(folder / "table.csv", to_csv(comparison))
    write_text(folder / "table.tex", to_latex(comparison))
    page = folder / "report.html"
    write_text(page, _report(comparison, painting, photo, results, places))
    return page


def write_text(path: Path, text: str) -> None:
    """Write UTF-8, completely or not at all; undecodable letters in file names become question marks."""
    with replacing(path) as temporary:
        temporary.write_bytes(text.encode("utf-8", "replace"))


def render(template: str, *, style: str = "", scripts: Sequence[str], **values: Any) -> str:
    """Fill in a template of this package, with its style and scripts inside.

    The page's content security policy allows exactly these scripts and styles and forbids every request,
    so that text from file names would be harmless even if it were not escaped.

    Args:
        template: name of the template file.
        style: rules to add to those of `report.css`.
        scripts: names of script files.
        values: values for the template.
    """
    css = _source("report.css") + style
    script = "\n".join(map(_source, scripts))
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(css)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _ENVIRONMENT.get_template(template)
    return page.render(policy=policy, style=Markup(css), script=Markup(script), **values)


def _source(name: str) -> str:
    assert _ENVIRONMENT.loader is not None
    return _ENVIRONMENT.loader.get_source(_ENVIRONMENT, name)[0]


def _hash(text: str) -> str:
    """Hash source of a text, as Content Security Policy calls it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_ENVIRONMENT = Environment(
    loader=PackageLoader("sinct.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_ENVIRONMENT.filters.update(duration=duration, memory=memory, arrow=arrow, count=count)
_ENVIRONMENT.globals.update(
    absent=ABSENT, spread=spread, count_=count, duration_=duration, enough=f"{ENOUGH:.0%}"
)


def _report(
    comparison: Comparison, painting: Panel, photo: Panel, results: Sequence[Panel], places: Sequence[Place]
) -> str:
    shown = [painting, photo, *results]
    sources, lossless = embed([panel.picture for panel in shown])
    axes = default_axes(comparison)
    groups = in_groups(comparison.measures)
    panes = _panes(shown, sources)
    return render(
        "report.html",
        style=_picture_style(painting, photo),
        scripts=("page.js", "viewer.js", "report.js"),
        comparison=comparison,
        contenders=sum(not (result.control or result.elsewhere) for result in comparison.results),
        elsewhere=sum(result.elsewhere for result in comparison.results),
        controls=sum(result.control for result in comparison.results),
        random=[result for result in comparison.results if result.random_weights],
        failed=[result for result in comparison.results if result.file is None],
        undertrained=[result for result in comparison.results if result.undertrained],
        kept=[result for result in comparison.results if result.kept],
        unknown=[result for result in comparison.results if result.steps_unknown],
        panes=panes,
        after=next((i for i, pane in enumerate(panes) if i and pane.shown), 1),
        lossless=lossless,
        painting=painting.picture,
        photo=photo.picture,
        crops=_crops(painting, photo, results, places),
        groups=groups,
        blocks=_blocks(comparison, groups),
        optimised=any(result.optimises for result in comparison.results),
        unavailable=_by_reason(comparison.unavailable),
        axes=axes,
        plots=_plots(comparison),
        details=[
            _Detail(i, r, _facts(r.settings), _facts(r.facts)) for i, r in enumerate(comparison.results)
        ],
        slowest=max(
            (r.training_seconds for r in comparison.results if r.training_seconds and not r.control),
            default=math.inf,
        ),
        longest=max((r.seconds for r in comparison.results if r.seconds and not r.control), default=math.inf),
        largest=max((r.memory for r in comparison.results if r.memory and not r.control), default=math.inf),
    )


def _by_reason(unavailable: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """Group the measures that could not be computed by their reason."""
    found: dict[str, list[str]] = {}
    for name, reason in unavailable.items():
        found.setdefault(reason, []).append(name)
    return [(names, reason) for reason, names in found.items()]


def _picture_style(painting: Panel, photo: Panel) -> str:
    """Style rules with shapes and thumbnails of the two inputs, stored once for the whole page."""
    return (
        "".join(
            f"\n.{name} {{ aspect-ratio: {panel.picture.width} / {panel.picture.height}; "
            f"background-image: url({embed_thumbnail(panel.picture, _THUMBNAIL)}); }}"
            for name, panel in (("painting", painting), ("photo", photo))
        )
        + f"\n.frame {{ aspect-ratio: {painting.picture.width} / {painting.picture.height}; }}\n"
    )


class _Pane(NamedTuple):
    """A picture in the viewer."""

    panel: Panel
    source: str
    shown: bool


def _panes(shown: Sequence[Panel], sources: Sequence[str]) -> list[_Pane]:
    """All pictures; at first, the painting and five methods are visible, contenders before others."""
    competing, others = _methods(shown)
    first = [shown[0], *([*competing, *others][:5] or shown[1:2])]
    return [
        _Pane(panel, source, any(panel is other for other in first))
        for panel, source in zip(shown, sources, strict=True)
    ]


def _contenders(shown: Sequence[Panel]) -> list[Panel]:
    """Pictures of the contenders, or of all methods where none competes."""
    competing, others = _methods(shown)
    return competing or others


def _methods(shown: Sequence[Panel]) -> tuple[list[Panel], list[Panel]]:
    """The first picture of each contender, and that of each other method."""
    first = [panel for panel in shown if panel.result is not None and not panel.further]
    competing, others = pictured(panel.result for panel in first if panel.result is not None)
    return (
        [panel for panel in first if panel.result is not None and panel.result.name in competing],
        [panel for panel in first if panel.result is not None and panel.result.name in others],
    )


class _Crop(NamedTuple):
    name: str
    source: str


class _CropRow(NamedTuple):
    """A place and its crops."""

    place: Place
    crops: list[_Crop]


def _crops(
    painting: Panel, photo: Panel, results: Sequence[Panel], places: Sequence[Place]
) -> list[_CropRow]:
    """Places where contenders differ most: crops of all results with the painting's size, and a similar photo crop."""
    aligned = [p for p in results if p.picture.size == painting.picture.size and not p.further]
    contenders = _contenders(aligned)
    rows = []
    for place in places:
        like = similar_place(photo.picture, [place.cut(p.picture) for p in contenders], place.size)
        crops = [(panel.name, place.cut(panel.picture)) for panel in (painting, *aligned)]
        crops.insert(1, ("Photo, elsewhere", like.cut(photo.picture)))
        rows.append(_CropRow(place, [_Crop(name, embed_small(crop)) for name, crop in crops]))
    return rows


class Cell(NamedTuple):
    """A value in the table: as text, as a number for sorting, and how it is marked."""

    text: str
    value: float | None
    best: bool
    second: bool
    optimised: bool = False


def cell_of(
    value: float | None,
    deviation: float | None,
    write: Callable[[float], str],
    *,
    best: bool,
    second: bool,
    optimised: bool = False,
) -> Cell:
    """A cell of a table: its value with the deviation, or that there is none."""
    return Cell(
        ABSENT if value is None else spread(value, deviation, write),
        value if value is not None and math.isfinite(value) else None,
        best,
        second,
        optimised,
    )


class _Row(NamedTuple):
    number: int
    result: MethodResult
    cells: list[Cell]


def _blocks(comparison: Comparison, groups: Mapping[str, list[Measure]]) -> list[list[_Row]]:
    """Rows of the table: the first control, the contenders, the other controls."""
    formats = column_formats(comparison.measures, [result.measures for result in comparison.results])
    measures = [measure for members in groups.values() for measure in members]
    marks = {measure.name: leaders(comparison.results, measure) for measure in measures}

    def cell(result: MethodResult, measure: Measure) -> Cell:
        value = result.measures.get(measure.name)
        best, second = marks[measure.name]
        return cell_of(
            value,
            result.deviations.get(measure.name),
            formats[measure.name],
            best=result.name in best,
            second=result.name in second,
            optimised=value is not None and measure.name in result.optimises,
        )

    rows = [_Row(i, r, [cell(r, m) for m in measures]) for i, r in enumerate(comparison.results)]
    return in_blocks(rows, lambda row: row.result.control)


class _Plot(NamedTuple):
    x: str
    y: str
    svg: Markup


def _plots(comparison: Comparison) -> list[_Plot]:
    """A plot for every two measures, so that the page only has to choose one."""
    return [
        _Plot(x.name, y.name, scatter(comparison.results, x, y))
        for x in comparison.measures
        for y in comparison.measures
        if x != y
    ]


@dataclass(frozen=True)
class _Detail:
    """The details shown for one method."""

    index: int
    result: MethodResult
    settings: dict[str, str]
    facts: dict[str, str]


def _facts(values: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for name, v in values.items()
    }
