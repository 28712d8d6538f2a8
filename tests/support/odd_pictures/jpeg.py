"""Odd JPEG files."""

import struct

import imagecodecs
import numpy as np
from PIL import Image

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    F16,
    A,
    H,
    S,
    W,
    adobe,
    grey,
    rot6,
    save,
    to_srgb,
)

CASES: list[Case] = []


def case(*values, **named):
    CASES.append(Case(*values, **named))


cmS = np.dstack([255 - S, np.zeros((H, W), np.uint8)]).astype(np.uint8)
jc = save(
    Image.merge("CMYK", [Image.fromarray(cmS[..., i]) for i in range(4)]),
    "JPEG",
    quality=100,
    subsampling=0,
)
case("jpeg-cmyk-adobe", "cmyk.jpg", jc, S / 255, tolerance=4 / 255)
i = jc.find(b"Adobe")
noadobe = jc[: i - 4] + jc[i - 4 + 2 + struct.unpack(">H", jc[i - 2 : i])[0] :]
case(
    "jpeg-cmyk-no-adobe-browser-view",
    "cmykna.jpg",
    noadobe,
    S / 255,
    tolerance=4 / 255,
    note="readers disagree: browsers/Pillow invert, libvips/IM do not",
)
jr = save(Image.fromarray(S), "JPEG", quality=100, subsampling=0)
for o, fn in {
    2: lambda a: a[:, ::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: rot6,
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}.items():
    e = Image.Exif()
    e[0x112] = o
    e[0x010F] = "Müller"
    case(
        f"jpeg-orient{o}",
        f"jo{o}.jpg",
        save(Image.fromarray(S), "JPEG", quality=100, subsampling=0, exif=e),
        fn(S / 255),
        tolerance=4 / 255,
    )
e = Image.Exif()
e[0x112] = 0
case(
    "jpeg-orient0",
    "jo0.jpg",
    save(Image.fromarray(S), "JPEG", quality=100, subsampling=0, exif=e),
    S / 255,
    tolerance=4 / 255,
)


def exif_raw(entries):  # little endian ifd: (tag,type,count,value4)
    b = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    for t, ty, c, v in entries:
        b += struct.pack("<HHI", t, ty, c) + v
    return b + b"\0\0\0\0"


def with_app1(j, body):
    return j[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + j[2:]


case(
    "jpeg-exif-orient-as-LONG",
    "jol.jpg",
    with_app1(jr, exif_raw([(0x112, 4, 1, struct.pack("<I", 6))])),
    rot6(S / 255),
    tolerance=4 / 255,
)
case(
    "jpeg-exif-orient-ASCII",
    "joa.jpg",
    with_app1(jr, exif_raw([(0x112, 2, 2, b"6\0\0\0")])),
    S / 255,
    tolerance=4 / 255,
    note="invalid type; any of both fine",
)
case(
    "jpeg-exif-orient-2vals",
    "jo2v.jpg",
    with_app1(jr, exif_raw([(0x112, 3, 2, struct.pack("<HH", 6, 6))])),
    S / 255,
    tolerance=4 / 255,
)
case(
    "jpeg-exif-dpi-0/0",
    "jdpi0.jpg",
    with_app1(
        jr.replace(b"JFIF", b"JFXX"),
        exif_raw(
            [(0x11A, 5, 1, struct.pack("<I", 200)), (0x128, 3, 1, b"\2\0\0\0"), (0x112, 3, 1, b"\6\0\0\0")]
        )
        + b"\0" * 400,
    ),
    rot6(S / 255),
    tolerance=4 / 255,
)
case(
    "jpeg-exif-dpi-ascii",
    "jdpia.jpg",
    with_app1(jr.replace(b"JFIF", b"JFXX"), exif_raw([(0x11A, 2, 4, b"abc\0"), (0x128, 3, 1, b"\2\0\0\0")])),
    S / 255,
    tolerance=4 / 255,
)
case(
    "jpeg-exif-truncated",
    "jtr.jpg",
    with_app1(jr, exif_raw([(0x112, 3, 1, b"\6\0\0\0"), (0x10F, 2, 5000, struct.pack("<I", 90000))])[:-8]),
    None,
    tolerance=4 / 255,
    note="either orientation",
)
case(
    "jpeg-exif-loop-ifd",
    "jloop.jpg",
    with_app1(jr, exif_raw([(0x8769, 4, 1, struct.pack("<I", 8))])),
    S / 255,
    tolerance=4 / 255,
)
case(
    "jpeg-xmp-64k-ext",
    "jxmp.jpg",
    with_app1(
        with_app1(jr, b"http://ns.adobe.com/xap/1.0/\0" + b"<x/>" + b" " * 60000),
        b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 60000,
    ),
    S / 255,
    tolerance=4 / 255,
)
case(
    "jpeg-mpo-2",
    "stereo.jpg",
    save(Image.fromarray(S), "MPO", save_all=True, append_images=[Image.fromarray(255 - S)], quality=100),
    S / 255,
    tolerance=8 / 255,
)
case(
    "jpeg-grey",
    "jg.jpg",
    save(Image.fromarray(S[..., 0]), "JPEG", quality=100),
    grey(S[..., 0] / 255),
    tolerance=4 / 255,
)
case(
    "jpeg-progressive-trailing",
    "jpt.jpg",
    save(Image.fromarray(S), "JPEG", quality=100, subsampling=0, progressive=True) + b"junk" * 100,
    S / 255,
    tolerance=4 / 255,
)
case("jpeg-truncated", "jt.jpg", jr[: len(jr) // 2], None, refused=True)
case("jpeg-named-png", "is-a-jpeg.png", jr, S / 255, tolerance=4 / 255)
case("jpeg-upper-ext", "UPPER.JPEG", jr, S / 255, tolerance=4 / 255)
case(
    "jpeg-cmyk-icc-srgb",
    "jci.jpg",
    jr[:2] + b"\xff\xe2" + struct.pack(">H", 16 + len(adobe)) + b"ICC_PROFILE\0\1\1" + adobe + jr[2:],
    to_srgb((S / 255) ** 2.19921875, ADOBEP),
    tolerance=6 / 255,
)
case(
    "jpeg-icc-missing-seg",
    "jim.jpg",
    jr[:2] + b"\xff\xe2" + struct.pack(">H", 16 + len(adobe)) + b"ICC_PROFILE\0\1\2" + adobe + jr[2:],
    S / 255,
    tolerance=4 / 255,
)
uncalibrated = (0xA001, 3, 1, b"\xff\xff\0\0")


def ifds(*directories):
    """Directories that follow each other, the first as of a JPEG's EXIF data."""
    later = (exif_raw(directory)[len(exif_raw([])) - 6 :] for directory in directories[1:])
    return exif_raw(directories[0]) + b"".join(later)


case(
    "jpeg-exif-AdobeRGB-R03",
    "_DSC0001.JPG",
    with_app1(
        jr,
        ifds(
            [(0x8769, 4, 1, struct.pack("<I", 26))],
            [uncalibrated, (0xA005, 4, 1, struct.pack("<I", 56))],
            [(1, 2, 4, b"R03\0")],
        ),
    ),
    to_srgb((S / 255) ** 2.19921875, ADOBEP),
    tolerance=6 / 255,
    note="DCF Adobe RGB without ICC; most readers ignore it",
)
case(
    "jpeg-exif-uncalibrated",
    "uncalibrated.jpg",
    with_app1(jr, ifds([(0x8769, 4, 1, struct.pack("<I", 26))], [uncalibrated])),
    S / 255,
    tolerance=4 / 255,
    note="not sRGB, but nobody can tell what",
)


def deep(pixels, **options):
    return bytes(imagecodecs.jpeg8_encode(np.ascontiguousarray(pixels), **options))


S12 = np.rint(S / 255 * 4095).astype(np.uint16)
twelve = deep(S12, level=100, bitspersample=12, subsampling="444")
case("jpeg-12bit", "j12.jpg", twelve, S12 / 4095, tolerance=6 / 4095)
case(
    "jpeg-12bit-grey",
    "j12.jpg",
    deep(S12[..., 0], level=100, bitspersample=12),
    grey(S12[..., 0] / 4095),
    tolerance=4 / 4095,
)
case("jpeg-12bit-cut-off", "j12.jpg", twelve[: len(twelve) // 2], None, refused=True)
e = Image.Exif()
e[0x112] = 6
case(
    "jpeg-12bit-orient6",
    "j12.jpg",
    with_app1(twelve, e.tobytes()),
    rot6(S12 / 4095),
    tolerance=6 / 4095,
)
case(
    "jpeg-lossless-sof3",
    "jl.jpg",
    bytes(imagecodecs.ljpeg_encode(A16[..., 0])),
    grey(F16[..., 0]),
    tolerance=1e-4,
)
lossless = deep(A, lossless=True, bitspersample=8)
case("jpeg-lossless-rgb8", "jl.jpg", lossless, A / 255)
case("jpeg-lossless-rgb16", "jl.jpg", deep(A16, lossless=True, bitspersample=16), F16, tolerance=1e-4)
case("jpeg-lossless-cut-off", "jl.jpg", lossless[: len(lossless) // 2], None, refused=True)
