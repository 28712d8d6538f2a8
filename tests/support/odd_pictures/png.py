"""Odd PNG files."""

import struct
import zlib

import imagecodecs
import numpy as np
from PIL import Image

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    AL,
    BT2020,
    D50,
    D65,
    F16,
    P3P,
    PROPHOTO,
    A,
    F,
    G,
    H,
    W,
    adobe,
    be,
    chunk,
    eb,
    frames,
    grayp,
    grey,
    im,
    p3,
    pack_bits,
    pal,
    png,
    png_rgb8,
    pq,
    rgba16,
    rot6,
    save,
    srgb_dec,
    srgb_enc,
    srgbp,
    to_srgb,
    v2,
)

CASES: list[Case] = []


def case(*values, **named):
    CASES.append(Case(*values, **named))


for depth in (1, 2, 4):
    v = G.astype(int) * ((1 << depth) - 1) // 255
    g = v / ((1 << depth) - 1)
    case(f"png-grey{depth}", f"g{depth}.png", png(pack_bits(v, depth), W, H, depth, 0), grey(g))
    key = (1 << depth) - 1 if depth == 1 else 2
    case(
        f"png-grey{depth}-tRNS",
        f"g{depth}t.png",
        png(pack_bits(v, depth), W, H, depth, 0, before=[(b"tRNS", struct.pack(">H", key))]),
        grey(g),
        (v != key).astype(float),
    )
    colours = np.array([[10, 200, 30], [250, 3, 99], [0, 0, 255], [255, 255, 0]] * 4, np.uint8)[: 1 << depth]
    tr = bytes([0, 128, 255, 64] * 4)[: 1 << depth]
    case(
        f"png-pal{depth}-tRNS",
        f"p{depth}t.png",
        png(pack_bits(v, depth), W, H, depth, 3, before=[(b"PLTE", colours.tobytes()), (b"tRNS", tr)]),
        colours[v] / 255,
        np.frombuffer(tr, np.uint8)[v] / 255,
    )
case(
    "png-grey8-tRNS",
    "g8t.png",
    png([r.tobytes() for r in G], W, H, 8, 0, before=[(b"tRNS", struct.pack(">H", int(G[0, 5])))]),
    grey(G / 255),
    (G[0, 5] != G).astype(float),
)
case(
    "png-rgb8-tRNS",
    "c8t.png",
    png_rgb8(A, before=[(b"tRNS", struct.pack(">HHH", *map(int, A[3, 4])))]),
    F,
    (~(A[3, 4] == A).all(-1)).astype(float),
)
case("png-grey16", "g16.png", png(be(A16[..., 0]), W, H, 16, 0), grey(F16[..., 0]), tolerance=1e-5)
case(
    "png-grey16-tRNS",
    "g16t.png",
    png(be(A16[..., 0]), W, H, 16, 0, before=[(b"tRNS", struct.pack(">H", int(A16[0, 5, 0])))]),
    grey(F16[..., 0]),
    (A16[..., 0] != A16[0, 5, 0]).astype(float),
    tolerance=1e-5,
)
case("png-rgb16", "c16.png", png(be(A16), W, H, 16, 2), F16, tolerance=1e-5)
case(
    "png-rgb16-tRNS",
    "c16t.png",
    png(be(A16), W, H, 16, 2, before=[(b"tRNS", struct.pack(">HHH", *map(int, A16[3, 4])))]),
    F16,
    (~(A16[3, 4] == A16).all(-1)).astype(float),
    tolerance=1e-5,
)
case("png-rgba16", "ca16.png", png(be(rgba16), W, H, 16, 6), F16, AL / 255, tolerance=1e-5)
la16 = np.dstack([A16[..., 0], AL.astype(np.uint16) * 257])
case("png-la16", "la16.png", png(be(la16), W, H, 16, 4), grey(F16[..., 0]), AL / 255, tolerance=1e-5)
case("png-sRGB-chunk", "srgbchunk.png", png_rgb8(A, before=[(b"sRGB", b"\0")]), F)
case(
    "png-gAMA-1.0",
    "gama1.png",
    png_rgb8(A, before=[(b"gAMA", struct.pack(">I", 100000))]),
    srgb_enc(F),
    note="PNG spec: linear samples",
)


def chrm(w, p):
    return struct.pack(">8I", *[round(v * 100000) for v in (*w, *p[0], *p[1], *p[2])])


case(
    "png-gAMA+cHRM-AdobeRGB",
    "chrm.png",
    png_rgb8(A, before=[(b"gAMA", struct.pack(">I", 45455)), (b"cHRM", chrm(D65, ADOBEP))]),
    to_srgb(F**2.2, ADOBEP),
    tolerance=3 / 255,
)
case(
    "png-cICP-P3",
    "cicp-p3.png",
    png_rgb8(A, before=[(b"cICP", bytes([12, 13, 0, 1]))]),
    to_srgb(srgb_dec(F), P3P),
    tolerance=3 / 255,
)


case(
    "png-cICP-PQ2020",
    "cicp-pq.png",
    png(be(A16), W, H, 16, 2, before=[(b"cICP", bytes([9, 16, 0, 1]))]),
    to_srgb(np.clip(pq(F16) / 203, 0, 1e9), BT2020),
    tolerance=5 / 255,
    note="203-nit white, clipped; at least a warning",
)
big = zlib.compress(b"x" * 3_000_000)
case(
    "png-zTXt-3MB",
    "ztxt.png",
    png_rgb8(A, before=[(b"zTXt", b"Comment\0\0" + big)]),
    F,
    note="valid file, other readers open it",
)
case(
    "png-iTXt-xmp-2MB",
    "itxt.png",
    png_rgb8(
        A, before=[(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" + b" " * 2_000_000))]
    ),
    F,
)
case(
    "png-iTXt-after-IDAT-2MB",
    "itxt2.png",
    png_rgb8(
        A, after=[(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b"<x/>" + b" " * 2_000_000))]
    ),
    F,
)
bigicc = bytearray(srgbp + b"\0" * 1_500_000)
bigicc[0:4] = struct.pack(">I", len(bigicc))
case(
    "png-iCCP-1.5MB",
    "bigicc.png",
    png_rgb8(A, before=[(b"iCCP", b"x\0\0" + zlib.compress(bytes(bigicc)))]),
    F,
    tolerance=1.5 / 255,
)
case(
    "png-iCCP-garbage",
    "badicc.png",
    png_rgb8(A, before=[(b"iCCP", b"x\0\0" + zlib.compress(b"nonsense" * 40))]),
    F,
)
case("png-iCCP-badzlib", "badicc2.png", png_rgb8(A, before=[(b"iCCP", b"x\0\0" + b"\x78\x9cnotzlib")]), F)
case(
    "png-rgb-with-grey-profile",
    "rgbgrayicc.png",
    png_rgb8(A, before=[(b"iCCP", b"x\0\0" + zlib.compress(grayp))]),
    F,
)
case(
    "png-grey-with-rgb-profile",
    "grayrgbicc.png",
    png([r.tobytes() for r in G], W, H, 8, 0, before=[(b"iCCP", b"x\0\0" + zlib.compress(srgbp))]),
    grey(G / 255),
    tolerance=1.5 / 255,
)
case(
    "png-iCCP-AdobeRGB",
    "adobe.png",
    png_rgb8(A, before=[(b"iCCP", b"x\0\0" + zlib.compress(adobe))]),
    to_srgb(F**2.19921875, ADOBEP),
    tolerance=2.5 / 255,
)
case(
    "png-iCCP-P3g22",
    "p3.png",
    png_rgb8(A, before=[(b"iCCP", b"x\0\0" + zlib.compress(p3))]),
    to_srgb(F**2.2, P3P),
    tolerance=2.5 / 255,
)
case(
    "png16-iCCP-P3g22",
    "p3-16.png",
    png(be(A16), W, H, 16, 2, before=[(b"iCCP", b"x\0\0" + zlib.compress(p3))]),
    to_srgb(F16**2.2, P3P),
    tolerance=2.5 / 255,
)
pp = imagecodecs.cms_profile(
    "rgb",
    whitepoint=[*D50, 1.0],
    primaries=[0.7347, 0.2653, 1, 0.1596, 0.8404, 1, 0.0366, 0.0001, 1],
    gamma=1.8,
)
case(
    "png16-iCCP-ProPhoto",
    "pp16.png",
    png(be(A16), W, H, 16, 2, before=[(b"iCCP", b"x\0\0" + zlib.compress(pp))]),
    to_srgb(F16**1.8, PROPHOTO, D50),
    tolerance=3 / 255,
)
case(
    "png-pal-iCCP-AdobeRGB",
    "padobe.png",
    png(
        pack_bits(v2, 2),
        W,
        H,
        2,
        3,
        before=[(b"iCCP", b"x\0\0" + zlib.compress(adobe)), (b"PLTE", pal.tobytes())],
    ),
    to_srgb((pal[v2] / 255) ** 2.19921875, ADOBEP),
    tolerance=2.5 / 255,
)
case("png-eXIf-orient6", "o6.png", png_rgb8(A, before=[(b"eXIf", eb)]), rot6(F))
case("png-eXIf-after-IDAT", "o6b.png", png_rgb8(A, after=[(b"eXIf", eb)]), rot6(F))
ex3 = Image.Exif()
ex3[0x112] = 3
case("png-eXIf-orient3", "o3.png", png_rgb8(A, before=[(b"eXIf", ex3.tobytes()[6:])]), F[::-1, ::-1])
case("apng", "a.png", save(im, "PNG", save_all=True, append_images=frames), F)
case(
    "apng-default-not-anim",
    "ad.png",
    save(im, "PNG", save_all=True, append_images=frames * 2, default_image=True),
    F,
)
case(
    "png-CgBI",
    "cgbi.png",
    b"\x89PNG\r\n\x1a\n" + chunk(b"CgBI", b"\x50\0\x20\2") + png_rgb8(A)[8:],
    None,
    refused=True,
)

for depth, kind in ((8, 2), (16, 2)):
    pixels = A if depth == 8 else A16
    samples = [r.tobytes() for r in A] if depth == 8 else be(A16)
    unit = pixels / (2**depth - 1)
    cicp = [(b"cICP", bytes([1, 13, 0, 1]))]
    case(f"png{depth}-cICP-sRGB", "s.png", png(samples, W, H, depth, kind, before=cicp), unit)
    case(
        f"png{depth}-cICP-linear-2020",
        "l.png",
        png(samples, W, H, depth, kind, before=[(b"cICP", bytes([9, 8, 0, 1]))]),
        to_srgb(unit, BT2020),
        tolerance=2 / 255,
    )
case("png-gAMA-usual", "usual.png", png_rgb8(A, before=[(b"gAMA", struct.pack(">I", 45455))]), F)
case("png-gAMA-zero", "zero.png", png_rgb8(A, before=[(b"gAMA", struct.pack(">I", 0))]), F)
case(
    "png-grey-gAMA-1.0",
    "greylin.png",
    png([r.tobytes() for r in G], W, H, 8, 0, before=[(b"gAMA", struct.pack(">I", 100000))]),
    grey(srgb_enc(G / 255)),
)
