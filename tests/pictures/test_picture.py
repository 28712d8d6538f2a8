import errno
import hashlib
import io
import itertools
import os
import random
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms, ImageOps, JpegImagePlugin
from torch import Tensor

from sinct.errors import InputError, OutputError
from sinct.pictures.picture import (
    OUTPUT_SUFFIXES,
    Picture,
    check_output,
    read_picture,
    read_provenance,
    write_picture,
)

Array = npt.NDArray[Any]

LOSSLESS = [(".png", 8), (".png", 16), (".tif", 8), (".tif", 16), (".webp", 8)]
EVERY_FORMAT = [*LOSSLESS, (".jpg", 8)]


# Helpers -----------------------------------------------------------------------------------------------


def samples(*shape: int, bits: int = 8, seed: int = 0) -> Array:
    """Noise in (H, W, C), its first pixel all 0 and its last all ones."""
    noise = np.random.default_rng(seed).integers(0, 2**bits, shape, dtype=f"uint{bits}")
    noise[0, 0], noise[-1, -1] = 0, 2**bits - 1
    return noise


def tensor(colours: Array) -> Tensor:
    """(H, W, C) integers -> (3, H, W) in [-1, 1]."""
    unit = np.broadcast_to(colours / np.iinfo(colours.dtype).max, (*colours.shape[:2], 3))
    return torch.from_numpy(2 * np.moveaxis(unit, 2, 0) - 1).float()


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return 2 * torch.rand(3, height, width, generator=torch.Generator().manual_seed(seed)) - 1


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(pixels: Array, *chunks: bytes, interlaced: bool = False) -> bytes:
    """Encode a PNG by the letter of its specification, so that no library is on both sides of a test."""
    height, width, channels = pixels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 8 * pixels.itemsize, kind, 0, 0, interlaced)
    starts_and_steps = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2)]
    passes = [*starts_and_steps, (1, 0, 2, 1)] if interlaced else [(0, 0, 1, 1)]
    grids = [pixels[top::down, left::right] for top, left, down, right in passes]
    rows = b"".join(
        b"\0" + row.astype(row.dtype.newbyteorder(">")).tobytes()
        for grid in grids
        if grid.size
        for row in grid
    )
    parts = [chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif_block(**tags: Any) -> bytes:
    exif = Image.Exif()
    exif.update((ExifTags.Base[name].value, value) for name, value in tags.items())
    return exif.tobytes()


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def tiff(pixels: Array, **options: Any) -> bytes:
    file = io.BytesIO()
    tifffile.imwrite(file, pixels, metadata=None, **options)
    return file.getvalue()


def opened(path: Path) -> Image.Image:
    return Image.open(io.BytesIO(path.read_bytes()))


Read = Callable[[bytes], Picture]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_bytes(data: bytes) -> Picture:
        path = tmp_path / "picture"
        path.write_bytes(data)
        return read_picture(path)

    return read_bytes


# Reading 8 bits ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "GIF"])
def test_opaque_picture_is_read_as_pillow_converts_it(read: Read, mode: str, kind: str) -> None:
    image = Image.fromarray(samples(5, 7, 3)).convert(mode)
    data = saved(image, kind)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    picture = read(data)
    torch.testing.assert_close(picture.pixels, tensor(expected), atol=1e-6, rtol=0)
    assert picture.alpha is None


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_kept_apart_and_colours_are_not_multiplied_by_it(read: Read, mode: str, kind: str) -> None:
    image = Image.fromarray(samples(5, 7, 4)).convert(mode)
    picture = read(saved(image, kind, lossless=True, exact=True))
    expected = np.asarray(image.convert("RGBA"))
    torch.testing.assert_close(picture.pixels, tensor(expected[..., :3]), atol=1e-6, rtol=0)
    assert picture.alpha is not None
    torch.testing.assert_close(picture.alpha[0], torch.from_numpy(expected[..., 3] / 255).float())


def test_palette_with_transparency_has_alpha(read: Read) -> None:
    image = Image.fromarray(samples(5, 7, 3)).quantize(4)
    picture = read(saved(image, "PNG", transparency=bytes([0, 128, 255, 255])))
    expected = torch.tensor([0, 128 / 255, 1, 1])[torch.from_numpy(np.array(image)).long()]
    assert picture.alpha is not None
    torch.testing.assert_close(picture.alpha[0], expected)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("channels", [1, 3])
def test_transparent_colour_of_a_png_has_alpha_zero(read: Read, channels: int, bits: int) -> None:
    pixels = samples(4, 5, channels, bits=bits)
    key = pixels[1, 2].astype(">u2").tobytes()
    picture = read(png(pixels, chunk(b"tRNS", key)))
    expected = (pixels != pixels[1, 2]).any(axis=2)
    assert picture.alpha is not None
    assert torch.equal(picture.alpha[0], torch.from_numpy(expected).float())
    torch.testing.assert_close(picture.pixels, tensor(pixels), atol=1e-6, rtol=0)


def test_opaque_alpha_is_none(read: Read) -> None:
    assert read(saved(Image.new("RGBA", (3, 2), (1, 2, 3, 255)), "PNG")).alpha is None


def test_black_is_minus_one_and_white_is_one(read: Read) -> None:
    image = Image.fromarray(np.array([[0, 255]], np.uint8))
    assert read(saved(image, "PNG")).pixels.tolist() == [[[-1, 1]]] * 3


def test_pixels_are_contiguous_float32(read: Read) -> None:
    pixels = read(saved(Image.new("RGB", (3, 2)), "JPEG", exif=exif_block(Orientation=6))).pixels
    assert pixels.dtype == torch.float32
    assert pixels.is_contiguous()


def test_one_pixel_is_enough(read: Read) -> None:
    assert read(saved(Image.new("L", (1, 1), 255), "PNG")).pixels.tolist() == [[[1]]] * 3


def test_bits_and_hash_are_those_of_the_file(read: Read) -> None:
    for bits in (8, 16):
        data = png(samples(2, 2, 3, bits=bits))
        picture = read(data)
        assert (picture.bits, picture.sha256) == (bits, hashlib.sha256(data).hexdigest())


def test_ycbcr_tiff_is_read(read: Read) -> None:
    image = Image.new("RGB", (32, 32), (200, 100, 50))
    picture = read(saved(image, "TIFF", compression="jpeg"))
    torch.testing.assert_close(
        picture.pixels, tensor(np.asarray(image)), atol=0.03, rtol=0
    )  # JPEG's rounding


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_without_profile_is_read_as_perfect_inks(read: Read, kind: str) -> None:
    """Adobe's JPEGs store inverted ink, which Pillow writes and reads back."""
    picture = read(saved(Image.new("CMYK", (16, 16), (255, 0, 0, 0)), kind))
    torch.testing.assert_close(
        picture.pixels.mean(dim=(1, 2)), torch.tensor([-1.0, 1.0, 1.0]), atol=0.02, rtol=0
    )


# Reading 16 bits ---------------------------------------------------------------------------------------


def assert_full_precision(picture: Picture, colours: Array, alpha: Array | None = None) -> None:
    """16 bits are told apart: half a step is 1.5e-5 on [-1, 1]."""
    assert picture.bits == 16
    torch.testing.assert_close(picture.pixels, tensor(colours), atol=1e-6, rtol=0)
    if alpha is None:
        assert picture.alpha is None
    else:
        assert picture.alpha is not None
        torch.testing.assert_close(
            picture.alpha[0], torch.from_numpy(alpha / 65535).float(), atol=1e-6, rtol=0
        )


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_png_keeps_16_bits(read: Read, channels: int, interlaced: bool) -> None:
    pixels = samples(11, 13, channels, bits=16)
    colours = channels - 1 + channels % 2
    alpha = pixels[..., -1] if channels % 2 == 0 else None
    assert_full_precision(read(png(pixels, interlaced=interlaced)), pixels[..., :colours], alpha)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"byteorder": ">"},
        {"compression": "lzw", "predictor": True},
        {"compression": "zlib", "predictor": True},
        {"byteorder": ">", "compression": "zlib", "predictor": True},
        {"tile": (16, 16)},
        {"rowsperstrip": 3},
        {"bigtiff": True},
    ],
    ids=str,
)
def test_tiff_keeps_16_bits(read: Read, options: dict[str, Any]) -> None:
    pixels = samples(11, 13, 3, bits=16)
    assert_full_precision(read(tiff(pixels, photometric="rgb", **options)), pixels)


def test_planar_tiff_keeps_16_bits(read: Read) -> None:
    pixels = samples(11, 13, 4, bits=16)
    planes = np.ascontiguousarray(np.moveaxis(pixels, 2, 0))
    data = tiff(planes, photometric="rgb", planarconfig="separate", extrasamples=["unassalpha"])
    assert_full_precision(read(data), pixels[..., :3], pixels[..., 3])


def test_grey_tiff_keeps_16_bits(read: Read) -> None:
    pixels = samples(5, 7, 1, bits=16)
    assert_full_precision(read(tiff(pixels[..., 0], photometric="minisblack")), pixels)


@pytest.mark.parametrize(("kind", "channels"), [("minisblack", 2), ("rgb", 4)])
def test_alpha_of_a_tiff_keeps_16_bits(read: Read, kind: str, channels: int) -> None:
    pixels = samples(5, 7, channels, bits=16)
    data = tiff(pixels, photometric=kind, planarconfig="contig", extrasamples=["unassalpha"])
    assert_full_precision(read(data), pixels[..., :-1], pixels[..., -1])


def test_tiff_of_white_zero_is_inverted(read: Read) -> None:
    pixels = samples(5, 7, 1, bits=16)
    assert_full_precision(read(tiff(pixels[..., 0], photometric="miniswhite")), 65535 - pixels)


def test_unspecified_fourth_sample_is_no_alpha(read: Read) -> None:
    pixels = samples(5, 7, 4, bits=16)
    data = tiff(pixels, photometric="rgb", extrasamples=["unspecified"])
    assert_full_precision(read(data), pixels[..., :3])


def test_premultiplied_tiff_is_divided_by_its_alpha(read: Read) -> None:
    alpha = np.full((5, 7, 1), 30000, np.uint16)
    alpha[2, 3] = 0
    multiplied = np.minimum(samples(5, 7, 3, bits=16), alpha)
    straight = np.rint(multiplied / np.maximum(alpha, 1) * 65535).astype(np.uint16)
    data = tiff(np.concatenate([multiplied, alpha], axis=2), photometric="rgb", extrasamples=["assocalpha"])
    assert_full_precision(read(data), straight, alpha[..., 0])


def test_cmyk_tiff_keeps_16_bits(read: Read) -> None:
    ink = samples(5, 7, 4, bits=16)
    unit = ink / 65535
    expected = torch.from_numpy(2 * (1 - unit[..., :3]) * (1 - unit[..., 3:]) - 1).permute(2, 0, 1).float()
    picture = read(tiff(ink, photometric="separated"))
    torch.testing.assert_close(picture.pixels, expected, atol=1e-6, rtol=0)


def test_pgm_keeps_16_bits(read: Read) -> None:
    pixels = samples(5, 7, 1, bits=16)
    assert_full_precision(read(b"P5 7 5 65535\n" + pixels.astype(">u2").tobytes()), pixels)


# Orientation -------------------------------------------------------------------------------------------


def oriented_files(orientation: int) -> dict[str, bytes]:
    image = Image.fromarray(samples(3, 5, 3))
    block = exif_block(Orientation=orientation)
    return {
        "jpeg": saved(image, "JPEG", exif=block),
        "png": saved(image, "PNG", exif=block),
        "webp": saved(image, "WEBP", exif=block, lossless=True),
        "tiff": saved(image, "TIFF", exif=block),
        "palette tiff": saved(image.quantize(15), "TIFF", exif=block),
    }


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied(read: Read, orientation: int) -> None:
    for kind, data in oriented_files(orientation).items():
        upright = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
        expected = tensor(np.asarray(upright))
        torch.testing.assert_close(read(data).pixels, expected, atol=1e-6, rtol=0, msg=kind)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_to_16_bits_and_alpha(read: Read, orientation: int) -> None:
    pixels = samples(3, 5, 4, bits=16)
    block = exif_block(Orientation=orientation).removeprefix(b"Exif\0\0")
    tag = (274, "H", 1, orientation, True)
    rgba = {"photometric": "rgb", "extrasamples": ["unassalpha"], "extratags": [tag]}
    eight = Image.fromarray((pixels >> 8).astype(np.uint8))
    eight.getexif()[ExifTags.Base.Orientation] = orientation
    upright = np.asarray(ImageOps.exif_transpose(eight))
    behind_pixels = png(pixels)[:-12] + chunk(b"eXIf", block) + chunk(b"IEND", b"")
    for data in (png(pixels, chunk(b"eXIf", block)), behind_pixels, tiff(pixels, **rgba)):
        picture = read(data)
        assert picture.alpha is not None
        whole = torch.cat([(picture.pixels + 1) / 2, picture.alpha])
        found = (whole * 65535).round().permute(1, 2, 0).numpy().astype(np.uint16) >> 8
        np.testing.assert_array_equal(found, upright)


def test_impossible_orientation_is_ignored(read: Read) -> None:
    data = saved(Image.fromarray(samples(3, 5, 3)), "PNG", exif=exif_block(Orientation=9))
    assert read(data).pixels.shape == (3, 3, 5)


# Colour profiles ---------------------------------------------------------------------------------------

D65 = (0.3127, 0.3290, 1.0)
SRGB_PRIMARIES = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
ADOBE_PRIMARIES = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))


def rgb_profile(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    flat = [number for x, y in primaries for number in (x, y, 0.3)]
    return imagecodecs.cms_profile("rgb", whitepoint=D65, primaries=flat, gamma=gamma)


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
        UserWarning, match=r"picture: its colour profile is damaged or not for rgb, and ignored"
    ):
        picture = read(saved(image, "PNG", icc_profile=profile))
    torch.testing.assert_close(picture.pixels, tensor(np.asarray(image)), atol=1e-6, rtol=0)


def test_warning_points_at_the_caller(read: Read) -> None:
    with pytest.warns(UserWarning, match=r"picture: its colour profile") as caught:
        read(saved(Image.new("RGB", (2, 2)), "PNG", icc_profile=b"no profile"))
    assert caught[0].filename == __file__


# Metadata and several pictures -------------------------------------------------------------------------


def camera_exif() -> bytes:
    """A block as a camera writes it, with what must stay and what must go."""
    exif = Image.Exif()
    exif.update(
        {
            ExifTags.Base.Artist: "José".encode(),
            ExifTags.Base.Orientation: 6,
            ExifTags.Base.ImageWidth: 4000,
            ExifTags.IFD.Exif: {
                ExifTags.Base.DateTimeOriginal: "2024:05:06 07:08:09",
                ExifTags.Base.FocalLength: 50.0,
                ExifTags.Base.ExifImageWidth: 4000,
                ExifTags.Base.ColorSpace: 65535,
                ExifTags.Base.MakerNote: b"offsets",
            },
            ExifTags.IFD.GPSInfo: {
                ExifTags.GPS.GPSLatitudeRef: "N",
                ExifTags.GPS.GPSLatitude: (48.0, 51.0, 29.0),
            },
        }
    )
    return exif.tobytes()


@pytest.fixture
def photographed(read: Read) -> Picture:
    image = Image.fromarray(samples(3, 5, 3))
    return read(saved(image, "JPEG", exif=camera_exif(), dpi=(300, 200)))


def parsed(block: bytes | None) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block or b"")
    return exif


def assert_describes_the_photo(exif: Image.Exif) -> None:
    camera, place = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert exif[ExifTags.Base.Artist].encode("latin-1").decode() == "José"
    assert camera[ExifTags.Base.DateTimeOriginal] == "2024:05:06 07:08:09"
    assert camera[ExifTags.Base.FocalLength] == 50
    assert place == {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (48, 51, 29)}
    assert exif.get(ExifTags.Base.Orientation, 1) == 1


def test_exif_keeps_what_stays_true(photographed: Picture) -> None:
    assert_describes_the_photo(parsed(photographed.exif))


def test_exif_loses_orientation_sizes_colour_space_and_maker_note(photographed: Picture) -> None:
    exif = parsed(photographed.exif)
    assert exif[ExifTags.Base.Orientation] == 1
    assert set(exif.get_ifd(ExifTags.IFD.Exif)) == {
        ExifTags.Base.DateTimeOriginal,
        ExifTags.Base.FocalLength,
    }
    assert ExifTags.Base.ImageWidth not in exif


def test_exif_of_only_layout_is_none(read: Read) -> None:
    block = exif_block(Orientation=3, XResolution=72.0)
    assert read(saved(Image.new("RGB", (2, 2)), "PNG", exif=block)).exif is None
    assert read(saved(Image.new("RGB", (2, 2)), "TIFF")).exif is None


def test_resolution_turns_with_the_picture(photographed: Picture) -> None:
    assert photographed.dpi == (200, 300)


@pytest.mark.parametrize(
    ("unit", "expected"), [("inch", (300, 200)), ("centimeter", (762, 508)), ("none", None)]
)
def test_resolution_of_a_tiff_is_per_inch(
    read: Read, unit: str, expected: tuple[float, float] | None
) -> None:
    dpi = read(tiff(samples(2, 2, 3), photometric="rgb", resolution=(300, 200), resolutionunit=unit)).dpi
    assert dpi == (expected and pytest.approx(expected))


def test_missing_resolution_is_none(read: Read) -> None:
    for kind in ("PNG", "TIFF", "JPEG"):
        assert read(saved(Image.new("RGB", (2, 2)), kind)).dpi is None


@pytest.mark.parametrize("damage", [b"garbage", b"MM"], ids=len)
def test_damaged_exif_is_left_out_with_a_warning(read: Read, damage: bytes) -> None:
    image = Image.fromarray(samples(4, 4, 3))
    data = png(samples(4, 4, 3), chunk(b"eXIf", damage))
    with pytest.warns(UserWarning, match=r"picture: its EXIF data are damaged and left out"):
        picture = read(data)
    assert picture.exif is None
    assert torch.equal(picture.pixels, read(saved(image, "PNG")).pixels)


@pytest.mark.parametrize("kind", ["GIF", "PNG", "TIFF", "WEBP"])
def test_first_of_several_pictures_is_used_with_a_warning(read: Read, kind: str) -> None:
    first, second = (Image.new("L", (4, 4), grey).convert("RGB") for grey in (255, 0))
    data = saved(first, kind, save_all=True, append_images=[second])
    with pytest.warns(
        UserWarning, match=r"picture: it holds several pictures, of which only the first is used"
    ):
        picture = read(data)
    assert picture.pixels.min() == 1


def test_previews_in_a_camera_jpeg_are_no_pictures(read: Read) -> None:
    image = Image.new("RGB", (8, 8))
    assert read(saved(image, "MPO", save_all=True, append_images=[image])).pixels.shape == (3, 8, 8)


# Bad input ---------------------------------------------------------------------------------------------


def assert_refused(path: Path, match: str, **options: Any) -> None:
    with pytest.raises(InputError, match=match) as caught:
        read_picture(path, **options)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert_refused(
        tmp_path / "none.png", r"none\.png does not exist; a picture file is needed: check the path"
    )


def test_directory_is_refused(tmp_path: Path) -> None:
    assert_refused(tmp_path, r"is a directory; a picture file is needed: name one in it")


def test_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "read_bytes", deny)  # the tests may run as root, whom nothing is denied
    assert_refused(
        tmp_path / "a.png", r"cannot be read \(Permission denied\); check the path and its permissions"
    )


def test_null_character_in_a_path_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\\x00b cannot be read"):
        read_picture("a\0b")


def test_message_is_one_line_even_if_the_path_is_not(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"two\\nlines\.png does not exist") as caught:
        read_picture(tmp_path / "two\nlines.png")
    assert "\n" not in str(caught.value)


def retagged(**values: int) -> bytes:
    """A TIFF of one pixel with other numbers in some tags."""
    data = bytearray(tiff(samples(1, 1, 3), photometric="rgb"))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        for name, value in values.items():
            tag = file.pages.first.tags[name]
            struct.pack_into(
                "<H" if tag.dtype == tifffile.DATATYPE.SHORT else "<I", data, tag.valueoffset, value
            )
    return bytes(data)


FLOATS = np.zeros((4, 4, 3), np.float32)

BAD_FILES = {
    "empty": (b"", r"is empty; a picture file is needed: copy it again"),
    "text": (
        b"no picture at all",
        r"is no picture, or damaged at its start; one of PNG, JPEG, TIFF, .* is needed",
    ),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", r"is no picture"),
    "png header": (png(samples(4, 4, 3))[:30], r"is no picture, or damaged at its start"),
    "png cut": (
        png(samples(40, 40, 3))[:-99],
        r"is damaged or cut off \(.*\); a whole picture is needed: copy it",
    ),
    "png16 cut": (png(samples(40, 40, 3, bits=16))[:-99], r"is damaged or cut off"),
    "jpeg cut": (saved(Image.fromarray(samples(40, 40, 3)), "JPEG")[:-99], r"is damaged or cut off"),
    "tiff cut": (
        tiff(samples(40, 40, 3), photometric="rgb")[:-99],
        r"is damaged or cut off \(missing strips\)",
    ),
    "jpeg 2000 cut": (
        saved(Image.fromarray(samples(40, 40, 3)), "JPEG2000")[:206],
        r"is cut off \(no end mark\)",
    ),
    "no height": (
        retagged(ImageWidth=4, ImageLength=0),
        r"has 4x0 px; at least 1x1 px are needed: give another picture",
    ),
    "png without height": (png(np.zeros((0, 4, 3), np.uint8)), r"is no picture, or damaged at its start"),
    "float tiff": (
        tiff(FLOATS, photometric="rgb"),
        r"has 32-bit samples \(IEEEFP, RGB\); unsigned 8 or 16 bits",
    ),
    "signed tiff": (
        tiff(FLOATS.astype(np.int16), photometric="rgb"),
        r"has 16-bit samples \(INT, RGB\); unsigned 8 or 16 bits in grey, RGB or CMYK are needed: save it so",
    ),
    "float pfm": (b"Pf\n2 2\n-1.0\n" + bytes(16), r"has 32-bit samples, whose white is not defined"),
    "preview": (
        tiff(samples(4, 4, 3), photometric="rgb", subfiletype=1),
        r"begins with a preview, as raw files of cameras do; export a full TIFF or PNG",
    ),
    "three inks": (
        retagged(PhotometricInterpretation=5),
        r"has 3 samples a pixel, too few for cmyk; save it as RGB",
    ),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_file_is_refused(tmp_path: Path, name: str) -> None:
    data, match = BAD_FILES[name]
    path = tmp_path / "bad.file"
    path.write_bytes(data)
    assert_refused(path, match)


@pytest.mark.parametrize(
    ("kind", "size", "max_pixels", "match"),
    [
        (
            "png",
            (20000, 15000),
            178_956_970,
            r"more than 178,956,970 pixels \(.*300000000 pixels.*\); give a smaller",
        ),
        (
            "png",
            (300, 200),
            59_999,
            r"has 300x200 px, more than 59,999 pixels; give a smaller picture or raise max",
        ),
        (
            "tiff",
            (20000, 15000),
            178_956_970,
            r"has 20000x15000 px, more than 178,956,970 pixels; give a smaller",
        ),
    ],
)
def test_huge_picture_is_refused_before_decoding(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    size: tuple[int, int],
    max_pixels: int,
    match: str,
) -> None:
    small = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    large = chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0))
    data = (
        png(samples(1, 1, 3)).replace(small, large)
        if kind == "png"
        else retagged(ImageWidth=size[0], ImageLength=size[1])
    )
    path = tmp_path / "bomb"
    path.write_bytes(data)
    monkeypatch.setattr(Image.Image, "load", lambda _: pytest.fail("decoded"))
    assert_refused(path, match, max_pixels=max_pixels)


def test_max_pixels_lifts_pillows_limit_for_the_call_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(png(samples(10, 10, 3)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    assert read_picture(path, max_pixels=100).pixels.shape == (3, 10, 10)
    assert Image.MAX_IMAGE_PIXELS == 20
    assert_refused(path, r"has more than 45 pixels|has 10x10 px, more than 45 pixels", max_pixels=45)
    assert Image.MAX_IMAGE_PIXELS == 20


def corpus() -> dict[str, bytes]:
    """One small file of each kind."""
    pixels, deep = samples(13, 17, 3), samples(13, 17, 3, bits=16)
    image = Image.fromarray(pixels)
    kinds = ("PNG", "JPEG", "GIF", "BMP", "PPM", "WEBP", "JPEG2000", "AVIF")
    return {
        **{kind: saved(image, kind) for kind in kinds},
        "progressive": saved(image, "JPEG", progressive=True, exif=camera_exif()),
        "palette png": saved(image.quantize(9), "PNG"),
        "palette tiff": saved(image.quantize(9), "TIFF"),
        "tiff": saved(image, "TIFF", exif=camera_exif()),
        "lzw": tiff(deep, photometric="rgb", compression="lzw", predictor=True),
        "deflate": tiff(deep, photometric="rgb", compression="zlib", rowsperstrip=4),
        "tiles": tiff(deep, photometric="rgb", tile=(16, 16)),
        "png16": png(deep, chunk(b"iCCP", b"wide\0\0" + zlib.compress(rgb_profile(ADOBE_PRIMARIES, 2.2)))),
    }


def read_or_refuse(path: Path, data: bytes) -> Tensor | None:
    """Pixels, or None after an InputError; any other exception fails the test."""
    path.write_bytes(data)
    try:
        return read_picture(path, max_pixels=100_000).pixels
    except InputError:
        return None


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", corpus())
def test_cut_file_is_refused_or_read_whole(tmp_path: Path, kind: str) -> None:
    data = corpus()[kind]
    whole = read_or_refuse(tmp_path / "whole", data)
    assert whole is not None
    for length in random.Random(kind).sample(range(1, len(data)), 60):
        pixels = read_or_refuse(tmp_path / "cut", data[:length])
        assert pixels is None or torch.equal(pixels, whole), length


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("kind", corpus())
def test_damaged_file_raises_nothing_but_input_error(tmp_path: Path, kind: str) -> None:
    data, chance = corpus()[kind], random.Random(kind)
    for _ in range(60):
        damaged = bytearray(data)
        for _ in range(chance.choice((1, 2, 5))):
            damaged[chance.randrange(min(len(data), chance.choice((60, 400, 9999))))] = chance.randrange(256)
        read_or_refuse(tmp_path / "damaged", bytes(damaged))


def test_random_bytes_are_refused(tmp_path: Path) -> None:
    chance = random.Random(0)
    for start in (
        b"",
        b"II*\0",
        b"MM\0*",
        b"II+\0",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"BM",
        b"P6 ",
    ):
        path = tmp_path / "random"
        path.write_bytes(start + chance.randbytes(200))
        with pytest.raises(InputError):
            read_picture(path)


# Writing -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("with_alpha", [False, True])
@pytest.mark.parametrize(("suffix", "bits"), LOSSLESS)
def test_written_picture_is_read_back_within_half_a_step(
    tmp_path: Path, suffix: str, bits: int, with_alpha: bool
) -> None:
    pixels, alpha = noise(9, 13), torch.rand(1, 9, 13) if with_alpha else None
    path = tmp_path / f"out{suffix}"
    write_picture(path, pixels, alpha=alpha, bits=bits)
    picture = read_picture(path)
    assert picture.bits == bits
    half = 0.501 / (2**bits - 1)
    torch.testing.assert_close(picture.pixels, pixels, atol=2 * half, rtol=0)
    if alpha is not None:
        assert picture.alpha is not None
        torch.testing.assert_close(picture.alpha, alpha, atol=half, rtol=0)


@pytest.mark.parametrize(("suffix", "bits"), LOSSLESS)
def test_colours_of_transparent_places_are_kept(tmp_path: Path, suffix: str, bits: int) -> None:
    path = tmp_path / f"out{suffix}"
    write_picture(path, torch.ones(3, 4, 4), alpha=torch.zeros(1, 4, 4), bits=bits)
    assert (read_picture(path).pixels == 1).all()


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    form=st.sampled_from(LOSSLESS),
    channels=st.sampled_from([3, 4]),
    seed=st.integers(0, 2**16),
)
def test_reading_and_writing_again_changes_no_byte(
    height: int, width: int, form: tuple[str, int], channels: int, seed: int
) -> None:
    suffix, bits = form
    pixels = samples(height, width, channels, bits=bits, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        first, second = Path(folder, f"a{suffix}"), Path(folder, f"b{suffix}")
        alpha = torch.from_numpy(pixels[..., 3:] / (2**bits - 1)).permute(2, 0, 1) if channels == 4 else None
        write_picture(first, tensor(pixels[..., :3]), alpha=alpha, bits=bits)
        picture = read_picture(first)
        write_picture(second, picture.pixels, alpha=picture.alpha, bits=bits)
        if picture.alpha is not None or alpha is None:  # else the one pixel was opaque
            assert first.read_bytes() == second.read_bytes()
        torch.testing.assert_close(picture.pixels, tensor(pixels[..., :3]), atol=1e-6, rtol=0)


def test_8_bit_png_keeps_its_pixels(tmp_path: Path) -> None:
    image = Image.fromarray(samples(16, 16, 3))
    image.save(tmp_path / "a.png")
    write_picture(tmp_path / "b.png", read_picture(tmp_path / "a.png").pixels)
    assert opened(tmp_path / "b.png").tobytes() == image.tobytes()


@pytest.mark.parametrize(("suffix", "bits"), [(".png", 16), (".tif", 8), (".tif", 16)])
def test_other_programs_read_the_same_samples(tmp_path: Path, suffix: str, bits: int) -> None:
    """Large enough for several strips in a TIFF."""
    expected = samples(600, 700, 4, bits=bits)
    path = tmp_path / f"out{suffix}"
    alpha = torch.from_numpy(expected[..., 3:] / (2**bits - 1)).permute(2, 0, 1)
    write_picture(path, tensor(expected[..., :3]), alpha=alpha, bits=bits)
    found = imagecodecs.png_decode(path.read_bytes()) if suffix == ".png" else tifffile.imread(path)
    np.testing.assert_array_equal(found, expected)
    if bits == 8:  # through libtiff
        np.testing.assert_array_equal(np.asarray(opened(path)), expected)


def test_values_are_rounded_to_nearest_and_clamped(tmp_path: Path) -> None:
    steps = torch.tensor([-3.0, -1.0, 0.49, 0.51, 99.49, 99.51, 254.51, 255.0, 300.0])
    write_picture(tmp_path / "out.png", (2 * steps / 255 - 1).expand(3, 1, 9))
    row = np.asarray(opened(tmp_path / "out.png"))[0, :, 0]
    assert row.tolist() == [0, 0, 0, 1, 99, 100, 255, 255, 255]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_any_float_type_and_layout_is_written(tmp_path: Path, dtype: torch.dtype) -> None:
    pixels = noise(4, 6).to(dtype).requires_grad_()
    write_picture(tmp_path / "a.png", pixels.transpose(1, 2))
    write_picture(tmp_path / "b.png", pixels.detach().float().transpose(1, 2).contiguous())
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_writing_leaves_its_arguments_alone(tmp_path: Path) -> None:
    pixels, alpha = 2 * noise(4, 6), torch.full((1, 4, 6), 2.0)
    before = pixels.clone()
    write_picture(tmp_path / "out.png", pixels, alpha=alpha)
    assert torch.equal(pixels, before)
    assert (alpha == 2).all()


def test_jpeg_has_quality_95_and_full_colour_resolution(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.jpg", noise(16, 16))
    image = opened(tmp_path / "out.jpg")
    assert isinstance(image, JpegImagePlugin.JpegImageFile)
    assert JpegImagePlugin.get_sampling(image) == 0
    reference = Image.open(io.BytesIO(saved(image, "JPEG", quality=95)))
    assert isinstance(reference, JpegImagePlugin.JpegImageFile)
    assert image.quantization == reference.quantization


def test_alpha_does_not_fit_into_a_jpeg(tmp_path: Path) -> None:
    path = tmp_path / "out.jpg"
    with pytest.warns(UserWarning, match=r"out\.jpg: transparency does not fit into a JPEG and is left out"):
        write_picture(path, noise(4, 4), alpha=torch.zeros(1, 4, 4))
    assert read_picture(path).alpha is None


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_same_picture_makes_the_same_bytes(tmp_path: Path, suffix: str, bits: int) -> None:
    files = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in files:
        write_picture(path, noise(9, 7), bits=bits, dpi=(300, 300), provenance={"seed": "1"})
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_output_carries_a_dateless_srgb_profile(tmp_path: Path, suffix: str, bits: int) -> None:
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits)
    profile = opened(tmp_path / f"out{suffix}").info["icc_profile"]
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert struct.unpack(">6H", profile[24:36]) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_exif_is_carried_over(tmp_path: Path, photographed: Picture, suffix: str, bits: int) -> None:
    path = tmp_path / f"out{suffix}"
    write_picture(path, photographed.pixels, bits=bits, exif=photographed.exif, provenance={"seed": "1"})
    assert_describes_the_photo(opened(path).getexif())
    assert_describes_the_photo(parsed(read_picture(path).exif))


@pytest.mark.parametrize(("suffix", "bits"), [form for form in EVERY_FORMAT if form[0] != ".webp"])
def test_resolution_is_carried_over(tmp_path: Path, suffix: str, bits: int) -> None:
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits, dpi=(300, 200))
    assert read_picture(tmp_path / f"out{suffix}").dpi == pytest.approx(
        (300, 200), abs=0.02
    )  # PNG: per metre


def test_exif_too_large_for_a_jpeg_is_left_out_with_a_warning(tmp_path: Path) -> None:
    block = exif_block(ImageDescription="x" * 70_000)
    with pytest.warns(UserWarning, match=r"out\.jpg: over 64 KB of EXIF data do not fit into a JPEG"):
        write_picture(tmp_path / "out.jpg", noise(3, 3), exif=block)
    assert read_picture(tmp_path / "out.jpg").exif is None


@pytest.mark.parametrize(("suffix", "bits"), EVERY_FORMAT)
def test_provenance_is_read_back(tmp_path: Path, suffix: str, bits: int) -> None:
    provenance = {"seed": "1", "artist": "Žofie \"<&'> 絵\nsecond line", "empty": ""}
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits, provenance=provenance)
    assert read_provenance(tmp_path / f"out{suffix}") == provenance


def test_provenance_texts_of_a_png_have_the_programs_prefix(tmp_path: Path) -> None:
    write_picture(tmp_path / "out.png", noise(3, 3), provenance={"seed": "1"})
    assert opened(tmp_path / "out.png").info["sinct:seed"] == "1"


def test_foreign_picture_has_no_provenance(tmp_path: Path) -> None:
    Image.new("RGB", (2, 2)).save(tmp_path / "foreign.png")
    Image.new("RGB", (2, 2)).save(tmp_path / "foreign.jpg", xmp=b"<x:xmpmeta/>")
    assert read_provenance(tmp_path / "foreign.png") == {}
    assert read_provenance(tmp_path / "foreign.jpg") == {}


def test_provenance_of_no_picture_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.png does not exist"):
        read_provenance(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(InputError, match=r"text\.png is no picture"):
        read_provenance(tmp_path / "text.png")


def test_reading_and_writing_print_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for suffix in OUTPUT_SUFFIXES:
        write_picture(tmp_path / f"out{suffix}", noise(3, 3))
        read_picture(tmp_path / f"out{suffix}")
    assert capfd.readouterr() == ("", "")


# Where to write ----------------------------------------------------------------------------------------


def listing(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


@pytest.mark.parametrize("suffix", [*OUTPUT_SUFFIXES, ".PNG"])
def test_free_name_passes_and_nothing_is_left(tmp_path: Path, suffix: str) -> None:
    check_output(tmp_path / "new" / "folders" / f"out{suffix}", overwrite=False, size=(10, 10), bits=8)
    assert listing(tmp_path) == []


def test_existing_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    refusal = r"out\.png exists already; give another name, or --overwrite"
    with pytest.raises(OutputError, match=refusal):
        check_output(path, overwrite=False)
    with pytest.raises(OutputError, match=refusal):
        write_picture(path, noise(2, 2))
    assert path.read_bytes() == b"old"


def test_existing_file_may_be_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "out.png"
    path.write_bytes(b"old")
    check_output(path, overwrite=True)
    assert path.read_bytes() == b"old"
    write_picture(path, noise(2, 2), overwrite=True)
    assert read_picture(path).pixels.shape == (3, 2, 2)
    assert listing(tmp_path) == [path]


def test_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to(tmp_path / "target.png")
    write_picture(tmp_path / "link.png", noise(2, 2))
    assert (tmp_path / "link.png").is_symlink()
    assert read_picture(tmp_path / "target.png").pixels.shape == (3, 2, 2)


def test_missing_directories_are_made(tmp_path: Path) -> None:
    write_picture(tmp_path / "new" / "folders" / "out.png", noise(2, 2))
    assert read_picture(tmp_path / "new" / "folders" / "out.png").pixels.shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        (
            "out.bmp",
            {},
            r"out\.bmp has the suffix \.bmp, which names no format that can be written; end it in one",
        ),
        ("out", {}, r"out has no suffix, .* end it in one of \.png, \.jpg, \.jpeg, \.tif, \.tiff, \.webp"),
        (
            "out.jpg",
            {"bits": 16},
            r"out\.jpg can hold 8 bits per channel, not 16; .* a \.png or \.tif file for 16",
        ),
        ("out.webp", {"bits": 16}, r"out\.webp can hold 8 bits per channel, not 16"),
        ("out.png", {"bits": 12}, r"out\.png can hold 8 or 16 bits per channel, not 12; choose one of these"),
        (
            "out.jpg",
            {"size": (65501, 9)},
            r"out\.jpg cannot hold 65501x9 px, only 65500 px a side; give a \.tif",
        ),
        ("out.webp", {"size": (9, 16384)}, r"out\.webp cannot hold 9x16384 px, only 16383 px a side"),
        ("folder.png", {}, r"folder\.png is a directory; a file is needed: give a name in it"),
        ("file/out.png", {}, r"cannot write .*out\.png: Not a directory"),
        ("x" * 300 + ".png", {}, r"cannot write .*: File name too long"),
    ],
)
def test_impossible_output_is_refused(tmp_path: Path, name: str, options: dict[str, Any], match: str) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").touch()
    before = listing(tmp_path)
    with pytest.raises(OutputError, match=match):
        check_output(tmp_path / name, overwrite=False, **options)
    assert listing(tmp_path) == before


def test_place_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(**_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(tempfile, "TemporaryFile", deny)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: Permission denied"):
        check_output(tmp_path / "out.png", overwrite=False)


def test_write_protected_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out.png").touch()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: it is write-protected"):
        check_output(tmp_path / "out.png", overwrite=True)


@pytest.mark.parametrize(("suffix", "width"), [(".jpg", 65_500), (".webp", 16_383), (".png", 1_000_000)])
def test_largest_side_can_be_written(tmp_path: Path, suffix: str, width: int) -> None:
    write_picture(tmp_path / f"out{suffix}", torch.zeros(3, 1, width))
    assert read_picture(tmp_path / f"out{suffix}").pixels.shape == (3, 1, width)


@pytest.mark.parametrize("old", [None, b"old"])
def test_full_disk_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: bytes | None
) -> None:
    def fill(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "out.png"
    if old is not None:
        path.write_bytes(old)
    before = listing(tmp_path)
    monkeypatch.setattr(os, "fsync", fill)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: No space left on device; "):
        write_picture(path, noise(2, 2), overwrite=old is not None)
    assert listing(tmp_path) == before
    assert old is None or path.read_bytes() == old


def test_file_that_appears_meanwhile_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, write = tmp_path / "out.png", Path.write_bytes

    def write_late(temporary: Path, data: bytes) -> None:
        write(temporary, data)
        write(path, b"another's")

    monkeypatch.setattr(Path, "write_bytes", write_late)
    with pytest.raises(OutputError, match=r"cannot write .*out\.png: File exists"):
        write_picture(path, noise(2, 2))
    assert path.read_bytes() == b"another's"
    assert listing(tmp_path) == [path]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"out\.png is not written, as its pixels are not all finite"):
        write_picture(tmp_path / "out.png", torch.full((3, 2, 2), torch.nan))
    assert listing(tmp_path) == []


@pytest.mark.parametrize(("pixels", "alpha"), [((1, 2, 2), None), ((2, 2), None), ((3, 2, 2), (2, 2))])
def test_wrong_shape_is_a_programmers_error(
    tmp_path: Path, pixels: tuple[int, ...], alpha: tuple[int, ...] | None
) -> None:
    with pytest.raises(ValueError, match=r"pixels must be \(3, H, W\) and alpha \(1, H, W\), got \("):
        write_picture(
            tmp_path / "out.png", torch.zeros(pixels), alpha=None if alpha is None else torch.zeros(alpha)
        )
