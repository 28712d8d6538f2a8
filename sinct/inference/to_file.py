"""Write a translation to a file, whole or in rows, with metadata that say how it was made."""

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sinct.data.strokes import COARSEST, told_strokes
from sinct.errors import OutputError, Remark
from sinct.inference.model import Model
from sinct.inference.scratch import Scratch
from sinct.inference.streamed import OnPixels, stream
from sinct.measures.warnings import picture_warnings
from sinct.pictures.colour import SRGB_PROFILE
from sinct.pictures.encoding import FORMATS
from sinct.pictures.opening import memory_budget
from sinct.pictures.output_profile import check_choice, kept_profile
from sinct.pictures.picture import Picture, check_output, write_picture
from sinct.pictures.resampling import averaged
from sinct.pictures.rows import Source, read_averaged
from sinct.runtime.files import StrPath, check_regular, printable, unwritable
from sinct.version import __version__

LOOKED_AT = 4_000_000
"""Most pixels of a picture, reduced to them, that the widths of strokes are told from."""

MOST_HASHES = 100
"""Pictures whose hashes a translation's metadata list one by one; a JPEG's hold 64 KB."""


@dataclass(frozen=True)
class Written:
    """How writing a translation ended.

    Attributes:
        warnings: visible flaws of the picture, or notes on its source, one line each.
        finished: False when a picture written in rows was stopped before its end.
    """

    warnings: tuple[Remark, ...]
    finished: bool


@dataclass(frozen=True)
class Encoding:
    """How a translation's colours are stored.

    Attributes:
        bits: 8 or 16 bits per channel.
        profile: ICC profile of the file.
        remarks: what the user should know about them, one line each.
    """

    bits: int
    profile: bytes = SRGB_PROFILE
    remarks: tuple[Remark, ...] = ()


def checked_output(
    output: Path,
    source: Picture | Source,
    inputs: Sequence[StrPath],
    *,
    bits: int | None,
    profile: str,
    overwrite: bool,
) -> Encoding:
    """Check that a translation can be written, before any work is done for it.

    Args:
        output: picture to write.
        source: picture it will be made from.
        inputs: files that must not be replaced.
        bits: 8 or 16 bits per channel; None means the source's own where the format allows it, and 16 for a profile
            so wide that 8 are too coarse.
        profile: "srgb", or "keep" for the source's own profile, where that can hold the translation.
        overwrite: whether an existing output may be replaced.

    Raises:
        ConfigError: there is no such choice of profile.
        OutputError: the output is one of the inputs, or see `check_output`.
    """
    check_choice(profile)
    try:
        taken = output.exists() and any(
            output.samefile(path)
            for path in inputs
            if os.path.exists(path)  # reading it will say that it is not there
        )
        if isinstance(source, Source):
            Scratch.folder_of(output).exists()  # its name is longer; raises where it is too long
    except OSError as error:
        raise unwritable(output, error) from None
    if taken:
        raise OutputError(f"the output {printable(output)} is one of the inputs; give it another name")
    check_regular(output)
    found = _encoding(output.suffix.lower(), source, bits, keep=profile == "keep")
    check_output(output, overwrite=overwrite, size=(source.width, source.height), bits=found.bits)
    return found


def _encoding(suffix: str, source: Picture | Source, bits: int | None, *, keep: bool) -> Encoding:
    """Bits and profile for a format, an unknown one included."""
    deep = suffix in FORMATS and 16 in FORMATS[suffix].bits
    usual = bits if bits is not None else source.bits if deep else 8
    if not keep:
        return Encoding(usual)
    kept = kept_profile(source.space, source.profile)
    only_srgb = FORMATS[suffix].only_srgb if suffix in FORMATS else ""
    if only_srgb and kept.icc != SRGB_PROFILE:
        text = f"written in sRGB, not in the picture's own colour profile: {only_srgb}"
        return Encoding(usual, remarks=(Remark("profile", text),))
    remarks = [kept.remark] if kept.remark else []
    if kept.coarse and bits is None:
        if not deep:
            remarks.append(
                f"8 bits, all that a {suffix} holds, are coarse for the picture's wide colour profile: smooth places "
                "may show steps; a .png or .tif holds 16"
            )
        usual = 16 if deep else 8
    return Encoding(usual, kept.icc, tuple(Remark("profile", text) for text in remarks))


def translate_to_file(
    model: Model,
    source: Picture | Source,
    output: Path,
    *,
    encoding: Encoding,
    max_memory: int | None,
    resume: bool,
    overwrite: bool,
    on_pixels: OnPixels | None,
    should_stop: Callable[[], bool] | None,
) -> Written:
    """Translate a picture and write the result with the source's resolution, EXIF and alpha.

    Args:
        model: model to run.
        source: picture from `sinct.pictures.opening.open_picture`.
        output: picture to write.
        encoding: bits and profile, from `checked_output`.
        max_memory: bytes for the process while the picture is read in rows; None lets sinct choose.
        resume: continue an interrupted picture that is written in rows.
        overwrite: replace an older output.
        on_pixels: called with pixels done and pixels in all, where the picture is written in rows.
        should_stop: there, called after each row of windows; returning True stops and keeps what is done.

    Raises:
        InputError: the source is damaged.
        OutputError: the output cannot be written.
        OutOfMemoryError: there is too little memory.
    """
    model = for_strokes(model, source)
    kept = {"profile": "keep"} if encoding.profile != SRGB_PROFILE else {}
    mixed = {
        name: _listed(fact) if isinstance(fact, list) else str(fact)
        for name, fact in model.mix.facts().items()
    }
    provenance = {**_provenance(model, source.sha256), **kept, **mixed}
    remarks = (*(model.mix.mask.remarks if model.mix.mask else ()), *encoding.remarks)
    if isinstance(source, Source):
        done = stream(
            model,
            source,
            output,
            bits=encoding.bits,
            profile=encoding.profile,
            budget=memory_budget(max_memory),
            provenance=provenance,
            resume=resume,
            overwrite=overwrite,
            on_pixels=on_pixels,
            should_stop=should_stop,
        )
        return Written((*done.remarks, *remarks), done.finished)
    pixels = source.seen
    result = model.translate(pixels)
    mask = model.mix.mask
    shown = None if mask is None else mask.weights(slice(source.height), slice(source.width))
    found = tuple(picture_warnings(result, pixels, shown, what_to_do=model.cure))
    write_picture(
        output,
        result,
        alpha=source.alpha,
        bits=encoding.bits,
        dpi=source.dpi,
        exif=source.exif,
        provenance=provenance,
        profile=encoding.profile,
        overwrite=overwrite or resume,  # a resumed run may replace what its interruption left
    )
    return Written((*found, *remarks), True)


def for_strokes(model: Model, source: Picture | Source) -> Model:
    """Fit a model to the strokes of a picture.

    Those of a painting that was scaled down for training are as much broader at its own size. Those of another picture
    are told by the network, unless their width was given for the training.

    Raises:
        InputError: the source is damaged.
        WeightsError: see `sinct.data.content.without_strokes`.
    """
    content = model.content
    if not content.remover:
        return model
    if source.sha256 in (model.facts.get("painting_sha256") or []):
        scale = source.width / model.widths[1]
        if scale <= 1:
            return model
        stroke, halvings = scale * content.stroke, content.halvings + round(math.log2(scale))
        return replace(model, content=replace(content, stroke=stroke, halvings=halvings))
    if not content.share:
        return model
    times = max(1.0, math.sqrt(source.height * source.width / LOOKED_AT))
    height, width = (max(1, round(side / times)) for side in (source.height, source.width))
    if isinstance(source, Source):
        small = read_averaged(source, height, width)
    else:
        small = averaged(source.seen, (height, width))
    stroke, halvings = told_strokes([small.to(model.device)], content.share)
    halvings = min(COARSEST, halvings + round(math.log2(times)))
    return replace(model, content=replace(content, stroke=times * stroke, halvings=halvings))


def _provenance(model: Model, sha256: str) -> dict[str, str]:
    """How a picture was made, for its metadata."""
    facts = {name: model.facts.get(name) for name in ("preset", "steps", "painting_sha256", "photo_sha256")}
    lists = {name: value for name, value in facts.items() if isinstance(value, list)}
    return {
        "software": f"sinct {__version__}",
        "seed": str(model.settings["seed"]),
        "source_sha256": sha256,
        **{name: str(value) for name, value in facts.items()},
        **{name: _listed(hashes) for name, hashes in lists.items()},
    }


def _listed(hashes: Sequence[str]) -> str:
    """Hashes of pictures as one text; of very many, which a JPEG's metadata do not hold, their number and one hash."""
    listed = ", ".join(hashes)
    if len(hashes) <= MOST_HASHES:
        return listed
    return f"{len(hashes)} pictures, whose list of hashes has the SHA-256 {hashlib.sha256(listed.encode()).hexdigest()}"
