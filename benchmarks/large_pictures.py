"""Pixels per second and peak memory from one megapixel upwards: `python -m benchmarks.large_pictures`.

Each size runs in its own process, so that its peak memory can be measured. The benchmark writes a square TIFF of
smooth noise row by row; a preset's generator translates it from file to file. Its random weights take as long as
trained ones.
"""

import argparse
import dataclasses
import math
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

import sinct
from benchmarks.ceiling import flops_of, forward_rate
from benchmarks.machine import RESULTS, describe, one_line, write_json
from sinct.data.pair_content import prepare_pair
from sinct.data.strokes import CELL, SIGHT, always, in_memory
from sinct.inference.model import Model
from sinct.inference.streamed import stream
from sinct.inference.whole import MARGIN, continued_size
from sinct.networks.choice import make_generator
from sinct.pictures.cuts import Cut
from sinct.pictures.opening import memory_budget
from sinct.pictures.rows import open_source, vips
from sinct.pictures.rows_to_file import CLASSIC_TIFF
from sinct.pictures.windows import Span
from sinct.runtime.device import choose_device, peak_memory
from sinct.runtime.speed import Shape

SIZES = (1, 4, 16, 64, 200)
"""Sizes to measure, in megapixels."""

SAMPLE = 512
"""Side of the picture on which the generator's operations are counted, in pixels."""

SAMPLED_WINDOWS = 3
"""Number of windows of a large result that are compared with the same places translated in memory."""

EXPLANATION = """\
Seconds run from opening the source to the finished file, a tiled, pyramidal TIFF. Peak memory is that of the whole
process, with torch and libvips. Waste: pixels computed only to be cut away. The roofline is the rate of a 3x3
convolution forward in the generator's precision at the shape of its body, measured in the same process after the
translation. "Of it" counts only the generator's operations; smoothing, grain, reading, encoding and waste therefore
lower it. Differing values: the share of 8-bit values in sampled windows that differ from the same places translated
in memory, and the largest difference.
"""


@dataclass(frozen=True)
class Measured:
    """What was found for one size.

    Attributes:
        megapixels: size of the picture.
        preset: provides the generator and the preparation.
        width: width of the generator, in channels.
        side: side of the picture, in pixels.
        seconds: time from file to file.
        peak_bytes: peak memory; None where the system does not report it.
        budget: bytes allowed.
        waste: pixels computed only to be cut away, as a share of the picture's pixels.
        gflop: the generator's operations per megapixel, in units of 10^9.
        roofline: rate of the convolution, in GFLOP/s.
        differing: share of sampled 8-bit values that differ from the picture translated in memory.
        largest: largest such difference, in levels.
    """

    megapixels: float
    preset: str
    width: int
    side: int
    seconds: float
    peak_bytes: int | None
    budget: int
    waste: float
    gflop: float
    roofline: float
    differing: float
    largest: int

    @property
    def rate(self) -> float:
        """Megapixels per second."""
        return self.megapixels / self.seconds

    @property
    def fraction(self) -> float:
        """Share of the roofline that the whole translation reaches."""
        return self.gflop * self.rate / self.roofline


def make_model(preset: str, width: int | None, device: torch.device) -> Model:
    """The generator of a preset, optionally with another width, with seeded random weights.

    Pictures are prepared for it with the colours and the texture of a random pair, which take as long as any.
    """
    config = sinct.preset(preset, device)
    config = config if width is None else config.replace(width=width)
    torch.manual_seed(0)
    generator = make_generator(config.generator, config.width).requires_grad_(False)
    generator.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    coarse = torch.rand(2, 3, 24, 24) * 2 - 1
    painting, photo = torch.nn.functional.interpolate(coarse, (384, 384), mode="bicubic").clamp(-1, 1)
    prepared = prepare_pair(
        [painting + 0.1 * torch.randn_like(painting)],
        [photo + 0.1 * torch.randn_like(photo)],
        config.content,
        in_photos_colours=config.recolour,
        repaint=False,
        texture=config.texture,
    )
    return Model(generator, prepared.content, (1, 10**6), "cut", config.to_dict(), {})


def side_of(megapixels: float) -> int:
    """Side in pixels of a square with about this many megapixels."""
    return round(math.sqrt(megapixels * 1e6) / 8) * 8


def write_noise(path: Path, side: int) -> None:
    """Write a square RGB TIFF of smooth noise, row by row."""
    pyvips = vips()
    planes = [
        pyvips.Image.perlin(side, side, cell_size=cell, seed=cell).linear(110, 128).cast("uchar")
        for cell in (97, 173, 389)
    ]
    picture = planes[0].bandjoin(planes[1:]).copy(interpretation="srgb")
    picture.tiffsave(str(path), compression="lzw", bigtiff=side * side * 3 > CLASSIC_TIFF)


def compare(model: Model, source: Path, output: Path, window: int = 512) -> tuple[float, int]:
    """Translate windows of a picture in memory, with ample context, and compare the streamed result with them.

    Returns:
        The share of values that differ, and the largest difference in levels.
    """
    before, after = open_source(source), open_source(output)
    cell = CELL << model.content.halvings
    margin = model.generator.halo + model.content.reach + model.generator.stride + SIGHT + 2 * cell
    differences = []
    for place in range(SAMPLED_WINDOWS):
        top = (before.height - window) * place // max(1, SAMPLED_WINDOWS - 1)
        left = (before.width - window) * (place * 2 % SAMPLED_WINDOWS) // max(1, SAMPLED_WINDOWS - 1)
        top, left = max(0, top), max(0, left)
        bottom, right = min(before.height, top + window), min(before.width, left + window)
        first = max(0, top - margin) // cell * cell  # where cells of the whole picture begin
        rows = before.rows()(first, min(before.height, bottom + margin))

        def cut(down: slice, across: slice, rows: Any = rows, first: int = first) -> torch.Tensor:
            return before.pixels(rows[down.start - first : down.stop - first, across])

        bands = always(partial(_below, cut, -first))
        change = model.stroke_change(bands, len(rows), before.width, in_memory, None)
        if change is not None:
            change = partial(_below, change, first)
        prepared = model.prepared(cut, before.height, before.width, change)
        part = _context(model, prepared, before.height, before.width, (top, bottom), (left, right))
        expected = part.clamp(-1, 1).add(1).mul(127.5).round()
        found = after.rows()(top, bottom)[:, left:right, :3]
        differences.append((torch.from_numpy(found).permute(2, 0, 1).float() - expected).abs().flatten())
    every = torch.cat(differences)
    return float((every > 0).float().mean()), int(every.max())


def _below(cut: Cut, first: int, rows: slice, columns: slice) -> torch.Tensor:
    """Cut out of a picture's part that begins at this row, by rows of the whole; the reverse below 0."""
    return cut(slice(rows.start - first, rows.stop - first), columns)


def _context(
    model: Model, prepared: Any, height: int, width: int, rows: tuple[int, int], columns: tuple[int, int]
) -> torch.Tensor:
    """Translate one window of the picture, with its halo, in a single pass."""
    halo, stride = model.generator.halo, model.generator.stride

    def span(start: int, stop: int, length: int, continued: int) -> Span:
        start, stop = start // stride * stride, -(-stop // stride) * stride
        return Span(
            max(-MARGIN, start - halo), min(continued - MARGIN, stop + halo), start, min(length, stop)
        )

    continued = continued_size(height, width, stride)
    down, across = span(*rows, height, continued[0]), span(*columns, width, continued[1])
    [part] = model.windows(prepared, height, width, [down], [across])
    top, left = rows[0] - part.top, columns[0] - part.left
    return part.pixels[:, top : top + rows[1] - rows[0], left : left + columns[1] - columns[0]]


def measure(
    megapixels: float, preset: str, width: int | None, max_memory: int | None, folder: str
) -> Measured:
    """Measure one size; runs in its own process."""
    device = choose_device("auto")
    side = side_of(megapixels)
    source, output = Path(folder) / "source.tif", Path(folder) / "output.tif"
    model = make_model(preset, width, device)
    budget = memory_budget(max_memory)
    started = time.perf_counter()
    done = stream(
        model, open_source(source), output, bits=8, budget=budget, provenance={}, resume=False, overwrite=True
    )
    seconds = time.perf_counter() - started
    peak = peak_memory()
    picture = torch.zeros(1, 3, SAMPLE, SAMPLE, device=device)
    gflop = flops_of(lambda: model.generator(picture)) / 1e9 / (SAMPLE**2 / 1e6)
    dtype = torch.bfloat16 if model.mixed_precision else torch.float32
    roofline = forward_rate(Shape(1, 2 * model.generator.width, 256), dtype, device)
    differing, largest = compare(model, source, output)
    return Measured(
        side**2 / 1e6,
        preset,
        model.generator.width,
        side,
        seconds,
        peak,
        budget,
        done.waste,
        gflop,
        roofline,
        differing,
        largest,
    )


def table(found: Sequence[Measured], facts: dict[str, Any]) -> str:
    """Results as Markdown."""
    lines = [
        f"# Large pictures\n\n{one_line(facts)}\n\n{EXPLANATION}",
        "| MP | generator | s | MP/s | peak GB | budget GB | waste | roofline GFLOP/s | of it | differing values |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for one in found:
        peak = "not told" if one.peak_bytes is None else f"{one.peak_bytes / 1e9:.2f}"
        lines.append(
            f"| {one.megapixels:.0f} | {one.preset}, width {one.width} | {one.seconds:.1f} | {one.rate:.2f} | {peak} | "
            f"{one.budget / 1e9:.2f} | {one.waste:.1%} | {one.roofline:.0f} | {one.fraction:.0%} | "
            f"{one.differing:.1e}, at most {one.largest} |"
        )
    return "\n".join(lines) + "\n"


def plot(found: Sequence[Measured], path: Path) -> None:
    """Plot rate and peak memory against size."""
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    sizes = [one.megapixels for one in found]
    left.semilogx(sizes, [one.rate for one in found], "o-")
    left.set(xlabel="megapixels", ylabel="megapixels per second", ylim=(0, None))
    right.semilogx(sizes, [(one.peak_bytes or 0) / 1e9 for one in found], "o-", label="peak")
    right.semilogx(sizes, [one.budget / 1e9 for one in found], "--", label="budget")
    right.set(xlabel="megapixels", ylabel="memory in GB", ylim=(0, None))
    right.legend()
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    """Measure the sizes one after another and write the table, the plot and JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=SIZES)
    parser.add_argument("--preset", choices=sinct.PRESETS, default="draft")
    parser.add_argument("--width", type=int, help="generator width to use instead of the preset's")
    parser.add_argument("--max-memory", type=float, help="memory budget in GB; by default sinct's own")
    parser.add_argument("--scratch", type=Path, help="folder for the pictures; by default a temporary one")
    parser.add_argument("-o", "--output", type=Path, default=RESULTS / "large_pictures")
    options = parser.parse_args()
    budget = None if options.max_memory is None else round(options.max_memory * 1e9)
    found = []
    facts = describe(choose_device("auto"))
    for megapixels in options.megapixels:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                pool.submit(write_noise, Path(folder) / "source.tif", side_of(megapixels)).result()
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                found.append(
                    pool.submit(measure, megapixels, options.preset, options.width, budget, folder).result()
                )
        text = table(found, facts)
        print(text.splitlines()[-1], flush=True)
        write_json(
            options.output / "large_pictures.json",
            {"machine": facts, "sizes": [dataclasses.asdict(one) for one in found]},
        )
        (options.output / "large_pictures.md").write_text(text, encoding="utf-8")
    plot(found, options.output / "large_pictures.png")
    print(text)


if __name__ == "__main__":
    main()
