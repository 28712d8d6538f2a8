"""What a picture's samples become: 8 and 16 bits, and orientation."""

import hashlib
import io
from typing import Any

import imagecodecs
import numpy as np
import pytest
import torch
from PIL import ExifTags, Image, ImageOps

from sinct.pictures.picture import (
    Picture,
)
from tests.support.picture_files import Array, Read, chunk, exif_block, png, samples, saved, tensor, tiff


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


@pytest.mark.parametrize(
    ("options", "remark"),
    [
        (
            {},
            r"it is in floating point, and taken as linear light: what is brighter than white \(1\.0\) is cut off",
        ),
        (
            {"iccprofile": imagecodecs.cms_profile("srgb")},
            r"it is in floating point: what is brighter than white",
        ),
    ],
)
def test_what_floating_point_is_taken_as_is_told(read: Read, options: dict[str, Any], remark: str) -> None:
    light = np.full((4, 4, 3), 0.25, np.float32)
    with pytest.warns(UserWarning, match=remark):
        picture = read(tiff(light, photometric="rgb", **options))
    expected = 0.25 if options else 1.055 * 0.25 ** (1 / 2.4) - 0.055
    assert picture.bits == 16
    assert picture.pixels.add(1).div(2).mean().item() == pytest.approx(expected, abs=1e-4)
