"""How well strokes are taken out, and how well their width is told: `python -m benchmarks.stroke_removal`.

Photographs that the network was not learned from, from scikit-image, are painted with brushes of known widths in
several manners. What is left without strokes is compared with the photograph, which is known.
"""

import argparse
import statistics
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from assets.dabs import Manner, paint_with_scale
from assets.painterly import Array
from benchmarks.machine import RESULTS, describe, one_line, write_json
from benchmarks.measures import truth_distance
from sinct.data.strokes import find_strokes, remove_strokes, strokes_to_remove
from sinct.measures.structure import gradient_similarity

PHOTOGRAPHS = ("coffee.png", "chelsea.png", "astronaut.png")
"""Files in scikit-image's data folder."""

SIDE = 400
"""Side of the painted part in the middle of each, in pixels; what is smaller is enlarged."""

WIDTHS = (1.5, 3.0, 6.0, 12.0, 24.0, 40.0)
"""Widths of the finest brush in pixels; the others are two and four times as wide."""

MANNERS = {
    "dabs": Manner(),
    "long strokes": Manner(elongation=5.0, bend=0.3, swirl=0.5),
    "palette knife": Manner(elongation=1.5, squareness=4.0, dryness=0.1, impasto=0.9),
    "drawn": Manner(outlines=3.0),
    "watercolour": Manner(opacity=0.5, rim=0.2, impasto=0.0, canvas_grain=0.12, dryness=0.1),
    "with touches": Manner(touches=1.5, detail=0.05),
}


class Row(NamedTuple):
    """Means over the photographs.

    Attributes:
        manner: name of the manner.
        width: of the strokes seen, in pixels: the median over the painting.
        told: the same as the network tells it.
        halvings: how often pictures were halved.
        left: distance to the truth, as a share of the painting's.
        edges: similarity of the gradients with the truth's; 1 is the truth.
        painted_edges: the same of the painting.
    """

    manner: str
    width: float
    told: float
    halvings: float
    left: float
    edges: float
    painted_edges: float


def photographs() -> Iterator[Array]:
    """Square parts of the photographs, (S, S, 3) in [0, 1]."""
    for name in PHOTOGRAPHS:
        picture = Image.open(str(files("skimage.data") / name)).convert("RGB")
        short = min(picture.size)
        left, top = (picture.width - short) // 2, (picture.height - short) // 2
        part = picture.crop((left, top, left + short, top + short)).resize(
            (SIDE, SIDE), Image.Resampling.LANCZOS
        )
        yield np.asarray(part, np.float32) / 255


def measured(manner: str, width: float) -> Row:
    """Paint all photographs in one manner with one brush, and take the strokes out again."""
    found = []
    for seed, photograph in enumerate(photographs()):
        brushes = tuple(min(4 * width, factor * width) for factor in (4, 2, 1))
        painted = paint_with_scale(photograph, replace(MANNERS[manner], brushes=brushes), seed=seed)
        painting, truth = _tensor(painted.picture), _tensor(photograph)
        stroke, halvings = strokes_to_remove([painting], 0.0, 0.5)
        clean = remove_strokes(painting, stroke, halvings)
        found.append(
            (
                float(np.median(painted.stroke)),
                float(find_strokes(painting).widths.median()),
                float(halvings),
                truth_distance(clean, truth) / truth_distance(painting, truth),
                gradient_similarity(clean, truth),
                gradient_similarity(painting, truth),
            )
        )
    return Row(manner, *(statistics.fmean(values) for values in zip(*found, strict=True)))


def table(rows: Sequence[Row], facts: dict[str, Any]) -> str:
    """The rows as Markdown."""
    lines = [
        "# Strokes taken out, known truth",
        "",
        one_line(facts),
        "",
        "Distance is the mean ΔE to the photograph after a blur of a few pixels, as a share of the painting's own; "
        "edges are the similarity of gradients, 1 being the photograph. Means over "
        f"{', '.join(PHOTOGRAPHS)}, {SIDE} px.",
        "",
        "| manner | strokes, px | told, px | halvings | distance ↓ | edges ↑ | edges of the painting |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.manner} | {row.width:.1f} | {row.told:.1f} | {row.halvings:.1f} | {row.left:.2f} | {row.edges:.2f} | "
        f"{row.painted_edges:.2f} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all manners with all widths."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--widths", type=float, nargs="+", default=WIDTHS, help="widths of the finest brush in px"
    )
    parser.add_argument("--manners", nargs="+", default=list(MANNERS), choices=list(MANNERS))
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "stroke_removal")
    options = parser.parse_args(arguments)
    facts = describe(torch.device("cpu"))
    rows = []
    for manner in options.manners:
        for width in options.widths:
            rows.append(measured(manner, width))
            print(rows[-1], flush=True)
    write_json(
        options.output / "stroke_removal.json", {"machine": facts, "rows": [row._asdict() for row in rows]}
    )
    (options.output / "stroke_removal.md").write_text(table(rows, facts), encoding="utf-8")
    return 0


def _tensor(picture: Array) -> Tensor:
    """(H, W, 3) in [0, 1] -> (3, H, W) in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32)) * 2 - 1


if __name__ == "__main__":
    sys.exit(main())
