"""Odd JPEG XL files, whose headers are written bit by bit."""

import struct

import imagecodecs
import numpy as np

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    AL,
    BT2020,
    F16,
    P3P,
    SRGBP,
    A,
    F,
    G,
    H,
    S,
    eb,
    grey,
    pq,
    rot6,
    srgb_dec,
    to_srgb,
)

CASES: list[Case] = []
CONTAINER = b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl "


def case(*values, **named):
    CASES.append(Case(*values, **named))


def encoded(pixels, **options):
    """The bare codestream."""
    data = bytes(imagecodecs.jpegxl_encode(pixels, **(options or {"lossless": True})))
    return data[data.find(b"jxlc") + 4 :] if data.startswith(CONTAINER[:12]) else data


def number(value, bits):
    return "".join(str(value >> bit & 1) for bit in range(bits))


def code(value):
    """A number of an enumeration: 0 and 1, up to 17, or more."""
    if value < 2:
        return number(value, 2)
    return "01" + number(value - 2, 4) if value < 18 else "11" + number(value - 18, 6)


def colours(primaries=1, transfer=13, gamma=None, points=None):
    """An entry of colours that is not the usual one."""

    def coordinate(value):
        zigzag = round(1e6 * value) * 2
        choice = next(i for i, top in enumerate((524288, 1048576, 2097152)) if zigzag < top)
        return number(choice, 2) + number(zigzag - (0, 524288, 1048576)[choice], (19, 19, 20)[choice])

    def point(x, y):
        return coordinate(x) + coordinate(y)

    told = "1" + number(round(gamma * 1e7), 24) if gamma else "0" + code(transfer)
    custom = "".join(point(*pair) for pair in points) if points else ""
    return "0" + "0" + code(0) + code(1) + code(2 if points else primaries) + custom + told + code(1)


def packed(bits):
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i : i + 8][::-1], 2) for i in range(0, len(bits), 8))


def relabelled(pixels, *, entry="1", orientation=None, lossy=False):
    """An RGB picture of 8 bits, of 24x16 px, whose header is written anew."""
    data = encoded(pixels, distance=0.1) if lossy else encoded(pixels)
    frames = data[4 if lossy else 5 :]  # behind the header of the encoder, which takes whole bytes
    turn = "0" if orientation is None else "1" + number(orientation - 1, 3) + "000"
    size = "1" + number(H // 8 - 1, 5) + number(4, 3)  # 3:2
    depth = "0" + "00"
    tone = "" if orientation is None else "1"
    head = size + "0" + turn + depth + "1" + "00" + ("1" if lossy else "0") + entry + tone + "00" + "1"
    return b"\xff\x0a" + packed(head) + frames


def box(kind, content):
    return struct.pack(">I", 8 + len(content)) + kind + content


def contained(stream, *extra):
    return CONTAINER + b"".join(extra) + box(b"jxlc", stream)


case("jxl-rgb8", "a.jxl", encoded(A), F)
case("jxl-rgba8", "a.jxl", encoded(np.dstack([A, AL])), F, AL / 255)
case("jxl-grey8", "a.jxl", encoded(G), grey(G / 255))
case("jxl-grey-alpha8", "a.jxl", encoded(np.dstack([G, AL])), grey(G / 255), AL / 255)
case("jxl-7bits", "a.jxl", encoded(A >> 1, lossless=True, bitspersample=7), (A >> 1) / 127)
case("jxl-lossy", "a.jxl", encoded(S, distance=0.1), S / 255, tolerance=7 / 255)
case("jxl-animated", "a.jxl", encoded(np.stack([A, 255 - A])), F)
case(
    "jxl-16-linear",
    "a.jxl",
    encoded(A16),
    to_srgb(F16, SRGBP),
    tolerance=2e-3,
    note="imagecodecs labels 16 bits as linear light",
)
case("jxl-grey16-linear", "a.jxl", encoded(A16[..., 0]), grey(to_srgb(F16, SRGBP)[..., 0]), tolerance=2e-3)
for bits, top in ((10, 1023), (12, 4095)):
    deep = np.rint(F * top).astype(np.uint16)
    case(
        f"jxl-{bits}-linear",
        "a.jxl",
        encoded(deep, lossless=True, bitspersample=bits),
        to_srgb(deep / top, SRGBP),
        tolerance=2e-3,
    )
for kind in ("<f4", "<f2"):
    case(
        f"jxl-float-{kind[1:]}",
        "a.jxl",
        encoded(F.astype(kind)),
        to_srgb(F.astype(kind).astype(float), SRGBP),
        tolerance=2e-3,
    )
case("jxl-float-beyond", "a.jxl", encoded((2 * F).astype("<f4")), to_srgb(2 * F, SRGBP), tolerance=2e-3)
turns = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: rot6,
    8: np.rot90,
}
for orientation, turned in turns.items():
    case(f"jxl-orient{orientation}", "a.jxl", relabelled(A, orientation=orientation), turned(F))
exif = box(b"Exif", b"\0\0\0\0" + eb)
case("jxl-exif-orientation-does-not-count", "a.jxl", contained(encoded(A), exif), F)
squeezed = box(b"brob", b"Exif" + bytes(imagecodecs.brotli_encode(b"\0\0\0\0" + eb)))
case("jxl-exif-compressed", "a.jxl", contained(relabelled(A, orientation=6), squeezed), rot6(F))
stream = encoded(A)
parts = box(b"jxlp", b"\0\0\0\0" + stream[:20]) + box(b"jxlp", b"\x80\0\0\1" + stream[20:])
case("jxl-in-parts", "a.jxl", CONTAINER + parts, F)
case("jxl-P3", "a.jxl", relabelled(A, entry=colours(primaries=11)), to_srgb(srgb_dec(F), P3P), tolerance=2e-3)
case(
    "jxl-P3-lossy",
    "a.jxl",
    relabelled(S, entry=colours(primaries=11), lossy=True),
    S / 255,
    tolerance=7 / 255,
    note="the colours of lossy pictures are known without their label",
)
case(
    "jxl-2020PQ",
    "a.jxl",
    relabelled(A, entry=colours(9, 16)),
    to_srgb(np.clip(pq(F) / 203, 0, 1e9), BT2020),
    tolerance=2e-3,
)
case("jxl-linear8", "a.jxl", relabelled(A, entry=colours(1, 8)), to_srgb(F, SRGBP), tolerance=2e-3)
case(
    "jxl-adobe",
    "a.jxl",
    relabelled(A, entry=colours(gamma=256 / 563, points=ADOBEP)),
    to_srgb(F ** (563 / 256), ADOBEP),
    tolerance=2.5 / 255,
)
case("jxl-cut-off", "a.jxl", encoded(A)[:60], None, refused=True)
case("jxl-cut-off-in-header", "a.jxl", encoded(A)[:3], None, refused=True)
case("jxl-no-codestream", "a.jxl", CONTAINER, None, refused=True)
