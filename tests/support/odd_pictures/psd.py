"""Odd Photoshop files, written byte by byte; none without psd-tools."""

import struct
from importlib.util import find_spec

import numpy as np

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    AL,
    F16,
    A,
    F,
    G,
    S,
    adobe,
    cm,
    eb,
    grey,
    pal,
    to_srgb,
    v2,
)

CASES: list[Case] = []
GREY, INDEXED, RGB, CMYK, DUOTONE = 1, 2, 3, 4, 8


def resource(number, data):
    return b"8BIM" + struct.pack(">HHI", number, 0, len(data)) + data + b"\0" * (len(data) % 2)


def rle(planes):
    """Rows as runs of literal bytes, behind the table of their lengths."""
    rows = [bytes([len(row) - 1]) + row for plane in planes for row in (line.tobytes() for line in plane)]
    return b"".join(struct.pack(">H", len(row)) for row in rows) + b"".join(rows)


def psd(pixels, mode=RGB, *, table=b"", resources=b"", layers=b"", packed=False, version=1):
    planes = np.moveaxis(pixels.reshape(*pixels.shape[:2], -1), 2, 0)
    bits = 8 * planes.itemsize
    head = b"8BPS" + struct.pack(">H6xHIIHH", version, len(planes), *planes.shape[1:], bits, mode)
    body = rle(planes) if packed else planes.astype(f">u{planes.itemsize}").tobytes()
    length = ">Q" if version == 2 else ">I"
    parts = struct.pack(">I", len(table)) + table + struct.pack(">I", len(resources)) + resources
    return head + parts + struct.pack(length, len(layers)) + layers + struct.pack(">H", packed) + body


def case(*values, **named):
    if find_spec("psd_tools"):
        CASES.append(Case(*values, **named))


def version_info(composite):
    name = struct.pack(">I", 1) + "s".encode("utf-16-be")
    return resource(1057, struct.pack(">IB", 1, composite) + name + name + struct.pack(">I", 1))


# One layer without pixels; a negative count says that the fifth plane is the transparency of the composite.
layer = struct.pack(">4i", 0, 0, 0, 0) + struct.pack(">H", 0) + b"8BIMnorm\xff\0\0\0" + struct.pack(">I", 12)
layer += b"\0" * 8 + b"\1a\0\0"
info = struct.pack(">h", -1) + layer
info += b"\0" * (len(info) % 2)
transparent = struct.pack(">I", len(info)) + info + struct.pack(">I", 0)
alpha = np.maximum(AL, 40)
matted = np.rint(A * (alpha / 255)[..., None] + (255 - alpha)[..., None]).astype(np.uint8)

case("psd-rgb8", "a.psd", psd(A), F)
case("psd-rgb8-packed", "a.psd", psd(A, packed=True), F)
case("psd-rgb16", "a.psd", psd(A16), F16, tolerance=1e-4)
case("psd-grey8", "a.psd", psd(G, GREY), grey(G / 255))
case("psd-cmyk", "a.psd", psd(255 - cm, CMYK), F)
table = np.resize(pal, (256, 3)).T.tobytes()
case("psd-indexed", "a.psd", psd(v2.astype(np.uint8), INDEXED, table=table), pal[v2] / 255)
case(
    "psd-adobe", "a.psd", psd(S, resources=resource(1039, adobe)), to_srgb((S / 255) ** 2.19921875, ADOBEP),
    tolerance=2.5 / 255,
)  # fmt: skip
case(
    "psd-transparent", "a.psd", psd(np.dstack([matted, alpha]), layers=transparent), F, alpha / 255,
    tolerance=5 / 255, note="Photoshop stores what shows on white",
)  # fmt: skip
selection = resource(1053, struct.pack(">I", 7))
case("psd-selection-is-no-transparency", "a.psd", psd(np.dstack([A, AL]), resources=selection), F)
resolution = resource(1005, struct.pack(">IHHIHH", 300 << 16, 1, 1, 240 << 16, 1, 1))
case("psd-exif-and-resolution", "a.psd", psd(A, resources=resource(1058, eb) + resolution), F)
case("psb-rgb8", "a.psb", psd(A, version=2), F)
case("psd-with-composite", "a.psd", psd(A, resources=version_info(1)), F)
case(
    "psd-without-composite", "a.psd", psd(np.full_like(A, 255), resources=version_info(0)), None, refused=True
)
case("psd-duotone", "a.psd", psd(G, DUOTONE), None, refused=True)
case("psd-cut-off", "a.psd", psd(A)[:-200], None, refused=True)
case("psd-cut-off-packed", "a.psd", psd(A, packed=True)[:-200], None, refused=True)
