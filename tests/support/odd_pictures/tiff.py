"""Odd TIFF files."""

import io
import struct

import numpy as np
import tifffile
from PIL import Image

from tests.support.odd_pictures.case import Case
from tests.support.odd_pictures.common import (
    A16,
    ADOBEP,
    AL,
    D50,
    D65,
    F16,
    SRGBP,
    A,
    F,
    G,
    H,
    S,
    W,
    adobe,
    be,
    bradford,
    cm,
    grey,
    pal,
    png,
    rgb2xyz,
    rgba16,
    rot6,
    save,
    srgb_enc,
    tif,
    to_srgb,
    v2,
)

CASES: list[Case] = []


def case(*values, **named):
    CASES.append(Case(*values, **named))


case("tif-u8", "t8.tif", tif(A, photometric="rgb"), F)
case(
    "tif-u16-be-lzw-pred",
    "t16.tif",
    tif(A16, photometric="rgb", compression="lzw", predictor=True, byteorder=">"),
    F16,
    tolerance=1e-5,
)
for c in ("deflate", "zstd", "lzma", "packbits", "lerc", "webp", "jpegxl", "jpeg2000"):
    case(
        f"tif-{c}",
        f"t-{c}.tif",
        tif(
            A,
            photometric="rgb",
            compression=c,
            **({"compressionargs": {"lossless": True}} if c in ("webp",) else {}),
        ),
        F,
        tolerance=2 / 255 if c in ("jpegxl", "jpeg2000") else 0.6 / 255,
    )


def ycbcr(pixels):
    """Luma and chroma, which tifffile expects."""
    return np.asarray(Image.fromarray(pixels).convert("YCbCr"))


case(
    "tif-jpeg-rgb",
    "tj.tif",
    tif(S, photometric="rgb", compression="jpeg", compressionargs={"level": 100, "outcolorspace": "rgb"}),
    S / 255,
    tolerance=4 / 255,
)
case(
    "tif-jpeg-ycbcr",
    "tjy.tif",
    tif(
        ycbcr(S), photometric="ycbcr", compression="jpeg", subsampling=(1, 1), compressionargs={"level": 100}
    ),
    S / 255,
    tolerance=4 / 255,
)
Sb = np.tile(S, (4, 4, 1))[:64, :96]
case(
    "tif-jpeg-ycbcr-420",
    "tjy420.tif",
    tif(
        ycbcr(np.kron(S, np.ones((4, 4, 1), np.uint8))),
        photometric="ycbcr",
        compression="jpeg",
        subsampling=(2, 2),
        compressionargs={"level": 100},
    ),
    np.kron(S, np.ones((4, 4, 1))) / 255,
    tolerance=8 / 255,
)
case(
    "tif-jpeg-ycbcr-tiled",
    "tjyt.tif",
    tif(
        ycbcr(np.kron(S, np.ones((4, 4, 1), np.uint8))),
        photometric="ycbcr",
        compression="jpeg",
        tile=(32, 32),
        subsampling=(1, 1),
        compressionargs={"level": 100},
    ),
    np.kron(S, np.ones((4, 4, 1))) / 255,
    tolerance=6 / 255,
)
case("tif-planar8", "tp.tif", tif(np.moveaxis(A, 2, 0), photometric="rgb", planarconfig="separate"), F)
case(
    "tif-planar16-tiled",
    "tpt.tif",
    tif(np.moveaxis(A16, 2, 0), photometric="rgb", planarconfig="separate", tile=(16, 16)),
    F16,
    tolerance=1e-5,
)
case(
    "tif-planar16-alpha",
    "tpa.tif",
    tif(np.moveaxis(rgba16, 2, 0), photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"]),
    F16,
    AL / 255,
    tolerance=1e-5,
)
case("tif-big", "tb.tif", tif(A, photometric="rgb", bigtiff=True), F)
case(
    "tif-big-be-tiled",
    "tbb.tif",
    tif(A16, photometric="rgb", bigtiff=True, byteorder=">", tile=(16, 16), compression="deflate"),
    F16,
    tolerance=1e-5,
)
case("tif-miniswhite8", "tw.tif", tif(G, photometric="miniswhite"), grey(1 - G / 255))
case(
    "tif-miniswhite16",
    "tw16.tif",
    tif(A16[..., 0], photometric="miniswhite"),
    grey(1 - F16[..., 0]),
    tolerance=1e-5,
)
case("tif-1bit", "t1.tif", save(Image.fromarray(G > 99), "TIFF"), grey((G > 99).astype(float)))
case(
    "tif-1bit-g4",
    "t1g4.tif",
    save(Image.fromarray(G > 99), "TIFF", compression="group4"),
    grey((G > 99).astype(float)),
)
P = Image.fromarray(v2.astype(np.uint8))
P.putpalette(pal.tobytes() + b"\0" * (768 - 12))
case("tif-palette8", "tpal.tif", save(P, "TIFF"), pal[v2] / 255)
f = io.BytesIO()
tifffile.imwrite(
    f,
    v2.astype(np.uint8),
    photometric="palette",
    colormap=np.pad((pal.T.astype(np.uint16) * 257), ((0, 0), (0, 252))),
)
case("tif-palette8-tf", "tpal2.tif", f.getvalue(), pal[v2] / 255)
for kind in ("<f2", "<f4", ">f4", "<f8"):
    case(
        f"tif-float-{kind[1:]}{'-big' * (kind[0] == '>')}",
        "tf.tif",
        tif(F.astype(kind), photometric="rgb"),
        srgb_enc(F.astype(kind).astype(float)),
        tolerance=1e-4,
    )
beyond = (1.4 * F - 0.1).astype(np.float32)
case(
    "tif-float-beyond",
    "tf.tif",
    tif(beyond, photometric="rgb"),
    srgb_enc(beyond.astype(float)),
    tolerance=1e-4,
)
case("tif-float-grey", "tf.tif", tif(F[..., 0].astype(np.float32)), grey(srgb_enc(F[..., 0])), tolerance=1e-4)
case(
    "tif-float-adobe",
    "tf.tif",
    tif(F.astype(np.float32), photometric="rgb", iccprofile=adobe),
    to_srgb(F**2.19921875, ADOBEP),
    tolerance=2.5 / 255,
    note="a profile says what the numbers mean",
)
for name, meaning, factor in (
    ("plain", "unassalpha", 1),
    ("multiplied", "assocalpha", (AL / 255)[..., None]),
):
    case(
        f"tif-float-alpha-{name}",
        "tf.tif",
        tif(np.dstack([F * factor, AL / 255]).astype(np.float32), photometric="rgb", extrasamples=[meaning]),
        np.where(AL[..., None] > 0, srgb_enc(F), np.nan),
        AL / 255,
        tolerance=1e-4,
    )
case("tif-float-0-255", "tf.tif", tif(A.astype(np.float32), photometric="rgb"), None, refused=True)
case("tif-float-height", "tf.tif", tif(A[..., 0].astype(np.float32) * -7), None, refused=True)
case(
    "tif-float32-nan",
    "tfn.tif",
    tif(np.full((H, W, 3), np.nan, np.float32), photometric="rgb"),
    None,
    refused=True,
)
case("tif-int16", "ti16.tif", tif(A16.astype(np.int16), photometric="rgb"), None, refused=True)
case("tif-uint32", "tu32.tif", tif(A16.astype(np.uint32), photometric="rgb"), None, refused=True)


def patch_tag(data, tag, ty=None, count=None, val=None, drop=False):
    d = bytearray(data)
    o = struct.unpack("<I", d[4:8])[0]
    n = struct.unpack("<H", d[o : o + 2])[0]
    for k in range(n):
        p = o + 2 + 12 * k
        if struct.unpack("<H", d[p : p + 2])[0] == tag:
            if drop:
                d[p : p + 2] = struct.pack("<H", 65000 + tag % 100)  # private tag (unsorted, tolerated)
            if ty is not None:
                d[p + 2 : p + 4] = struct.pack("<H", ty)
            if count is not None:
                d[p + 4 : p + 8] = struct.pack("<I", count)
            if val is not None:
                d[p + 8 : p + 12] = val
            return bytes(d)
    raise KeyError(tag)


t8r = tif(A, photometric="rgb", resolution=(300, 300), resolutionunit="inch", metadata=None, software=False)


def rational_patch(data, tag, num, den):
    d = bytearray(data)
    o = struct.unpack("<I", d[4:8])[0]
    n = struct.unpack("<H", d[o : o + 2])[0]
    for k in range(n):
        p = o + 2 + 12 * k
        if struct.unpack("<H", d[p : p + 2])[0] == tag:
            q = struct.unpack("<I", d[p + 8 : p + 12])[0]
            d[q : q + 8] = struct.pack("<II", num, den)
    return bytes(d)


case("tif-xres-0/0", "tx00.tif", rational_patch(rational_patch(t8r, 282, 0, 0), 283, 0, 0), F)
case("tif-xres-72/0", "tx720.tif", rational_patch(rational_patch(t8r, 282, 72, 0), 283, 72, 0), F)
case("tif-xres-0/1", "tx01.tif", rational_patch(rational_patch(t8r, 282, 0, 1), 283, 0, 1), F)
case("tif-no-yres", "tnoy.tif", patch_tag(t8r, 283, drop=True), F)
case("tif-xres-as-short", "txs.tif", patch_tag(t8r, 282, ty=3, count=1, val=struct.pack("<HH", 300, 0)), F)
f = io.BytesIO()
tifffile.imwrite(f, A.view(np.int8), photometric="rgb", metadata=None)
with tifffile.TiffFile(io.BytesIO(f.getvalue())) as t:
    place = t.pages.first.tags["SampleFormat"].valueoffset
void = bytearray(f.getvalue())
void[place : place + 6] = struct.pack("<3H", 4, 4, 4)
case("tif-sampleformat-void4", "tsf4.tif", bytes(void), F, note="4 = undefined: treat as unsigned")
case(
    "tif-assoc-alpha8",
    "taa.tif",
    tif(
        np.dstack([np.rint(A * (AL[..., None] / 255)).astype(np.uint8), AL]),
        photometric="rgb",
        extrasamples=["assocalpha"],
    ),
    None,
    AL / 255,
)
case(
    "tif-assoc-alpha16",
    "taa16.tif",
    tif(
        np.dstack([np.rint(A16 * (AL[..., None] / 255)).astype(np.uint16), AL.astype(np.uint16) * 257]),
        photometric="rgb",
        extrasamples=["assocalpha"],
    ),
    np.where(AL[..., None] > 8, F16, np.nan),
    AL / 255,
    tolerance=1e-2,
)
case(
    "tif-unspec-extra", "tue.tif", tif(np.dstack([A, AL]), photometric="rgb", extrasamples=["unspecified"]), F
)
case(
    "tif-5-samples",
    "t5.tif",
    tif(np.dstack([A, AL, AL]), photometric="rgb", extrasamples=["unassalpha", "unspecified"]),
    F,
    AL / 255,
)
case("tif-cmyk8", "tc.tif", tif(cm, photometric="separated"), F)
case("tif-cmyk16", "tc16.tif", tif(cm.astype(np.uint16) * 257, photometric="separated"), F, tolerance=1e-3)
case(
    "tif-cmyk-alpha",
    "tca.tif",
    tif(np.dstack([cm, AL]), photometric="separated", extrasamples=["unassalpha"]),
    F,
    AL / 255,
)


def o_t(n):
    return tif(A, photometric="rgb", metadata=None, extratags=[(274, 3, 1, n, True)])


for n, fn in {3: lambda a: a[::-1, ::-1], 5: lambda a: a.swapaxes(0, 1), 6: rot6, 8: np.rot90}.items():
    case(f"tif-orient{n}", f"to{n}.tif", o_t(n), fn(F))
case("tif-palette-orient6", "tpo6.tif", save(P, "TIFF", tiffinfo={274: 6}), rot6(pal[v2] / 255))
case("tif-multipage", "tm.tif", tif(np.stack([A, 255 - A]), photometric="rgb"), F)
f = io.BytesIO()
with tifffile.TiffWriter(f) as t:
    t.write(A, photometric="rgb", subifds=1)
    t.write(A[::2, ::2], photometric="rgb", subfiletype=1)
case("tif-subifd-pyramid", "tsub.tif", f.getvalue(), F)
f = io.BytesIO()
with tifffile.TiffWriter(f) as t:
    t.write(A[::4, ::4], photometric="rgb", subfiletype=1)
    t.write(A, photometric="rgb")
case("tif-thumb-first", "tthumb.tif", f.getvalue(), None, refused=True)
f = io.BytesIO()
tifffile.imwrite(f, A, photometric="rgb", ome=True)
case("tif-ome-rgb", "x.ome.tif", f.getvalue(), F)
f = io.BytesIO()
tifffile.imwrite(f, np.moveaxis(A, 2, 0), photometric="minisblack", ome=True, metadata={"axes": "CYX"})
case(
    "tif-ome-3-channel-pages",
    "c.ome.tif",
    f.getvalue(),
    F,
    note="RGB as 3 pages; only red is read (with a warning)",
)
f = io.BytesIO()
tifffile.imwrite(f, np.moveaxis(A, 2, 0), photometric="minisblack", planarconfig="separate")
case("tif-minisblack-3-planes", "mb3.tif", f.getvalue(), F, note="minisblack with 2 extra samples")
f = io.BytesIO()
tifffile.imwrite(f, A, photometric="minisblack", planarconfig="contig")
case("tif-minisblack-3-contig", "mb3c.tif", f.getvalue(), F, note="3 samples, minisblack")
sp = tif(A, photometric="rgb", tile=(16, 16), metadata=None)
sp2 = bytearray(sp)
o = struct.unpack("<I", sp2[4:8])[0]
for k in range(struct.unpack("<H", sp2[o : o + 2])[0]):
    p = o + 2 + 12 * k
    tg = struct.unpack("<H", sp2[p : p + 2])[0]
    if tg in (324, 325):
        q = struct.unpack("<I", sp2[p + 8 : p + 12])[0]
        ty = struct.unpack("<H", sp2[p + 2 : p + 4])[0]
        sz = {3: 2, 4: 4}[ty]
        sp2[q : q + sz] = b"\0" * sz
case(
    "tif-sparse-gdal",
    "tsparse.tif",
    bytes(sp2),
    None,
    refused=True,
    note="GDAL SPARSE_OK: missing tile means 0",
)
case("tif-truncated", "ttr.tif", tif(A, photometric="rgb", rowsperstrip=4)[:600], None, refused=True)
# lab
lab8 = np.stack(
    [
        A[..., 0],
        (A[..., 1].astype(int) // 4 - 32).astype(np.int8).view(np.uint8),
        (A[..., 2].astype(int) // 4 - 32).astype(np.int8).view(np.uint8),
    ],
    -1,
)


def lab2srgb(L, a, b):
    fy = (L + 16) / 116
    fx = fy + a / 500
    fz = fy - b / 200

    def g(t):
        return np.where(t > 6 / 29, t**3, 3 * (6 / 29) ** 2 * (t - 4 / 29))

    xyz = np.stack([0.9642 * g(fx), g(fy), 0.8249 * g(fz)], -1)
    M = np.linalg.inv(rgb2xyz(SRGBP, D65)) @ bradford(D50, D65)
    return srgb_enc(xyz @ M.T)


case(
    "tif-lab8",
    "tlab.tif",
    tif(lab8, photometric="cielab"),
    lab2srgb(
        lab8[..., 0] / 2.55,
        lab8[..., 1].view(np.int8).astype(float),
        lab8[..., 2].view(np.int8).astype(float),
    ),
    tolerance=3 / 255,
)
case(
    "tif-icclab8",
    "ticclab.tif",
    tif(np.stack([lab8[..., 0], lab8[..., 1] ^ 128, lab8[..., 2] ^ 128], -1), photometric="icclab"),
    lab2srgb(
        lab8[..., 0] / 2.55,
        lab8[..., 1].view(np.int8).astype(float),
        lab8[..., 2].view(np.int8).astype(float),
    ),
    tolerance=3 / 255,
)
case("tif-lab16", "tlab16.tif", tif(lab8.astype(np.uint16) * 256, photometric="cielab"), None, refused=True)
case(
    "tif-adobe-icc16",
    "tai.tif",
    tif(A16, photometric="rgb", iccprofile=adobe),
    to_srgb(F16**2.19921875, ADOBEP),
    tolerance=2.5 / 255,
)
case(
    "tif-nosuch-samplesperpixel",
    "tspp.tif",
    tif(np.dstack([G, AL]), photometric="minisblack", extrasamples=["unassalpha"]),
    grey(G / 255),
    AL / 255,
)
case("tif-1x1", "t11.tif", tif(A[:1, :1], photometric="rgb"), F[:1, :1])
case("png-1x1-16", "p11.png", png(be(A16[:1, :1]), 1, 1, 16, 2), F16[:1, :1], tolerance=1e-5)

for order in "<>":  # as some programs write it, without saying what zero means
    data = bytearray(tif(G, photometric="minisblack", metadata=None, byteorder=order))
    with tifffile.TiffFile(io.BytesIO(data)) as t:
        at = t.pages.first.tags["PhotometricInterpretation"].offset
    data[at : at + 2] = struct.pack(f"{order}H", 65000)
    case(f"tif-without-photometric{order}", "nophoto.tif", bytes(data), grey(G / 255))
big = tif(A, photometric="rgb", bigtiff=True, byteorder=">", metadata=None, extratags=[(274, 3, 1, 6, True)])
case("tif-big-be-orient6", "tbo6.tif", big, rot6(F))
case(
    "tif-four-bands",
    "bands4.tif",
    tif(np.dstack([A, AL]), photometric="minisblack", planarconfig="contig"),
    None,
    refused=True,
)
for count in (2, 4):
    f = io.BytesIO()
    stack = np.stack([G] * count)
    tifffile.imwrite(f, stack, photometric="minisblack", ome=True, metadata={"axes": "CYX"})
    case(f"tif-ome-{count}-channel-pages", f"c{count}.ome.tif", f.getvalue(), None, refused=True)
luma = tif(A, photometric="ycbcr", subsampling=(1, 1), metadata=None)
case("tif-ycbcr-raw", "ycc.tif", luma, None, refused=True)
for codec in ("zstd", "lzma"):
    for name, k in (
        ("tiled", {"tile": (16, 16)}),
        ("strips", {"rowsperstrip": 5}),
        ("big-endian", {"byteorder": ">"}),
    ):
        data = tif(A16, photometric="rgb", compression=codec, predictor=True, **k)
        case(f"tif-{codec}-16-{name}", "c16.tif", data, F16, tolerance=1e-5)
for name, k in (("strips", {"rowsperstrip": 5}), ("tiled", {"tile": (16, 16)})):
    planes = tif(
        np.moveaxis(rgba16, 2, 0),
        photometric="rgb",
        planarconfig="separate",
        compression="zstd",
        extrasamples=["unassalpha"],
        **k,
    )
    case(f"tif-zstd-planes-{name}", "planes.tif", planes, F16, AL / 255, tolerance=1e-5)
case(
    "tif-jpeg-ycbcr-big-be",
    "tjyb.tif",
    tif(
        ycbcr(S),
        photometric="ycbcr",
        compression="jpeg",
        subsampling=(1, 1),
        compressionargs={"level": 100},
        bigtiff=True,
        byteorder=">",
    ),
    S / 255,
    tolerance=4 / 255,
)
inks = [(332, 3, 1, 2, True)]
case("tif-other-inks", "inks.tif", tif(cm, photometric="separated", extratags=inks), None, refused=True)
colormap = np.pad(pal.T.astype(np.uint16) * 257, ((0, 0), (0, 252)))
for name, k in (("big-be", {"bigtiff": True, "byteorder": ">"}), ("zstd", {"compression": "zstd"})):
    coloured = tif(v2.astype(np.uint8), photometric="palette", colormap=colormap, **k)
    case(f"tif-palette8-{name}", "palette.tif", coloured, pal[v2] / 255)
    for kind, want in (("minisblack", G > 99), ("miniswhite", G <= 99)):
        case(f"tif-1bit-{kind}-{name}", "bits.tif", tif(G > 99, photometric=kind, **k), grey(want * 1.0))
