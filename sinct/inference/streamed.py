"""Translate one picture from file to file: read in bands of rows, keep finished rows on the disk, encode at the end.

Reading, translating and writing overlap, one thread each.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import compress
from pathlib import Path

import numpy as np
from torch import Tensor

from sinct.errors import OutputError, Remark
from sinct.inference.mixing import Mix
from sinct.inference.model import Model
from sinct.inference.scratch import Raster, Scratch
from sinct.inference.whole import MARGIN, Part, continued_size, grown, plan
from sinct.inference.window_sizes import plan_removal, plan_sides
from sinct.pictures.colour import SRGB_PROFILE, Array
from sinct.pictures.cuts import Cut, Window
from sinct.pictures.formats import ROWS_SUFFIXES
from sinct.pictures.picture import _to_samples
from sinct.pictures.rows import Band, Source, visible_bands
from sinct.pictures.rows_to_file import OPAQUE, encode
from sinct.pictures.transparency import REACH
from sinct.pictures.windows import Span, waste
from sinct.runtime.locks import alone

OnPixels = Callable[[int, int], None]
"""Called with pixels done and pixels in all."""


@dataclass(frozen=True)
class Streamed:
    """How a streamed translation ended.

    Attributes:
        rows: number of finished rows.
        finished: whether the output is written.
        waste: pixels computed only to be cut away, as a share of the picture's.
        remarks: notes on the source for the user, one line each.
    """

    rows: int
    finished: bool
    waste: float
    remarks: tuple[Remark, ...]


def stream(
    model: Model,
    source: Source,
    output: Path,
    *,
    bits: int,
    budget: int,
    provenance: Mapping[str, str],
    resume: bool,
    overwrite: bool,
    profile: bytes = SRGB_PROFILE,
    on_pixels: OnPixels | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Streamed:
    """Translate a picture file of any size.

    Args:
        model: model to run.
        source: picture to translate.
        output: .tif (tiled, pyramidal, BigTIFF where needed), .png, .jpg or .dzi (Deep Zoom).
        bits: 8 or 16 bits per channel.
        budget: bytes of main memory for the whole process.
        provenance: how the picture was made, for its metadata.
        resume: continue an interrupted translation.
        overwrite: discard an interrupted translation, and replace an older output.
        profile: ICC profile for the output, from `sinct.pictures.output_profile.kept_profile`.
        on_pixels: called with pixels done and pixels in all, after each window.
        should_stop: called after each row of windows, and while strokes are taken out; returning True stops and keeps
            what is done.

    Raises:
        InputError: the source is damaged.
        OutputError: something cannot be written, or another process is writing the same output.
        DeviceError: the budget is too small.
    """
    output = output.resolve()  # replaces a link's target, not the link
    raster = _raster(source, output, bits, budget)
    job = {
        "source": source.sha256,
        "model": fingerprint(model),
        "bfloat16": model.mixed_precision,
        "device": model.device.type,
        **({"profile": hashlib.sha256(profile).hexdigest()} if profile != SRGB_PROFILE else {}),
    }
    scratch = Scratch(output, job, raster)
    with alone(scratch.folder, "give another `output`"):
        return _stream(
            model,
            source,
            output,
            scratch,
            bits=bits,
            budget=budget,
            provenance=provenance,
            resume=resume,
            overwrite=overwrite,
            profile=profile,
            on_pixels=on_pixels,
            should_stop=should_stop,
        )


def _stream(
    model: Model,
    source: Source,
    output: Path,
    scratch: Scratch,
    *,
    bits: int,
    budget: int,
    provenance: Mapping[str, str],
    resume: bool,
    overwrite: bool,
    profile: bytes,
    on_pixels: OnPixels | None,
    should_stop: Callable[[], bool] | None,
) -> Streamed:
    """Do what `stream` says, in a scratch folder that no other process works in."""
    raster = scratch.raster
    height, width = raster.height, raster.width
    done, earlier = scratch.found(resume=resume, overwrite=overwrite)
    size = max(source.bands * source.bits, raster.channels * bits) // 8
    beside = REACH if source.alpha else 0
    # The same windows as before the interruption, if they still fit: then not even rounding differs.
    sides = plan_sides(model, height, width, budget, bytes_per_pixel=size, beside=beside, preferred=earlier)
    scratch.begin(done, sides)
    rows, columns = plan(model.generator, height, width, sides, model.mix.reach)
    left = _from(rows, done, model.halo)
    reach = model.content.reach
    bands = [(max(0, span.start - reach), min(height, span.stop + reach)) for span in left]

    def report(span: Span, right: int) -> None:
        if on_pixels is not None:
            on_pixels(span.keep_start * width + right * (span.keep_stop - span.keep_start), height * width)

    remarks = tuple(Remark("source", text) for text in source.remarks())
    stride = model.generator.stride
    excess = waste(*continued_size(height, width, stride), sides, model.halo, stride)
    change = None
    if model.content.remover and not model.mix.only_picture:
        side = plan_removal(width, budget, bytes_per_pixel=size, beside=beside)
        try:
            change = model.stroke_change(
                partial(_bands, source, should_stop), height, width, scratch.planes, side
            )
        except _Stopped:
            return Streamed(done, False, excess, remarks)

    with ThreadPoolExecutor(1, "writing") as pool:
        writing: Future[None] | None = None
        for span, band in zip(left, visible_bands(source, bands), strict=True):
            finished = _translate_row(
                model, source, band, change, span, columns, raster, profile, partial(report, span)
            )
            if writing is not None:
                writing.result()
            done = span.keep_stop
            writing = pool.submit(scratch.append, finished, done, sides)
            if should_stop is not None and done < height and should_stop():
                break
        if writing is not None:
            writing.result()
    if done == height:
        encode(scratch.file, output, source.header, provenance, profile)
        scratch.remove()
    return Streamed(done, done == height, excess, remarks)


def _raster(source: Source, output: Path, bits: int, budget: int) -> Raster:
    """Layout of the output.

    Raises:
        OutputError: its format cannot be written in rows.
    """
    suffix = output.suffix.lower()
    if suffix not in ROWS_SUFFIXES:
        raise OutputError(
            f"{output} cannot be written in rows, which a picture of {source.width}x{source.height} px needs with "
            f"{budget / 1e9:.1f} GB of memory; end its name in one of {', '.join(ROWS_SUFFIXES)}, or raise `max_memory`"
        )
    channels = 3 + (source.alpha and suffix not in OPAQUE)
    return Raster(source.height, source.width, channels, bits)


def _from(rows: Sequence[Span], done: int, halo: int) -> list[Span]:
    """The rest of a plan whose first rows are done, even if they were done under another plan."""
    return [
        span if span.keep_start >= done else span._replace(keep_start=done, start=max(-MARGIN, done - halo))
        for span in rows
        if span.keep_stop > done
    ]


class _Stopped(Exception):
    """The person asked for it."""


def _bands(
    source: Source, should_stop: Callable[[], bool] | None, bands: Sequence[tuple[int, int]]
) -> Iterator[Cut]:
    """Cuts of bands of rows.

    Raises:
        _Stopped: `should_stop` returned True.
    """
    for band in visible_bands(source, bands):
        if should_stop is not None and should_stop():
            raise _Stopped
        yield partial(_cut, source, band)


def _cut(source: Source, band: Band, rows: slice, columns: slice) -> Tensor:
    """Cut pixels out of a band, (3, H, W) in [-1, 1]."""
    return source.pixels(band.rows(rows.start, rows.stop)[:, columns])


def _translate_row(
    model: Model,
    source: Source,
    band: Band,
    change: Cut | None,
    span: Span,
    columns: Sequence[Span],
    raster: Raster,
    profile: bytes,
    on_columns: Callable[[int], None],
) -> Array:
    """Translate one row of windows to (H, W, channels) samples, ready to be written."""
    top, stop = span.keep_start, span.keep_stop
    result = np.empty((stop - top, raster.width, raster.channels), raster.dtype)
    cut = partial(_cut, source, band)

    def put(left: int, pixels: Tensor) -> None:
        right = left + pixels.shape[2]
        result[:, left:right, :3] = _to_samples(pixels, None, raster.bits, profile)
        on_columns(right)

    mix, height, width = model.mix, raster.height, raster.width
    kept = [(slice(top, stop), slice(across.keep_start, across.keep_stop)) for across in columns]
    changed = [mix.changes(*place) for place in kept]
    parts = model.windows(
        model.prepared(cut, height, width, change),
        height,
        width,
        [grown(span, mix.reach, height)],
        [grown(across, mix.reach, width) for across in compress(columns, changed)],
    )
    for place, translated in zip(kept, changed, strict=True):
        put(place[1].start, _mixed(mix, cut, next(parts), *place) if translated else cut(*place))
    if raster.channels == 4:
        alpha = band.rows(top, stop)[..., -1].astype(np.float32)
        result[..., 3] = np.rint(alpha * ((2**raster.bits - 1) / (2**source.bits - 1)))
    return result


def _mixed(mix: Mix, cut: Cut, part: Part, rows: slice, columns: slice) -> Tensor:
    """Mix what a window keeps, rows and columns of the picture, with the picture, (3, H, W)."""
    if mix.only_translation:
        return part.pixels
    height, width = part.pixels.shape[1:]
    seen = Window(slice(part.top, part.top + height), slice(part.left, part.left + width))
    mixed = mix.mixed(cut(*seen), part.pixels, part.top, part.left)
    inner = Window(rows, columns).within(seen)
    return mixed[:, inner.rows, inner.columns]


def fingerprint(model: Model) -> str:
    """Hash of everything in a model that its translations depend on."""
    facts = [dict(model.settings), model.content.numbers()]
    if mixed := model.mix.facts():
        facts.append(mixed)
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    for name, tensor in sorted({**model.generator.state_dict(), **model.content_tensors()}.items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
