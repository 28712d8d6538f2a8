"""Tables, curves and contact sheets for `benchmarks.time_to_quality`."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor

from benchmarks.measures import COLUMNS
from sinct.measures import Measure
from sinct.report.pictures import label_font

CELL = 320
"""Width of a picture on a contact sheet, in pixels."""


@dataclass(frozen=True)
class Record:
    """Measures of one picture.

    Attributes:
        pair: name of the pair.
        variant: label of the variant, or name of the control.
        seed: the training's seed; None for a control.
        mark: seconds asked for; None for a control.
        seconds: seconds trained, up to the end of the step that reached the mark.
        steps: steps taken by then.
        values: values by name of the measure.
    """

    pair: str
    variant: str
    values: dict[str, float]
    seed: int | None = None
    mark: float | None = None
    seconds: float | None = None
    steps: int | None = None


@dataclass(frozen=True)
class Row:
    """Median and spread of the records with one variant and mark.

    Attributes:
        variant: label of the variant, or name of the control.
        mark: seconds asked for; None for a control.
        count: number of records.
        seconds: median of the seconds trained.
        steps: median of the steps taken.
        cells: median, lowest and highest value by measure; a measure that no record has is absent.
    """

    variant: str
    mark: float | None
    count: int
    seconds: float | None
    steps: float | None
    cells: dict[str, tuple[float, float, float]]


def rows(records: Iterable[Record]) -> list[Row]:
    """Summarise records by variant and mark: controls first, then variants in their given order, each by time."""
    groups: dict[tuple[str, float | None], list[Record]] = {}
    for record in records:
        groups.setdefault((record.variant, record.mark), []).append(record)
    variants = list(dict.fromkeys(variant for variant, _ in groups))
    order = sorted(groups, key=lambda at: (at[1] is not None, variants.index(at[0]), at[1] or 0))
    return [_row(*at, groups[at]) for at in order]


def _row(variant: str, mark: float | None, records: Sequence[Record]) -> Row:
    cells = {}
    for measure in COLUMNS:
        found = [record.values[measure.name] for record in records if measure.name in record.values]
        if found:
            cells[measure.name] = (statistics.median(found), min(found), max(found))

    def middle(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistics.median(known) if known else None

    seconds, steps = middle(r.seconds for r in records), middle(r.steps for r in records)
    return Row(variant, mark, len(records), seconds, steps, cells)


def table(records: Iterable[Record]) -> str:
    """Markdown table of `rows`; a cell is the median, with (lowest…highest) if there are several values."""
    headings = ["picture", "time", "steps", *(f"{m.title} {_arrow(m)}" for m in COLUMNS)]
    lines = [headings, ["---", *("---:" for _ in headings[1:])]]
    for row in rows(records):
        time = "" if row.mark is None else f"{row.mark:g} s"
        steps = "" if row.steps is None else f"{row.steps:.0f}"
        lines.append([row.variant, time, steps, *(_cell(row, measure) for measure in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row, measure: Measure) -> str:
    if measure.name not in row.cells:
        return ""
    # Rounding first hides the arithmetic's rounding errors; + 0 turns -0 into 0.
    median, low, high = (f"{round(value, 6) + 0:.3g}" for value in row.cells[measure.name])
    return f"{median} ({low}…{high})" if row.count > 1 else median


def _arrow(measure: Measure) -> str:
    return "↑" if measure.higher_is_better else "↓"


def markdown(
    records: Sequence[Record], machines: Sequence[str], *, marks: Sequence[float], seeds: Sequence[int]
) -> str:
    """Render the whole report.

    Args:
        records: the records of all pairs.
        machines: one line for each machine or version of the code that produced results.
        marks: seconds asked for.
        seeds: seeds asked for.
    """
    pairs = list(dict.fromkeys(record.pair for record in records))
    parts = [
        "# Time to quality",
        "\n".join(f"- {machine}" for machine in machines),
        f"Marks {_listed(marks)} s, seeds {_listed(seeds)}.",
        "Each training lasts until the largest mark, and its learning rate falls towards that end: an earlier "
        "mark is a glance at the same run, not the result of a shorter one. Times are for training alone; the "
        "measures are of the averaged generator's translation of the whole painting.",
        f"## All pairs ({', '.join(pairs)}): median (lowest…highest) over pairs and seeds",
        table(records),
        "![curves](curves.png)",
    ]
    for pair in pairs:
        own = [record for record in records if record.pair == pair]
        parts += [f"## {pair}: median over seeds", table(own), f"![{pair}](sheet-{pair}.png)"]
    parts.append("## Measures")
    parts.append(
        "\n".join(f"- **{m.title}** {_arrow(m)}: {m.definition} Blind to: {m.blind}" for m in COLUMNS)
    )
    return "\n\n".join(parts) + "\n"


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def curves(records: Sequence[Record], path: Path) -> None:
    """Plot each measure against the seconds trained as a PNG: medians, a band for the spread, controls dashed."""
    found = rows(records)
    columns = [measure for measure in COLUMNS if any(measure.name in row.cells for row in found)]
    across = 4
    down = -(-len(columns) // across)
    figure = Figure(figsize=(3.2 * across, 2.6 * down + 0.6), layout="constrained")
    FigureCanvasAgg(figure)
    for index, measure in enumerate(columns):
        axes = figure.add_subplot(down, across, index + 1)
        axes.set_title(f"{measure.title} {_arrow(measure)}", fontsize=9)
        axes.tick_params(labelsize=7)
        axes.set_xlabel("seconds", fontsize=7)
        controls = dict.fromkeys(row.variant for row in found if row.mark is None)
        for number, control in enumerate(controls):
            (row,) = (row for row in found if row.variant == control and row.mark is None)
            if measure.name in row.cells:
                level = row.cells[measure.name][0]
                axes.axhline(level, color=f"C{9 - number}", dashes=(3, 2), linewidth=1, label=control)
        for number, variant in enumerate(dict.fromkeys(row.variant for row in found if row.mark is not None)):
            points = [row for row in found if row.variant == variant and measure.name in row.cells]
            seconds = [row.seconds or 0.0 for row in points]
            median, low, high = np.array([row.cells[measure.name] for row in points]).T
            axes.plot(seconds, median, "o-", color=f"C{number}", markersize=3, label=variant)
            axes.fill_between(seconds, low, high, color=f"C{number}", alpha=0.15, linewidth=0)
    entries = {
        text: line
        for axes in figure.axes
        for line, text in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=6, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def to_image(pixels: Tensor) -> Image.Image:
    """(3, H, W) in [-1, 1] -> 8-bit RGB."""
    rounded = pixels.clamp(-1, 1).add(1).mul(127.5).round().byte()
    return Image.fromarray(np.ascontiguousarray(rounded.permute(1, 2, 0).numpy()))


def contact_sheet(panels: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Labelled pictures side by side: the whole picture above, its middle at full size below.

    Args:
        panels: pairs of label and RGB picture.
    """
    gap, label = 8, 24
    heights = [max(1, round(CELL * picture.height / picture.width)) for _, picture in panels]
    top, below = label, label + max(heights) + gap
    sheet = Image.new("RGB", (len(panels) * (CELL + gap) - gap, below + CELL), "#ffffff")
    draw = ImageDraw.Draw(sheet)
    for index, ((name, picture), height) in enumerate(zip(panels, heights, strict=True)):
        left = index * (CELL + gap)
        draw.text((left, 2), name, fill="#111111", font=label_font(16))
        sheet.paste(picture.resize((CELL, height), Image.Resampling.LANCZOS), (left, top))
        x, y = (max(0, side - CELL) // 2 for side in picture.size)
        sheet.paste(
            picture.crop((x, y, min(x + CELL, picture.width), min(y + CELL, picture.height))), (left, below)
        )
    return sheet
