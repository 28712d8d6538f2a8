"""Colour profiles are converted to sRGB."""

import itertools
import struct
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import Image

from sinct.pictures.picture import read_picture
from tests.support.picture_files import (
    ADOBE_PRIMARIES,
    D65,
    Array,
    Read,
    chunk,
    png,
    rgb_profile,
    samples,
    saved,
    tensor,
    tiff,
)

SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))


def grey_profile(gamma: float) -> bytes:
    return imagecodecs.cms_profile("gray", whitepoint=D65, gamma=gamma)


def to_xyz(primaries: tuple[tuple[float, float], ...]) -> Array:
    """Matrix from linear RGB to XYZ under D65."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    white = np.array([D65[0] / D65[1], 1, (1 - D65[0] - D65[1]) / D65[1]])
    return columns * np.linalg.solve(columns, white)


def encoded(linear: Array) -> Array:
    """Linear light in [0, 1] to sRGB in [0, 1] (IEC 61966-2-1)."""
    clipped = linear.clip(0, 1)
    return np.where(clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055)


def lab_to_srgb(lightness: float, a: float, b: float) -> Array:
    """CIELAB under D50 to sRGB in [0, 1], by CIE 15 and a Bradford-adapted matrix."""
    f = np.array([(lightness + 16) / 116 + a / 500, (lightness + 16) / 116, (lightness + 16) / 116 - b / 200])
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9642, 1, 0.8249]
    matrix = [
        [3.1338561, -1.6168667, -0.4906146],
        [-0.9787684, 1.9161415, 0.0334540],
        [0.0719453, -0.2289914, 1.4052427],
    ]
    return encoded(np.array(matrix) @ xyz)


def cmyk_profile(cyan: tuple[float, float, float]) -> bytes:
    """ICC 2 printer profile: white paper, cyan ink of a CIELAB colour, all other inks black."""

    def corner(inks: tuple[int, ...]) -> list[int]:
        colours: dict[tuple[int, ...], tuple[float, ...]] = {(0,) * 4: (100, 0, 0), (1, 0, 0, 0): cyan}
        lightness, a, b = colours.get(inks, (0, 0, 0))
        return [round(lightness * 652.8), round((a + 128) * 256), round((b + 128) * 256)]

    table = [value for inks in itertools.product((0, 1), repeat=4) for value in corner(inks)]
    identity = [int(65536 * (row == column)) for row in range(3) for column in range(3)]
    lut = struct.pack(">4s4x4B9i2H", b"mft2", 4, 3, 2, 0, *identity, 2, 2)
    lut += (
        struct.pack(">8H", *[0, 65535] * 4)
        + struct.pack(">48H", *table)
        + struct.pack(">6H", *[0, 65535] * 3)
    )
    white = struct.pack(">4s4x3i", b"XYZ ", 63190, 65536, 54061)
    name = struct.pack(">4s4xI5s78x", b"desc", 5, b"test\0")
    body, entries = b"", []
    for tag, content in ((b"A2B0", lut), (b"wtpt", white), (b"desc", name), (b"cprt", b"text\0\0\0\0none\0")):
        entries.append(struct.pack(">4sII", tag, 128 + 4 + 12 * 4 + len(body), len(content)))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12x4s28x3i",
        0,
        b"test",
        0x02400000,
        b"prtr",
        b"CMYK",
        b"Lab ",
        b"acsp",
        63190,
        65536,
        54061,
    )
    profile = header.ljust(128, b"\0") + struct.pack(">I", 4) + b"".join(entries) + body
    return struct.pack(">I", len(profile)) + profile[4:]


@pytest.mark.parametrize(("bits", "tolerance"), [(8, 0.002), (16, 0.0008)])
@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_wide_gamut_colours_are_converted(read: Read, kind: str, bits: int, tolerance: float) -> None:
    """Against the matrices of both spaces; the tolerance covers the profile's rounded numbers."""
    pixels = samples(20, 20, 3, bits=bits)
    profile = rgb_profile(ADOBE_PRIMARIES, 2.2)
    named = chunk(b"iCCP", b"wide\0\0" + zlib.compress(profile))
    data = png(pixels, named) if kind == "png" else tiff(pixels, photometric="rgb", iccprofile=profile)
    linear = (pixels / (2**bits - 1)) ** 2.2 @ (
        np.linalg.inv(to_xyz(SRGB_PRIMARIES)) @ to_xyz(ADOBE_PRIMARIES)
    ).T
    expected = torch.from_numpy(2 * np.moveaxis(encoded(linear), 2, 0) - 1).float()
    torch.testing.assert_close(read(data).pixels, expected, atol=2 * tolerance, rtol=0)


def test_wide_gamut_green_becomes_more_saturated(read: Read) -> None:
    image = Image.new("RGB", (1, 1), (100, 200, 100))
    red, green, _ = read(saved(image, "PNG", icc_profile=rgb_profile(ADOBE_PRIMARIES, 2.2))).pixels.flatten()
    assert red < 2 * 100 / 255 - 1 - 0.1
    assert abs(green - (2 * 200 / 255 - 1)) < 0.02


def test_16_bits_with_a_profile_are_told_apart(read: Read) -> None:
    pixels = np.arange(30000, 30256, dtype=np.uint16).repeat(3).reshape(1, 256, 3)
    named = chunk(b"iCCP", b"wide\0\0" + zlib.compress(rgb_profile(ADOBE_PRIMARIES, 2.2)))
    assert (read(png(pixels, named)).pixels[1, 0].diff() > 0).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_profile_is_converted(read: Read, bits: int) -> None:
    pixels = samples(9, 9, 1, bits=bits)
    data = tiff(pixels[..., 0], photometric="minisblack", iccprofile=grey_profile(1.0))
    expected = torch.from_numpy(2 * encoded(pixels[..., 0] / (2**bits - 1)) - 1).float().expand(3, 9, 9)
    torch.testing.assert_close(read(data).pixels, expected, atol=1e-3, rtol=0)


def test_grey_picture_with_rgb_profile_is_converted(read: Read) -> None:
    image = Image.fromarray(samples(9, 9, 1)[..., 0])
    profile = rgb_profile(SRGB_PRIMARIES, 1.0)
    grey, colour = (
        read(saved(picture, "PNG", icc_profile=profile)) for picture in (image, image.convert("RGB"))
    )
    assert torch.equal(grey.pixels, colour.pixels)
    assert grey.pixels.mean() > tensor(samples(9, 9, 1)).mean() + 0.1


def test_cmyk_profile_is_converted(read: Read) -> None:
    image = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    image.paste((0, 0, 0, 0), (0, 0, 8, 16))
    picture = read(saved(image, "TIFF", icc_profile=cmyk_profile((60, -20, -25))))
    paper, cyan = (picture.pixels[:, 0, column] for column in (0, 15))
    torch.testing.assert_close(paper, torch.ones(3), atol=0.004, rtol=0)
    expected = torch.from_numpy(2 * lab_to_srgb(60, -20, -25) - 1).float()
    torch.testing.assert_close(cyan, expected, atol=0.004, rtol=0)


@pytest.mark.parametrize("lab", [(100, 0, 0), (50, 0, 0), (60, 30, -20), (40, -20, 25)])
def test_lab_picture_is_converted(read: Read, lab: tuple[int, int, int]) -> None:
    lightness, a, b = round(lab[0] * 2.55), lab[1], lab[2]
    image = Image.frombytes("LAB", (1, 1), bytes([lightness, a % 256, b % 256]))
    expected = torch.from_numpy(2 * lab_to_srgb(lightness / 2.55, a, b) - 1).float()
    torch.testing.assert_close(read(saved(image, "TIFF")).pixels.flatten(), expected, atol=0.004, rtol=0)


@pytest.mark.parametrize(
    "profile", [b"no profile", rgb_profile(ADOBE_PRIMARIES, 2.2)[:300], grey_profile(2.2)], ids=len
)
def test_unusable_profile_is_ignored_with_a_warning(read: Read, profile: bytes) -> None:
    image = Image.fromarray(samples(4, 4, 3))
    with pytest.warns(
        UserWarning, match=r"picture: its colour profile is damaged or not for rgb, so it is ignored"
    ):
        picture = read(saved(image, "PNG", icc_profile=profile))
    torch.testing.assert_close(picture.pixels, tensor(np.asarray(image)), atol=1e-6, rtol=0)


def test_warning_points_at_the_caller(tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(saved(Image.new("RGB", (2, 2)), "PNG", icc_profile=b"no profile"))
    with pytest.warns(UserWarning, match=r"picture: its colour profile") as caught:
        read_picture(path)
    assert caught[0].filename == __file__
