"""ICC profiles for tests, with the closed forms that they stand for."""

import struct
from functools import cache

import imagecodecs
import numpy as np

from sinct.pictures.colour_tags import dateless
from tests.support.picture_files import Array

D65, D50 = (0.3127, 0.3290), (0.34567, 0.35850)

SRGB = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06)

SPACES = {
    "Display P3": (D65, (0.68, 0.32, 0.265, 0.69, 0.15, 0.06), 2.2),
    "Adobe RGB": (D65, (0.64, 0.33, 0.21, 0.71, 0.15, 0.06), 563 / 256),
    "eciRGB": (D50, (0.67, 0.33, 0.21, 0.71, 0.14, 0.08), 1.8),
    "BT.2020": (D65, (0.708, 0.292, 0.170, 0.797, 0.131, 0.046), 2.4),
    "ProPhoto RGB": (D50, (0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), 1.8),
    "linear sRGB": (D65, SRGB, 1.0),
}
"""Name -> white, primaries and gamma."""

WHITE = np.array([0.9642, 1, 0.8249])
"""The white of profiles' colours, in XYZ."""


@cache
def made(name: str) -> bytes:
    """The profile of one of `SPACES`, of curves and a matrix."""
    white, primaries, gamma = SPACES[name]
    return of_curves(white, primaries, gamma)


def of_curves(white: tuple[float, ...], primaries: tuple[float, ...], gamma: float) -> bytes:
    flat = [number for xy in zip(primaries[::2], primaries[1::2], strict=True) for number in (*xy, 1.0)]
    return dateless(imagecodecs.cms_profile("rgb", whitepoint=[*white, 1.0], primaries=flat, gamma=gamma))


def matrix(name: str) -> Array:
    """From linear RGB to XYZ under D50, by Bradford's adaptation."""
    (x, y), primaries, _ = SPACES[name]
    return _adapted(x, y, np.reshape(primaries, (3, 2)).T)


def _adapted(x: float, y: float, corners: Array) -> Array:
    columns = np.stack([corners[0] / corners[1], np.ones(3), (1 - corners.sum(axis=0)) / corners[1]])
    white = np.array([x / y, 1, (1 - x - y) / y])
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    adaptation = np.linalg.inv(cones) @ np.diag((cones @ WHITE) / (cones @ white)) @ cones
    return adaptation @ (columns * np.linalg.solve(columns, white))


def in_space(colours: Array, name: str) -> Array:
    """sRGB (..., 3) in [0, 1] -> one of `SPACES`, in closed form."""
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    srgb = _adapted(*D65, np.reshape(SRGB, (3, 2)).T)
    light = linear @ (np.linalg.inv(matrix(name)) @ srgb).T
    return light.clip(0, 1) ** (1 / SPACES[name][2])


@cache
def of_tables(name: str, side: int = 33, *, backwards: bool = True) -> bytes:
    """A profile of one of `SPACES` as printers and scanners have them: tables of CIELAB, without curves or a matrix.

    Args:
        name: name of the space.
        side: colours along a side of the tables.
        backwards: whether it has the table from CIELAB, without which a profile is only for reading.
    """
    gamma = SPACES[name][2]
    steps = np.linspace(0, 1, side)
    grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
    ratio = grid**gamma @ matrix(name).T / WHITE
    root = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    x, y, z = np.moveaxis(root, -1, 0)
    lab = np.stack(
        [(116 * y - 16) * 652.8, (500 * (x - y) + 128) * 256, (200 * (y - z) + 128) * 256], axis=-1
    )
    luma, a, b = np.moveaxis(grid * 65535, -1, 0)
    y = (luma / 652.8 + 16) / 116
    root = np.stack([y + (a / 256 - 128) / 500, y, y - (b / 256 - 128) / 200], axis=-1)
    light = np.where(root > 6 / 29, root**3, 3 * (6 / 29) ** 2 * (root - 4 / 29)) * WHITE
    back = (light @ np.linalg.inv(matrix(name)).T).clip(0, 1) ** (1 / gamma) * 65535
    tags = {b"A2B0": _table(lab), b"B2A0": _table(back)} if backwards else {b"A2B0": _table(lab)}
    tags[b"wtpt"] = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    tags[b"desc"] = struct.pack(">4s4xI5s78x", b"desc", 5, b"test\0")
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    return _profile(tags)


def _table(values: Array) -> bytes:
    """(S, S, S, 3) in [0, 65535] -> a tag of type lut16Type with straight curves."""
    ones = [int(65536 * (row == column)) for row in range(3) for column in range(3)]
    straight = struct.pack(">6H", *[0, 65535] * 3)
    header = struct.pack(">4s4x4B9i2H", b"mft2", 3, 3, len(values), 0, *ones, 2, 2)
    return header + straight + np.rint(values.clip(0, 65535)).astype(">u2").tobytes() + straight


def _profile(tags: dict[bytes, bytes]) -> bytes:
    body, entries = b"", []
    for tag, content in tags.items():
        entries.append(struct.pack(">4sII", tag, 132 + 12 * len(tags) + len(body), len(content)))
        body += content + bytes(-len(content) % 4)
    names = b"scnr", b"RGB ", b"Lab ", b"acsp"
    start = struct.pack(">I4sI4s4s4s12x4s28x3i", 0, b"test", 0x02400000, *names, 63190, 65536, 54061)
    whole = start.ljust(128, b"\0") + struct.pack(">I", len(tags)) + b"".join(entries) + body
    return struct.pack(">I", len(whole)) + whole[4:]
