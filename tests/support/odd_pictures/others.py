"""Odd files of other formats."""

import struct

import imagecodecs
import numpy as np
from PIL import Image

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    AL,
    BT2020,
    F16,
    P3P,
    A,
    F,
    G,
    H,
    S,
    W,
    adobe,
    ex,
    frames,
    grey,
    im,
    p3,
    pal,
    pq,
    rot6,
    save,
    srgb_dec,
    to_srgb,
    v2,
)

CASES: list[Case] = []


def case(*values, **named):
    CASES.append(Case(*values, **named))


gif = Image.fromarray(v2.astype(np.uint8))
gif.putpalette(pal.tobytes() + b"\0" * (768 - 12))
case(
    "gif-transparent",
    "t.gif",
    save(gif, "GIF", transparency=2),
    np.where((v2 == 2)[..., None], np.nan, pal[v2] / 255),
    (v2 != 2).astype(float),
)
case(
    "gif-animated",
    "an.gif",
    save(gif, "GIF", save_all=True, append_images=[gif.rotate(180), gif]),
    pal[v2] / 255,
)
case(
    "webp-lossless-alpha",
    "l.webp",
    save(Image.fromarray(np.dstack([A, AL])), "WEBP", lossless=True, exact=True),
    F,
    AL / 255,
)
case("webp-animated", "an.webp", save(im, "WEBP", save_all=True, append_images=frames, lossless=True), F)
case("webp-orient6", "o6.webp", save(im, "WEBP", lossless=True, exif=ex), rot6(F))
case(
    "webp-icc",
    "icc.webp",
    save(im, "WEBP", lossless=True, icc_profile=adobe),
    to_srgb(F**2.19921875, ADOBEP),
    tolerance=2.5 / 255,
)
for name, prim, trc, want in (
    ("avif-srgb", 1, 13, S / 255),
    ("avif-nclx-P3", 12, 13, to_srgb(srgb_dec(S / 255), P3P)),
    ("avif-nclx-2020PQ", 9, 16, to_srgb(np.clip(pq(S / 255) / 203, 0, 1e9), BT2020)),
):
    case(
        name,
        name + ".avif",
        bytes(
            imagecodecs.avif_encode(S, level=100, primaries=prim, transfer=trc, matrix=6, pixelformat="444")
        ),
        want,
        tolerance=(14 if trc == 16 else 5) / 255,  # one step of PQ in 8 bits is 5 percent of its light
    )
for bits in (10, 12):
    top = 2**bits - 1
    deep = np.rint(S / 255 * top).astype(np.uint16)
    for name, pixels, want in (
        ("rgb", deep, deep),
        ("rgba", np.dstack([deep, deep[..., 0]]), deep),
        ("grey", deep[..., 0], grey(deep[..., 0])),
    ):
        data = imagecodecs.avif_encode(
            pixels, level=100, bitspersample=bits, pixelformat="400" if name == "grey" else "444"
        )
        alpha = deep[..., 0] / top if name == "rgba" else None
        case(f"avif-{name}{bits}", "deep.avif", bytes(data), want / top, alpha, tolerance=1.6 / top)
deep = np.rint(S / 255 * 1023).astype(np.uint16)
case(
    "avif-10-2020PQ",
    "pq.avif",
    bytes(
        imagecodecs.avif_encode(
            deep, level=100, bitspersample=10, pixelformat="444", primaries=9, transfer=16, matrix=9
        )
    ),
    to_srgb(pq(deep / 1023) / 203, BT2020),
    tolerance=5 / 255,
)
case(
    "avif-irot",
    "rot.avif",
    save(Image.fromarray(S), "AVIF", quality=100, subsampling="4:4:4", exif=ex),
    rot6(S / 255),
    tolerance=6 / 255,
)
case("jp2-srgb", "s.jp2", save(im, "JPEG2000", irreversible=False), F)


def jp2_icc(data, prof):
    i = data.find(b"colr")
    n = struct.unpack(">I", data[i - 4 : i])[0]
    new = struct.pack(">I", 8 + 3 + len(prof)) + b"colr" + b"\2\0\0" + prof
    out = bytearray(data[: i - 4] + new + data[i - 4 + n :])
    j = data.find(b"jp2h")
    size = struct.unpack(">I", data[j - 4 : j])[0]
    out[j - 4 : j] = struct.pack(">I", size + len(new) - n)
    return bytes(out)


case(
    "jp2-icc-P3",
    "icc.jp2",
    jp2_icc(save(im, "JPEG2000", irreversible=False), p3),
    to_srgb(F**2.2, P3P),
    tolerance=3 / 255,
)
case(
    "jp2-grey16",
    "g16.jp2",
    save(Image.fromarray(A16[..., 0]), "JPEG2000", irreversible=False),
    grey(F16[..., 0]),
    tolerance=1e-4,
)
case("jp2-j2k", "s.j2k", save(im, "JPEG2000", irreversible=False, no_jp2=True), F)
case("bmp-24", "b.bmp", save(im, "BMP"), F)
case(
    "bmp-32-alpha",
    "b32.bmp",
    save(Image.fromarray(np.dstack([A, AL])), "BMP"),
    F,
    AL / 255,
    note="BI_RGB 32: fourth byte is reserved; opaque is also right",
)
case("bmp-1", "b1.bmp", save(Image.fromarray(G > 99), "BMP"), grey((G > 99).astype(float)))
v = G.astype(int) // 17
hdr = struct.pack("<IiiHHIIiiII", 40, W, -H, 1, 16, 0, 0, 2835, 2835, 0, 0)
px = b"".join(
    struct.pack("<H", (int(r) >> 3 << 10) | (int(g) >> 3 << 5) | int(b) >> 3) for row in A for r, g, b in row
)
case("bmp-16-topdown", "b16.bmp", b"BM" + struct.pack("<IHHI", 54 + len(px), 0, 0, 54) + hdr + px, None)
case("ppm-16", "p.ppm", b"P6 %d %d 65535\n" % (W, H) + A16.astype(">u2").tobytes(), F16, tolerance=0.6 / 255)
case(
    "pgm-maxval1000",
    "p.pgm",
    b"P2 %d %d 1000\n" % (W, H) + b" ".join(b"%d" % (int(x) * 1000 // 255) for x in G.flat),
    grey(G.astype(int) * 1000 // 255 / 1000),
    tolerance=1e-4,
)
case(
    "pfm-float", "p.pfm", b"PF\n%d %d\n-1.0\n" % (W, H) + F.astype("<f4")[::-1].tobytes(), None, refused=True
)
for fmt, ext in (
    ("TGA", "tga"),
    ("ICO", "ico"),
    ("PCX", "pcx"),
    ("SGI", "sgi"),
    ("DDS", "dds"),
    ("QOI", "qoi"),
    ("ICNS", "icns"),
):
    d = save(im, fmt)
    thumbnails = fmt in ("ICO", "ICNS")  # they hold other sizes than that of the picture
    case(f"other-{ext}", f"o.{ext}", d, None if thumbnails else F, refused=thumbnails)
for name, head in (
    ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 64),
    ("exr", b"v/1\1\2\0\0\0"),
    ("hdr", b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 2 +X 2\n" + b"\x80" * 16),
    ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"),
    ("pdf", b"%PDF-1.4\n"),
    ("html", b"<!doctype html><html>404</html>"),
    ("zero", b""),
):
    case(f"foreign-{name}", f"f.{name}", head, None, refused=True)

for bits in (10, 12, 16):
    top = 2**bits - 1
    deep = np.rint(F * top).astype(np.uint16)
    for name, pixels, want in (("rgb", deep, deep), ("grey", deep[..., 0], grey(deep[..., 0]))):
        data = imagecodecs.jpeg2k_encode(
            pixels, level=0, reversible=True, bitspersample=bits, codecformat="jp2"
        )
        case(f"jp2-{name}{bits}", "deep.jp2", bytes(data), want / top, tolerance=1e-4)
