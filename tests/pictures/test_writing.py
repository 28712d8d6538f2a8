"""What is written is what was given."""

import io
import struct
import tempfile
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, JpegImagePlugin

from sinct.pictures.jxl_header import read_jxl_header
from sinct.pictures.picture import (
    OUTPUT_SUFFIXES,
    read_picture,
    write_picture,
)
from tests.support.picture_files import EVERY_FORMAT, LOSSLESS, noise, opened, samples, saved, tensor


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


@pytest.mark.parametrize(("suffix", "bits"), [form for form in EVERY_FORMAT if form[0] != ".jxl"])
def test_output_carries_a_dateless_srgb_profile(tmp_path: Path, suffix: str, bits: int) -> None:
    write_picture(tmp_path / f"out{suffix}", noise(3, 3), bits=bits)
    profile = opened(tmp_path / f"out{suffix}").info["icc_profile"]
    assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    assert struct.unpack(">6H", profile[24:36]) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("bits", [8, 16])
def test_jpeg_xl_says_that_it_is_srgb(tmp_path: Path, bits: int) -> None:
    """Of 16 bits, imagecodecs would say that they are linear light."""
    write_picture(tmp_path / "out.jxl", noise(3, 3), bits=bits)
    header = read_jxl_header((tmp_path / "out.jxl").read_bytes())
    assert (header.bits, header.profile, header.remarks) == (bits, None, [])


@pytest.mark.parametrize("suffix", [".jpg", ".avif"])
def test_lossy_formats_are_near(tmp_path: Path, suffix: str) -> None:
    smooth = torch.linspace(-1, 1, 64).expand(3, 48, 64)
    alpha = None if suffix == ".jpg" else smooth[:1] / 2 + 0.5
    write_picture(tmp_path / f"out{suffix}", smooth, alpha=alpha)
    picture = read_picture(tmp_path / f"out{suffix}")
    torch.testing.assert_close(picture.pixels, smooth, atol=6 / 255, rtol=0)
    if alpha is not None:
        assert picture.alpha is not None
        torch.testing.assert_close(picture.alpha, alpha, atol=3 / 255, rtol=0)


def test_reading_and_writing_print_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    for suffix in OUTPUT_SUFFIXES:
        write_picture(tmp_path / f"out{suffix}", noise(3, 3))
        read_picture(tmp_path / f"out{suffix}")
    assert capfd.readouterr() == ("", "")
