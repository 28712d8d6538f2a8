"""Odd HEIC files; none without pillow-heif."""

import io
from importlib.util import find_spec

import numpy as np
from PIL import Image

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    ADOBEP,
    AL,
    P3P,
    A,
    F,
    G,
    S,
    adobe,
    ex,
    grey,
    ramp,
    rot6,
    srgb_dec,
    to_srgb,
)

CASES: list[Case] = []


def case(*values, **named):
    CASES.append(Case(*values, **named))


def saved(heif, **options):
    file = io.BytesIO()
    heif.save(file, quality=-1, chroma=444, **options)
    return file.getvalue()


if find_spec("pillow_heif"):
    import pillow_heif

    def heic(pixels, **options):
        return saved(pillow_heif.from_pillow(Image.fromarray(pixels)), **options)

    def deep(pixels, mode, **options):
        pixels = np.ascontiguousarray(pixels)
        size = pixels.shape[1::-1]
        return saved(pillow_heif.from_bytes(mode=mode, size=size, data=pixels.tobytes()), **options)

    whole = heic(A)
    case("heic-rgb8", "a.heic", whole, F, tolerance=3 / 255)
    case("heic-rgba8", "a.heic", heic(np.dstack([A, AL])), F, AL / 255, tolerance=3 / 255)
    case("heic-grey8", "a.heic", heic(G), grey(G / 255), tolerance=3 / 255)
    case("heic-turned", "a.heic", heic(S, exif=ex.tobytes()), rot6(S / 255), tolerance=3 / 255)
    case(
        "heic-adobe",
        "a.heic",
        heic(S, icc_profile=adobe),
        to_srgb((S / 255) ** 2.19921875, ADOBEP),
        tolerance=6 / 255,
    )
    nclx = {
        "matrix_coefficients": 1,
        "color_primaries": 12,
        "transfer_characteristics": 13,
        "full_range_flag": 1,
    }
    case("heic-P3", "a.heic", heic(S, **nclx), to_srgb(srgb_dec(S / 255), P3P), tolerance=6 / 255)
    ten = np.rint(S / 255 * 1023).astype(np.uint16)
    case("heic-rgb10", "a.heic", deep(ten << 6, "RGB;16"), ten / 1023, tolerance=3 / 1023)
    case(
        "heic-grey10",
        "a.heic",
        deep(ten[..., 0] << 6, "L;16"),
        grey(ten[..., 0] / 1023),
        tolerance=0.3 / 1023,
    )
    broad = ramp(150, 200)
    tiles = heic(broad, exif=ex.tobytes(), tile_size=128)
    case(
        "heic-tiles-turned",
        "a.heic",
        tiles,
        rot6(broad / 255),
        tolerance=3 / 255,
        note="as phones store them",
    )
    case("heic-cut-off", "a.heic", whole[: len(whole) - 300], None, refused=True)
    pair = pillow_heif.from_pillow(Image.fromarray(A))
    pair.add_from_pillow(Image.fromarray(255 - A))
    case("heic-two", "a.heic", saved(pair, primary_index=1), 1 - F, tolerance=3 / 255)
