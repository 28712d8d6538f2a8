"""Pixels, colour spaces and containers of which the odd files are made."""

import io
import struct
import zlib

import imagecodecs
import numpy as np
import tifffile
from PIL import Image


def ramp(h=16, w=24):
    y, x = np.mgrid[0:h, 0:w]
    r = x * 255 // (w - 1)
    g = y * 255 // (h - 1)
    b = (x * 7 + y * 13) % 256
    return np.stack([r, g, b], -1).astype(np.uint8)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(rows, w, h, depth, ctype, before=(), after=(), interlace=0):
    """rows: list of packed bytes per row."""
    raw = b"".join(b"\0" + r for r in rows)
    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, ctype, 0, 0, interlace))
    for k, d in before:
        out += chunk(k, d)
    out += chunk(b"IDAT", zlib.compress(raw))
    for k, d in after:
        out += chunk(k, d)
    return out + chunk(b"IEND", b"")


def pack_bits(values, depth):
    """(H,W) ints -> packed rows"""
    rows = []
    for row in values:
        bits = "".join(format(int(v), f"0{depth}b") for v in row)
        bits += "0" * (-len(bits) % 8)
        rows.append(int(bits, 2).to_bytes(len(bits) // 8, "big"))
    return rows


def png_rgb8(a, **k):
    return png([r.tobytes() for r in a], a.shape[1], a.shape[0], 8, 2, **k)


def save(img, fmt, **k):
    f = io.BytesIO()
    img.save(f, fmt, **k)
    return f.getvalue()


def srgb_enc(linear):
    linear = np.clip(linear, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_dec(v):
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def rgb2xyz(prim, white):
    P = np.array([[x / y, 1, (1 - x - y) / y] for x, y in prim]).T
    W = np.array([white[0] / white[1], 1, (1 - white[0] - white[1]) / white[1]])
    return P * np.linalg.solve(P, W)


D65 = (0.3127, 0.3290)
D50 = (0.34567, 0.35850)
SRGBP = [(0.64, 0.33), (0.30, 0.60), (0.15, 0.06)]
P3P = [(0.680, 0.320), (0.265, 0.690), (0.15, 0.06)]
ADOBEP = [(0.64, 0.33), (0.21, 0.71), (0.15, 0.06)]
PROPHOTO = [(0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)]
BT2020 = [(0.708, 0.292), (0.170, 0.797), (0.131, 0.046)]


def bradford(src, dst):
    B = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])

    def f(w):
        return np.array([w[0] / w[1], 1, (1 - w[0] - w[1]) / w[1]])

    s, d = B @ f(src), B @ f(dst)
    return np.linalg.inv(B) @ np.diag(d / s) @ B


def to_srgb(lin, prim, white=D65):
    """linear RGB of other primaries -> encoded sRGB, clipped"""
    M = np.linalg.inv(rgb2xyz(SRGBP, D65)) @ bradford(white, D65) @ rgb2xyz(prim, white)
    return srgb_enc(lin @ M.T)


A = ramp()
H, W = A.shape[:2]
F = A / 255.0
G = A[..., 0]
A16 = (A.astype(np.int64) * 257 + np.arange(W)[None, :, None] * 5).clip(0, 65535)
A16 = A16.astype(np.uint16)
F16 = A16 / 65535.0
AL = np.linspace(0, 255, W).astype(np.uint8)[None].repeat(H, 0)


def grey(g):
    return np.repeat(g[..., None], 3, 2)


def tif(arr, **k):
    f = io.BytesIO()
    tifffile.imwrite(f, arr, **k)
    return f.getvalue()


def be(a):
    return [r.astype(">u2").tobytes() for r in a]


def pq(v):
    m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
    p = v ** (1 / m2)
    return (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1) * 10000


srgbp = imagecodecs.cms_profile("srgb")
grayp = imagecodecs.cms_profile("gray", gamma=2.2)
adobe = imagecodecs.cms_profile("adobergb")
p3 = imagecodecs.cms_profile(
    "rgb", whitepoint=[*D65, 1.0], primaries=[0.68, 0.32, 1, 0.265, 0.69, 1, 0.15, 0.06, 1], gamma=2.2
)
ex = Image.Exif()
ex[0x112] = 6
eb = ex.tobytes()[6:]


def rot6(a):
    return np.rot90(a, -1)


im = Image.fromarray(A)
frames = [Image.fromarray(255 - A)]
pal = np.array([[10, 200, 30], [250, 3, 99], [0, 0, 255], [255, 255, 0]], np.uint8)
v2 = G.astype(int) // 64
rgba16 = np.dstack([A16, AL.astype(np.uint16) * 257])
smooth = np.stack([np.linspace(0, 255, W)[None].repeat(H, 0)] * 3, -1)
smooth[..., 1] = 128
smooth[..., 2] = np.linspace(255, 0, W)
S = smooth.astype(np.uint8)
cm = np.stack([255 - A[..., 0], 255 - A[..., 1], 255 - A[..., 2], np.full((H, W), 0)], -1).astype(np.uint8)
