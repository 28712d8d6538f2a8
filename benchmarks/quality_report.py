"""Tables, curves and contact sheets for `benchmarks.time_to_quality`."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from torch import Tensor

from benchmarks.machine import one_line
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
        values: values by name of the measure.
        seed: the training's seed; None for a control, like all that follows.
        mark: steps asked for.
        steps: steps taken by then; fewer than the mark where the training ended early.
        tflop: operations of these steps, in units of 10^12.
        seconds: seconds that they took.
    """

    pair: str
    variant: str
    values: dict[str, float]
    seed: int | None = None
    mark: int | None = None
    steps: int | None = None
    tflop: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Row:
    """Median and spread of the records with one variant and mark.

    Attributes:
        variant: label of the variant, or name of the control.
        mark: steps asked for; None for a control.
        count: number of records.
        steps: median of the steps taken.
        tflop: median of their operations, in units of 10^12.
        seconds: median of the seconds that they took.
        cells: median, lowest and highest value by measure; a measure that no record has is absent.
    """

    variant: str
    mark: int | None
    count: int
    steps: float | None
    tflop: float | None
    seconds: float | None
    cells: dict[str, tuple[float, float, float]]


def rows(records: Iterable[Record]) -> list[Row]:
    """Summarise records by variant and mark: controls first, then variants in their given order, each by steps."""
    groups: dict[tuple[str, int | None], list[Record]] = {}
    for record in records:
        groups.setdefault((record.variant, record.mark), []).append(record)
    variants = list(dict.fromkeys(variant for variant, _ in groups))
    order = sorted(groups, key=lambda at: (at[1] is not None, variants.index(at[0]), at[1] or 0))
    return [_row(*at, groups[at]) for at in order]


def _row(variant: str, mark: int | None, records: Sequence[Record]) -> Row:
    cells = {}
    for measure in COLUMNS:
        found = [record.values[measure.name] for record in records if measure.name in record.values]
        if found:
            cells[measure.name] = (statistics.median(found), min(found), max(found))

    def middle(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return statistics.median(known) if known else None

    return Row(
        variant,
        mark,
        len(records),
        steps=middle(record.steps for record in records),
        tflop=middle(record.tflop for record in records),
        seconds=middle(record.seconds for record in records),
        cells=cells,
    )


def table(records: Iterable[Record]) -> str:
    """Markdown table of `rows`; a cell is the median, with (lowest…highest) if there are several values."""
    headings = ["picture", "TFLOP", "steps", "time", *(f"{m.title} {_arrow(m)}" for m in COLUMNS)]
    lines = [headings, ["---", *("---:" for _ in headings[1:])]]
    for row in rows(records):
        tflop = "" if row.tflop is None else f"{row.tflop:.3g}"
        steps = "" if row.steps is None else f"{row.steps:.0f}"
        time = "" if row.seconds is None else f"{row.seconds:.3g} s"
        lines.append([row.variant, tflop, steps, time, *(_cell(row, measure) for measure in COLUMNS)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(row: Row, measure: Measure) -> str:
    if measure.name not in row.cells:
        return ""
    # Rounding first hides the arithmetic's rounding errors; + 0 turns -0 into 0.
    median, low, high = (f"{round(value, 6) + 0:.3g}" for value in row.cells[measure.name])
    return f"{median} ({low}…{high})" if row.count > 1 else median


def _arrow(measure: Measure) -> str:
    return "↑" if measure.higher_is_better else "↓"


EXPLANATION = """\
TFLOP are the operations of the training's convolutions and matrix products, 2 per multiply-add, counted in real \
steps; choosing the best state is not counted. They do not depend on the machine, seconds do: its ceiling is the rate \
of a 3x3 convolution, forward and backward, at the shape of the generator's body, right before each training. The \
measures are of the result's translation of the whole painting.
"""

SEPARATE = """\
Each mark is a training of its own, of that length: what a user gets who asks for so many steps.
"""

IN_PASSING = """\
All marks are from one training, which lasts until the largest mark; its learning rate falls towards that end. An \
earlier mark is a glance at the same run, not the result of a shorter one.
"""


def markdown(
    records: Sequence[Record],
    machines: Sequence[str],
    *,
    marks: Sequence[int],
    seeds: Sequence[int],
    in_passing: bool,
) -> str:
    """Render the whole report.

    Args:
        records: the records of all pairs.
        machines: one line for each machine or version of the code that produced results, see `machine_lines`.
        marks: steps asked for.
        seeds: seeds asked for.
        in_passing: whether all marks are from one training.
    """
    pairs = list(dict.fromkeys(record.pair for record in records))
    parts = [
        "# Time to quality",
        "\n".join(f"- {machine}" for machine in machines),
        f"Marks {_listed(marks)} steps, seeds {_listed(seeds)}.",
        ((IN_PASSING if in_passing else SEPARATE) + EXPLANATION).strip(),
        f"## All pairs ({', '.join(pairs)}): median (lowest…highest) over pairs and seeds",
        table(records),
        "![curves](curves.png)",
    ]
    for pair in pairs:
        own = [record for record in records if record.pair == pair]
        parts += [
            f"## {pair}: median (lowest…highest) over seeds",
            table(own),
            f"![{pair}](sheet-{pair}.png)",
        ]
    parts.append("## Measures")
    parts.append(
        "\n".join(f"- **{m.title}** {_arrow(m)}: {m.definition} Blind to: {m.blind}" for m in COLUMNS)
    )
    return "\n\n".join(parts) + "\n"


def machine_lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """One line for each machine or version of the code, with its lowest and highest ceiling.

    Args:
        results: each with `machine`, as `benchmarks.machine.describe` returns it, and if it is a training with
            `ceiling`: GFLOP/s by name of the precision.
    """
    found: dict[str, dict[str, list[float]]] = {}
    for result in results:
        rates = found.setdefault(one_line(result["machine"]), {})
        for precision, rate in result.get("ceiling", {}).items():
            rates.setdefault(precision, []).append(rate)
    return [
        line + "".join(f"; {_range(rates)} GFLOP/s in {precision}" for precision, rates in ceilings.items())
        for line, ceilings in found.items()
    ]


def _range(values: Sequence[float]) -> str:
    low, high = (f"{value:.3g}" for value in (min(values), max(values)))
    return f"ceiling {low}" if low == high else f"ceiling {low}…{high}"


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)


def curves(records: Sequence[Record], path: Path) -> None:
    """Plot each measure against the TFLOP of training as a PNG: medians, a band for the spread, controls dashed."""
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
        axes.set_xlabel("TFLOP", fontsize=7)
        controls = dict.fromkeys(row.variant for row in found if row.mark is None)
        for number, control in enumerate(controls):
            (row,) = (row for row in found if row.variant == control and row.mark is None)
            if measure.name in row.cells:
                level = row.cells[measure.name][0]
                axes.axhline(level, color=f"C{9 - number}", dashes=(3, 2), linewidth=1, label=control)
        for number, variant in enumerate(dict.fromkeys(row.variant for row in found if row.mark is not None)):
            points = [row for row in found if row.variant == variant and measure.name in row.cells]
            work = [row.tflop or 0.0 for row in points]
            median, low, high = np.array([row.cells[measure.name] for row in points]).T
            axes.plot(work, median, "o-", color=f"C{number}", markersize=3, label=variant)
            axes.fill_between(work, low, high, color=f"C{number}", alpha=0.15, linewidth=0)
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
